"""Texts that were shown, by primary key."""

from collections.abc import Iterable

from annotations.campaigns.models import Campaign, Candidate, Item
from annotations.campaigns.rounds import photos_of
from annotations.plurals import counted
from annotations.reports.schema.examples import Text
from annotations.statistics.uncertainty import Ints


def texts_by_key(campaign: Campaign, keys: Ints) -> dict[int, Text]:
    """Text, source and systems of candidates by primary key. The source of a story is what there is of its photos'
    captions, and otherwise their number."""
    candidates = Candidate.objects.filter(item__campaign=campaign, pk__in=keys.tolist())
    shown = candidates.order_by("outputs__decoding__system__name").values_list(
        "pk", "text", "item", "item__source__text", "outputs__decoding__system__name"
    )
    rows = list(shown)
    sequences = sequences_said({item for _, _, item, *_ in rows} if campaign.unit == Campaign.Unit.STORY else ())
    found: dict[int, Text] = {}
    for pk, text, item, source, system in rows:
        said = sequences.get(item, source)
        found.setdefault(pk, Text(text=text, source=said, systems=[])).systems.append(system)
    return found


def sequences_said(items: Iterable[int]) -> dict[int, str]:
    """By item what its source is, in words."""
    found: dict[int, str] = {}
    for item in Item.objects.filter(pk__in=items).select_related("source__photo"):
        photos = photos_of(item)
        captions = [photo.caption for photo in photos if photo.caption]
        found[item.pk] = " · ".join(captions) or f"a sequence of {counted(len(photos), 'photos')}"
    return found
