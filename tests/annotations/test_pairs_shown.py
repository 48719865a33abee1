"""Two texts side by side: which two, on which sides, and what a report makes of the choices."""

import re
from collections import Counter
from itertools import combinations

import pytest

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import InputError
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build, report_html
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
TEXTS = {
    "gru": lambda n: f"we saw thing {n}",
    "lstm": lambda n: "we had a great time ." if n != 5 else "we saw thing 5",
    "bart": lambda n: f"thing {n} was all that we talked about",
}
APART = {name: lambda n, name=name: f"{name} wrote this of thing {n}" for name in TEXTS}


def wrote(candidate: str) -> set[str]:
    shown = models.CandidateOutput.objects.filter(candidate__public_id=candidate)
    return set(shown.values_list("output__decoding__system__name", flat=True))


def test_every_two_systems_meet_as_often_and_stand_on_both_sides_as_often() -> None:
    """Of four systems and 18 items each rater compares each of the six pairs three times, and at every moment none of
    them more than once oftener than another."""
    campaign = make_campaign(captions=18, texts=APART, protocol="pairwise", overlap=3).campaign
    assert {item.candidates.count() for item in campaign.items.all()} == {4}
    pairs = list(combinations(sorted([*TEXTS, "human"]), 2))
    for _ in range(3):
        rater, sides, met = Rater(campaign), Counter[tuple[str, int]](), Counter[tuple[str, ...]]()
        while screen := rater.next():
            shown = screen["item"]["candidates"]
            pair = [name for each in shown for name in wrote(each["id"])]
            sides.update((name, side) for side, name in enumerate(pair))
            met[tuple(sorted(pair))] += 1
            assert max(met[each] for each in pairs) - min(met[each] for each in pairs) <= 1
            rater.submit(screen, answers=dict.fromkeys(screen["criteria"], shown[0]["id"]))
        for name in [*TEXTS, "human"]:
            assert abs(sides[name, 0] - sides[name, 1]) <= 3
        assert set(met.values()) == {3}


def test_one_text_a_screen_and_a_part_of_the_systems() -> None:
    """A slider for one text of four: an item's four raters score each text once, and the report takes it."""
    campaign = make_campaign(captions=12, texts=APART, overlap=4, texts_per_screen=1).campaign
    assert (campaign.texts_per_screen, spec_of(campaign).texts_per_screen) == (1, 1)
    for _ in range(4):
        rater, seen = Rater(campaign), Counter[str]()
        while screen := rater.next():
            (only,) = screen["item"]["candidates"]
            seen.update(wrote(only["id"]))
            rater.submit(screen, answers={name: {only["id"]: 50} for name in screen["criteria"]})
        assert max(seen.values()) - min(seen.values()) <= 1
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    criteria = next(iter(report["criteria"].values()))
    assert sum(row["n"] for row in criteria["systems"]) == 48
    assert min(row["items"] for row in criteria["systems"]) >= 8, "of 12, as an item's raters see different texts"
    with pytest.raises(InputError, match="texts_per_screen: 5 must be from 1 to 4"):
        CampaignSpec.from_mapping(spec_of(campaign).model_dump() | {"texts_per_screen": 5})
    with pytest.raises(InputError, match="texts_per_screen: 3 must be 2"):
        CampaignSpec.from_mapping(spec_of(campaign).model_dump() | {"texts_per_screen": 3, "protocol": "pairwise"})


def test_choices_become_a_report() -> None:
    """Everybody prefers people's text to any other, by the API and by the page; machines tie."""
    campaign = make_campaign(captions=12, texts=APART, protocol="pairwise", criteria=["fluency"], overlap=2).campaign
    rater = Rater(campaign)
    while screen := rater.next():
        by = {name: each["id"] for each in screen["item"]["candidates"] for name in wrote(each["id"])}
        rater.submit(screen, answers={"fluency": by.get("human", "tie")})
    visitor = Visitor(campaign)
    visitor.join()
    while 'id="answer"' in visitor.page:
        values = re.findall(r'name="fluency:choice"\s+value="([^"]*)"', visitor.page)
        assert values[1] == "tie"
        by = {name: each for each in values[::2] for name in wrote(each)}
        visitor.answer(**{"fluency:choice": by.get("human", "tie")})
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert report["campaign"]["ratings"] == 24
    best = report["criteria"]["fluency"]["systems"][0]
    assert (best["system"], best["mean"]) == ("human", 1)
    assert sum(row["ties"] for row in report["criteria"]["fluency"]["choices"]["table"]) == 12
    assert "asked which of two texts is better, or whether neither is, on fluency" in said(report_html(report))


def test_texts_that_are_alike_make_no_pair() -> None:
    alike = {"one": lambda n: "the same" if n < 3 else f"one {n}", "two": lambda n: "the same" if n < 3 else f"two {n}"}
    made = make_campaign(captions=6, texts=alike, protocol="pairwise", systems=["one", "two"], items=3)
    assert [item.candidates.count() for item in made.campaign.items.all()] == [2, 2, 2]
    with pytest.raises(InputError, match=r"items: 6 requested, but of 6 sources .* only 3 have 2 different ones"):
        make_campaign(captions=6, texts={f"{name}s": write for name, write in alike.items()}, protocol="pairwise",
                      systems=["ones", "twos"])  # fmt: skip
    assert models.Campaign.objects.count() == 1


def test_without_ties_one_has_to_be_chosen() -> None:
    rater = Rater(make_campaign(protocol="pairwise", ties=False).campaign)
    screen = rater.next()
    refused = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], "tie"))
    assert (refused.status_code, "must be one of" in refused.json()["detail"]) == (422, True)
    assert not models.Rating.objects.exists()


def test_half_an_answer_is_kept_with_the_text_that_was_chosen() -> None:
    visitor = Visitor(make_campaign(protocol="pairwise", criteria=["fluency", "coherence"]).campaign)
    visitor.join()
    first, *_ = re.findall(r'name="fluency:choice"\s+value="([^"]*)"', visitor.page)
    form = visitor.whose() | {"fluency:choice": first}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", form).status_code == 204
    visitor.reload()
    assert re.findall(r'name="(\w+:choice)"\s+value="([^"]*)" checked', visitor.page) == [("fluency:choice", first)]
