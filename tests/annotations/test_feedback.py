"""From ratings of any protocol to a feedback set, and never from an evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import fmean, variance
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.endings import rater_withdraw
from annotations.campaigns.services.raters import rater_exclude, rater_readmit
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, check_campaigns, feedback_discarding, feedback_set_build
from annotations.removal.erasing import identities, person_erase
from annotations.statistics.scores import shrunk_z
from annotations.storage.bulk import exhaust
from annotations.storage.unfinished import left_unfinished
from tests.annotations.feedback import beside, built, choosing, feedback_campaign, rate, row_of, scoring, systems_on
from tests.annotations.raters import Rater
from tests.factories import AlbumFactory, CaptionFactory, DatasetFactory, PhotoFactory, make_campaign

pytestmark = pytest.mark.django_db
USUAL = 0.16385  # of a single judgement: (1 − √(2 · 0.726 − 1)) / 2
PAIRS = {"protocol": "pairwise", "texts": {"gru": lambda n: f"we saw thing {n}"}}


def kinds(row: models.FeedbackSet) -> dict[str, int]:
    found: dict[str, int] = row.counts["kinds"]
    return found


def test_scores_are_standardised_by_rater_and_the_more_raters_agree_the_more_they_weigh() -> None:
    campaign = feedback_campaign(captions=6)
    rate(
        campaign,
        lambda by, caption: {name: 10.0 + 2 * len(caption) + 20 * (s == "human") for s, name in by.items()},
        lambda by, caption: {name: 60.0 + 10 * (s == "human") + int(caption[-1]) for s, name in by.items()},
        lambda by, caption: {name: 50.0 - 30 * (s == "gru") + 3 * int(caption[-1]) for s, name in by.items()},
    )
    row = built(campaign)
    rows = [
        (int(pk), rating.assignment.rater_id, score)
        for rating in models.Rating.objects.counting(campaign).select_related("assignment")
        for pk, score in rating.answers["human_likeness"].items()
    ]
    z = shrunk_z(np.array([score for _, _, score in rows]), np.array([rater for _, rater, _ in rows]))
    of_text: dict[int, list[float]] = {}
    for (pk, _, _), value in zip(rows, z.tolist(), strict=True):
        of_text.setdefault(pk, []).append(value)
    pooled = fmean(variance(own) for own in of_text.values())  # all have three
    scores = {each.candidate_id: each for each in row.examples.filter(kind="score")}
    assert set(scores) == set(of_text)
    for pk, own in of_text.items():
        around = (5 * pooled + 2 * variance(own)) / 7
        assert scores[pk].weight == pytest.approx(3 / (3 + around))
        assert scores[pk].score == pytest.approx(3 * fmean(own) / (3 + around))
        assert sorted(scores[pk].judgements.values()) == pytest.approx(sorted(own))
        assert scores[pk].ratings.count() == 3
    assert kinds(row) == {"score": 18, "preference": row.examples.filter(kind="preference").count()}
    assert (row.counts["ratings"], row.counts["raters"], row.simulated) == (18, 3, False)
    low, mean, high = row.counts["weights"]["score"]
    assert 0 < low < mean < high < 1


def test_chosen_criteria_alone_count() -> None:
    campaign = feedback_campaign(criteria=["human_likeness", "fluency"], captions=3)
    rater = Rater(campaign)
    screen = rater.next()
    while screen:
        by = systems_on(screen)
        likes, reads = (
            {by["human"]: 90, by["gru"]: 50, by["lstm"]: 10},
            {by["human"]: 10, by["gru"]: 50, by["lstm"]: 90},
        )
        screen = rater.submit(screen, answers={"human_likeness": likes, "fluency": reads}).json()["next"]
    both = built(campaign, name="both")
    assert {round(each.score or 0, 9) for each in both.examples.filter(kind="score")} == {0}
    assert both.counts["undecided"] == 9  # one criterion for, and one against
    fluent = built(campaign, name="fluent", criteria=("fluency",))
    chosen = fluent.examples.filter(kind="preference").values_list("text", "rejected")
    assert len(chosen) == 9
    assert all("great time" in text or "People told" in rejected for text, rejected in chosen)
    with pytest.raises(InputError, match="'sound' is a criterion of none of the campaigns; they have fluency, human"):
        built(campaign, name="x", criteria=("fluency", "sound"))
    with pytest.raises(InputError, match="has none of grounding; its criteria are human_likeness, fluency"):
        built(campaign, name="x", criteria=("grounding",))


def test_choices_become_preferences_by_their_majority() -> None:
    campaign = feedback_campaign(**PAIRS)
    rate(campaign, choosing("human"), choosing("human"), choosing("gru"))
    row = built(campaign)
    assert kinds(row) == {"preference": 4}
    for example in row.examples.all():
        assert example.text.startswith("People told")
        assert example.rejected.startswith("We saw thing")
        assert example.origin == "choice"
        assert sorted(example.judgements.values()) == [0, 1, 1]
        assert example.weight == pytest.approx(0.2)  # |2 · 3/5 − 1|
        assert example.flip_rate == pytest.approx(USUAL, abs=1e-4)  # 2k − n = 1: that of a single one
    [rate_of] = row.counts["flip_rates"]
    assert (rate_of["judged_twice"], rate_of["usual"]) == (4, True)
    assert rate_of["agreement"] == pytest.approx(1 / 3)


def test_a_tie_is_half_a_vote_and_equal_votes_are_no_preference() -> None:
    campaign = feedback_campaign(**PAIRS)
    rate(campaign, choosing("human"), choosing("tie"))
    for example in built(campaign).examples.all():
        assert sorted(example.judgements.values()) == [0.5, 1]
        assert example.weight == pytest.approx(2 * 2.5 / 4 - 1)
        assert example.flip_rate == pytest.approx(USUAL, abs=1e-4)
    against = beside(campaign, name="against", **{"protocol": "pairwise"})
    rate(against, choosing("human"), choosing("gru"))
    with pytest.raises(InputError, match="the ratings teach nothing"):
        built(against, name="x")


def test_the_flip_rate_is_from_the_agreement_of_the_campaigns_own_raters() -> None:
    campaign = feedback_campaign(captions=20, overlap=2, **PAIRS)
    against = lambda by, caption: by["gru" if caption.endswith(("1", "2")) else "human"]  # noqa: E731  # 4 of 20
    rate(campaign, choosing("human"), against)
    row = built(campaign)
    e = (1 - np.sqrt(2 * 0.8 - 1)) / 2
    assert kinds(row) == {"preference": 16}
    assert row.counts["undecided"] == 4
    [found] = row.counts["flip_rates"]
    assert (found["agreement"], found["judged_twice"], found["usual"]) == (pytest.approx(0.8), 20, False)
    assert found["rate"] == pytest.approx(e)
    for example in row.examples.all():
        assert example.flip_rate == pytest.approx(e**2 / (e**2 + (1 - e) ** 2))


def test_best_and_worst_and_ranks_and_labels() -> None:
    best = feedback_campaign(protocol="best_worst", captions=3)
    rate(best, lambda by, caption: {"best": by["human"], "worst": by["lstm"]})
    ranks = beside(best, name="ranks", protocol="ranking")
    rate(ranks, lambda by, caption: [by["human"], by["gru"], by["lstm"]])
    who = beside(best, name="who", protocol="human_or_machine", overlap=9)
    rate(who, *[lambda by, caption: {"human": "human" in by, "confidence": 2}] * 9)
    row = built(best, ranks, who)
    judged = {pk for rating in models.Rating.objects.counting(who) for pk in rating.answers["human_likeness"]}
    assert kinds(row) == {"preference": 18, "label": len(judged)}
    assert {each.origin for each in row.examples.filter(kind="preference")} == {"ranking"}
    for label in row.examples.filter(kind="label"):
        n = len(label.judgements)
        assert label.desirable == label.text.startswith("People told")
        assert label.weight == pytest.approx(2 * (n + 1) / (n + 2) - 1)
        assert label.flip_rate == pytest.approx(1 / (1 + ((1 - USUAL) / USUAL) ** n), rel=1e-2)
        assert set(label.judgements.values()) == {float(bool(label.desirable))}


def test_edits_are_preferred_to_the_text_and_an_unchanged_text_is_as_it_should_be() -> None:
    campaign = feedback_campaign(protocol="edit", captions=3, overlap=2, texts_per_screen=2, texts=PAIRS["texts"])
    changed = "We loved thing"

    def says(by: Any, caption: str) -> Any:
        pasted = {"pasted": 30} if caption.endswith("2") else {}
        rewrite = {"text": f"{changed} {caption[-1]}", **pasted}
        return {name: rewrite if system == "gru" else texts[name] for system, name in by.items()}

    texts = {str(each.public_id): each.text for each in models.Candidate.objects.all()}
    rate(campaign, says, says)
    row = built(campaign)
    assert kinds(row) == {"preference": 2, "label": 3}
    assert row.counts["pasted"] == 2
    for example in row.examples.filter(kind="preference"):
        assert example.text == f"{changed} {example.source.text[-1]}"
        assert example.rejected == example.candidate.text
        assert example.origin == "edit"
        assert set(example.judgements.values()) == {1.0}
        assert example.ratings.count() == 2
    for example in row.examples.filter(kind="label"):
        assert (example.desirable, example.text[:11]) == (True, "People told")
    assert kinds(built(campaign, name="pasted", admit_pasted=True)) == {"preference": 3, "label": 3}


def test_marked_errors_become_weights_of_code_points() -> None:
    campaign = feedback_campaign(
        protocol="error_spans", captions=1, overlap=2, texts={"gru": lambda n: "a 🎆 lovely day"}
    )

    def marking(*errors: tuple[int, int, str]) -> Any:
        def says(by: Any, caption: str) -> Any:
            spans = [{"start": a, "end": b, "category": "grammar", "severity": kind} for a, b, kind in errors]
            return {name: spans if system == "gru" else [] for system, name in by.items()}

        return says

    rate(campaign, marking((2, 3, "major"), (4, 10, "minor")), marking((2, 3, "major")))
    row = built(campaign)
    assert kinds(row) == {"preference": 1, "spans": 2}
    marked, clean = row.examples.filter(kind="spans").order_by("-text")[::-1]
    if "🎆" not in marked.text:
        marked, clean = clean, marked
    # both mark the firework as major: 1; one marks `lovely` as minor, 1 of 5: 0.1
    assert marked.spans == [{"start": 2, "end": 3, "weight": 1.0}, {"start": 4, "end": 10, "weight": 0.1}]
    length = len(marked.text)
    assert marked.weight == pytest.approx((length - 6) / length * 0.5)  # of two raters |2p − 1| is 1/2, or 0
    assert sorted(marked.judgements.values()) == pytest.approx([-1.2, -1.0])
    assert (clean.spans, clean.weight) == ([], pytest.approx(0.5))
    [preferred] = row.examples.filter(kind="preference")
    assert (preferred.text, preferred.rejected, preferred.origin) == (clean.text, marked.text, "scores")


def test_campaigns_of_mixed_protocols_over_the_same_texts() -> None:
    scores = feedback_campaign(captions=3, texts=PAIRS["texts"], name="scores")
    pairs = beside(scores, name="pairs", protocol="pairwise")
    people = [scoring(human=80, gru=20), scoring(human=70, gru=20)]
    rate(scores, *people)
    rate(pairs, choosing("human"))
    row = built(scores, pairs)
    assert kinds(row) == {"score": 6, "preference": 6}
    assert sorted(row.campaigns.values_list("name", flat=True)) == ["pairs", "scores"]
    assert row.counts["raters"] == 3
    assert {rater for each in row.examples.all() for rater in each.judgements} == {"r1", "r2", "r3"}
    assert [each.number for each in row.examples.order_by("number")] == list(range(1, 13))
    assert {each.kind for each in row.examples.filter(number__lte=6)} == {"score"}


def test_who_is_left_out_withdraws_or_takes_an_answer_back_teaches_nothing() -> None:
    campaign = feedback_campaign(overlap=5, **PAIRS)
    stays, left_out, withdraws = rate(campaign, choosing("human"), choosing("gru"), choosing("gru"))
    undoing = Rater(campaign)
    sent = undoing.submit(screen := undoing.next(), answers={"human_likeness": systems_on(screen)["gru"]})
    undoing.undo(sent.json()["rating"])
    row = row_of(left_out, campaign)
    rater_exclude(rater=row, reason="did not read")
    rater_withdraw(rater=row_of(withdraws, campaign))
    alone = built(campaign, name="alone")
    assert (alone.counts["raters"], alone.counts["ratings"]) == (1, 4)
    assert all(each.judgements == {"r1": 1.0} for each in alone.examples.all())
    theirs = row_of(stays, campaign)
    assert set(
        models.Rating.objects.filter(examples__feedback_set=alone).values_list("assignment__rater", flat=True)
    ) == {theirs.pk}
    rater_readmit(rater=row)
    with pytest.raises(InputError, match="teach nothing"):
        built(campaign, name="again")


def test_quality_control_teaches_nothing() -> None:
    quality = {"degraded": 2, "degraded_needed": 1}
    campaign = feedback_campaign(captions=8, items=6, quality=quality, screens_per_rater=6)
    planted = models.Item.objects.exclude(planted=None).values_list("planted", flat=True)
    degraded = {each["degraded"] for each in planted}
    rater = Rater(campaign)
    screen = rater.next()
    while screen:
        ids = [candidate["id"] for candidate in screen["item"]["candidates"]]
        given = {each: 5 if each in degraded else 80 - place for place, each in enumerate(ids)}
        screen = rater.submit(screen, answers={"human_likeness": given}).json()["next"]
    row = built(campaign)
    assert models.Rating.objects.count() > row.counts["ratings"] == 4
    assert set(models.Item.objects.filter(candidates__in=row.examples.values("candidate")).values_list("kind")) == {
        ("regular",)
    }


def in_this_order(seed: int, order: list[int]) -> tuple[str, list[Any]]:
    """The digest of what three raters said of the same texts, and what the set holds, written and rated in an order;
    nothing of it stays."""
    point = transaction.savepoint()
    for factory in (DatasetFactory, AlbumFactory, PhotoFactory, CaptionFactory):
        factory.reset_sequence(1000)
    campaign = feedback_campaign(captions=5, name="study", seed=seed)
    people = [
        scoring(human=81.3, gru=40.1, lstm=7),
        lambda by, caption: {n: float(13 * int(caption[-1]) + 10.7 * (s == "human")) for s, n in by.items()},
        scoring(human=64.9, gru=70.2, lstm=11),
    ]
    rate(campaign, *[people[number] for number in order])
    row = built(campaign)
    rows = list(row.examples.order_by("number").values_list("text", "rejected", "weight", "score", "judgements"))
    transaction.savepoint_rollback(point)
    return row.sha256, rows


def test_the_same_ratings_make_the_same_set_in_any_order() -> None:
    assert in_this_order(1, [0, 1, 2]) == in_this_order(2, [2, 0, 1])


def test_other_settings_make_another_set_and_no_set_is_built_twice() -> None:
    campaign = feedback_campaign()
    rate(campaign, scoring(human=80, gru=50, lstm=20))
    one, other, stronger = built(campaign, name="one"), built(campaign, name="other"), built(campaign, name="b", beta=2)
    assert one.sha256 == other.sha256 != stronger.sha256
    with pytest.raises(ConflictError, match="'one' already exists, and feedback sets are frozen"):
        built(campaign, name="one")


def test_what_cannot_feed_training_is_refused() -> None:
    evaluation = make_campaign(captions=3).campaign
    rate(evaluation, scoring(human=80, gru=50, lstm=20))
    with pytest.raises(InputError, match=f"campaign '{evaluation.name}' has purpose 'evaluation': its test albums can"):
        built(evaluation)
    with pytest.raises(InputError, match="has no ratings yet"):
        built(feedback_campaign(texts={"third": lambda n: f"story {n}"}))
    with pytest.raises(InputError, match="beta: -1 must be"):
        FeedbackSettings(beta=-1)
    first, second = (feedback_campaign(texts={letter: lambda n: f"some story {n}"}, captions=2) for letter in "ab")
    for each, system in ((first, "a"), (second, "b")):
        rate(each, scoring(**{"human": 80, system: 20}))
    with pytest.raises(InputError, match="belong to several datasets"):
        built(first, second)
    assert not models.FeedbackSet.all_rows.exists()


def test_an_item_of_another_album_never_enters_a_set() -> None:
    campaign = feedback_campaign()
    rate(campaign, scoring(human=80, gru=50, lstm=20))
    before = built(campaign, name="before")
    item = campaign.items.order_by("pk")[1]
    models.Album.objects.filter(pk=item.source.album_id).update(split="test")
    with pytest.raises(
        InputError, match=f"source '{item.source.album}/{item.source.key}' of campaign .* in a test album"
    ):
        built(campaign)
    assert list(models.FeedbackSet.all_rows.all()) == [before]


def test_simulated_raters_are_refused_but_where_a_set_says_that_it_is_of_them() -> None:
    campaign = feedback_campaign(captions=4, texts={"p": lambda n: f"p {n}"})
    simulation = simulation_of(raters={"honest": 2}, truth={}, systems=["human", "p"], seed=1)
    raters_simulate(campaign=campaign, simulation=simulation)
    with pytest.raises(InputError, match="are simulated"):
        check_campaigns([campaign])
    row = built(campaign, simulated=True)
    assert row.simulated
    assert row.settings["simulated"]


def test_nobodys_words_enter_who_is_erased_meanwhile() -> None:
    campaign = feedback_campaign(protocol="edit", captions=2, texts=PAIRS["texts"], overlap=1)
    words = lambda by, caption: dict.fromkeys(by.values(), f"these words of mine {caption}")  # noqa: E731
    rate(campaign, words, outside_ids=["jin-4711"])

    @contextmanager
    def erased_before(row: models.FeedbackSet) -> Iterator[None]:
        person_erase(identities("jin-4711"))
        with transaction.atomic():
            yield

    with pytest.raises(ConflictError, match="was erased meanwhile; build it again"):
        feedback_set_build(name="x", campaigns=[campaign], settings=FeedbackSettings(), last_write=erased_before)
    assert not models.FeedbackSet.all_rows.exists()
    assert not models.FeedbackExample.objects.exists()


def test_a_larger_set_is_built_in_as_many_queries() -> None:
    counts = []
    for captions in (2, 8):
        campaign = feedback_campaign(captions=captions, texts={f"s{captions}": lambda n: f"we saw thing {n}"})
        rate(campaign, scoring(**{"human": 80, f"s{captions}": 20}))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            built(campaign, name=f"set {captions}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_database_refuses_what_no_example_can_be() -> None:
    campaign = feedback_campaign()
    rate(campaign, scoring(human=80, gru=50, lstm=20))
    examples = built(campaign).examples
    for kind, change in (
        ("score", {"weight": 0}),
        ("score", {"score": None}),
        ("score", {"flip_rate": 0.1}),
        ("score", {"origin": "choice"}),
        ("preference", {"flip_rate": 0.5}),
        ("preference", {"origin": "thought"}),
        ("preference", {"rejected_candidate": None}),
        ("preference", {"kind": "label"}),
        ("score", {"number": 1}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            examples.filter(kind=kind).update(**change)


def test_of_a_build_that_fails_nothing_is_left() -> None:
    campaign = feedback_campaign()
    rate(campaign, scoring(human=80, gru=50, lstm=20))
    with (
        patch("annotations.feedback.services.EXAMPLE_BATCH_SIZE", 5),
        patch("annotations.feedback.services.lease_renew", side_effect=[None, None, OSError("disk full")]),
        pytest.raises(OSError, match="disk full"),
    ):
        built(campaign)
    assert not models.FeedbackSet.all_rows.exists()
    assert not models.FeedbackExample.objects.exists()


def test_what_a_killed_build_left_is_swept_and_it_is_built_again() -> None:
    campaign = feedback_campaign()
    rate(campaign, scoring(human=80, gru=50, lstm=20))
    with (
        patch("annotations.feedback.services.give_up", return_value=False),
        patch("annotations.feedback.services.finish", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        built(campaign)
    assert models.FeedbackExample.objects.exists()
    assert not models.FeedbackSet.objects.exists()
    models.FeedbackSet.all_rows.update(unfinished_until=timezone.now() - timedelta(seconds=1))
    [row] = left_unfinished()
    assert isinstance(row, models.FeedbackSet)
    exhaust(feedback_discarding(row=row))
    assert not models.FeedbackExample.objects.exists()
    assert not models.FeedbackSet.all_rows.exists()
    assert built(campaign).counts["kinds"]["score"] == 12
