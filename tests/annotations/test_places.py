"""What a campaign misses, and what would fill it: the numbers hold when raters then come and rate."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotations import models
from annotations.campaigns.monitoring.places import outlook_of
from annotations.campaigns.monitoring.words import filled_by, missing_rows
from annotations.campaigns.services.campaigns import campaign_close, campaign_extend, campaign_pause
from annotations.campaigns.services.raters import rater_exclude
from tests.annotations.raters import Rater
from tests.annotations.test_named_items import joined, rate_all
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def missing(campaign: models.Campaign) -> dict[str, int]:
    campaign.refresh_from_db()
    return dict(missing_rows(outlook_of(campaign)))


def said(campaign: models.Campaign) -> str:
    campaign.refresh_from_db()
    return " ".join(filled_by(campaign, outlook_of(campaign)))


def test_a_campaign_that_hangs_says_how_many_more_raters_would_fill_it() -> None:
    campaign = make_campaign(captions=3, overlap=4).campaign
    assert said(campaign) == "12 places are left on 3 items, and nobody takes part yet: at least 4 raters are needed."
    for _ in range(2):
        rate_all(Rater(campaign))
    assert missing(campaign) == {"free, for new raters": 6}
    assert (
        said(campaign) == "6 places are left on 3 items; everyone who takes part has had them: 2 more raters would "
        "fill them."
    )
    rate_all(Rater(campaign))
    assert said(campaign).endswith("1 more rater would fill them.")
    rate_all(Rater(campaign))
    assert (missing(campaign), said(campaign)) == ({}, "No answer is missing.")


@pytest.mark.parametrize(("captions", "overlap", "limit", "raters"), [(5, 2, 2, 5), (6, 3, 4, 5), (2, 5, 2, 5)])
def test_as_many_raters_as_are_said_fill_it_and_fewer_do_not(
    captions: int, overlap: int, limit: int, raters: int
) -> None:
    """By hand: 10 screens of 2, 18 of 4, and five raters for the five places of an item."""
    campaign = make_campaign(captions=captions, overlap=overlap, screens_per_rater=limit).campaign
    assert outlook_of(campaign).new_raters == raters
    for number in range(raters):
        assert outlook_of(campaign).places.missing > 0
        assert outlook_of(campaign).new_raters == raters - number
        rate_all(Rater(campaign))
    assert outlook_of(campaign).places.missing == 0


def test_a_limit_of_screens_is_said() -> None:
    campaign = make_campaign(captions=6, overlap=1, screens_per_rater=2).campaign
    first, second = Rater(campaign), Rater(campaign)
    rate_all(first)
    assert missing(campaign) == {"free, for raters who take part": 2, "free, for new raters": 2}
    assert said(campaign) == (
        "4 places are left on 4 items. The 1 rater who takes part can fill 2 of them. Since one rater may answer only "
        "2 screens, 1 more rater is needed for the other 2."
    )
    rate_all(second)
    assert said(campaign) == (
        "2 places are left on 2 items; everyone who takes part has answered the 2 screens that one rater may: 1 more "
        "rater would fill them."
    )


def test_checks_take_their_share_of_a_raters_screens() -> None:
    quality = {"degraded": 1, "degraded_needed": 1}
    campaign = make_campaign(captions=8, items=6, overlap=1, screens_per_rater=3, quality=quality).campaign
    assert outlook_of(campaign).new_raters == 3, "two screens of three are items"
    Rater(campaign)
    assert outlook_of(campaign).within_reach == 2


def test_open_screens_are_told_from_those_that_were_left() -> None:
    campaign = make_campaign(captions=4, overlap=1).campaign
    here, gone = Rater(campaign), Rater(campaign)
    for rater in (here, gone):
        assert rater.next()
    theirs = models.Assignment.objects.filter(rater=models.Rater.objects.order_by("pk").last())
    theirs.update(leased_until=timezone.now() - timedelta(minutes=1))
    held = {"being rated now": 1, "left open, and free for whoever asks next": 1}
    assert missing(campaign) == held | {"free, for raters who take part": 2}
    assert said(campaign) == (
        "2 places are left on 2 items. The 2 raters who take part can fill them; if none comes back, 1 more rater "
        "would."
    )
    campaign_pause(campaign=campaign)
    assert said(campaign).startswith("Nobody can rate while the campaign is paused. 2 places")


def test_skips_shut_an_item_for_who_skipped_it() -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    for _ in range(2):
        rater.skip(rater.next())
    other = Rater(campaign)
    assert missing(campaign) == {"free, for raters who take part": 2}
    other.skip(other.next())
    assert missing(campaign) == {"being rated now": 1, "free, for new raters": 1}
    assert said(campaign) == (
        "1 place is left on 1 item; everyone who takes part has had it: 1 more rater would fill it."
    )


def test_one_rater_cannot_fill_all_places_of_an_item() -> None:
    campaign = make_campaign(captions=2, overlap=3).campaign
    Rater(campaign)
    assert missing(campaign) == {"free, for raters who take part": 2, "free, for new raters": 4}
    assert said(campaign) == (
        "6 places are left on 2 items. The 1 rater who takes part can fill 2 of them. Since a rater gets an item once, "
        "2 more raters are needed for the other 4."
    )


def test_places_kept_for_named_raters_say_what_they_wait_for() -> None:
    campaign = make_campaign(captions=3, overlap=1, named={"ann": [0], "bo": [1, 2]}).campaign
    assert missing(campaign) == {"kept for named raters who have not joined": 3}
    assert said(campaign) == "3 places are kept for 2 named raters who have not joined."
    bo = joined(campaign, "bo")
    assert missing(campaign) == {
        "kept for named raters who have not joined": 1, "kept for named raters who have joined": 2,
    }  # fmt: skip
    bo.skip(bo.next())
    assert bo.next()
    assert missing(campaign) == {
        "being rated now": 1,
        "kept for named raters who have not joined": 1,
        "kept for named raters who skipped them": 1,
    }
    rate_all(bo)
    assert "1 place is kept for raters who skipped the item. Nobody else gets it unless" in said(campaign)
    rater_exclude(rater=models.Rater.objects.get(), reason="has no time", release=True)
    assert missing(campaign) == {"kept for named raters who have not joined": 1, "free, for new raters": 2}


def test_who_is_left_out_with_their_screens_takes_part_no_more() -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    rate_all(rater)
    rater_exclude(rater=models.Rater.objects.get(), reason="clicked at random", release=True)
    assert said(campaign).endswith("and nobody takes part yet: at least 1 rater is needed.")
    rate_all(Rater(campaign))
    campaign_extend(campaign=campaign, overlap=2)
    assert said(campaign).startswith("2 places are left on 2 items; everyone who takes part has had them")
    campaign_close(campaign=campaign)
    assert said(campaign) == "The campaign was closed with 2 answers missing."


def test_it_takes_as_many_queries_however_many_raters_there_are(django_assert_max_num_queries: Any) -> None:
    campaign = make_campaign(captions=4, overlap=3, screens_per_rater=3).campaign
    for _ in range(3):
        rate_all(Rater(campaign), most=2)
        with django_assert_max_num_queries(8):
            outlook_of(campaign)
