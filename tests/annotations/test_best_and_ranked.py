"""The best and the worst text of a screen, and texts in their order: what raters can send, and what reports say."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import AnswerError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.protocols import Rules, protocol_named
from annotations.protocols.criteria import criteria_of
from annotations.reports.dictionary import columns_of
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater
from tests.annotations.reports import comparison_build, report_build, report_csv, report_heds, report_html, report_latex
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import UUID, Visitor
from tests.factories import make_campaign

APART, CRITERIA = Rules(ties=False), ["fluency", "a:b"]
CANDIDATES = {"x": 7, "y": 8, "z": 9}
BEST_WORST, RANKING = protocol_named("best_worst"), protocol_named("ranking")
names = st.integers(3, 7).map(lambda count: {f"name-{n}": 10 + n for n in range(count)})


@given(names, st.data())
def test_best_and_worst_come_back_as_they_were_set(candidates: dict[str, int], data: st.DataObject) -> None:
    pairs = {name: data.draw(st.permutations(sorted(candidates)))[:2] for name in CRITERIA}
    answers = {name: {"best": best, "worst": worst} for name, (best, worst) in pairs.items()}
    stored = BEST_WORST.read(answers, criteria=CRITERIA, candidates=candidates, rules=Rules())
    fields = BEST_WORST.fields(stored, names={pk: name for name, pk in candidates.items()})
    assert fields == {f"{name}:{kind}": chosen for name, by in answers.items() for kind, chosen in by.items()}
    assert BEST_WORST.answers(fields) == answers
    assert json.loads(json.dumps(stored)) == stored
    for name, scores in BEST_WORST.scores(stored).items():
        assert sorted(scores.values()) == [-1, *[0] * (len(candidates) - 2), 1]
        assert (scores[str(candidates[pairs[name][0]])], scores[str(candidates[pairs[name][1]])]) == (1, -1)
    assert BEST_WORST.goodness(stored) == BEST_WORST.scores(stored)


@given(names, st.data())
def test_ranks_come_back_as_they_were_set(candidates: dict[str, int], data: st.DataObject) -> None:
    """Whatever ranks are set on the page: of equal and left out ones the order alone is kept."""
    ranks = {name: data.draw(st.integers(1, len(candidates))) for name in candidates}
    answers = RANKING.answers({f"a:b:{name}": str(rank) for name, rank in ranks.items()})
    stored = RANKING.read(answers, criteria=["a:b"], candidates=candidates, rules=Rules())
    fields = RANKING.fields(stored, names={pk: name for name, pk in candidates.items()})
    assert fields == {
        f"a:b:{name}": str(1 + sum(other < rank for other in ranks.values())) for name, rank in ranks.items()
    }
    again = RANKING.read(RANKING.answers(fields), criteria=["a:b"], candidates=candidates, rules=Rules())
    assert again == stored == json.loads(json.dumps(stored))
    for name, share in ((name, RANKING.scores(stored)["a:b"][str(pk)]) for name, pk in candidates.items()):
        won = [(ranks[name] < rank) + (ranks[name] == rank) / 2 for other, rank in ranks.items() if other != name]
        assert share == pytest.approx(sum(won) / len(won))
    assert RANKING.goodness(stored) == RANKING.scores(stored)


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.2, 1.0]), min_size=3, max_size=6), st.booleans())
def test_what_a_simulated_rater_perceives_is_an_answer(seems: list[float], ties: bool) -> None:
    candidates, rules = {f"name-{n}": n for n in range(len(seems))}, Rules(ties=ties)
    perceived = {"c": dict(zip(candidates, seems, strict=True))}
    for protocol in (BEST_WORST, RANKING):
        answers = protocol.simulated(perceived, rules=rules, texts={})
        scores = protocol.scores(protocol.read(answers, criteria=["c"], candidates=candidates, rules=rules))["c"]
        best, worst = (pick(scores, key=scores.__getitem__) for pick in (max, min))
        assert seems[int(best)] >= seems[int(worst)]
        assert (len(set(scores.values())) == 1) == (protocol is RANKING and ties and max(seems) - min(seems) < 0.3)


@pytest.mark.parametrize(
    ("sent", "place", "says", "code"),
    [
        ({"best": "x"}, "answers.c.worst", "not answered", "missing"),
        ({"best": "x", "worst": "x"}, "answers.c.worst", "best cannot also be the worst", "same"),
        ({"best": "x", "worst": "q"}, "answers.c.worst", "'q' must be one of x, y, z", "value"),
        ({"best": "7", "worst": "y"}, "answers.c.best", "'7' must be one of x, y, z", "value"),
        ({"best": ["x"], "worst": "y"}, "answers.c.best", "must be one of x, y, z", "value"),
        ({"best": None, "worst": "y"}, "answers.c.best", "must be one of x, y, z", "value"),
        ({"best": "x", "worst": "y", "good": "z"}, "answers.c.good", "not one of the choices, which are best", "value"),
        (["x", "y"], "answers.c", "must be an object with the choices best, worst", "value"),
    ],
)
def test_what_is_no_best_and_worst_is_refused(sent: object, place: str, says: str, code: str) -> None:
    with pytest.raises(AnswerError, match=rf"^{re.escape(place)}: .*{re.escape(says)}") as refused:
        BEST_WORST.read({"c": sent}, criteria=["c"], candidates=CANDIDATES, rules=Rules())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("sent", "place", "says", "code"),
    [
        (["x", "y"], "answers.c.z", "not ranked; the candidates are x, y, z", "missing"),
        (["x", "y", "q"], "answers.c.2", "'q' must be one of x, y, z", "value"),
        (["x", "y", "x", "z"], "answers.c.2", "'x' is there twice; rank it once", "value"),
        (["x", ["y", "x"], "z"], "answers.c.1", "'x' is there twice", "value"),
        ([1, 2, 3], "answers.c.0", "must be one of x, y, z", "value"),
        (["x", ["y", ["z"]]], "answers.c.1", "must be one of x, y, z", "value"),
        (["x", [], "y", "z"], "answers.c.1", "is an empty list", "value"),
        ({"x": 1, "y": 2, "z": 3}, "answers.c", "must be a list of the candidates x, y, z, the best first", "value"),
        ("xyz", "answers.c", "must be a list", "value"),
        (None, "answers.c", "must be a list", "value"),
    ],
)
def test_what_is_no_ranking_is_refused(sent: object, place: str, says: str, code: str) -> None:
    with pytest.raises(AnswerError, match=rf"^{re.escape(place)}: .*{re.escape(says)}") as refused:
        RANKING.read({"c": sent}, criteria=["c"], candidates=CANDIDATES, rules=Rules())
    assert refused.value.code == code


def test_ranks_are_equal_only_where_the_campaign_says_so() -> None:
    asked: dict[str, Any] = {"criteria": ["c"], "candidates": CANDIDATES}
    assert RANKING.read({"c": ["z", ["x", "y"]]}, **asked, rules=Rules()) == {"c": {"7": 2, "8": 2, "9": 1}}
    with pytest.raises(AnswerError, match=r"answers\.c\.1: must be one candidate; ranks cannot be equal here"):
        RANKING.read({"c": ["z", ["x", "y"]]}, **asked, rules=APART)
    assert RANKING.read({"c": ["z", "x", "y"]}, **asked, rules=APART) == {"c": {"7": 2, "8": 3, "9": 1}}
    for wrong in ("0", "-1", "1.5", "first", "²"):
        with pytest.raises(AnswerError, match=r"answers\.c\.x: .* must be a whole number from 1"):
            RANKING.answers({"c:x": wrong})


def test_two_windows_set_no_text_both_best_and_worst_nor_a_rank_twice() -> None:
    texts = [("x", "a text"), ("y", "another"), ("z", "a third")]
    both = {"c:best": "y", "c:worst": "y"}
    asked = criteria_of(["c"], {})
    [by] = BEST_WORST.screen(texts, both, criteria=asked, rules=Rules())["choices"]  # type: ignore[misc]
    assert (by.best.value, by.worst.value) == ("y", "")
    twice = {"c:x": "1", "c:y": "1", "d:y": "1", "c:z": "2"}
    for rules, values in ((APART, ["1", "", "2"]), (Rules(), ["1", "1", "2"])):
        shown: Any = RANKING.screen(texts, twice, criteria=asked, rules=rules)["candidates"]
        assert [text.fields[0].value for text in shown] == values


def wrote(candidate: str) -> str:
    shown = models.CandidateOutput.objects.filter(candidate__public_id=candidate)
    return str(shown.values_list("output__decoding__system__name", flat=True).first())


def on(screen: dict[str, Any]) -> dict[str, str]:
    """The candidates' ids by who wrote them."""
    return {wrote(each["id"]): each["id"] for each in screen["item"]["candidates"]}


@pytest.mark.django_db
def test_the_best_and_the_worst_from_a_campaign_to_its_documents(tmp_path: Path) -> None:
    """One rater, by the API, always chooses people's text over lstm's; one, by the page, twice gru's over people's and
    then people's over gru's."""
    campaign = make_campaign(captions=4, protocol="best_worst", criteria=["fluency"]).campaign
    sheet = preregistration(campaign, at=timezone.now())
    assert "one is chosen as the best and another one as the worst. Any text as the best, and any other" in said(sheet)
    assert "Which is the best, most natural language? Which is the worst, least natural language?" in said(sheet)
    rater = Rater(campaign)
    screen = rater.next()
    assert len(screen["item"]["candidates"]) == 3
    same = rater.submit(screen, answers={"fluency": dict.fromkeys(("best", "worst"), on(screen)["gru"])})
    assert (same.status_code, same.json()["field"]) == (422, "answers.fluency.worst")
    while screen:
        by = on(screen)
        answered = rater.submit(screen, answers={"fluency": {"best": by["human"], "worst": by["lstm"]}})
        assert answered.status_code == 201, answered.content
        screen = answered.json()["next"]

    visitor = Visitor(campaign)
    assert "Which is the best, most natural language? Which is the worst, least natural language?" in visitor.page
    visitor.join()
    assert "best_worst/field.js" in visitor.page
    for place in range(4):
        ids = set(re.findall(rf'name="fluency:best"\s+value="({UUID})"', visitor.page))
        by = {wrote(each): each for each in ids}
        best, worst = ("gru", "human") if place < 2 else ("human", "gru")
        if not place:
            visitor.answer(**{"fluency:best": by["gru"], "fluency:worst": by["gru"]})
            assert "One text cannot be the best and the worst. Nothing was sent." in visitor.page
            visitor.answer(**{"fluency:best": by["gru"]})
            assert "Something is not answered yet. Nothing was sent." in visitor.page
            assert models.Rating.objects.count() == 4
        visitor.answer(**{"fluency:best": by[best], "fluency:worst": by[worst]})
        if not place:
            visitor.undo()
            chosen = re.findall(rf'name="fluency:(\w+)"\s+value="({UUID})" checked', visitor.page)
            assert chosen == [("best", by[best]), ("worst", by[worst])]
            visitor.answer(**{"fluency:best": by[best], "fluency:worst": by[worst]})
    assert "Thank you!" in visitor.page
    campaign_close(campaign=campaign)

    report = report_build(campaign)
    result = report["criteria"]["fluency"]
    assert report["campaign"]["scale"] == [-1, 1]
    assert [(row["system"], row["mean"], row["n"]) for row in result["systems"]] == [
        ("human", 4 / 8, 8), ("gru", 0, 8), ("lstm", -4 / 8, 8),
    ]  # fmt: skip
    counts = [(row["system"], row["shown"], row["best"], row["worst"]) for row in result["worths"]["systems"]]
    assert counts == [("human", 8, 6, 2), ("gru", 8, 2, 2), ("lstm", 8, 0, 4)]
    worths = [row["worth"] for row in result["worths"]["systems"]]
    assert worths == sorted(worths, reverse=True)
    assert sum(worths) == pytest.approx(0)
    assert {row["system"]: row["value"] for row in result["expected_wins"]} == {
        "human": pytest.approx((6 / 8 + 6 / 8) / 2), "gru": pytest.approx((2 / 8 + 6 / 8) / 2),
        "lstm": pytest.approx((2 / 8 + 2 / 8) / 2),
    }  # fmt: skip
    assert result["distribution"] == {
        "edges": [-1.5, -0.5, 0.5, 1.5], "counts": {"human": [2, 0, 6], "gru": [2, 4, 2], "lstm": [4, 4, 0]},
    }  # fmt: skip
    assert result["agreement"]["level"] == "ordinal"
    assert {pair["cumulative_link_model"] for pair in report["pairs"]} == {None}
    assert {rater["severity"] for rater in report["raters"]} == {None}
    page = said(report_html(report))
    for words in (
        "asked which of the texts on a screen is best and which is worst, on fluency",
        "System Best − worst 95 % interval Bootstrap Rank",
        "System Shown Best Worst Worth 95 % interval human 8 6 2",
        "−1 and every other 0, so that a system's mean is how often it was the best",
        "maxdiff model (Marley and Louviere 2005)",
        "no rater is more severe than another",
    ):
        assert words in page
    assert "z is the mean" not in page
    assert "Severity" not in page
    assert "maxdiff" in report_latex(report)
    assert b"best_minus" not in report_csv(report)
    heds = report_heds(report)
    for words in ("12 for four.", "Relative estimation of quality.", "how often as the worst, divided by how often"):
        assert words in heds
    check_files(campaign, tmp_path, {"1.0": 8, "-1.0": 8, "0.0": 8}, "1 if the rater chose the text as the best")


@pytest.mark.django_db
def test_rankings_from_a_campaign_to_its_documents(tmp_path: Path) -> None:
    """One rater, by the API, always ranks people above gru above lstm; one, by the page, has people and gru equal."""
    campaign = make_campaign(captions=4, protocol="ranking", criteria=["fluency"]).campaign
    sheet = said(preregistration(campaign, at=timezone.now()))
    assert "A rank for every text. Ranks from 1, the best, to the number of texts; texts may share one." in sheet
    rater = Rater(campaign)
    screen = rater.next()
    short = rater.submit(screen, answers={"fluency": [on(screen)["gru"]]})
    assert (short.status_code, "not ranked" in short.json()["detail"]) == (422, True)
    while screen:
        by = on(screen)
        order = [by["human"], by["gru"], by["lstm"]]
        answered = rater.submit(screen, answers={"fluency": order})
        assert answered.status_code == 201, answered.content
        screen = answered.json()["next"]

    visitor, ranks = Visitor(campaign), {"human": "1", "gru": "1", "lstm": "3"}
    assert "Which is the best, most natural language?" in visitor.page
    visitor.join()
    for place in range(4):
        fields = sorted(set(re.findall(rf'data-field="fluency:({UUID})"', visitor.page)))
        form = {f"fluency:{each}": ranks[wrote(each)] for each in fields}
        if not place:
            visitor.answer(**dict(list(form.items())[:2]))
            assert "Something is not answered yet. Nothing was sent." in visitor.page
        visitor.answer(**form)
        if not place:
            visitor.undo()
            set_before = re.findall(rf'name="(fluency:{UUID})"\s+value="(\d)" checked', visitor.page)
            assert dict(set_before) == form
            visitor.answer(**form)
    assert "Thank you!" in visitor.page
    campaign_close(campaign=campaign)

    report = report_build(campaign)
    result = report["criteria"]["fluency"]
    assert report["campaign"]["scale"] == [0, 1]
    assert [(row["system"], row["mean"], row["n"]) for row in result["systems"]] == [
        ("human", (4 + 4 * 0.75) / 8, 8), ("gru", (4 * 0.5 + 4 * 0.75) / 8, 8), ("lstm", 0, 8),
    ]  # fmt: skip
    won = {
        (row["system_a"], row["system_b"]): (row["wins"], row["ties"], row["losses"])
        for row in result["choices"]["table"]
    }
    assert won == {("gru", "human"): (0, 4, 4), ("gru", "lstm"): (8, 0, 0), ("human", "lstm"): (8, 0, 0)}
    assert [row["system"] for row in sorted(result["choices"]["systems"], key=lambda row: -row["worth"])] == [
        "human", "gru", "lstm",
    ]  # fmt: skip
    assert result["agreement"]["level"] == "interval"
    page = said(report_html(report))
    for words in (
        "asked to rank the texts on a screen, the best first, equal ranks allowed, on fluency",
        "System Share ranked above 95 % interval Bootstrap Rank",
        "System Log-strength 95 % interval",
        "the positions of ranked texts are not part of the model",
        "Strengths are those of the Bradley-Terry model with ties (Davidson 1970) of all pairs of texts on a screen",
    ):
        assert words in page
    heds = report_heds(report)
    assert "Every order of a screen's texts, with equal ranks." in heds
    assert "“Which is the best, most natural language?”, from “1 · best”" in heds
    check_files(campaign, tmp_path, {"1.0": 4, "0.5": 4, "0.75": 8, "0.0": 8}, "the share of the other texts")


def check_files(campaign: models.Campaign, folder: Path, scores: dict[str, int], meaning: str) -> None:
    """Its ratings as files, with what their column means; and a plan for the next campaign."""
    for form in ("csv", "jsonl"):
        call_command("export_ratings", campaign.name, format=form, out=folder / f"ratings.{form}")
    rows = list(csv.DictReader(io.StringIO((folder / "ratings.csv").read_text(encoding="utf-8-sig"))))
    assert {score: sum(row["score"] == score for row in rows) for score in {row["score"] for row in rows}} == scores
    lines = [json.loads(line) for line in (folder / "ratings.jsonl").read_text().splitlines()]
    assert sorted(str(line["score"]) for line in lines) == sorted(row["score"] for row in rows)
    [column] = [column for column in columns_of(campaign) if column.name == "score"]
    assert column.meaning.startswith(meaning)
    call_command("plan_campaign", pilot=campaign.name, systems=["human", "gru"])


@pytest.mark.django_db
def test_a_text_of_two_systems_is_one_text_on_the_screen_and_counts_for_both() -> None:
    alike = {name: lambda n: f"we saw thing {n}" for name in ("one", "two")}
    campaign = make_campaign(captions=3, texts=alike, protocol="ranking", criteria=["fluency"], overlap=1).campaign
    rater = Rater(campaign)
    screen = rater.next()
    while screen:
        by = on(screen)
        assert len(by) == 2
        people, machines = by.pop("human"), by.popitem()[1]
        screen = rater.submit(screen, answers={"fluency": [people, machines]}).json()["next"]
    campaign_close(campaign=campaign)
    result = report_build(campaign)["criteria"]["fluency"]
    assert {row["system"]: row["mean"] for row in result["systems"]} == {"human": 1, "one": 0, "two": 0}
    decided = [row for row in result["choices"]["table"] if row["wins"] + row["losses"]]
    assert {(row["system_a"], row["system_b"]) for row in decided} == {("human", "one"), ("human", "two")}


@pytest.mark.django_db
def test_four_of_more_texts_make_a_screen_and_two_make_none() -> None:
    five = {name: lambda n, name=name: f"{name} saw thing {n}" for name in ("gru", "lstm", "bart", "mlp")}
    campaign = make_campaign(captions=3, texts=five, protocol="best_worst").campaign
    assert campaign.texts_per_screen == 4
    assert len(Rater(campaign).next()["item"]["candidates"]) == 4
    with pytest.raises(InputError, match="systems: 2 systems; the protocol 'best_worst' needs at least 3"):
        make_campaign(captions=3, texts={"mlps": five["mlp"]}, protocol="best_worst")
    with pytest.raises(InputError, match="texts_per_screen: 2 must be from 3 to 5"):
        CampaignSpec.from_mapping(spec_of(campaign).model_dump() | {"texts_per_screen": 2})
    alike = {"one": lambda n: "the same", "another": lambda n: "the same"}
    with pytest.raises(InputError, match="only 0 have 3 different ones"):
        make_campaign(captions=3, texts=alike, protocol="best_worst")


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["best_worst", "ranking"])
def test_they_teach_a_model(protocol: str) -> None:
    campaign = make_campaign(captions=4, protocol=protocol, purpose="feedback", criteria=["fluency"]).campaign
    for _ in range(2):
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            by = on(screen)
            order = [by["human"], by["gru"], by["lstm"]]
            answers = {"best_worst": {"best": order[0], "worst": order[2]}, "ranking": order}[protocol]
            screen = rater.submit(screen, answers={"fluency": answers}).json()["next"]
    built = feedback_set_build(name="liked", campaigns=[campaign], settings=FeedbackSettings())
    assert (built.counts["kinds"], built.counts["ratings"], built.counts["raters"]) == ({"preference": 12}, 8, 2)
    order = ["People told", "We saw", "We had"]
    for chosen, rejected in built.examples.values_list("text", "rejected"):
        assert order.index(" ".join(chosen.split()[:2])) < order.index(" ".join(rejected.split()[:2]))


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["best_worst", "ranking"])
def test_what_is_relative_to_a_screen_is_compared_with_no_other_campaign(protocol: str) -> None:
    for name in ("first", "second"):
        texts = {f"{name}-{letter}": lambda n, word=letter: f"{word} {n}" for letter in "ab"}
        made = make_campaign(name=name, captions=2, protocol=protocol, texts=texts)
        campaign_close(campaign=made.campaign)
    assert comparison_build(["first", "second"])["left_out"] == [
        f"'{name}' has scores relative to the texts of its own screens ({protocol}), which are not compared."
        for name in ("first", "second")
    ]


@pytest.mark.django_db
def test_what_was_taken_back_is_not_kept() -> None:
    """A field that a window sends empty is taken out of the half answer; the others stay."""
    campaign = make_campaign(protocol="best_worst", criteria=["fluency"]).campaign
    visitor = Visitor(campaign)
    visitor.join()
    ids = re.findall(rf'name="fluency:best"\s+value="({UUID})"', visitor.page)

    def keep(**fields: str) -> dict[str, str]:
        sent = visitor.whose() | {f"fluency:{kind}": value for kind, value in fields.items()}
        assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", sent).status_code == 204
        return dict(models.Assignment.objects.get(public_id=visitor.assignment).draft)

    assert keep(best=ids[0]) == {"fluency:best": ids[0]}
    assert keep(best="", worst=ids[0]) == {"fluency:worst": ids[0]}
    visitor.reload()
    assert re.findall(rf'name="(fluency:\w+)"\s+value="({UUID})" checked', visitor.page) == [("fluency:worst", ids[0])]


@pytest.mark.django_db
@pytest.mark.parametrize(("protocol", "ties"), [("best_worst", None), ("ranking", True), ("ranking", False)])
def test_a_researcher_previews_a_screen(protocol: str, ties: bool | None) -> None:
    campaign = make_campaign(protocol=protocol, ties=ties, criteria=["fluency", "style"]).campaign
    staff = Client()
    staff.force_login(User.objects.create_superuser("admin", password="x"))
    page = staff.get(reverse("campaign_preview", args=[campaign.pk, 1])).content.decode()
    for question in ("Which is the best, most natural language?", "Which is best?"):
        assert question in page
    assert page.count("<fieldset disabled") == page.count("<fieldset") > 0
    assert ("may share a rank" in page) == (ties is True)
    assert ("the two change places" in page) == (ties is False)
