"""Training with feedback, qualification with a pass mark, attention items and planned repeats."""

import json
from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command

from annotations import models
from annotations.campaigns.quality import Quality, screens_planned
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.raters import rater_readmit, trial_join
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.protocols import protocol_named, shown_here
from annotations.protocols.base import Rules
from annotations.reports.build import report_build
from tests.annotations.raters import Rater
from tests.annotations.test_quality import answers_of, controlled, planted, play, refused
from tests.annotations.visitor import Visitor

FIRST = {"training": 2, "qualification": 3, "qualification_needed": 2}
REPEATS = {"repeats": 3, "repeats_needed": 2}


def kind_of(screen: dict[str, Any]) -> str:
    return models.Assignment.objects.get(public_id=screen["assignment"]).item.kind


def kinds_shown(rater: Rater, **how: Any) -> list[str]:
    """Of the screens that a rater answers, in their order."""
    screen, kinds = rater.next(), []
    while screen:
        kinds.append(kind_of(screen))
        screen = rater.submit(screen, answers=answers_of(screen, finds=True)).json()["next"]
    return kinds


@pytest.mark.pure
def test_training_and_qualification_come_first_and_what_is_hidden_anywhere_behind() -> None:
    quality = Quality(
        training=2, qualification=1, qualification_needed=1, degraded=2, degraded_needed=1, attention=1,
        attention_needed=1, repeats=2,
    )  # fmt: skip
    plans = [screens_planned(quality, 23, "secret", rater) for rater in range(300)]
    for plan in plans:
        kinds = [screen.kind for screen in plan]
        assert kinds[:3] == ["training", "training", "qualification"]
        assert Counter(kinds[3:]) == {"control": 2, "attention": 1, "repeat": 2}
        assert all(3 <= screen.after < 23 for screen in plan[3:])
        assert all(screen.after >= 6 for screen in plan if screen.kind == "repeat")
    first_hidden = Counter(plan[3].kind for plan in plans)
    assert min(first_hidden[kind] for kind in ("control", "attention", "repeat")) > 30  # of 300, a fifth and more


@pytest.mark.django_db
def test_a_rater_is_trained_then_qualifies_then_rates() -> None:
    campaign = controlled(captions=40, quality=FIRST | {"degraded": 1, "degraded_needed": 1}, screens_per_rater=12)
    kinds = kinds_shown(Rater(campaign))
    assert kinds[:5] == ["training"] * 2 + ["qualification"] * 3
    assert Counter(kinds[5:]) == {"regular": 6, "control": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("finds", [True, False])
def test_feedback_comes_after_training_and_never_else(finds: bool) -> None:
    campaign = controlled(captions=40, quality={"training": 1, "qualification": 1, "qualification_needed": 1})
    rater = Rater(campaign)
    first = rater.next()
    assert first["stage"] == "training"
    hidden = planted(first)
    assert hidden
    sent = rater.submit(first, answers=answers_of(first, finds=finds)).json()
    texts = {each["id"]: each["text"] for each in first["item"]["candidates"]}
    assert sent["feedback"] == {
        "found": finds,
        "degraded": {"id": hidden["degraded"], "text": texts[hidden["degraded"]]},
        "original": {"id": hidden["original"], "text": texts[hidden["original"]]},
        "how": "Its words were put in another order.",
    }
    assert sent["next"]["stage"] == "qualification"
    sent = rater.submit(sent["next"], answers=answers_of(sent["next"], finds=True)).json()
    assert "feedback" not in sent
    assert sent["next"]["stage"] is None
    assert models.Rater.objects.get().excluded_at is None  # training stops nobody


@pytest.mark.django_db
def test_the_page_says_what_was_meant_and_goes_on() -> None:
    campaign = controlled(captions=40, quality={"training": 1, "degraded": 1, "degraded_needed": 1})
    visitor = Visitor(campaign)
    welcome = visitor.client.get(visitor.address).content.decode()
    assert "On the first screen, which is for training" in welcome
    visitor.join()
    assert "Training: a text here was damaged on purpose." in visitor.page
    visitor.answer()  # the same for all texts
    assert "This was the damaged text:" in visitor.page
    hidden = models.Item.objects.get(kind="training").planted
    shown = [models.Candidate.objects.get(public_id=hidden[name]).text for name in ("degraded", "original")]
    assert all(text in visitor.page for text in shown)
    visitor.reload()
    assert "Training" not in visitor.page
    assert "answer/" in visitor.page


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["missed", "skipped"])
def test_who_does_not_reach_the_pass_mark_is_stopped(how: str) -> None:
    campaign = controlled(captions=40, quality=FIRST)
    rater = Rater(campaign)
    screen, sent = rater.next(), 0
    while screen:
        qualifying = kind_of(screen) == "qualification"
        sent += qualifying
        skips = qualifying and how == "skipped"
        reply = rater.skip(screen) if skips else rater.submit(screen, answers=answers_of(screen, finds=False))
        screen = reply.json()["next"]
    assert sent == 2  # of three, of which two were needed
    row = models.Rater.objects.get()
    assert row.stopped_by == "qualification"
    assert row.exclusion.startswith("judged 2 of 2 degraded texts of the qualification no worse than their originals")
    assert row.completion_code
    assert not row.assignments.filter(item__kind="regular").exists()
    rater_readmit(rater=row)
    assert play(rater, finds=True) == 12 - 2 - (2 if how == "missed" else 0)


@pytest.mark.django_db
def test_a_skip_that_is_taken_back_is_not_missed() -> None:
    campaign = controlled(captions=40, quality={"qualification": 2, "qualification_needed": 1})
    rater = Rater(campaign)
    skipped = rater.skip(rater.next()).json()
    again = rater.undo(skipped["rating"]).json()["next"]
    assert kind_of(again) == "qualification"
    following = rater.submit(again, answers=answers_of(again, finds=True)).json()["next"]
    rater.submit(following, answers=answers_of(following, finds=False))
    assert models.Rater.objects.get().stopped_by == ""


@pytest.mark.django_db
@pytest.mark.parametrize("does", [True, False])
def test_an_attention_item_asks_for_the_worst_answer(does: bool) -> None:
    campaign = controlled(quality={"attention": 2, "attention_needed": 2, "attention_text": "Please give this a 0."})
    assert models.Candidate.objects.filter(text="Please give this a 0.").count() == 2
    count = play(Rater(campaign), finds=does)
    row = models.Rater.objects.get()
    assert row.stopped_by == ("" if does else "attention")
    assert row.exclusion == ("" if does else "answered 1 of 1 attention items otherwise than they asked")
    assert (count == 12) is does


def again(rater: Rater, *, changes: bool) -> dict[str, list[Any]]:
    """What a rater gives each text by its words, first and again: one of the ends, by its letters."""
    given: dict[str, list[Any]] = {}
    screen = rater.next()
    while screen:
        repeated = kind_of(screen) == "repeat"
        scores = {}
        for each in screen["item"]["candidates"]:
            score = 5 + 90 * (sum(map(ord, each["text"])) % 2)
            scores[each["id"]] = 100 - score if repeated and changes else score
            given.setdefault(each["text"], []).append((repeated, each["id"]))
        screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], scores)).json()["next"]
    return given


@pytest.mark.django_db
def test_some_of_a_raters_screens_come_again_under_other_ids() -> None:
    campaign = controlled(captions=30, items=20, quality={"repeats": 4})
    given = again(Rater(campaign), changes=False)
    twice = {text: rows for text, rows in given.items() if len(rows) > 1}
    assert len(twice) == 4 * 3  # each with its three texts
    assert all([repeated for repeated, _ in rows] == [False, True] for rows in twice.values())
    assert all(len({name for _, name in rows}) == 2 for rows in twice.values())
    row = models.Rater.objects.get()
    assert row.assignments.filter(item__kind="repeat", check_passed=True).count() == 4
    assert models.Item.objects.filter(kind="regular", taken__gt=0).count() == 8
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert report.campaign.ratings == 8
    repeats = report.repeats["human_likeness"]
    assert (repeats.repeats, repeats.same) == (12, 1.0)


@pytest.mark.django_db
def test_a_repeat_shows_the_texts_of_the_first_screen_where_that_had_some_of_them() -> None:
    campaign = controlled(captions=30, items=20, quality={"repeats": 4}, texts_per_screen=2)
    given = again(Rater(campaign), changes=False)
    assert sum(len(rows) == 2 for rows in given.values()) == 4 * 2
    assert models.Assignment.objects.filter(item__kind="repeat", check_passed=True).count() == 4


@pytest.mark.django_db
def test_who_answers_repeats_otherwise_is_stopped() -> None:
    campaign = controlled(captions=30, items=20, quality={"repeats": 3, "repeats_needed": 3})
    again(Rater(campaign), changes=True)
    row = models.Rater.objects.get()
    assert row.stopped_by == "repeats"
    assert row.exclusion == "answered 1 of 1 repeated screens otherwise than before"


def first_and_repeat() -> tuple[models.Assignment, models.Assignment]:
    """Of the last repeat that was answered."""
    repeat = models.Assignment.objects.filter(item__kind="repeat", state="done").latest("pk")
    first = models.Assignment.objects.get(item__kind="regular", item__source=repeat.item.source, rater=repeat.rater)
    return first, repeat


def gives(screen: dict[str, Any], *, turned: bool) -> dict[str, Any]:
    """As `again` gives it first, or turned upside down."""
    scores = {each["id"]: 5 + 90 * (sum(map(ord, each["text"])) % 2) for each in screen["item"]["candidates"]}
    given = {name: 100 - score if turned else score for name, score in scores.items()}
    return dict.fromkeys(screen["criteria"], given)


@pytest.mark.django_db
@pytest.mark.parametrize("then", ["the same", "turned", "skipped", "nothing"])
@pytest.mark.parametrize("agreed", [True, False])
def test_a_repeat_is_held_against_the_first_answer_as_it_stands(agreed: bool, then: str) -> None:
    campaign = controlled(captions=30, items=20, quality={"repeats": 3})
    rater = Rater(campaign)
    again(rater, changes=not agreed)
    first, repeat = first_and_repeat()
    assert repeat.check_passed is agreed
    sent = models.Rating.objects.get(assignment=first)
    assert rater.undo(str(sent.key)).status_code == 201
    repeat.refresh_from_db()
    assert repeat.check_passed is None, "there is no first answer"
    screen = rater.next()
    assert screen["assignment"] == str(first.public_id)
    if then == "skipped":
        rater.skip(screen)
    elif then != "nothing":
        rater.submit(screen, answers=gives(screen, turned=then == "turned"))
    repeat.refresh_from_db()
    assert repeat.check_passed is {"the same": agreed, "turned": not agreed}.get(then)
    others = models.Assignment.objects.filter(item__kind="repeat").exclude(pk=repeat.pk)
    assert set(others.values_list("check_passed", flat=True)) == {agreed}
    if then in ("the same", "turned"):
        assert report_build(closed(campaign)).repeats["human_likeness"].same == pytest.approx(
            (2 * agreed + (agreed == (then == "the same"))) / 3
        )


def closed(campaign: models.Campaign) -> models.Campaign:
    campaign_close(campaign=campaign)
    return campaign


@pytest.mark.django_db
def test_who_changes_first_answers_after_their_repeats_is_stopped_at_once() -> None:
    campaign = controlled(captions=30, items=20, quality={"repeats": 3, "repeats_needed": 3}, screens_per_rater=14)
    rater = Rater(campaign)
    screen = rater.next()
    while screen and not models.Assignment.objects.filter(item__kind="repeat", state="done").exists():
        screen = rater.submit(screen, answers=gives(screen, turned=False)).json()["next"]
    first, _ = first_and_repeat()
    rater.undo(str(models.Rating.objects.get(assignment=first).key))
    screen = rater.next()
    rater.submit(screen, answers=gives(screen, turned=True))
    assert models.Rater.objects.get().stopped_by == "repeats"


def sent_by(rater: Rater) -> Any:
    return rater.client.get("/api/v1/rate/answers", headers={"Authorization": f"Rater {rater.session}"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "quality", [{"repeats": 3}, {"degraded": 2, "degraded_needed": 1}, {"attention": 2, "attention_needed": 1}]
)
def test_first_answers_cannot_be_looked_up_while_screens_may_come_again(quality: dict[str, int]) -> None:
    """Nor where only other screens are hidden: that it is refused does not say that any come again."""
    campaign = controlled(captions=30, items=20, quality=quality, screens_per_rater=8)
    rater = Rater(campaign)
    rater.submit(rater.next())
    refused = sent_by(rater)
    assert refused.status_code == 409
    assert "once all your screens are answered" in refused.json()["detail"]
    play(rater)
    assert sent_by(rater).status_code == 200
    other = Rater(campaign)
    other.submit(other.next())
    campaign_close(campaign=campaign)
    assert sent_by(other).status_code == 200


@pytest.mark.django_db
def test_a_dry_run_sees_all_of_it() -> None:
    quality = FIRST | {"attention": 1, "attention_needed": 1, "repeats": 1, "repeats_needed": 1}
    campaign = controlled(captions=40, quality=quality)
    trial, session = trial_join(campaign=campaign)
    kinds = kinds_shown(Rater(campaign, session=session))
    assert kinds[:5] == ["training"] * 2 + ["qualification"] * 3
    assert {"attention", "repeat"} < set(kinds[5:])
    trial.refresh_from_db()
    assert trial.excluded_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", shown_here())
def test_every_protocol_has_training_attention_and_repeats(protocol: str) -> None:
    one = protocol_named(protocol).one_criterion
    quality = {"training": 1, "qualification": 2, "qualification_needed": 1, "attention": 2, "attention_needed": 2}
    campaign = controlled(
        captions=40,
        quality=quality | {"repeats": 2},
        protocol=protocol,
        criteria=["human_likeness"] if one else ["human_likeness", "grounding"],
        overlap=20,
        screens_per_rater=14,
    )
    systems = ["human", "lstm", "gru"]
    raters_simulate(
        campaign=campaign, simulation=simulation_of(raters={"honest": 6}, truth={}, systems=systems, seed=3)
    )
    asked = models.Assignment.objects.filter(item__kind="attention", state="done")
    assert asked.count() > 0
    assert not asked.exclude(check_passed=True).exists()  # so bad that noise hides it from nobody
    again = models.Assignment.objects.filter(item__kind="repeat", state="done")
    assert again.count() > 0
    assert not again.filter(check_passed=None).exists()
    assert not models.Rater.objects.filter(stopped_by__in=["attention", "repeats"]).exists()


@pytest.mark.pure
@pytest.mark.parametrize(
    ("protocol", "first", "same", "other"),
    [
        ("slider", {"c": {"1": 50.0, "2": 70.0}}, {"c": {"8": 75.0, "9": 95.0}}, {"c": {"8": 76.0, "9": 96.0}}),
        ("likert", {"c": {"1": 5.0, "2": 3.0}}, {"c": {"8": 4.0, "9": 4.0}}, {"c": {"8": 3.0, "9": 4.0}}),
        ("pairwise", {"c": "1", "d": "tie"}, {"c": "8", "d": "9"}, {"c": "9", "d": "8"}),
        (
            "best_worst",
            {"c": {"1": 1.0, "2": -1.0, "3": 0.0}},
            {"c": {"8": 1.0, "9": 0.0, "10": -1.0}},
            {"c": {"8": 0.0, "9": 1.0, "10": -1.0}},
        ),
    ],
)
def test_what_counts_as_the_same_answer_again(protocol: str, first: Any, same: Any, other: Any) -> None:
    """By hand: a quarter of 0 to 100 is 25, of 1 to 5 it is 1; of two choices one is half."""
    twins = {"8": "1", "9": "2", "10": "3"}
    agrees = protocol_named(protocol).agrees
    assert agrees(first, same, twins, Rules())
    assert not agrees(first, other, twins, Rules())


@pytest.mark.pure
@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"training": 12}, "quality.training: 12 training and qualification screens leave none of 12"),
        ({"qualification": 2}, "quality.qualification_needed: missing"),
        ({"attention": 1, "attention_needed": 2}, "quality.attention_needed: 2 must be at most attention, 1"),
        ({"repeats": 7}, "quality.repeats: 7 hidden screens of 12 are too many"),
        ({"repeats_needed": 1}, "quality.repeats: missing; repeats and repeats_needed go together"),
        ({"attention_text": "Say no."}, "quality.attention: missing; attention_text goes with attention"),
        ({"degradations": ["truncation"]}, "quality.degraded: missing; degradations goes with"),
        ({"training": 51}, "quality.training: 51 must be a whole number from 0 to 50"),
    ],
)
def test_what_is_wrong_is_said(quality: Any, said: str) -> None:
    assert said in refused(quality=quality)


@pytest.mark.django_db
def test_repeats_alone_need_no_text_beside_another() -> None:
    """A scale of one text a screen has nothing to degrade it beside, but can be asked twice."""
    campaign = controlled(captions=30, items=20, quality={"repeats": 2, "repeats_needed": 1}, texts_per_screen=1)
    assert len(kinds_shown(Rater(campaign))) == 12


@pytest.mark.django_db
def test_what_the_rules_do_is_foretold(capsys: pytest.CaptureFixture[str]) -> None:
    """A random rater's answer finds the degraded text of two kinds in half of the screens, so that of three they find
    two or more in half of the cases."""
    quality = {"qualification": 3, "qualification_needed": 2, "attention": 1, "attention_needed": 1}
    campaign = controlled(captions=60, items=30, screens_per_rater=20, quality=quality)
    call_command("plan_campaign", "--quality", campaign.name, "--simulated", "300", "--json")
    rows = {row["kind"]: row for row in json.loads(capsys.readouterr().out.splitlines()[-1])["quality"]}
    assert rows["lazy"]["qualification"] == 1
    assert rows["random"]["qualification"] == pytest.approx(0.5, abs=0.12)
    assert rows["honest"].get("attention", 0) == 0
