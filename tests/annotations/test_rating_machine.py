"""Raters of a campaign of any protocol do anything, in any order: what must hold of rows holds after every step."""

import json
import os
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotations import models
from annotations.campaigns.monitoring.places import outlook_of
from annotations.campaigns.outside_ids import rater_signature
from annotations.campaigns.selectors import screens_answered
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.checks import standing_of_rater
from annotations.campaigns.services.endings import rater_withdraw
from annotations.campaigns.services.leases import leases_release_expired
from annotations.campaigns.services.raters import rater_exclude, rater_join, rater_readmit
from annotations.campaigns.services.ratings import draft_save, rating_last, rating_skip, rating_submit, rating_undo
from annotations.campaigns.services.screens import Screen, assignment_next
from annotations.campaigns.services.submissions import ENDS, STANDS, Submission, submission_note
from annotations.campaigns.standing import rule_broken
from annotations.errors import AnswerError, ConflictError, GoneError, InputError
from annotations.protocols import protocol_named, shown_here
from tests.annotations.raters import new_key
from tests.factories import make_campaign

EXAMPLES = int(os.environ.get("RATING_MACHINE_EXAMPLES", "12"))  # for each database; thousands by hand
STEPS = 50
TEXTS = {"gru": lambda n: f"we saw thing {n} again", "lstm": lambda n: f"thing {n} was what we had then"}
# Screens of a rater, and quality control: what is hidden; or what comes first, and screens that come again.
WATCHED: dict[str, tuple[int, dict[str, Any]]] = {
    "hidden": (2, {"degraded": 1, "degraded_needed": 1, "seconds_per_word": 0.05, "after": 2}),
    "first": (
        4,
        {"training": 1, "qualification": 1, "qualification_needed": 1, "repeats": 1, "repeats_needed": 1},
    ),
}
MAX_RATERS = 4
NAMES = "ann", "bo"
RATERS = st.integers(0, MAX_RATERS - 1)


class Raters(RuleBasedStateMachine):
    """All in one transaction, which is rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.raters: list[models.Rater] = []
        self.screens: dict[int, Screen | None] = {}
        self.sent: list[tuple[models.Rater, dict[str, Any], models.Rating]] = []
        self.draw = random.Random(0)
        self.clock = timezone.now()
        self.earlier = self.clock - timedelta(days=1)
        self.crowded: set[int] = set()  # items that a rater who was readmitted may have filled beyond the overlap

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(
        protocol=st.sampled_from(shown_here()),
        overlap=st.integers(1, 3),
        captions=st.integers(1, 5),
        named=st.lists(st.integers(0, 5), min_size=2, max_size=2),
        watched=st.sampled_from(["", *WATCHED]),
    )
    def begin(self, protocol: str, overlap: int, captions: int, named: list[int], watched: str) -> None:
        """Of two raters the first get so many items that are named for them; an item has a place for each of them. Or
        raters are watched, and stopped."""
        one = protocol_named(protocol).one_criterion
        criteria = ["human_likeness"] if one else ["human_likeness", "fluency"]
        watching: dict[str, Any] = {}
        if watched:
            screens, quality = WATCHED[watched]
            watching = {"items": captions, "screens_per_rater": screens, "quality": quality}
        self.campaign = make_campaign(
            captions=captions + 4 * bool(watched), overlap=overlap, protocol=protocol, criteria=criteria, texts=TEXTS,
            cannot_say=criteria[-1:], comments=True, recruiting={"no_consent_code": "N0"},
            named={
                name: range(min(count, captions))
                for name, count in list(zip(NAMES, named, strict=True))[: 0 if watched else overlap]
            },
            **watching,
        ).campaign  # fmt: skip
        self.protocol = protocol_named(protocol)
        self.join()

    def closed(self) -> bool:
        return bool(self.campaign.state == "closed")

    @rule()
    def join(self) -> None:
        if self.closed() or len(self.raters) == (2 if self.campaign.quality else MAX_RATERS):
            return
        name = NAMES[len(self.raters)] if len(self.raters) < len(NAMES) else None
        signature = rater_signature(self.campaign, name) if name else None
        rater, _ = rater_join(token=self.campaign.token, outside_id=name, signature=signature)
        assert rater.named_items == models.NamedItem.objects.filter(outside_id=name).count()
        self.raters.append(rater)

    def rater(self, number: int) -> models.Rater:
        return models.Rater.objects.select_related("campaign").get(pk=self.raters[number % len(self.raters)].pk)

    def answers(self, screen: Screen, *, declining: bool) -> Any:
        texts = dict(screen.texts)
        seem = {name: self.draw.gauss(0, 1) for name in texts}
        made = self.protocol.simulated(
            dict.fromkeys(self.campaign.criteria, seem), rules=self.campaign.rules, texts=texts
        )
        answers = json.loads(json.dumps(made))
        return answers | ({self.campaign.criteria[-1]: None} if declining else {})

    def attempt(self, act: Any) -> Any:
        """What it returns; None where the services refuse it, in one of the ways that the API knows."""
        before = models.Rating.objects.count()
        try:
            with transaction.atomic():
                return act()
        except (ConflictError, GoneError, AnswerError):
            assert models.Rating.objects.count() == before, "what is refused stores nothing"
            return None

    @rule(who=RATERS)
    def claim(self, who: int) -> None:
        rater = self.rater(who)
        found = self.attempt(lambda: assignment_next(rater=rater))
        self.screens[rater.pk] = found if isinstance(found, Screen) else None
        if self.closed():
            assert found is None

    @rule(who=RATERS, declining=st.booleans(), comment=st.sampled_from(["", "odd 🙂"]))
    def submit(self, who: int, declining: bool, comment: str) -> None:
        rater = self.rater(who)
        screen = self.screens.get(rater.pk)
        if not screen:
            return
        sent = {
            "assignment_id": screen.assignment.public_id,
            "key": new_key(),
            "answers": self.answers(screen, declining=declining),
            "seconds": 1.0,
            "comment": comment,
        }
        rating = self.attempt(lambda: rating_submit(rater=rater, **sent))
        if rating is None:
            return
        assert not self.closed()
        self.who_breaks_a_rule_is_stopped(rater)
        self.sent.append((rater, sent, rating))
        names = dict(screen.assignment.candidate_order)
        rewrites = {row.candidate_id: row.text for row in rating.rewrites.all()}
        fields = self.protocol.fields(self.protocol.together(rating.answers, rewrites), names=names)
        again = self.protocol.read(
            self.protocol.answers(fields),
            criteria=[criterion for criterion in self.campaign.criteria if criterion in rating.answers],
            candidates={name: pk for pk, name in names.items()},
            rules=self.campaign.rules,
            texts={pk: dict(screen.texts)[name] for pk, name in names.items()},
        )
        scores = self.protocol.scores(rating.answers), self.protocol.choices(rating.answers)
        assert (self.protocol.scores(again), self.protocol.choices(again)) == scores, "the page shows what was stored"

    @rule(who=RATERS, screens=st.integers(1, 4))
    def go_on(self, who: int, screens: int) -> None:
        for _ in range(screens):
            self.claim(who)
            self.submit(who, declining=False, comment="")

    def who_breaks_a_rule_is_stopped(self, rater: models.Rater) -> None:
        now = self.fresh(rater)
        if now.excluded_at and not now.stopped_by:
            return
        broken = rule_broken(self.campaign.quality_control, standing_of_rater(now))
        assert now.stopped_by == ("" if now.rules_waived else broken)

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 99), other=st.booleans())
    def send_again(self, which: int, other: bool) -> None:
        """Under the same key: the same is the same rating, another answer is refused; also after the close."""
        rater, sent, rating = self.sent[which % len(self.sent)]
        body = sent | ({"comment": "another"} if other else {})
        again = self.attempt(lambda: rating_submit(rater=self.fresh(rater), **body))
        withdrawn = self.fresh(rater).ended_by == "withdrawn"
        assert again == (None if other or withdrawn else rating)

    def fresh(self, rater: models.Rater) -> models.Rater:
        return models.Rater.objects.select_related("campaign").get(pk=rater.pk)

    @rule(who=RATERS, broken=st.sampled_from([None, {}, [], "a", {"human_likeness": {}}, {"other": 1}]))
    def submit_nonsense(self, who: int, broken: Any) -> None:
        rater = self.rater(who)
        if screen := self.screens.get(rater.pk):
            asked = screen.assignment.public_id
            send = lambda: rating_submit(rater=rater, assignment_id=asked, key=new_key(), answers=broken, seconds=1.0)  # noqa: E731
            assert self.attempt(send) is None

    @rule(who=RATERS, whose=RATERS)
    def submit_for_another(self, who: int, whose: int) -> None:
        rater, other = self.rater(who), self.rater(whose)
        screen = self.screens.get(other.pk)
        if screen and rater != other:
            answers = self.answers(screen, declining=False)
            with pytest.raises(InputError, match="no such assignment"):
                rating_submit(
                    rater=rater,
                    assignment_id=screen.assignment.public_id,
                    key=new_key(),
                    answers=answers,
                    seconds=1.0,
                )

    @rule(who=RATERS)
    def skip(self, who: int) -> None:
        rater = self.rater(who)
        if screen := self.screens.get(rater.pk):
            asked = screen.assignment.public_id
            self.attempt(lambda: rating_skip(rater=rater, assignment_id=asked, key=new_key(), reason="wrong"))

    @rule(who=RATERS)
    def keep_half(self, who: int) -> None:
        rater = self.rater(who)
        if screen := self.screens.get(rater.pk):
            asked = screen.assignment.public_id
            self.attempt(lambda: draft_save(rater=rater, assignment_id=asked, draft={"a:b": "1"}, seconds=0.5))

    @rule(who=RATERS)
    def undo(self, who: int) -> None:
        rater = self.rater(who)
        if last := rating_last(rater=rater):
            self.attempt(lambda: rating_undo(rater=rater, rating_key=last.key, key=new_key()))

    @rule(who=RATERS)
    def expire(self, who: int) -> None:
        open_ones = models.Assignment.objects.filter(rater=self.rater(who), state="open")
        open_ones.update(leased_until=timezone.now() - timedelta(seconds=1))
        leases_release_expired()

    @rule(who=RATERS, release=st.booleans())
    def exclude(self, who: int, release: bool) -> None:
        rater = self.rater(who)
        self.attempt(lambda: rater_exclude(rater=rater, reason="a test", release=release))

    @rule(who=RATERS)
    def readmit(self, who: int) -> None:
        rater = self.rater(who)
        self.may_come_back(rater)
        self.attempt(lambda: rater_readmit(rater=rater))

    def may_come_back(self, rater: models.Rater) -> None:
        given_back = models.Assignment.objects.filter(rater=rater, place_given_back=True)
        self.crowded |= set(given_back.values_list("item", flat=True))
        self.crowded |= set(models.NamedItem.objects.filter(place_kept=False).values_list("item", flat=True))

    @rule(who=RATERS, sure=st.integers(0, 2))
    def withdraw(self, who: int, sure: int) -> None:
        rater = self.rater(who)
        if sure:
            return
        self.attempt(lambda: rater_withdraw(rater=rater))
        assert (self.fresh(rater).ended_by == "withdrawn") or self.closed()

    @rule(who=RATERS, status=st.sampled_from([*ENDS, *STANDS, "ACTIVE", "REJECTED"]), late=st.booleans())
    def the_service_says(self, who: int, status: str, late: bool) -> None:
        """Of raters who came with an id; what is late was said before anything else."""
        rater = self.rater(who)
        known = models.Participation.objects.filter(rater=rater).first()
        self.may_come_back(rater)
        self.clock += timedelta(seconds=1)
        self.earlier -= timedelta(seconds=1)
        at = self.earlier if late else self.clock
        said = Submission("a visit", rater.outside_id or "nobody", status)
        changed = submission_note(campaign=self.campaign, said=said, at=at)
        now = self.fresh(rater)
        assert not changed or (known and not self.closed() and not (late and known.status_at))
        if changed:
            assert now.ended_by == ENDS.get(status, "")
        elif not late and known and status in ENDS and known.status != status and not self.closed():
            assert now.ended_by in ("withdrawn", ENDS[status])

    @rule(sure=st.integers(0, 9))
    def close(self, sure: int) -> None:
        if not sure and not self.closed():
            campaign_close(campaign=self.campaign)
            self.campaign.refresh_from_db()

    @invariant()
    def places_are_counted(self) -> None:
        """An item's places are taken by open screens and by answers that hold one, and are kept for whom it was named
        for, who get nothing else: never more than the overlap."""
        if not self.raters:
            return
        holding = models.Assignment.objects.filter(state__in=["open", "done"], place_given_back=False)
        taken = Counter(holding.filter(rater__named_items=0).values_list("item", flat=True))
        kept = models.NamedItem.objects.filter(place_kept=True)
        taken += Counter(kept.values_list("item", flat=True))
        of_named = models.Assignment.objects.filter(rater__named_items__gt=0)
        named = set(models.NamedItem.objects.values_list("outside_id", "item"))
        assert set(of_named.values_list("rater__outside_id", "item")) <= named
        for item in self.campaign.items.all():
            assert item.taken == taken[item.pk]
            assert item.taken <= self.campaign.overlap or item.pk in self.crowded or item.kind != "regular"

    @invariant()
    def what_is_missing_adds_up(self) -> None:
        """Every place without an answer is either held by a screen or a name, or free."""
        if not self.raters:
            return
        self.campaign.refresh_from_db()
        outlook = outlook_of(self.campaign)
        places = outlook.places
        assert places.missing == self.campaign.screens - screens_answered(self.campaign)
        assert places.missing == places.held.total() + places.free_places
        assert 0 <= outlook.within_reach <= places.free_places
        holding = models.Assignment.objects.filter(state="done", place_given_back=False, item__kind="regular")
        done = Counter(holding.values_list("item", flat=True))
        items = self.campaign.items.filter(kind="regular").values_list("pk", flat=True)
        assert places.answers == dict(Counter(done[item] for item in items))

    @invariant()
    def who_is_stopped_has_ended_with_a_code(self) -> None:
        for rater in models.Rater.objects.exclude(stopped_by=""):
            assert rater.replaced
            assert rater.exclusion
            assert rater.completion_code
            assert not rater.assignments.filter(state="open").exists()

    @invariant()
    def whose_part_has_ended_holds_nothing(self) -> None:
        for rater in models.Rater.objects.exclude(ended_by=""):
            assert rater.replaced
            assert rater.exclusion
            assert not rater.assignments.filter(state="open").exists()
            assert not rater.assignments.filter(state="done", place_given_back=False).exists()
            if rater.ended_by == "withdrawn":
                assert not models.Rating.objects.answered(self.campaign).filter(assignment__rater=rater).exists()
                assert not models.Remark.objects.filter(rating__assignment__rater=rater).exclude(comment="").exists()
                assert not models.Rewrite.objects.filter(rating__assignment__rater=rater).exclude(text="").exists()

    @invariant()
    def rows_follow_on_each_other(self) -> None:
        """The newest revision of an assignment says in which state it is, and none is missing."""
        newest = dict(
            models.Rating.objects.values("assignment").annotate(top=Max("revision")).values_list("assignment", "top")
        )
        kinds = {(row.assignment_id, row.revision): row.kind for row in models.Rating.objects.all()}
        assert Counter(pk for pk, _ in kinds) == Counter(newest)
        for assignment in models.Assignment.objects.all():
            kind = kinds.get((assignment.pk, newest.get(assignment.pk, 0)))
            assert assignment.revision == newest.get(assignment.pk, 0)
            assert (assignment.state == "done") == (kind == "answer")
            assert (assignment.state == "skipped") == (kind == "skip")
        open_ones = models.Assignment.objects.filter(state="open").values_list("rater", flat=True)
        assert len(open_ones) == len(set(open_ones))


@pytest.mark.django_db
def test_nothing_that_raters_do_breaks_what_must_hold() -> None:
    run_state_machine_as_test(
        Raters,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
