"""Addresses that are handed to people."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from annotations.models import Assignment, Campaign
from annotations.services.raters import check_outside_id, rater_signature


def rater_link(campaign: Campaign, outside_id: str | None = None) -> str:
    """Where raters join a campaign; with an outside id, signed for that one rater, who may join again with it. Raises
    InputError for an id that nobody could join under."""
    link = f"{settings.SITE_URL}{reverse('rate', args=[campaign.token])}"
    if outside_id is None:
        return link
    outside_id = check_outside_id(outside_id)
    return f"{link}?{urlencode({'rater': outside_id, 'signature': rater_signature(campaign, outside_id)})}"


def photo_address(assignment: Assignment) -> str | None:
    """Where the photo of a screen is served: under the assignment's random id, which says nothing of the photo."""
    photo = assignment.item.source.photo
    return reverse("rate-photo", args=[assignment.public_id]) if photo and photo.image else None
