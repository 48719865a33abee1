"""Did a person or a machine write this? From a campaign to its report, whose numbers are counted by hand."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.raters import rater_exclude
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import AnswerError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.protocols import protocol_named
from annotations.protocols.base import Rules
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater, handed_out_earlier
from tests.annotations.reports import report_build, report_csv, report_heds, report_html, report_latex
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

HUMAN_OR_MACHINE = "human_or_machine"
PROTOCOL = protocol_named(HUMAN_OR_MACHINE)
QUESTION = "Did a person or a machine write this?"
TOLD = "Some of these texts were written by people and some by machines"
TEXTS = {"gru": lambda n: f"we saw thing {n}", "lstm": lambda n: f"thing {n} was what we had"}


@given(criterion=st.text(min_size=1), pk=st.integers(1), human=st.booleans(), confidence=st.integers(1, 3))
def test_an_answer_is_read_shown_and_sent_again_as_it_was(
    criterion: str, pk: int, human: bool, confidence: int
) -> None:
    given = {criterion: {"human": human, "confidence": confidence}}
    rules: dict[str, Any] = {"criteria": [criterion], "candidates": {"a-text": pk}, "rules": Rules()}
    stored = PROTOCOL.read(given, **rules)
    assert stored == {criterion: {str(pk): {"human": human, "confidence": confidence}}}
    assert json.loads(json.dumps(stored)) == stored
    shown = PROTOCOL.fields(stored, names={pk: "a-text"})
    assert shown == {f"{criterion}:judgement": str(3 + confidence if human else 4 - confidence)}
    assert PROTOCOL.read(PROTOCOL.answers(shown), **rules) == stored
    assert PROTOCOL.scores(stored) == {criterion: {str(pk): float(human)}}
    assert PROTOCOL.goodness(stored) == {criterion: {str(pk): float(confidence if human else -confidence)}}


@pytest.mark.parametrize(
    ("answers", "place", "words"),
    [
        (None, "answers", "must be an object with the criteria human_likeness"),
        ({}, "answers.human_likeness", "not answered"),
        ({"human_likeness": True}, "answers.human_likeness", "must be an object with the keys human, confidence"),
        ({"human_likeness": {"human": True}}, "answers.human_likeness.confidence", "not answered"),
        ({"human_likeness": {"confidence": 2}}, "answers.human_likeness.human", "not answered"),
        (
            {"human_likeness": {"human": 1, "confidence": 2}},
            "answers.human_likeness.human",
            "1 must be true or false",
        ),
        *[
            (
                {"human_likeness": {"human": True, "confidence": confidence}},
                "answers.human_likeness.confidence",
                "must be a whole number from 1 to 3",
            )
            for confidence in (0, 4, 2.0, True, "2", None)
        ],
        (
            {"human_likeness": {"human": True, "confidence": 2, "sure": 1}},
            "answers.human_likeness.sure",
            "is not one of the keys, which are human, confidence",
        ),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place(answers: object, place: str, words: str) -> None:
    with pytest.raises(AnswerError) as raised:
        PROTOCOL.read(answers, criteria=["human_likeness"], candidates={"a-text": 1}, rules=Rules())
    assert raised.value.field == place
    assert words in raised.value.message


@pytest.mark.django_db
def test_a_campaign_has_one_question_and_one_text_a_screen() -> None:
    campaign = make_campaign(protocol=HUMAN_OR_MACHINE).campaign
    assert campaign.texts_per_screen == 1
    values = {
        "name": "other",
        "purpose": "evaluation",
        "dataset": "d",
        "split": "test",
        "systems": ["human", "gru"],
        "criteria": ["human_likeness"],
        "items": 1,
        "protocol": HUMAN_OR_MACHINE,
    }
    for wrong, words in (
        ({"criteria": ["human_likeness", "fluency"]}, "criteria: 2 are too many: there must be one"),
        ({"texts_per_screen": 2}, "texts_per_screen: 2 must be 1"),
        ({"points": 5}, "points: 5 must be left out"),
        ({"equivalence_margin": 1.0}, "equivalence_margin: 1 must be below 1"),
    ):
        with pytest.raises(InputError, match=words):
            CampaignSpec.from_mapping(values | wrong)


def wrote(screen: dict[str, Any]) -> str:
    [text] = screen["item"]["candidates"]
    shown = models.CandidateOutput.objects.get(candidate__public_id=text["id"])
    return str(shown.output.decoding.system.name)


def answer_of(system: str, number: int, rater: int) -> dict[str, Any]:
    """People are believed five times of six, gru once of three and lstm never."""
    human = {"human": number % 6 > 0, "gru": number % 3 == 0, "lstm": False}[system]
    return {"human": human, "confidence": 1 + (number + rater) % 3}


def rate(campaign: models.Campaign, raters: int) -> list[tuple[str, dict[str, Any]]]:
    """By the API; which system each text was of, and what was answered."""
    given = []
    for rater in range(raters):
        program = Rater(campaign)
        screen, number = program.next(), rater
        while screen:
            system = wrote(screen)
            judged = answer_of(system, number, rater)
            sent = program.submit(screen, answers={"human_likeness": judged})
            assert sent.status_code == 201, sent.content
            given.append((system, judged))
            screen, number = sent.json()["next"], number + 1
    return given


@pytest.mark.django_db
def test_from_a_campaign_to_its_report(tmp_path: Path) -> None:
    campaign = make_campaign(
        captions=24, protocol=HUMAN_OR_MACHINE, overlap=6, texts=TEXTS, equivalence_margin=0.1
    ).campaign
    sheet = preregistration(campaign, at=timezone.now())
    for words in (
        QUESTION,
        "One of: definitely a machine, probably a machine, possibly a machine",
        "within ±0.1",
        "and one text of an item on one screen",
    ):
        assert words in sheet
    given = rate(campaign, 6)
    campaign_close(campaign=campaign)
    report = report_build(campaign)

    counts = Counter((system, judged["human"]) for system, judged in given)
    n = {system: counts[system, True] + counts[system, False] for system in ("human", "gru", "lstm")}
    result = report["criteria"]["human_likeness"]
    for row in result["systems"]:
        assert (row["n"], row["mean"]) == (n[row["system"]], counts[row["system"], True] / n[row["system"]])
        assert row["ci"] is not None
        assert 0 <= row["ci"][0] <= row["mean"] <= row["ci"][1] <= 1
    found = report["detection"]["human_likeness"]
    hits, alarms = counts["human", True], counts["gru", True] + counts["lstm", True]
    people, machines = n["human"], n["gru"] + n["lstm"]
    whole, said_human = people + machines, hits + alarms
    right = (hits + machines - alarms) / whole
    base, answered = people / whole, said_human / whole
    assert found["n"] == whole == len(given) == 144
    assert found["base_rate"] == pytest.approx(base)
    assert found["accuracy"]["value"] == pytest.approx(right)
    assert found["chance"] == pytest.approx(base * answered + (1 - base) * (1 - answered))
    assert found["above_chance"]["value"] == pytest.approx(right - found["chance"])
    assert found["majority"] == pytest.approx(max(base, 1 - base))

    def z(count: int, of: int) -> float:
        return float(norm.ppf((count + 0.5) / (of + 1)))

    assert found["d_prime"]["value"] == pytest.approx(z(hits, people) - z(alarms, machines))
    assert found["criterion"]["value"] == pytest.approx(-(z(hits, people) + z(alarms, machines)) / 2)
    d_prime = {row["system"]: row["d_prime"] for row in found["systems"]}
    assert d_prime["gru"]["value"] == pytest.approx(z(hits, people) - z(counts["gru", True], n["gru"]))
    assert d_prime["gru"]["ci"][0] < d_prime["gru"]["value"] < d_prime["gru"]["ci"][1]
    assert d_prime["lstm"]["value"] == pytest.approx(z(hits, people) - z(0, n["lstm"]))
    assert d_prime["lstm"]["undefined"]["code"] == "judged_alike"
    assert d_prime["human"]["undefined"]["code"] == "compared_with"
    signed = [(system, judged["confidence"] * (1 if judged["human"] else -1)) for system, judged in given]
    pairs = [
        float(np.sign(one - other) + 1) / 2 for who, one in signed for whom, other in signed if who == "human" != whom
    ]
    assert found["auc"]["value"] == pytest.approx(np.mean(pairs))
    assert found["auc"]["ci"][0] < found["auc"]["value"] < found["auc"]["ci"][1]
    assert (found["equivalence"]["margin"], found["equivalence"]["shown"]) == (0.1, False)

    page = said(report_html(report))
    for words in (
        "Human or machine",
        "asked whether a person or a machine wrote a text, and how sure they were",
        f"{100 * base:.0f} % of the 144 judgements were of people's texts",
        "Raters told people's texts from machines' better than by chance",
        "Equivalence of accuracy to chance within ±0.1 was not shown",
        "human is judged human more often than lstm",
        "all judgements of machine texts were the same",
        "Judged human",
    ):
        assert words in page, words
    latex = " ".join(report_latex(report).split())
    assert "Area under the ROC curve" in latex
    assert r"d$^{\prime}$ of people's texts" in latex
    assert latex.isascii()
    assert b"human_likeness" in report_csv(report)
    heds = report_heds(report)
    for words in ("Classification.", "Absolute: a screen shows one text.", QUESTION, "definitely a machine"):
        assert words in heds

    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    exported = [(row["system"], row["human"] == "1", int(row["confidence"])) for row in rows]
    assert exported == [(system, judged["human"], judged["confidence"]) for system, judged in given]
    call_command("export_ratings", campaign.name, format="jsonl", out=tmp_path / "ratings.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "ratings.jsonl").read_text().splitlines()]
    assert [(line["human"], line["confidence"]) for line in lines] == [
        (int(judged["human"]), judged["confidence"]) for _, judged in given
    ]
    call_command("plan_campaign", pilot=campaign.name, systems=["human", "gru"], runs=5)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_the_page(language: str) -> None:
    campaign = make_campaign(captions=4, protocol=HUMAN_OR_MACHINE, overlap=1, instructions="Please be quick.").campaign
    visitor = Visitor(campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    visitor.reload()
    told = TOLD if language == "en" else "이 글 가운데 일부는 사람이 쓰고 일부는 기계가 썼습니다"
    assert told in visitor.page, "whatever the campaign's instructions say"
    visitor.join()
    assert told in visitor.page
    question = QUESTION if language == "en" else "사람이 썼을까요, 기계가 썼을까요?"
    assert visitor.page.partition("</main>")[0].count(question) == 1
    ends = ("definitely a machine", "definitely a person") if language == "en" else ("확실히 기계", "확실히 사람")
    assert all(words in visitor.page for words in ends)
    field = "human_likeness:judgement"

    def answer(value: str, path: str = "answer") -> Any:
        handed_out_earlier(visitor.assignment)
        form = {field: value, "key": visitor.key("answer"), "seconds": "4"}
        return visitor.send(f"{path}/{visitor.assignment}/", form)

    for wrong in ("7", "0", "true", ""):
        answer(wrong)
        assert not models.Rating.objects.exists()
        visitor.reload()
    draft = visitor.whose() | {field: "5"}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", draft).status_code == 204
    visitor.reload()
    assert 'value="5" checked' in " ".join(visitor.page.split())
    answer("2")
    [stored] = models.Rating.objects.get().answers["human_likeness"].values()
    assert stored == {"human": False, "confidence": 2}
    visitor.undo()
    assert 'value="2" checked' in " ".join(visitor.page.split())


@pytest.mark.django_db
def test_without_people_there_is_nothing_to_tell_apart() -> None:
    campaign = make_campaign(
        captions=6, protocol=HUMAN_OR_MACHINE, overlap=2, texts=TEXTS, systems=["gru", "lstm"]
    ).campaign
    rate(campaign, 2)
    report = report_build(campaign)
    found = report["detection"]["human_likeness"]
    assert (found["base_rate"], found["accuracy"]["value"], found["d_prime"]["value"]) == (0, None, None)
    assert found["undefined"]["code"] == "no_human_system"
    page = said(report_html(report))
    assert "No system of the campaign is people, so accuracy and d′ cannot be computed." in page
    assert {row["system"] for row in report["criteria"]["human_likeness"]["systems"]} == {"gru", "lstm"}


@pytest.mark.django_db
@pytest.mark.parametrize("human", [True, False])
def test_everybody_answers_the_same(human: bool) -> None:
    campaign = make_campaign(captions=6, protocol=HUMAN_OR_MACHINE, overlap=3, texts=TEXTS).campaign
    for _ in range(3):
        rater = Rater(campaign)
        while screen := rater.next():
            rater.submit(screen, answers={"human_likeness": {"human": human, "confidence": 2}})
    report = report_build(campaign)
    found = report["detection"]["human_likeness"]
    assert found["above_chance"]["value"] == pytest.approx(0)
    assert found["accuracy"]["value"] == pytest.approx(found["chance"])
    assert abs(found["d_prime"]["value"]) < 0.5, "of unequal numbers of texts"
    assert found["d_prime"]["ci"] is None
    assert found["auc"] | {"undefined": None} == {"value": 0.5, "ci": None, "undefined": None}
    for row in report["criteria"]["human_likeness"]["systems"]:
        assert row["mean"] == human
        assert 0 <= row["ci"][0] < row["ci"][1] <= 1, "what nobody disagreed on is not sure"
    page = said(report_html(report))
    assert "Accuracy − chance is 0.000, with no interval: nothing varied" in page
    assert "Equivalence to chance was not tested" in page


@pytest.mark.django_db
def test_an_excluded_rater_and_a_text_of_two_writers() -> None:
    """Their judgements do not count; and one of a text that a person and a system wrote counts for both, as of a human
    text and as of a machine text."""
    same = {"gru": lambda n: f"People told story {n} in way 0.", "lstm": TEXTS["lstm"]}
    campaign = make_campaign(
        captions=8,
        references_each=1,
        protocol=HUMAN_OR_MACHINE,
        overlap=4,
        texts=same,
        systems=["human", "gru", "lstm"],
    ).campaign
    for number in range(4):
        program = Rater(campaign)
        screen = program.next()
        while screen:
            human = number == 0 or "People" in screen["item"]["candidates"][0]["text"]
            sent = program.submit(screen, answers={"human_likeness": {"human": human, "confidence": 2}})
            screen = sent.json()["next"]
    first = models.Rater.objects.filter(campaign=campaign).order_by("pk").first()
    rater_exclude(rater=first, reason="clicked at random", release=False)
    report = report_build(campaign)
    found = report["detection"]["human_likeness"]
    of_system = {row["system"]: row["n"] for row in found["systems"]}
    assert of_system["human"] == of_system["gru"] > 0
    assert of_system["human"] + of_system["lstm"] == 24, "of three raters"
    assert found["n"] == 24 + of_system["gru"]
    shares = {row["system"]: row["judged_human"]["value"] for row in found["systems"]}
    assert shares == {"human": 1.0, "gru": 1.0, "lstm": 0.0}
    assert found["base_rate"] == pytest.approx(of_system["human"] / found["n"])
    assert found["d_prime"]["undefined"]["code"] == "judged_alike"


@pytest.mark.django_db
def test_nobody_has_rated_yet() -> None:
    campaign = make_campaign(captions=2, protocol=HUMAN_OR_MACHINE).campaign
    report = report_build(campaign)
    assert report["detection"]["human_likeness"]["undefined"]["code"] == "nothing"
    assert "No ratings yet." in said(report_html(report))


@pytest.mark.django_db
def test_it_teaches_a_model_what_was_judged_human() -> None:
    campaign = make_campaign(captions=9, protocol=HUMAN_OR_MACHINE, purpose="feedback", overlap=3, texts=TEXTS).campaign
    rate(campaign, 3)
    built = feedback_set_build(name="believed", campaigns=[campaign], settings=FeedbackSettings())
    assert built.counts["ratings"] == 27
    labels = dict(built.examples.filter(kind="label").values_list("text", "desirable"))
    people = [desirable for text, desirable in labels.items() if text.startswith("People told")]
    never = [desirable for text, desirable in labels.items() if text.startswith("Thing")]
    assert np.mean(people) > np.mean(never)
