"""The seconds of an answer: what the page counted over all visits, within what the server's own clock allows."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotations import models
from tests.annotations.raters import Rater, handed_out_earlier, new_key
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("held", "said", "stored"),
    [(60, 7.2, 7.2), (5, 7.2, 5.0), (60, None, 60.0), (7200, None, None), (86_400, 7.2, 7.2), (60, 0, 0.0)],
)
def test_what_is_said_is_held_to_the_servers_clock(held: float, said: float | None, stored: float | None) -> None:
    """A screen that was out for 5 s was not looked at for 7.2 s; beyond a lease the server's clock says nothing."""
    rater = Rater(make_campaign().campaign)
    screen = rater.next()
    handed_out_earlier(screen["assignment"], held)
    body: dict[str, Any] = {"key": new_key(), "answers": rater.answers(screen), "seconds": said}
    assert rater.post(f"assignments/{screen['assignment']}", body).status_code == 201
    rating = models.Rating.objects.get()
    assert rating.seconds == (None if stored is None else pytest.approx(stored, abs=1.5))
    body["seconds"] = 30
    assert rater.post(f"assignments/{screen['assignment']}", body).json()["rating"] == str(rating.key)


def test_the_clock_goes_on_over_reloads_days_and_an_undo() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    assert 'data-seconds="0.0"' in visitor.page
    handed_out_earlier(visitor.assignment, 86_400)
    for said, known in (("6.9", "6.9"), ("3.0", "6.9"), ("x", "6.9"), ("8.5", "8.5")):
        visitor.draft(seconds=said)
        assert f'data-seconds="{known}"' in visitor.reload().content.decode()
    models.Assignment.objects.update(state="released", leased_until=timezone.now() - timedelta(days=1))
    models.Item.objects.update(taken=0)
    visitor.reload()
    visitor.answer(seconds="0.1")
    assert models.Rating.objects.get().seconds == 8.5, "an honest rater's reload makes nobody fast"
    visitor.undo()
    assert 'data-seconds="8.5"' in visitor.page, "an undo adds to what was looked at before"
    visitor.answer(20, seconds="12.0")
    assert models.Rating.objects.latest("pk").seconds == 12.0


def test_a_draft_says_no_more_than_there_was_time_for() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    handed_out_earlier(visitor.assignment, 3)
    visitor.draft(seconds="500")
    assert 3 <= models.Assignment.objects.get().seconds_spent < 10
