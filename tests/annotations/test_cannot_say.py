"""“I cannot say” by a criterion, and a comment on a screen: with any protocol, by page and program."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.errors import InputError
from annotations.protocols import PROTOCOLS
from annotations.removal.erasing import identities, person_erase
from tests.annotations.erasable import places_of
from tests.annotations.raters import Rater, handed_out_earlier
from tests.annotations.reports import report_build, report_heds, report_html
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

CRITERIA = ["human_likeness", "fluency"]
TEXTS = {"gru": lambda n: f"we saw thing {n}", "lstm": lambda n: f"thing {n} was what we had"}


def answer_of(campaign: models.Campaign, screen: dict[str, Any]) -> Any:
    """What a simulated rater of the protocol says by one criterion."""
    texts = {candidate["id"]: candidate["text"] for candidate in screen["item"]["candidates"]}
    perceived = {"human_likeness": {name: len(text) / 10 for name, text in texts.items()}}
    simulated = PROTOCOLS[campaign.protocol].simulated(perceived, rules=campaign.rules, texts=texts)
    return json.loads(json.dumps(simulated))["human_likeness"]


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_takes_it_where_the_campaign_does(protocol: str) -> None:
    criteria = CRITERIA[: 1 if PROTOCOLS[protocol].one_criterion else 2]
    declinable = criteria[-1]
    campaign = make_campaign(
        captions=6, texts=TEXTS, overlap=2, protocol=protocol, criteria=criteria, cannot_say=[declinable]
    ).campaign
    assert spec_of(campaign).cannot_say == (declinable,)
    rater, other, declined = Rater(campaign), Rater(campaign), 0
    for each, every in ((rater, 2), (other, 3)):
        screen, number = each.next(), 0
        while screen:
            answers = dict.fromkeys(criteria, answer_of(campaign, screen))
            if number % every == 0:
                answers[declinable] = None
                declined += 1
            sent = each.submit(screen, answers=answers)
            assert sent.status_code == 201, sent.content
            screen, number = sent.json()["next"], number + 1
    ratings = models.Rating.objects.all()
    assert sum(declinable not in rating.answers for rating in ratings) == declined > 2
    if len(criteria) > 1:
        assert all(criteria[0] in rating.answers for rating in ratings)
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert report["cannot_say"] == {declinable: {"declined": declined, "answers": len(ratings)}}
    words = f"In {declined} of {len(ratings)} answers raters said that they could not judge the screen"
    assert words in said(report_html(report))
    assert "I cannot say" in report_heds(report)


@pytest.mark.django_db
def test_elsewhere_it_is_no_answer() -> None:
    campaign = make_campaign(captions=2, criteria=CRITERIA, cannot_say=["fluency"]).campaign
    rater = Rater(campaign)
    screen = rater.next()
    answers = rater.answers(screen)
    for wrong, place in (
        ({**answers, "human_likeness": None}, "answers.human_likeness"),
        ({"human_likeness": answers["human_likeness"]}, "answers.fluency"),
        ({**answers, "other": None}, "answers.other"),
    ):
        sent = rater.submit(screen, answers=wrong)
        assert sent.status_code == 422
        assert place in json.dumps(sent.json())
    assert not models.Rating.objects.exists()


@pytest.mark.django_db
def test_the_spec_names_criteria_and_comes_back_from_its_file(tmp_path: Path) -> None:
    campaign = make_campaign(criteria=CRITERIA, cannot_say=["fluency"], comments=True).campaign
    spec = spec_of(campaign)
    file = tmp_path / "campaign.toml"
    file.write_text(campaign_toml(spec))
    assert read_campaign_file(file) == CampaignSpec.from_mapping(spec.model_dump())
    with pytest.raises(InputError, match="cannot_say: 'warmth' is not one of the criteria: human_likeness, fluency"):
        CampaignSpec.from_mapping(spec.model_dump() | {"cannot_say": ["warmth"]})


@pytest.mark.django_db
def test_on_the_page_with_a_comment_undone_and_back(tmp_path: Path) -> None:
    campaign = make_campaign(captions=3, overlap=1, criteria=CRITERIA, cannot_say=["fluency"], comments=True).campaign
    visitor = Visitor(campaign)
    visitor.join()
    assert re.findall(r'name="(\w+:cannot_say)"', visitor.page) == ["fluency:cannot_say"]
    typed = "The second one is <odd> 🙂"
    handed_out_earlier(visitor.assignment)
    scores = {field: "40" for field in visitor.fields() if field.startswith("human_likeness")}
    half = visitor.whose() | {"fluency:cannot_say": "1", ":comment": "half a"}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", half).status_code == 204
    visitor.reload()
    assert re.search(r'name="fluency:cannot_say"\s+value="1" checked', visitor.page)
    assert ">half a</textarea>" in visitor.page
    form = scores | {"fluency:cannot_say": "1", ":comment": typed, "key": visitor.key("answer")}
    visitor.send(f"answer/{visitor.assignment}/", form)
    rating = models.Rating.objects.get()
    assert list(rating.answers) == ["human_likeness"]
    assert (rating.remark.reason, rating.remark.comment) == ("", typed)
    visitor.undo()
    assert re.search(r'name="fluency:cannot_say"\s+value="1" checked', visitor.page)
    assert "The second one is &lt;odd&gt; 🙂</textarea>" in visitor.page
    answered = visitor.answer(**{":comment": "Better now"})
    assert answered.status_code == 200
    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out, unblind=True)
    assert {row["comment"] for row in csv.DictReader(out.open())} == {"Better now"}


@pytest.mark.django_db
def test_comments_are_taken_where_they_are_asked_for_and_can_be_erased() -> None:
    silent = Rater(make_campaign(captions=2).campaign)
    screen = silent.next()
    sent = silent.post(
        f"assignments/{screen['assignment']}",
        {"key": "0" * 32, "answers": silent.answers(screen), "comment": "Hello"},
    )
    assert sent.status_code == 422
    assert "the campaign asks for no comments" in sent.json()["detail"]
    campaign = make_campaign(captions=2, comments=True, texts={"other": lambda n: f"thing {n} it was"}).campaign
    rater = Rater(campaign, "jin-4711")
    screen = rater.next()
    body = {"key": "1" * 32, "answers": rater.answers(screen), "comment": "  Typed by Jin\n"}
    path = f"assignments/{screen['assignment']}"
    handed_out_earlier(screen["assignment"])
    assert [rater.post(path, each).status_code for each in (body, body, body | {"comment": "x"})] == [201, 201, 422]
    assert models.Remark.objects.get().comment == "Typed by Jin"
    too_long = rater.post(path, body | {"comment": "x" * 2001})
    assert too_long.status_code == 422
    person_erase(identities("jin-4711"))
    assert models.Remark.objects.get().comment == ""
    assert not places_of(["Typed by Jin"])
