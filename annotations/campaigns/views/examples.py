"""Answers in the words of the page, and the worked example among them."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.campaigns.example import fields_of
from annotations.campaigns.models import Campaign
from annotations.protocols import cannot_say, protocol_named


def answered(campaign: Campaign, texts: Sequence[tuple[str, str]], fields: Mapping[str, str]) -> dict[str, Any]:
    """What `rating/_sent.html` needs of an answer, but for its photos: `texts` by the names that stand in `fields`."""
    screen = protocol_named(campaign.protocol).answered(texts, fields, criteria=campaign.asked, rules=campaign.rules)
    return {"screen": screen, "declined": cannot_say.titles(fields, campaign.asked)}


def example_shown(campaign: Campaign) -> dict[str, Any] | None:
    """What `rating/_example.html` needs, where the campaign has an example."""
    if not (example := campaign.worked_example):
        return None
    protocol, may = protocol_named(campaign.protocol), campaign.cannot_say
    fields = fields_of(example, protocol, criteria=campaign.criteria, may=may, rules=campaign.rules)
    return {
        **answered(campaign, example.named, fields),
        "photos": [{"caption": line} for line in example.source.splitlines() if line.strip()],
        "why": example.why,
    }
