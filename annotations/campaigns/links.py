"""Addresses that are handed to people."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from annotations.campaigns.models import Assignment, Campaign
from annotations.campaigns.outside_ids import check_outside_id, rater_signature


def site_link(path: str) -> str:
    """The whole address of a page of this site, as people outside reach it; `path` is what `reverse` gives."""
    return f"{settings.SITE.origin}{path}"


def rater_link(campaign: Campaign, outside_id: str | None = None) -> str:
    """Where raters join a campaign; with an outside id, signed for that one rater, who may join again with it. Raises
    InputError for an id that nobody could join under."""
    link = site_link(reverse("rate", args=[campaign.token]))
    if outside_id is None:
        return link
    outside_id = check_outside_id(outside_id)
    return f"{link}?{urlencode({'rater': outside_id, 'signature': rater_signature(campaign, outside_id)})}"


def item_photo_address(assignment: Assignment, place: int) -> str:
    """The same for a researcher, whether or not anybody has the screen."""
    item = assignment.item
    return reverse("campaign_photo", args=[item.campaign_id, item.public_id, place])


def photo_address(assignment: Assignment, place: int) -> str:
    """Where a photo of a screen is served, by its place from 1: under the assignment's random id, which says nothing of
    the photo."""
    return reverse("rate-photo", args=[assignment.public_id, place])
