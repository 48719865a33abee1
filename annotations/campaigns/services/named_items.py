"""Writes of named items: who gets which sources, and what becomes of the places that are kept for them."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import F

from annotations.campaigns.models import Assignment, Campaign, Invitation, Item, NamedItem, Rater
from annotations.campaigns.outside_ids import check_outside_id
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.leases import items_lock, turn_last
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.storage.bulk import batched
from annotations.storage.short_writes import rows_a_write, short_write
from annotations.storage.unfinished import lease_renew


def check_named(named: Sequence[NamedSource], spec: CampaignSpec) -> None:
    """Raises InputError, with the line, for what no campaign of the spec can give."""
    if named and spec.quality.planned:
        raise InputError(
            "quality", "planned screens do not go with named items", "named raters get their items and no others"
        )
    lines: dict[tuple[str, str], str] = {}
    raters, sources, most = Counter[str](), Counter[str](), spec.screens_per_rater or spec.items
    for row in named:
        try:
            check_outside_id(row.rater)
        except InputError as error:
            raise InputError("rater", f"'{row.rater}' {error.message}", "name a rater", where=row.where) from error
        if not row.source:
            raise InputError("source", "is empty", "give a source's key", where=row.where)
        if first := lines.get(row[:2]):
            message = f"'{row.source}' is named for '{row.rater}' already at {first}"
            raise InputError("source", message, "name it once", where=row.where)
        lines[row[:2]] = row.where
        raters[row.rater] += 1
        sources[row.source] += 1
        if sources[row.source] > spec.overlap:
            message = f"'{row.source}' is named for more raters than overlap, which is {spec.overlap}"
            raise InputError("source", message, "name it for fewer, or raise overlap", where=row.where)
        if raters[row.rater] > most:
            limit = f"screens_per_rater is {most}" if spec.screens_per_rater else f"items are {most}"
            raise InputError("rater", f"more items are named for '{row.rater}' than {limit}", where=row.where)
        if len(sources) > spec.items:
            message = f"'{row.source}' is source number {len(sources)}, and items are {spec.items}"
            raise InputError("source", message, "name fewer sources, or raise items", where=row.where)


def named_items_write(*, campaign: Campaign, named: Sequence[NamedSource], sources: Mapping[str, int]) -> None:
    """Keep a place of each item for the rater it is named for, who joins with a personal link. `sources` are primary
    keys by the sources' keys. Raises InputError for one that makes no item, its texts being too much alike."""
    items: dict[int, int] = {}
    for pks in batched(list(sources.values()), rows_a_write()):
        items |= dict(Item.objects.filter(campaign=campaign, source__in=pks).values_list("source", "pk"))
    for row in named:
        if sources[row.source] not in items:
            least = protocol_named(campaign.protocol).least_texts
            message = f"'{row.source}' has fewer than {least} different texts, and makes no screen"
            raise InputError("source", message, "name another", where=row.where)
    for part in batched(list(named), rows_a_write()):
        places: dict[int, list[int]] = defaultdict(list)
        for item, count in Counter(items[sources[row.source]] for row in part).items():
            places[count].append(item)
        with short_write():
            lease_renew(campaign)
            NamedItem.objects.bulk_create(
                NamedItem(campaign=campaign, outside_id=row.rater, item_id=items[sources[row.source]]) for row in part
            )
            Invitation.objects.bulk_create(
                [Invitation(campaign=campaign, outside_id=rater) for rater in {row.rater: None for row in part}],
                ignore_conflicts=True,
            )
            for count, named_items in places.items():
                Item.objects.filter(pk__in=named_items).update(taken=F("taken") + count)


def named_items_forget(*, campaign: Campaign, outside_id: str, rater: Rater | None) -> None:
    """Of somebody who is erased: whom they were named for, and the places of what they have not answered, which others
    may take. Call it with the rater's row locked, and their assignments."""
    theirs = NamedItem.objects.filter(campaign=campaign, outside_id=outside_id)
    done = Assignment.objects.filter(rater=rater, state=Assignment.State.DONE) if rater else Assignment.objects.none()
    free = list(theirs.filter(place_kept=True).exclude(item__in=done.values("item")).values_list("item", flat=True))
    items_lock(free)
    Item.objects.filter(pk__in=free).update(taken=F("taken") - 1, turn=turn_last())
    theirs.update(outside_id=str(uuid.uuid4()), place_kept=False)
