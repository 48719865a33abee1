"""The next screen of a rater: found where the last one was, whatever the size of the campaign, and the same as by
counting everything anew."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from annotations import models
from annotations.campaigns import rounds
from annotations.campaigns.assignment.tally import Tally
from annotations.campaigns.rounds import SoFar
from annotations.campaigns.services.leases import leases_release_expired
from annotations.campaigns.services.raters import rater_exclude, rater_join, rater_readmit
from annotations.campaigns.services.ratings import rating_last, rating_skip, rating_submit, rating_undo
from annotations.campaigns.services.screens import Screen, assignment_next
from annotations.errors import InputError
from tests.annotations.many_items import answer_nearly_all, grow
from tests.annotations.raters import new_key
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def submit(rater: models.Rater, screen: Screen) -> models.Rating:
    answers = {"human_likeness": {name: 50 for name, _ in screen.texts}}
    asked = screen.assignment.public_id
    return rating_submit(rater=rater, assignment_id=asked, key=new_key(), answers=answers, seconds=1.0)


class Walker:
    """A rater who does anything, and holds each screen that they newly get against what the tables say."""

    def __init__(self, campaign: models.Campaign, here: "list[Walker]") -> None:
        self.rater, _ = rater_join(token=campaign.token)
        self.here = here
        self.screen: Screen | None = None

    def see(self, after: models.Rating | None = None) -> None:
        new, waiting = models.Assignment.objects.count(), self.waiting()
        found = assignment_next(rater=self.rater, after=after)
        self.screen = found if isinstance(found, Screen) else None
        if self.screen is None:
            assert not waiting
            return
        done = models.Assignment.objects.filter(rater=self.rater, state="done").count()
        assert self.screen.done == done
        if models.Assignment.objects.count() > new:
            item = models.Item.objects.get(pk=self.screen.assignment.item_id)
            assert item.taken - 1 == min(waiting.values()), "what was taken least comes first"
            assert item.pk in waiting
            self.check_tally()

    def waiting(self) -> dict[int, int]:
        mine = models.Assignment.objects.filter(rater=self.rater, state__in=["open", "done", "skipped"]).values("item")
        campaign = models.Campaign.objects.get(pk=self.rater.campaign_id)
        items = campaign.items.filter(taken__lt=campaign.overlap).exclude(pk__in=mine)
        return dict(items.values_list("pk", "taken"))

    def check_tally(self) -> None:
        newest = models.Assignment.objects.filter(rater=self.rater).latest("pk")
        shown = models.Assignment.objects.filter(rater=self.rater).values_list("shown", flat=True)
        assert SoFar.of(newest.so_far).stood.counts == Tally((each, 1) for each in shown).counts

    def answer(self) -> None:
        assert self.screen
        self.see(submit(self.rater, self.screen))

    def skip(self) -> None:
        assert self.screen
        asked = self.screen.assignment.public_id
        self.see(rating_skip(rater=self.rater, assignment_id=asked, key=new_key()))

    def undo(self) -> None:
        if last := rating_last(rater=self.rater):
            self.see(rating_undo(rater=self.rater, rating_key=last.key, key=new_key()))

    def lose(self) -> None:
        """Let the lease end; the screen comes back if nobody else took its place."""
        models.Assignment.objects.filter(rater=self.rater, state="open").update(
            leased_until=timezone.now() - timedelta(seconds=1)
        )
        leases_release_expired()

    def come_back(self) -> None:
        self.lose()
        self.see()

    def late(self) -> None:
        """Lose the screen, and answer it all the same."""
        self.lose()
        if self.screen and models.Assignment.objects.filter(pk=self.screen.assignment.pk, state="released").exists():
            self.answer()

    def leave(self) -> None:
        """Give all places back; whoever is `here` goes on, and then this rater is taken in again."""
        rater_exclude(rater=self.rater, reason="a test", release=True)
        for other in self.here:
            if other is not self and other.screen:
                with suppress(InputError):
                    other.answer()
        rater_readmit(rater=self.rater)
        self.see()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_carried_on_is_what_counting_anew_gives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROWS_NEAR", 3)
    random.seed(seed)
    campaign = make_campaign(captions=14, overlap=2).campaign
    walkers: list[Walker] = []
    walkers += [Walker(campaign, walkers) for _ in range(3)]
    deeds = (
        [Walker.answer] * 12
        + [Walker.skip] * 2
        + [Walker.lose, Walker.come_back, Walker.late, Walker.undo, Walker.leave]
    )
    for _ in range(80):
        walker = random.choice(walkers)
        if walker.screen is None:
            walker.see()
            continue
        try:
            random.choice(deeds)(walker)
        except InputError:  # others have taken the place meanwhile
            walker.see()
    assert models.Rating.objects.filter(kind="answer").count() > 10


def test_what_is_answered_out_of_turn_is_counted() -> None:
    """Late, beside another open screen; and on a screen that an undo had put away, once what was undone was skipped."""
    campaign = make_campaign(captions=8, overlap=1).campaign
    walker = Walker(campaign, [])
    walker.see()
    late = walker.screen
    assert late
    walker.lose()
    item = models.Item.objects.filter(pk=late.assignment.item_id)
    item.update(taken=1)
    walker.see()
    item.update(taken=0)
    walker.see(submit(walker.rater, late))
    walker.answer()
    put_away, last = walker.screen, rating_last(rater=walker.rater)
    assert put_away
    assert last
    undone = rating_undo(rater=walker.rater, rating_key=last.key, key=new_key()).assignment
    rating_skip(rater=walker.rater, assignment_id=undone.public_id, key=new_key())
    walker.see(submit(walker.rater, put_away))


def test_a_screen_that_is_taken_again_is_counted_once() -> None:
    """Given back, counted among what was shown, and claimed anew from what was known so far."""
    campaign = make_campaign(captions=3, overlap=2).campaign
    walker = Walker(campaign, [])
    walker.see()
    assert walker.screen
    first = campaign.items.filter(pk=walker.screen.assignment.item_id)
    walker.lose()
    first.update(taken=2)
    walker.see()
    newest = models.Assignment.objects.latest("pk").pk
    campaign.items.exclude(assignments__rater=walker.rater).update(taken=1)
    first.update(taken=0, turn=newest)
    walker.answer()
    assert first.filter(pk=walker.screen.assignment.item_id).exists(), "what came back and was taken least"
    walker.answer()
    assert walker.screen


def steps(rater: models.Rater, count: int) -> list[int]:
    """Of SQLite's machine, in hundreds, in each of so many rounds of a rater."""
    taken, found = list[int](), assignment_next(rater=rater)
    for _ in range(count):
        assert isinstance(found, Screen)
        taken.append(0)

        def tick() -> None:
            taken[-1] += 1

        connection.connection.set_progress_handler(tick, 100)
        found = assignment_next(rater=rater, after=submit(rater, found))
        connection.connection.set_progress_handler(None, 100)
    return taken


@pytest.mark.once
def test_a_round_near_the_end_of_a_large_campaign_takes_as_many_steps_as_of_a_small_one() -> None:
    """All that the rater has answered stands before the few items that are left."""
    middle, longest = [], []
    for items in (300, 3_000):
        campaign = make_campaign(captions=2, overlap=3, texts={f"of-{items}": lambda n: f"we saw thing {n}"}).campaign
        grow(campaign, items)
        rater, other = (rater_join(token=campaign.token)[0] for _ in range(2))
        answer_nearly_all(campaign, rater, other, 20)
        taken = sorted(steps(rater, 15))
        middle.append(taken[7])
        longest.append(taken[-1])
    assert middle[1] <= 2 * middle[0], middle
    assert longest[1] <= 5 * longest[0], longest  # nothing is near, and what is left is far apart
