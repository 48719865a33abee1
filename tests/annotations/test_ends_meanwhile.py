"""What ends while a request is on its way ends it too: a close, and the part of a rater who is left out."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from annotations import models
from annotations.campaigns.rounds import items_waiting
from annotations.campaigns.selectors import screens_answered, with_progress
from annotations.campaigns.services.campaigns import campaign_close, closing_ends
from annotations.campaigns.services.raters import rater_exclude, rater_join, rater_readmit
from annotations.campaigns.services.ratings import (
    draft_save,
    rating_skip,
    rating_submit,
    rating_undo,
)
from annotations.campaigns.services.screens import WINDOW, Screen, assignment_next
from annotations.campaigns.views.campaigns import progress_context
from annotations.errors import ConflictError
from annotations.reports.keeping import report_freeze
from tests.annotations.raters import new_key
from tests.annotations.test_late_answers import run_out, taken
from tests.annotations.test_orders import rate
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def screen_of(rater: models.Rater) -> Screen:
    screen = assignment_next(rater=rater)
    assert isinstance(screen, Screen)
    return screen


def submit(rater: models.Rater, screen: Screen) -> None:
    answers = {"human_likeness": {name: 50 for name, _ in screen.texts}}
    asked = screen.assignment.public_id
    rating_submit(rater=rater, assignment_id=asked, key=new_key(), answers=answers, seconds=1.0)


def undo(rater: models.Rater, screen: Screen) -> None:
    done = models.Rating.objects.get(assignment__rater=rater)
    rating_undo(rater=rater, rating_key=done.key, key=new_key())


ACTS: list[Callable[[models.Rater, Screen], Any]] = [
    submit,
    undo,
    lambda rater, screen: rating_skip(rater=rater, assignment_id=screen.assignment.public_id, key=new_key()),
    lambda rater, screen: draft_save(rater=rater, assignment_id=screen.assignment.public_id, draft={"a:b": "7"}),
    lambda rater, screen: assignment_next(rater=rater),
    lambda rater, screen: assignment_next(rater=rater, after=models.Rating.objects.get(assignment__rater=rater)),
]


def close(rater: models.Rater) -> None:
    campaign_close(campaign=models.Campaign.objects.get())


def leave_out(rater: models.Rater) -> None:
    rater_exclude(rater=models.Rater.objects.get(pk=rater.pk), reason="clicked at random", release=True)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("end", "code"), [(close, "closed"), (leave_out, "ended")])
def test_who_was_read_before_an_end_stores_nothing_after_it(
    end: Callable[[models.Rater], None], code: str, act: Callable[[models.Rater, Screen], Any]
) -> None:
    campaign = make_campaign(captions=4, overlap=1).campaign
    rater, _ = rater_join(token=campaign.token)
    rate(rater)
    screen = screen_of(rater)
    end(rater)
    before = taken(campaign)
    with pytest.raises(ConflictError) as refused:
        act(rater, screen)
    assert refused.value.code == code
    assert (models.Rating.objects.count(), taken(campaign)) == (1, before)
    assert not models.Assignment.objects.open().exists()
    assert not models.Assignment.objects.exclude(draft={}).exists()


def test_an_end_leaves_nothing_to_claim() -> None:
    """What is handed out is read with the state of things, in one query."""
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater, _ = rater_join(token=campaign.token)
    assert len(items_waiting(rater, WINDOW)[0]) == 2
    close(rater)
    assert not items_waiting(rater, WINDOW)[0]


@pytest.mark.parametrize("swept", [False, True])
def test_who_is_left_out_takes_no_place_again(swept: bool) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    if swept:
        run_out(visitor.assignment)
    leave_out(models.Rater.objects.get())
    refused = visitor.draft()
    assert (refused.status_code, "Your part in the study has ended" in refused.content.decode()) == (409, True)
    assert taken(campaign) == [0, 0]
    visitor.answer()
    assert "Your part in the study has ended" in visitor.page
    assert (taken(campaign), models.Rating.objects.count()) == ([0, 0], 0)
    assert models.Assignment.objects.get().state == "released"


def test_an_item_that_was_rated_once_too_often_fills_no_other_place() -> None:
    """Four items, one rater each: after a readmission the first has two answers and the others none. The first of two
    looks is due with two screens."""
    campaign = make_campaign(captions=4, overlap=1, looks=2, primary=["human", "gru", "human_likeness"]).campaign
    out, fresh = (rater_join(token=campaign.token)[0] for _ in range(2))
    item = campaign.items.order_by("position").first()
    assert item
    for rater in (out, fresh):
        models.Item.objects.exclude(pk=item.pk).update(taken=1)  # so that both get the first
        rate(rater)
        models.Item.objects.exclude(pk=item.pk).update(taken=0)
        if rater == out:
            rater_exclude(rater=out, reason="clicked at random", release=True)
    rater_readmit(rater=out)
    assert Counter(models.Assignment.objects.values_list("item", "state")) == {(item.pk, "done"): 2}
    assert screens_answered(campaign) == 1
    assert closing_ends(campaign).startswith("3 screens are still open")
    assert progress_context(campaign)["answered"] == 1
    assert [row.answered for row in with_progress(models.Campaign.objects.all())] == [1]
    with pytest.raises(ConflictError, match="close it first"):
        report_freeze(campaign=campaign)
