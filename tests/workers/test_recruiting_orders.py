"""What a researcher decides of a rater and what the recruiting service says of them, in any order."""

import itertools

import pytest

from annotations.campaigns.services.raters import rater_exclude, rater_readmit
from annotations.errors import ConflictError
from tests.workers.test_recruiting_sync import fresh, note, participant, recruited, taken

pytestmark = pytest.mark.django_db


def in_any_order(*events: str) -> list[tuple[str, ...]]:
    some = (each for count in range(2, len(events) + 1) for each in itertools.combinations(events, count))
    return [order for each in some for order in itertools.permutations(each)]


@pytest.mark.parametrize("left", ["TIMED-OUT", "RETURNED"])
@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("order", in_any_order("excluded", "left", "approved", "readmitted"))
def test_who_is_left_out_by_whom_does_not_depend_on_the_order(order: tuple[str, ...], release: bool, left: str) -> None:
    """What the researcher did and what the service said are apart: neither undoes the other, but for readmitting."""
    campaign = recruited(captions=12)
    participant(campaign, "ann", screens=2)
    by_researcher = released = by_service = False
    for event in order:
        rater = fresh(campaign, "ann")
        if event == "excluded":
            rater_exclude(rater=rater, reason="read nothing", release=release)
            by_researcher, released = True, release
        elif event == "readmitted":
            rater_readmit(rater=rater)
            by_researcher = released = by_service = False
        else:
            note(campaign, "ann", left if event == "left" else "APPROVED")
            by_service = event == "left"
        rater = fresh(campaign, "ann")
        assert (rater.excluded_at is not None) == (by_researcher or by_service)
        assert rater.replaced == (released or by_service)
        assert bool(rater.ended_by) == by_service
        assert rater.exclusion == ("read nothing" if by_researcher else rater.get_ended_by_display())
        answered = rater.assignments.filter(state="done")
        assert answered.filter(place_given_back=False).count() == (0 if rater.replaced else 2)
        held = rater.assignments.filter(state__in=["open", "done"], place_given_back=False).count()
        assert taken(campaign) == held


def test_a_rater_whose_time_ran_out_can_be_excluded_once_and_released_once() -> None:
    campaign = recruited()
    rater = participant(campaign, "ann", screens=1)
    note(campaign, "ann", "TIMED-OUT")
    rater_exclude(rater=rater, reason="read nothing")
    with pytest.raises(ConflictError, match="already left out"):
        rater_exclude(rater=rater, reason="read nothing")
    rater_exclude(rater=rater, reason="read nothing", release=True)
    with pytest.raises(ConflictError, match="already left out"):
        rater_exclude(rater=rater, reason="read nothing", release=True)
    note(campaign, "ann", "APPROVED")
    assert (fresh(campaign, "ann").replaced, taken(campaign)) == (True, 0)
