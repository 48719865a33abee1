"""A rater's share is limited: whoever has answered as many screens as one may is done, and others rate the rest."""

import pytest

from annotations import models
from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.services.leases import leases_release_expired
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import InputError
from tests.annotations.raters import Rater
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def test_raters_share_the_screens() -> None:
    campaign = make_campaign(captions=5, overlap=2, screens_per_rater=2).campaign
    raters = [Rater(campaign) for _ in range(6)]
    answered = []
    for rater in raters:
        screen, count = rater.next(), 0
        while screen:
            assert screen["progress"] == {"done": count, "total": 2}
            screen, count = rater.submit(screen).json()["next"], count + 1
        assert rater.next() is None
        answered.append(count)
    assert answered == [2, 2, 2, 2, 2, 0]
    assert {item.taken for item in campaign.items.all()} == {2}


def test_what_is_taken_back_or_skipped_is_not_counted() -> None:
    campaign = make_campaign(captions=6, overlap=1, screens_per_rater=2).campaign
    rater = Rater(campaign)
    rater.skip(rater.next())
    rater.submit(rater.next())
    last = rater.submit(rater.next()).json()
    assert last["next"] is None
    rater.undo(last["rating"])
    screen = rater.next()
    assert screen["progress"]["done"] == 1
    assert rater.submit(screen).json()["next"] is None
    assert models.Assignment.objects.filter(state="done").count() == 2


def test_a_screen_that_was_left_does_not_come_back_to_who_has_enough() -> None:
    campaign = make_campaign(captions=6, overlap=1, screens_per_rater=1).campaign
    rater = Rater(campaign)
    left = rater.next()
    models.Assignment.objects.update(leased_until="2020-01-01T00:00Z")
    leases_release_expired()
    assert models.Assignment.objects.get().state == "released"
    models.Assignment.objects.create(
        item=campaign.items.exclude(assignments__public_id=left["assignment"])[0],
        rater=models.Rater.objects.first(), state="done", candidate_order=[], leased_until="2020-01-01T00:00Z",
    )  # fmt: skip
    assert rater.next() is None


def test_the_page_says_how_many() -> None:
    campaign = make_campaign(captions=6, overlap=1, screens_per_rater=2, minimum_answers=2).campaign
    visitor = Visitor(campaign)
    assert "At most 2." in visitor.page
    visitor.join()
    visitor.answer()
    assert "1 of 2 done" in visitor.page
    visitor.answer()
    assert "Thank you" in visitor.page
    assert models.Rater.objects.get().completion_code in visitor.page


def test_the_spec_holds_it_within_the_items() -> None:
    spec = spec_of(make_campaign(captions=6, screens_per_rater=3, minimum_answers=2).campaign)
    assert spec.screens_per_rater == 3
    for wrong in (1, 7):
        with pytest.raises(InputError, match=f"screens_per_rater: {wrong} must be from minimum_answers, 2, to the"):
            CampaignSpec.from_mapping(spec.model_dump() | {"screens_per_rater": wrong})
