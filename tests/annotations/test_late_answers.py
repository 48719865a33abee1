"""An answer is stored while its place is free, whatever became of its lease; and every note says what happened."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.leases import leases_release_expired
from tests.annotations.raters import Rater, new_key
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def run_out(assignment: Any, *, swept: bool = True) -> None:
    models.Assignment.objects.filter(public_id=assignment, state="open").update(
        leased_until=timezone.now() - timedelta(seconds=1)
    )
    if swept:
        assert leases_release_expired() == 1


def taken(campaign: models.Campaign) -> list[int]:
    return sorted(campaign.items.values_list("taken", flat=True))


def state_of(assignment: Any) -> str:
    return models.Assignment.objects.get(public_id=assignment).state


@pytest.mark.parametrize("another_open", [False, True])
@pytest.mark.parametrize("swept", [False, True])
def test_a_late_answer_is_taken_while_its_place_is_free(swept: bool, another_open: bool) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    screen = rater.next()
    run_out(screen["assignment"], swept=swept or another_open)
    other = None
    if another_open:  # as from a second window, while the first one's place was taken
        models.Item.objects.filter(assignments__public_id=screen["assignment"]).update(taken=1)
        other = rater.next()["assignment"]
        models.Item.objects.filter(assignments__public_id=screen["assignment"]).update(taken=0)
        assert other != screen["assignment"]
    key = new_key()
    answer = rater.submit(screen, key)
    assert answer.status_code == 201
    assert rater.submit(screen, key).json()["rating"] == key, "a lost reply changes nothing"
    assert state_of(screen["assignment"]) == "done"
    assert answer.json()["next"]["assignment"] == other or not other
    assert taken(campaign) == [1, 1]
    assert rater.submit(answer.json()["next"]).json()["next"] is None
    assert models.Rating.objects.counting(campaign).count() == 2


def test_only_a_place_that_others_have_taken_is_gone() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    visitor, other = Visitor(campaign), Rater(campaign)
    visitor.join()
    run_out(visitor.assignment)
    late = other.next()
    visitor.answer()
    assert "others took the last place on the screen you were at" in visitor.page
    assert not models.Rating.objects.exists()
    other.skip(late)
    assert taken(campaign) == [0]
    visitor.reload()
    assert visitor.page.count('value="60"') == 6, "the place is free again, and what had been set is there"
    visitor.answer()
    assert "Thank you!" in visitor.page
    assert taken(campaign) == [1]


@pytest.mark.parametrize("swept", [False, True])
def test_a_late_skip_is_a_skip(swept: bool) -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    rater = Rater(campaign)
    screen = rater.next()
    run_out(screen["assignment"], swept=swept)
    skip = rater.skip(screen)
    assert skip.json()["next"] is None
    assert taken(campaign) == [0]
    assert rater.undo(skip.json()["rating"]).json()["next"]["assignment"] == screen["assignment"]
    assert taken(campaign) == [1]


def test_a_draft_renews_the_lease_and_takes_up_one_that_has_ended() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    for swept in (False, True):
        run_out(visitor.assignment, swept=swept)
        assert visitor.draft().status_code == 204
        row = models.Assignment.objects.get()
        assert (row.state, taken(campaign)) == ("open", [1])
        assert row.leased_until > timezone.now() + timedelta(minutes=29)


def test_a_draft_that_is_of_no_use_any_more_says_so() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    visitor, other = Visitor(campaign), Rater(campaign)
    visitor.join()
    run_out(visitor.assignment)
    late = other.next()
    refused = visitor.draft()
    assert (refused.status_code, "others took the last place" in refused.content.decode()) == (409, True)
    other.skip(late)
    assert visitor.draft().status_code == 204
    page = visitor.page
    visitor.answer()
    visitor.page = page
    refused = visitor.draft()
    assert (refused.status_code, "answered that screen already" in refused.content.decode()) == (409, True)
    visitor.client.cookies.clear()
    assert "no longer knows who you are" in visitor.draft().content.decode()


def test_coming_back_gives_the_same_screen_with_what_was_set() -> None:
    campaign = make_campaign(captions=6, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    shown, order = visitor.assignment, visitor.fields()
    visitor.draft(33)
    run_out(shown)
    visitor.reload()
    assert visitor.assignment == shown
    assert visitor.fields() == order
    assert 'value="33"' in visitor.page
    assert sum(taken(campaign)) == 1


def test_an_answer_from_a_window_that_knows_nothing_of_an_undo() -> None:
    campaign = make_campaign(overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    first = visitor.assignment
    visitor.answer(10)
    second_window = Visitor(campaign, browser=visitor)
    second = second_window.assignment
    visitor.undo()
    assert (visitor.assignment, state_of(second)) == (first, "released")
    second_window.answer(20)
    assert (state_of(first), state_of(second)) == ("open", "done")
    assert second_window.assignment == first, "the one that was taken back is still to be answered"
    second_window.answer(30)
    assert models.Rating.objects.counting(campaign).count() == 2
    assert sum(taken(campaign)) == 3


def test_what_was_half_answered_before_an_undo_comes_next() -> None:
    campaign = make_campaign(overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    visitor.answer(10)
    half = visitor.assignment
    visitor.draft(33)
    visitor.undo()
    visitor.answer(10)
    assert visitor.assignment == half
    assert 'value="33"' in visitor.page


Act = Callable[[Visitor], Any]


def send_again(visitor: Visitor, page: str, act: Act) -> None:
    visitor.page = page
    act(visitor)


@pytest.mark.parametrize(
    ("first", "then", "note", "stored"),
    [
        (Visitor.answer, lambda v: v.answer(key=new_key()), "answered that screen already, and that answer counts", 1),
        (Visitor.answer, Visitor.answer, "", 1),
        (Visitor.answer, lambda v: v.answer(seconds="9.9"), "", 1),
        (Visitor.answer, lambda v: v.answer(70), "Your first answer to that screen had arrived and counts", 1),
        (Visitor.answer, Visitor.skip, "answered that screen already, and that answer counts", 1),
        (Visitor.skip, Visitor.answer, "skipped that screen already", 1),
        (Visitor.skip, Visitor.skip, "", 1),
        (lambda v: None, lambda v: v.answer(101), "outside its scale", 0),
        (lambda v: None, lambda v: v.answer(**{v.fields()[0]: "often"}), "outside its scale", 0),
        (lambda v: None, lambda v: v.answer(**{v.fields()[0]: ""}), "Something is not answered yet", 0),
        (lambda v: None, lambda v: v.answer(key="x"), "A part of the page was missing", 0),
        (lambda v: (v.answer(), v.undo()), Visitor.answer, "taken this answer back in another window", 2),
        (lambda v: (v.answer(), v.undo(), v.answer(70)), Visitor.answer, "taken back already, or answered again", 3),
        (lambda v: (v.answer(), v.undo(), v.skip()), Visitor.answer, "taken back already, or answered again", 3),
    ],
)
def test_each_note_says_what_happened(first: Act, then: Act, note: str, stored: int) -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    page = visitor.page
    first(visitor)
    send_again(visitor, page, then)
    assert note in visitor.page
    assert ('class="note" role="status"' in visitor.page) == bool(note)
    assert models.Rating.objects.count() == stored


def test_an_undo_that_is_sent_twice_takes_back_once_what_it_shows() -> None:
    campaign = make_campaign().campaign
    visitor = Visitor(campaign)
    visitor.join()
    visitor.answer(10)
    page = visitor.page
    for _ in range(2):
        visitor.page = page
        visitor.undo()
        assert "Taken back. Here is that screen again." in visitor.page
    visitor.answer(20)
    send_again(visitor, page, Visitor.undo)
    assert "taken back already, or answered again since" in visitor.page
    assert [rating.kind for rating in models.Rating.objects.order_by("pk")] == ["answer", "withdrawn", "answer"]


def test_an_answer_that_meets_a_pause_is_kept() -> None:
    campaign = make_campaign().campaign
    visitor = Visitor(campaign)
    visitor.join()
    page = visitor.page
    models.Campaign.objects.update(state="paused")
    visitor.answer(60)
    assert "What you set is kept" in visitor.page
    assert "The study is paused" in visitor.page
    models.Campaign.objects.update(state="open")
    assert visitor.reload().content.decode().count('value="60"') == 6
    campaign_close(campaign=models.Campaign.objects.get())
    send_again(visitor, page, Visitor.answer)
    assert "The study ended before this arrived. It was not stored." in visitor.page
    assert not models.Rating.objects.exists()
