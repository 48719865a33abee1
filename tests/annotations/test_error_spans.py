"""Errors marked in texts: from a campaign to its report, whose numbers are counted by hand."""

import csv
import io
import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import rater_exclude
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import AnswerError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.protocols import protocol_named
from annotations.protocols.base import Rules
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater, handed_out_earlier
from tests.annotations.reports import comparison_build, report_build, report_csv, report_heds, report_html, report_latex
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

ERROR_SPANS = "error_spans"
PROTOCOL = protocol_named(ERROR_SPANS)
CATEGORIES = ["grammar", "repeated", "contradiction", "not_in_picture", "other"]
WEIGHT = {"minor": 1, "major": 5}
TEXT = "We saw 👩‍👩‍👧 & the sky"
ASKED: dict[str, Any] = {
    "criteria": ["errors"],
    "candidates": {"a": 7, "b": 8},
    "rules": Rules(),
    "texts": {7: TEXT, 8: "B"},
}
TEXTS = {"gru": lambda n: f"we we saw thing {n} there", "lstm": lambda n: f"thing {n} was was what we had in boat"}


def span(start: int, end: int, category: str = "grammar", severity: str = "minor") -> dict[str, Any]:
    return {"start": start, "end": end, "category": category, "severity": severity}


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A text, and errors in it that do not overlap."""
    text = draw(st.text(min_size=1, max_size=60))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    kinds = st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(list(WEIGHT)))
    return text, [span(start, end, *draw(kinds)) for start, end in list(pairwise(edges))[::2]]


@given(criterion=st.text(min_size=1), one=marked_texts(), other=marked_texts())
def test_an_answer_is_read_shown_and_sent_again_as_it_was(
    criterion: str, one: tuple[str, list[dict[str, Any]]], other: tuple[str, list[dict[str, Any]]]
) -> None:
    asked = {**ASKED, "criteria": [criterion], "texts": {7: one[0], 8: other[0]}}
    stored = PROTOCOL.read({criterion: {"b": other[1], "a": one[1][::-1]}}, **asked)
    assert stored == {criterion: {"7": one[1], "8": other[1]}}, "in the order of the text"
    assert json.loads(json.dumps(stored)) == stored
    shown = PROTOCOL.fields(stored, names={7: "a", 8: "b"})
    assert set(shown) == {f"{criterion}:a", f"{criterion}:b"}
    assert all(shown.values()), "a text without errors is answered"
    assert PROTOCOL.read(PROTOCOL.answers(shown), **asked) == stored
    marked = {"7": one[1], "8": other[1]}
    weighed = {pk: -sum(WEIGHT[each["severity"]] for each in spans) for pk, spans in marked.items()}
    assert PROTOCOL.scores(stored) == PROTOCOL.goodness(stored) == {criterion: weighed}


@pytest.mark.parametrize(
    ("answers", "place", "words"),
    [
        (None, "answers", "must be an object with the criteria errors"),
        ({"errors": {"a": []}}, "answers.errors.b", "not answered"),
        ({"errors": {"a": [], "b": [], "c": []}}, "answers.errors.c", "is not one of the candidates"),
        *[
            ({"errors": {"a": wrong, "b": []}}, "answers.errors.a", "must be a list of errors")
            for wrong in (None, {}, "[[0,1", True)
        ],
        *[
            ({"errors": {"a": [span(0, 2), wrong], "b": []}}, f"answers.errors.a[1]{place}", words)
            for wrong, place, words in (
                (None, "", "must be an object with the keys start, end, category, severity"),
                ({"start": 3, "end": 4, "category": "other"}, ".severity", "not answered"),
                (span(3, 4) | {"note": ""}, ".note", "is not one of the keys"),
                (span(-1, 4), ".start", "-1 must be a whole number from 0 to 22"),
                (span(True, 4), ".start", "True must be a whole number"),  # type: ignore[arg-type]
                (span("3", 4), ".start", "'3' must be a whole number"),  # type: ignore[arg-type]
                (span(3, 4.0), ".end", "4.0 must be a whole number"),  # type: ignore[arg-type]
                (span(3, 23), ".end", "23 must be a whole number from 0 to 22, the text's length in code points"),
                (span(4, 4), ".end", "4 must be above start, 4"),
                (span(5, 4), ".end", "4 must be above start, 5"),
                (span(3, 4, "style"), ".category", f"'style' must be one of {', '.join(CATEGORIES)}"),
                (span(3, 4, severity="critical"), ".severity", "'critical' must be one of minor, major"),
                (span(3, 4, ["minor"]), ".category", "must be one of"),  # type: ignore[arg-type]
                (span(1, 4), "", "overlaps [0]"),
                (span(0, 2), "", "overlaps [0]"),
            )
        ],
        (
            {"errors": {"a": [span(n, n + 1) for n in range(6)], "b": []}},
            "answers.errors.a",
            "6 errors are too many",
        ),
        ({"errors": {"a": [], "b": [span(0, 2)]}}, "answers.errors.b[0].end", "from 0 to 1"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place(answers: object, place: str, words: str) -> None:
    assert len(TEXT) == 22, "a family of three is five code points"
    with pytest.raises(AnswerError) as raised:
        PROTOCOL.read(answers, **ASKED)
    assert raised.value.field == place
    assert words in raised.value.message


def test_marks_that_touch_do_not_overlap_and_the_whole_text_can_be_one() -> None:
    given = {"a": [span(2, 5), span(0, 2)], "b": [span(0, 1)]}
    assert PROTOCOL.read({"errors": given}, **ASKED)["errors"]["7"] == [span(0, 2), span(2, 5)]
    assert PROTOCOL.read({"errors": {"a": [span(0, 22)], "b": []}}, **ASKED)["errors"]["7"] == [span(0, 22)]


@pytest.mark.parametrize("wrong", ["", "no", "null", "{}", "[1]", "[[0, 1]]", "[" * 100_000, "[[0,1,2,3,4]]"])
def test_a_field_that_is_no_list_of_errors_is_refused(wrong: str) -> None:
    sent = PROTOCOL.answers({"errors:a": wrong, "errors:b": "[]"})
    with pytest.raises(AnswerError) as raised:
        PROTOCOL.read(sent, **ASKED)
    assert raised.value.field == "answers.errors.a"


@given(seems=st.floats(-5, 5), text=st.text(max_size=80))
def test_what_a_simulated_rater_perceives_is_an_answer_that_is_better_for_better_texts(seems: float, text: str) -> None:
    scores = []
    for perceived in (seems, seems + 1):
        answer = PROTOCOL.simulated({"errors": {"a": perceived}}, rules=Rules(), texts={"a": text})
        stored = PROTOCOL.read(answer, **ASKED | {"candidates": {"a": 7}, "texts": {7: text}})
        scores.append(PROTOCOL.scores(stored)["errors"]["7"])
    assert scores[0] <= scores[1]


@pytest.mark.django_db
def test_a_campaign_names_its_categories_or_has_the_built_in_ones() -> None:
    campaign = make_campaign(protocol=ERROR_SPANS).campaign
    assert (campaign.texts_per_screen, campaign.categories) == (2, [])
    assert list(PROTOCOL.categories_of(campaign.rules)) == CATEGORIES
    own = ["tense", "made up"]
    other = make_campaign(protocol=ERROR_SPANS, categories=own, texts_per_screen=1, texts={
        "one": lambda n: f"one {n}", "two": lambda n: f"two {n}"
    }).campaign  # fmt: skip
    assert spec_of(other).categories == tuple(own)
    assert 'categories = ["tense", "made up"]' in campaign_toml(spec_of(other))
    assert CampaignForm.initial_of(spec_of(other))["categories"] == "tense, made up"
    rater = Rater(other)
    screen = rater.next()
    [text] = screen["item"]["candidates"]
    for category, status in (("grammar", 422), ("made up", 201)):
        answers = {"human_likeness": {text["id"]: [span(0, 2, category)]}}
        assert rater.submit(screen, answers=answers).status_code == status
    assert rater.post(f"{other.token}/join").json()["campaign"]["categories"] == own
    values = spec_of(campaign).model_dump()
    for wrong, words in (
        ({"criteria": ["errors", "fluency"]}, "criteria: 2 are too many: there must be one"),
        ({"texts_per_screen": 3}, "texts_per_screen: 3 must be from 1 to 2"),
        ({"points": 5}, "points: 5 must be left out"),
        ({"categories": [str(n) for n in range(21)]}, "categories: 21 are too many; at most 20"),
        ({"categories": ["tense", "tense"]}, "categories: 'tense' appears twice"),
        ({"categories": own, "protocol": "slider"}, "categories: are of marked errors; the protocol 'slider' has none"),
    ):
        with pytest.raises(InputError, match=re.escape(words)):
            CampaignSpec.from_mapping(values | wrong)


def by_system(screen: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Each system's text, with its id."""
    found = {}
    for text in screen["item"]["candidates"]:
        shown = models.CandidateOutput.objects.filter(candidate__public_id=text["id"])
        for system in shown.values_list("output__decoding__system__name", flat=True):
            found[str(system)] = text
    return found


def errors_in(system: str, text: str, number: int, rater: int) -> list[dict[str, Any]]:
    """People make one minor error in three; gru repeats its first word, and every second rater finds its end wrong as
    well; lstm has a major error, whose end raters see in different places."""
    if system == "human":
        return [span(0, 6)] if number % 3 == 0 else []
    if system == "gru":
        last = [span(len(text) - 6, len(text), "other")] if rater % 2 else []
        return [span(0, 5, "repeated"), *last]
    return [span(0, 9 + 2 * (rater % 3), "contradiction", "major")]


Marks = list[tuple[str, str, int, int, list[dict[str, Any]]]]  # system, text, item, rater, errors


def rate(campaign: models.Campaign, raters: int) -> Marks:
    """By the API; what was marked in which text."""
    marked: Marks = []
    for rater in range(raters):
        program = Rater(campaign)
        screen = program.next()
        while screen:
            number = int(re.findall(r"\d+", screen["item"]["source"])[0])
            answers = {}
            for system, text in by_system(screen).items():
                answers[text["id"]] = errors_in(system, text["text"], number, rater)
                marked.append((system, text["text"], number, rater, answers[text["id"]]))
            sent = program.submit(screen, answers={"human_likeness": answers})
            assert sent.status_code == 201, sent.content
            screen = sent.json()["next"]
    return marked


def coefficient(marked: Marks, label: Any) -> float:
    """Krippendorff's alpha over code points, from coincidences counted one by one."""
    values = defaultdict(list)
    for _, text, number, _, errors in marked:
        for point in range(len(text)):
            there = [label(each) for each in errors if each["start"] <= point < each["end"]]
            values[number, text, point].append(there[0] if there else "")
    pairs = [
        (one, other, 1 / (len(given) - 1))
        for given in values.values()
        if len(given) > 1
        for place, one in enumerate(given)
        for at, other in enumerate(given)
        if at != place
    ]
    n = sum(share for *_, share in pairs)
    totals = defaultdict(float)
    for one, _, share in pairs:
        totals[one] += share
    observed = sum(share for one, other, share in pairs if one != other) / n
    expected = 1 - sum(total * (total - 1) for total in totals.values()) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.django_db
def test_from_a_campaign_to_its_report(tmp_path: Path) -> None:
    campaign = make_campaign(captions=12, protocol=ERROR_SPANS, overlap=6, texts=TEXTS, equivalence_margin=0.5).campaign
    sheet = preregistration(campaign, at=timezone.now())
    for words in (
        "Which parts of this text are wrong?",
        "mark the five most severe",
        f"a category ({', '.join(CATEGORIES).replace('_', ' ')}) and a severity, by its weight: minor (1), major (5)",
        "Freitag et al. 2021",
        "within ±0.5",
        "and 2 texts of an item on one screen",
    ):
        assert words in sheet.replace("**", "")
    marked = rate(campaign, 6)
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert len(marked) == 144

    weighed = defaultdict(list)
    for system, _, _, _, errors in marked:
        weighed[system].append(sum(WEIGHT[each["severity"]] for each in errors))
    result = report["criteria"]["human_likeness"]
    assert [row["system"] for row in result["systems"]] == ["human", "gru", "lstm"], "fewest first"
    for row in result["systems"]:
        assert row["n"] == len(weighed[row["system"]])
        assert row["mean"] == pytest.approx(-np.mean(weighed[row["system"]]))
        assert row["ci"] is None or row["ci"][0] <= row["mean"] <= row["ci"][1] <= 0
    assert result["systems"][0]["z"] > result["systems"][2]["z"]
    counts = result["distribution"]["counts"]["lstm"]
    assert (len(counts), counts[20]) == (26, len(weighed["lstm"])), "a bin a point, from −25 to 0"
    [pair] = [each for each in report["pairs"] if {each["system_a"], each["system_b"]} == {"human", "lstm"}]
    assert pair["shown"]
    assert (pair["difference"] > 0) == (pair["system_a"] == "human")

    found = report["errors"]["human_likeness"]
    assert found["weights"] == {"minor": 1, "major": 5}
    for row in found["systems"]:
        theirs = [(text, errors) for system, text, _, _, errors in marked if system == row["system"]]
        words = sum(len(text.split()) for text, _ in theirs)
        assert row["n"] == len(theirs)
        assert row["clean"] == sum(not errors for _, errors in theirs)
        every = [each for _, errors in theirs for each in errors]
        assert row["counts"] == {name: sum(each["severity"] == name for each in every) for name in WEIGHT}
        assert row["per_100_words"]["value"] == pytest.approx(100 * sum(weighed[row["system"]]) / words)
        for kind in row["categories"]:
            of_it = [each for each in every if each["category"] == kind["category"]]
            assert kind["counts"] == {name: sum(each["severity"] == name for each in of_it) for name in WEIGHT}
            weight = sum(WEIGHT[each["severity"]] for each in of_it) / len(theirs)
            assert kind["weight"]["value"] == pytest.approx(weight)
    assert {row["system"]: row["clean"] > 0 for row in found["systems"]} == {"human": True, "gru": False, "lstm": False}
    labels = {"marked or not": lambda _: True, "severity": lambda e: e["severity"], "category": lambda e: e["category"]}
    assert [each["what"] for each in found["agreement"]] == list(labels)
    for each in found["agreement"]:
        assert each["value"] == pytest.approx(coefficient(marked, labels[each["what"]]))
        assert each["ci"][0] < each["value"] < each["ci"][1]
        assert each["texts"] == 36, "every text has four ratings of six"

    page = said(report_html(report))
    for words in (
        "asked to mark the errors in every text, each with a category and a severity (grammar, repeated",
        "Categories of errors",
        "human is marked with less weight of errors than lstm",
        "Weight per 100 words",
        "Without errors",
        "marked or not",
        "Error score",
    ):
        assert words in page, words
    latex = " ".join(report_latex(report).split())
    assert "their weight per 100 words" in latex
    assert latex.isascii()
    assert b"human_likeness" in report_csv(report)
    heds = report_heds(report)
    for words in ("Evaluation through annotation", "Relative: a screen shows texts of several systems", "minor (1)"):
        assert words in heds

    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(rows) == 144
    sent = sorted((system, number, text, json.dumps(errors)) for system, text, number, _, errors in marked)
    exported = []
    for row in rows:
        errors = json.loads(row["errors"])
        assert float(row["score"]) == -sum(WEIGHT[each["severity"]] for each in errors)
        for each in errors:
            assert each.pop("text") == row["text"][each["start"] : each["end"]]
        exported.append((row["system"], int(re.findall(r"\d+", row["text"])[0]), row["text"], json.dumps(errors)))
    assert sorted(exported) == sent
    for form in ("jsonl", "parquet"):
        call_command("export_ratings", campaign.name, format=form, out=tmp_path / f"ratings.{form}")
    lines = [json.loads(line) for line in (tmp_path / "ratings.jsonl").read_text().splitlines()]
    assert [(line["score"], line["errors"]) for line in lines] == [(float(row["score"]), row["errors"]) for row in rows]
    call_command("plan_campaign", pilot=campaign.name, systems=["human", "lstm"])


@pytest.mark.django_db
def test_an_excluded_rater_and_a_text_of_two_writers() -> None:
    same = {"gru": lambda n: f"People told story {n} in way 0.", "lstm": TEXTS["lstm"]}
    campaign = make_campaign(captions=8, references_each=1, protocol=ERROR_SPANS, overlap=4, texts=same).campaign
    marked = rate(campaign, 4)
    first = models.Rater.objects.filter(campaign=campaign).order_by("pk").first()
    rater_exclude(rater=first, reason="clicked at random", release=False)
    report = report_build(campaign)
    rows = {row["system"]: row for row in report["errors"]["human_likeness"]["systems"]}
    human, gru = rows["human"], rows["gru"]
    assert human | {"system": ""} == gru | {"system": ""}, "one text, of two"
    assert human["n"] == sum(system == "human" for system, _, _, rater, _ in marked if rater)
    kept = [each for each in marked if each[3] and each[0] != "gru"]
    found = {each["what"]: each["value"] for each in report["errors"]["human_likeness"]["agreement"]}
    assert found["category"] == pytest.approx(coefficient(kept, lambda each: each["category"]))


@pytest.mark.django_db
def test_campaigns_with_other_categories_are_not_compared() -> None:
    """With the same ones they are."""
    own = {"protocol": ERROR_SPANS, "categories": ["tense", "repeated", "grammar", "other", "contradiction"]}
    first = make_campaign(captions=4, texts=TEXTS, **own).campaign
    for name, categories in (("same", own["categories"]), ("other", None)):
        values = spec_of(first).model_dump() | {"name": name, "categories": categories}
        campaign_create(spec=CampaignSpec.from_mapping(values))
    campaigns = list(models.Campaign.objects.order_by("pk"))
    for campaign in campaigns:
        rate(campaign, 2)
        campaign_close(campaign=campaign)
    compared = comparison_build([each.name for each in campaigns])
    [why] = [each for each in compared["left_out"] if "categories" in each]
    assert "the categories of errors are tense, repeated, grammar, other, contradiction and grammar, repeated" in why


@pytest.mark.django_db
def test_nobody_has_rated_yet_and_nobody_finds_anything() -> None:
    campaign = make_campaign(captions=4, protocol=ERROR_SPANS, texts=TEXTS).campaign
    report = report_build(campaign)
    assert report["errors"]["human_likeness"]["systems"] == []
    assert "No ratings yet." in said(report_html(report))
    for _ in range(2):
        rater = Rater(campaign)
        while screen := rater.next():
            nothing = {each["id"]: [] for each in screen["item"]["candidates"]}
            assert rater.submit(screen, answers={"human_likeness": nothing}).status_code == 201
    report = report_build(campaign)
    for row in report["criteria"]["human_likeness"]["systems"]:
        assert (str(row["mean"]), row["ci"]) == ("0.0", None)
    found = report["errors"]["human_likeness"]
    assert all(row["clean"] == row["n"] for row in found["systems"])
    assert {each["undefined"]["code"] for each in found["agreement"]} == {"all_equal"}
    assert "nothing varied" in said(report_html(report))


@pytest.mark.django_db
def test_it_teaches_a_model_that_fewer_errors_are_better() -> None:
    campaign = make_campaign(captions=6, protocol=ERROR_SPANS, purpose="feedback", overlap=3, texts=TEXTS).campaign
    rate(campaign, 3)
    built = feedback_set_build(name="marked", campaigns=[campaign], settings=FeedbackSettings())
    preferred = list(built.examples.filter(kind="preference").values_list("text", "rejected"))
    people = [(text, rejected) for text, rejected in preferred if "People told" in text + rejected]
    assert people
    assert all(text.startswith("People told") for text, _ in people)
    of_text = dict(built.examples.filter(kind="spans").values_list("text", "spans"))
    assert all(spans for text, spans in of_text.items() if text.startswith("Thing"))


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_the_page(language: str) -> None:
    campaign = make_campaign(captions=4, protocol=ERROR_SPANS, overlap=1, texts=TEXTS, instructions="Go.").campaign
    visitor = Visitor(campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    visitor.reload()
    told = "Mark what is wrong in each text" if language == "en" else "글마다 잘못된 부분을 표시하세요"
    assert told in visitor.page, "whatever the campaign's instructions say"
    visitor.join()
    assert told in visitor.page
    words = ("Repetition", "Major") if language == "en" else ("반복", "심함")
    assert all(each in visitor.page for each in words)
    one, other = visitor.fields()

    def answer(**values: str) -> None:
        handed_out_earlier(visitor.assignment)
        visitor.send(f"answer/{visitor.assignment}/", {**values, "key": visitor.key("answer"), "seconds": "4"})

    mark = '[[0,2,"grammar","major"]]'
    for wrong in ({one: mark}, {one: mark, other: "1"}, {one: mark, other: '[[0,900,"grammar","major"]]'}):
        answer(**wrong)
        assert not models.Rating.objects.exists()
        assert 'class="note"' in visitor.page
    many = json.dumps([[n, n + 1, "not_in_picture", "minor"] for n in range(5)])
    assert len(many) > 40 * 4
    draft = visitor.whose() | {one: many}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", draft).status_code == 204
    visitor.reload()
    assert many.replace('"', "&quot;") in visitor.page, "a draft is kept whole"
    answer(**{one: many, other: "[]"})
    stored = models.Rating.objects.get().answers["human_likeness"]
    assert sorted(map(len, stored.values())) == [0, 5]
    visitor.undo()
    assert 'value="[]"' in visitor.page
    assert visitor.page.count("&quot;not_in_picture&quot;,&quot;minor&quot;") == 5
