from typing import NamedTuple

from django import template
from django.db.models import QuerySet

from annotations.models import Campaign
from workers.generations.selectors import generation_that_built, generation_that_opened, generations_taught_by
from workers.models import Generation

register = template.Library()
register.simple_tag(generation_that_built)


class OfCampaign(NamedTuple):
    """The generation that opened a campaign, and those that learned from it."""

    opened: Generation | None
    taught: "QuerySet[Generation]"


@register.simple_tag
def generations_of(campaign: Campaign) -> OfCampaign:
    return OfCampaign(generation_that_opened(campaign), generations_taught_by(campaign))
