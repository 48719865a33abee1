"""Texts that were shown, by primary key."""

from annotations.campaigns.models import Campaign, Candidate
from annotations.reports.schema.examples import Text
from annotations.statistics.uncertainty import Ints


def texts_by_key(campaign: Campaign, keys: Ints) -> dict[int, Text]:
    """Text, source and systems of candidates by primary key."""
    candidates = Candidate.objects.filter(item__campaign=campaign, pk__in=keys.tolist())
    shown = candidates.order_by("outputs__decoding__system__name").values_list(
        "pk", "text", "item__source__text", "outputs__decoding__system__name"
    )
    found: dict[int, Text] = {}
    for pk, text, source, system in shown:
        found.setdefault(pk, Text(text=text, source=source, systems=[])).systems.append(system)
    return found
