"""Which of two texts did a person write? From a campaign to its report, whose numbers are counted by hand."""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.services.raters import rater_exclude
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import AnswerError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.protocols import protocol_named
from annotations.protocols.base import Rules
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater, handed_out_earlier
from tests.annotations.reports import report_build, report_csv, report_heds, report_html, report_latex
from tests.annotations.test_pairs_shown import wrote
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

WHICH = "which_is_human"
PROTOCOL = protocol_named(WHICH)
QUESTION = "Which of these two texts did a person write?"
TOLD = "On every screen a person wrote one of the two texts, and a machine wrote the other one."
TEXTS = {
    "gru": lambda n: f"we saw thing {n}",
    "lstm": lambda n: f"thing {n} was what we had",
    "bart": lambda n: f"everyone talked about thing {n}",
}
RULES: dict[str, Any] = {"criteria": ["human_likeness"], "candidates": {"a-text": 1, "b-text": 2}, "rules": Rules()}


@given(first=st.booleans(), confidence=st.integers(1, 3))
def test_an_answer_is_read_shown_and_sent_again_as_it_was(first: bool, confidence: int) -> None:
    chosen, other = ("a-text", "b-text") if first else ("b-text", "a-text")
    stored = PROTOCOL.read({"human_likeness": {"human": chosen, "confidence": confidence}}, **RULES)
    keys = RULES["candidates"]
    human, machine = str(keys[chosen]), str(keys[other])
    assert stored == {
        "human_likeness": {
            human: {"human": True, "confidence": confidence},
            machine: {"human": False, "confidence": confidence},
        }
    }
    assert json.loads(json.dumps(stored)) == stored
    shown = PROTOCOL.fields(stored, names={pk: name for name, pk in keys.items()})
    assert shown == {"human_likeness:judgement": f"{chosen}:{confidence}"}
    assert PROTOCOL.read(PROTOCOL.answers(shown), **RULES) == stored
    assert PROTOCOL.choices(stored) == {"human_likeness": human}
    assert PROTOCOL.goodness(stored) == {"human_likeness": {human: confidence, machine: -confidence}}


@pytest.mark.parametrize(
    ("answer", "place", "words"),
    [
        ("a-text", "", "must be an object with the keys human, confidence"),
        ({"human": "a-text"}, ".confidence", "not answered"),
        ({"confidence": 2}, ".human", "not answered"),
        *[
            ({"human": human, "confidence": 2}, ".human", "must be one of a-text, b-text")
            for human in (None, "", "c-text", True, ["a-text", "b-text"], {"a-text": True, "b-text": True}, 1)
        ],
        *[
            ({"human": "a-text", "confidence": confidence}, ".confidence", "must be a whole number from 1 to 3")
            for confidence in (0, 4, 2.0, True, "2", None)
        ],
        ({"human": "a-text", "confidence": 2, "machine": "b-text"}, ".machine", "is not one of the keys"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place(answer: object, place: str, words: str) -> None:
    with pytest.raises(AnswerError) as raised:
        PROTOCOL.read({"human_likeness": answer}, **RULES)
    assert raised.value.field == f"answers.human_likeness{place}"
    assert words in raised.value.message
    if place == ".human" and "one of" in words:
        assert raised.value.hint == "exactly one of the two texts is a person's"


@pytest.mark.django_db
def test_a_campaign_has_people_one_question_and_two_texts_a_screen() -> None:
    campaign = make_campaign(protocol=WHICH).campaign
    assert campaign.texts_per_screen == 2
    values = spec_of(campaign).model_dump()
    for wrong, words in (
        ({"systems": ["gru", "lstm"]}, "systems: 'human' is missing; the protocol 'which_is_human' shows a person's"),
        ({"systems": ["human"]}, "systems: 'human' alone; the protocol 'which_is_human' needs at least 2"),
        ({"criteria": ["human_likeness", "fluency"]}, "criteria: 2 are too many: there must be one"),
        ({"texts_per_screen": 3}, "texts_per_screen: 3 must be 2"),
        ({"ties": False}, "ties: is for choices between two texts"),
        ({"equivalence_margin": 0.5}, "equivalence_margin: 0.5 must be below 0.5, how far a share of right choices"),
    ):
        with pytest.raises(InputError, match=words):
            CampaignSpec.from_mapping(values | wrong)


Choose = Callable[[list[str], list[set[str]]], dict[str, Any]]


def answer_all(campaign: models.Campaign, choose: Choose) -> None:
    """By the API, by one more rater; `choose` has of each screen the texts' ids and who wrote them."""
    rater = Rater(campaign)
    screen = rater.next()
    while screen:
        texts = [each["id"] for each in screen["item"]["candidates"]]
        chosen = choose(texts, [wrote(each) for each in texts])
        sent = rater.submit(screen, answers={"human_likeness": chosen})
        assert sent.status_code == 201, sent.content
        assert set(sent.json()) == {"rating", "next"}, "whether it was right is not said"
        screen = sent.json()["next"]


class Given(NamedTuple):
    """A choice: the system beside people, where the person's text stood, whether it was chosen, and how surely."""

    machine: str
    side: int
    right: bool
    confidence: int


def rate(campaign: models.Campaign, raters: int) -> list[Given]:
    """People are told from lstm always, from gru two times of three, and never from bart."""
    given: list[Given] = []
    for number in range(raters):

        def choose(texts: list[str], systems: list[set[str]], number: int = number) -> dict[str, Any]:
            side = systems.index({"human"})
            (machine,) = systems[1 - side]
            right = {"lstm": True, "gru": len(given) % 3 > 0, "bart": False}[machine]
            given.append(Given(machine, side, right, 1 + (len(given) + number) % 3))
            return {"human": texts[side if right else 1 - side], "confidence": given[-1].confidence}

        answer_all(campaign, choose)
    return given


@pytest.mark.django_db
def test_every_screen_has_a_person_and_the_systems_and_sides_are_even_for_every_rater() -> None:
    """Of three systems beside people's, at every moment of a rater: each within one; and so the sides of people's."""
    campaign = make_campaign(captions=12, texts=TEXTS, protocol=WHICH, overlap=3).campaign
    of_items: dict[int, set[str]] = defaultdict(set)
    for _ in range(3):
        met, sides = Counter[str](), Counter[int]()

        def choose(
            texts: list[str],
            systems: list[set[str]],
            met: Counter[str] = met,
            sides: Counter[int] = sides,
        ) -> dict[str, Any]:
            side = systems.index({"human"})
            (machine,) = systems[1 - side]
            met[machine] += 1
            sides[side] += 1
            assert max(met[name] for name in TEXTS) - min(met[name] for name in TEXTS) <= 1
            assert abs(sides[0] - sides[1]) <= 1
            of_items[models.Candidate.objects.get(public_id=texts[0]).item_id].add(machine)
            return {"human": texts[0], "confidence": 1}

        answer_all(campaign, choose)
        assert met.total() == 12
    assert sum(len(seen) == 3 for seen in of_items.values()) >= 8, "an item's raters mostly see different systems"


@pytest.mark.django_db
def test_a_text_that_a_system_wrote_as_well_is_a_persons_and_one_that_all_wrote_makes_no_screen() -> None:
    def as_people(n: int) -> str:
        return f"People told story {n} in way 0." if n < 4 else f"we saw thing {n}"

    texts = {"gru": as_people, "lstm": lambda n: as_people(n) if n < 2 else f"thing {n} again"}
    campaign = make_campaign(
        captions=8, items=6, references_each=1, protocol=WHICH, overlap=2, texts=texts
    ).campaign  # fmt: skip

    def choose(texts: list[str], systems: list[set[str]]) -> dict[str, Any]:
        assert sum("human" in each for each in systems) == 1
        return {"human": texts["human" not in systems[0]], "confidence": 3}

    for _ in range(2):
        answer_all(campaign, choose)
    found = report_build(campaign)["forced_choice"]["human_likeness"]
    assert found["told"]["n"] == 12, "each screen once"
    assert found["told"]["accuracy"]["value"] == 1
    n = {row["system"]: row["told"]["n"] for row in found["systems"]}
    assert n["gru"] + n["lstm"] == 12, "a text by gru and a person beside one by lstm says nothing of gru"
    assert n["lstm"] >= 4


@pytest.mark.django_db
def test_from_a_campaign_to_its_report(tmp_path: Path) -> None:
    campaign = make_campaign(captions=24, protocol=WHICH, overlap=6, texts=TEXTS, equivalence_margin=0.05).campaign
    sheet = preregistration(campaign, at=timezone.now())
    for words in (
        QUESTION,
        "Two texts, of which a person wrote exactly one.",
        "The first text, definitely, probably or possibly; or the second text",
        "0.05** in the share chosen as human, around one half",
        "and 2 texts of an item on one screen",
    ):
        assert words in sheet
    given = rate(campaign, 6)
    campaign_close(campaign=campaign)
    report = report_build(campaign)

    def z(chosen: int, of: int) -> float:
        return float(norm.ppf((chosen + 0.5) / (of + 1)))

    def check(told: dict[str, Any], rows: list[Given]) -> None:
        right = sum(row.right for row in rows)
        first = [row for row in rows if row.side == 0]
        hits, alarms = sum(row.right for row in first), sum(not row.right for row in rows if row.side == 1)
        h, f = z(hits, len(first)), z(alarms, len(rows) - len(first))
        assert told["n"] == len(rows)
        assert told["accuracy"]["value"] == pytest.approx(right / len(rows))
        assert told["above_chance"]["value"] == pytest.approx(right / len(rows) - 0.5)
        assert told["d_prime"]["value"] == pytest.approx((h - f) / 2**0.5)
        assert told["bias"]["value"] == pytest.approx(-(h + f) / 2)

    found = report["forced_choice"]["human_likeness"]
    assert len(given) == 144
    check(found["told"], given)
    assert found["told"]["accuracy"]["ci"][0] < found["told"]["accuracy"]["value"] < found["told"]["accuracy"]["ci"][1]
    assert (found["told"]["equivalence"]["margin"], found["told"]["equivalence"]["shown"]) == (0.05, False)
    for row in found["systems"]:
        check(row["told"], [each for each in given if each.machine == row["system"]])
    assert [row["system"] for row in found["systems"]] == ["bart", "gru", "lstm"]
    assert {row["confidence"]: row["n"] for row in found["confidences"]} == dict(
        Counter(row.confidence for row in given)
    )
    for row in found["confidences"]:
        mine = [each.right for each in given if each.confidence == row["confidence"]]
        assert row["accuracy"]["value"] == pytest.approx(np.mean(mine))

    shares = {row["system"]: row["mean"] for row in report["criteria"]["human_likeness"]["systems"]}
    assert shares["human"] == pytest.approx(np.mean([row.right for row in given]))
    assert (shares["lstm"], shares["bart"]) == (0, 1), "chosen against people's: never, and always"

    page = said(report_html(report))
    for words in (
        "Which of two a person wrote",
        "asked which of two texts a person wrote, and how sure they were",
        f"{100 * np.mean([row.right for row in given]):.0f} % of the 144 choices were right",
        "guessing would be right in 50 %, since exactly one of the two texts is a person's",
        "Equivalence of accuracy to chance within ±0.05 was not shown",
        "bart is chosen as human more than lstm",
        "Chosen as human",
        "all choices were the same where the person's text was shown first",
    ):
        assert words in page, words
    assert "preferred" not in page
    latex = report_latex(report)
    assert r"d$^{\prime}$" in latex
    assert latex.isascii()
    assert b"human_likeness" in report_csv(report)
    heds = report_heds(report)
    for words in (
        "Classification.",
        "Relative: a screen shows a person's text and a system's",
        QUESTION,
        "definitely A",
    ):
        assert words in heds

    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    exported = []
    for row in rows:
        pair = [row["system_a"], row["system_b"]]
        side = pair.index("human")
        exported.append(Given(pair[1 - side], side, row["choice"] == "human", int(row["confidence"])))
        assert row["choice"] in pair
    assert exported == given
    call_command("export_ratings", campaign.name, format="jsonl", out=tmp_path / "ratings.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "ratings.jsonl").read_text().splitlines()]
    assert [line["confidence"] for line in lines] == [row.confidence for row in given]

    call_command("plan_campaign", pilot=campaign.name, systems=["human", "gru"])
    with pytest.raises(CommandError, match=r"no rater of campaign .* preferred gru to lstm"):
        call_command("plan_campaign", pilot=campaign.name, systems=["gru", "lstm"])


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_the_page(language: str) -> None:
    campaign = make_campaign(captions=4, protocol=WHICH, overlap=1, instructions="Please be quick.").campaign
    visitor = Visitor(campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    visitor.reload()
    told = TOLD if language == "en" else "화면마다 두 글 가운데 하나는 사람이 쓰고 다른 하나는 기계가 썼습니다"
    assert told in visitor.page, "whatever the campaign's instructions say"
    visitor.join()
    assert told in visitor.page
    question = QUESTION if language == "en" else "두 글 가운데 사람이 쓴 글은 어느 것일까요?"
    assert visitor.page.partition("</main>")[0].count(question) == 1
    field = "human_likeness:judgement"
    values = re.findall(rf'name="{field}"\s+value="([^"]*)"', visitor.page)
    assert [value[-1] for value in values] == list("321123")
    (first, second) = dict.fromkeys(value[:-2] for value in values)
    assert visitor.page.index(f"{first}:1") < visitor.page.index(f"{second}:1")
    words = ["definitely A", "possibly B"] if language == "en" else ["확실히 A", "B에 가까움"]
    assert all(word in visitor.page for word in words)

    def answer(value: str, path: str = "answer") -> Any:
        handed_out_earlier(visitor.assignment)
        form = {field: value, "key": visitor.key("answer"), "seconds": "4"}
        return visitor.send(f"{path}/{visitor.assignment}/", form)

    for wrong in ("1", f"{first}:4", f"{first}:", first, f"{first}:{second}:1", "other:1", ""):
        answer(wrong)
        assert not models.Rating.objects.exists()
        visitor.reload()
    draft = visitor.whose() | {field: values[4]}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", draft).status_code == 204
    visitor.reload()
    assert f'value="{values[4]}" checked' in " ".join(visitor.page.split())
    answer(values[1])
    stored = models.Rating.objects.get().answers["human_likeness"]
    keys = {str(each.public_id): str(each.pk) for each in models.Candidate.objects.all()}
    assert stored == {
        keys[first]: {"human": True, "confidence": 2},
        keys[second]: {"human": False, "confidence": 2},
    }
    visitor.undo()
    assert f'value="{values[1]}" checked' in " ".join(visitor.page.split())


@pytest.mark.django_db
def test_a_researcher_previews_what_raters_see(staff: Client) -> None:
    campaign = make_campaign(captions=4, texts=TEXTS, protocol=WHICH).campaign
    for number in range(1, 5):
        page = staff.get(reverse("campaign_preview", args=[campaign.pk, number])).content.decode()
        shown = dict.fromkeys(re.findall(r'value="([0-9a-f-]{36}):[123]"', page))
        systems = [wrote(each) for each in shown]
        assert (len(systems), systems.count({"human"})) == (2, 1)


@pytest.mark.django_db
def test_an_excluded_raters_choices_do_not_count() -> None:
    campaign = make_campaign(captions=6, protocol=WHICH, overlap=3, texts=TEXTS).campaign
    rate(campaign, 3)
    first = models.Rater.objects.filter(campaign=campaign).order_by("pk").first()
    assert first
    rater_exclude(rater=first, reason="clicked at random", release=False)
    assert report_build(campaign)["forced_choice"]["human_likeness"]["told"]["n"] == 12


@pytest.mark.django_db
def test_nobody_has_rated_yet() -> None:
    campaign = make_campaign(captions=2, protocol=WHICH).campaign
    report = report_build(campaign)
    assert report["forced_choice"]["human_likeness"]["told"]["n"] == 0
    assert "No ratings yet." in said(report_html(report))


@pytest.mark.django_db
def test_simulated_raters_find_what_was_planted() -> None:
    """People are as good as gru and far better than lstm."""
    campaign = make_campaign(captions=60, protocol=WHICH, overlap=6, texts={
        name: TEXTS[name] for name in ("gru", "lstm")}).campaign  # fmt: skip
    truth = {"human": 0.5, "gru": 0.5, "lstm": -2.0}
    simulation = simulation_of(raters={"honest": 6}, truth=truth, systems=list(truth), seed=1)
    assert raters_simulate(campaign=campaign, simulation=simulation) == 360
    found = report_build(campaign)["forced_choice"]["human_likeness"]
    accuracy = {row["system"]: row["told"]["accuracy"]["value"] for row in found["systems"]}
    assert 0.3 < accuracy["gru"] < 0.7 < 0.85 < accuracy["lstm"]
    confident = {row["confidence"]: row["accuracy"]["value"] for row in found["confidences"]}
    assert confident[3] > confident[1]


@pytest.mark.django_db
def test_it_teaches_a_model_what_was_taken_for_a_persons() -> None:
    campaign = make_campaign(captions=9, protocol=WHICH, purpose="feedback", overlap=3, texts=TEXTS).campaign
    rate(campaign, 3)
    built = feedback_set_build(name="believed", campaigns=[campaign], settings=FeedbackSettings())
    assert built.counts["ratings"] == 27
    chosen = [text.split()[0] for text in built.examples.values_list("text", flat=True)]
    assert set(built.examples.values_list("origin", flat=True)) == {"choice"}
    assert chosen.count("Everyone") > chosen.count("Thing")
