"""Writes of a new campaign's items that are no ordinary ones: with a degraded text, with a text that asks for an
answer, and the twins of ordinary items that raters see again."""

import random
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from typing import NamedTuple

from annotations.campaigns.models import Campaign, Candidate, CandidateOutput, Item
from annotations.campaigns.quality import ATTENTION, Quality
from annotations.campaigns.services.items import DRAWN, ReadyItem, Sources, items_ready, texts_read, told_in
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.storage.bulk import batched, ids_reserve, rows_insert
from annotations.storage.fields import digest_of
from annotations.storage.short_writes import rows_a_write, short_write
from annotations.storage.unfinished import lease_renew
from annotations.systems.models import Decoding
from texts.degrading import LEAST_WORDS, degraded
from texts.stories import story_lines

SPARE = 4  # sources drawn for each text that is to be degraded, since not every text can be


class Made(NamedTuple):
    """What an item shows: the text that was made first, its original and others behind it, where there are several."""

    source: int
    kind: str
    way: str
    texts: list[str]


def planned_items_write(
    *, campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None = None
) -> None:
    """Those that the campaign's quality control declares, of sources that no other item shows; and the twins. Raises
    InputError where the texts are too few or too short."""
    quality = campaign.quality_control
    if quality.sources:
        used = set(Item.objects.filter(campaign=campaign).values_list("source", flat=True))
        free = [source for source in sources if source not in used][: SPARE * quality.sources]
        made = list(items_made(campaign, free, decodings, drawn))
        if len(made) < quality.sources:
            raise InputError(
                "quality",
                f"needs {quality.sources} sources, but those that no item shows have only {len(made)} texts to degrade",
                f"a text needs {LEAST_WORDS} words in each sentence",
            )
        with short_write():
            lease_renew(campaign)
            for place, item in enumerate(made, start=campaign.item_count):
                item_write(campaign, item, place)
    if quality.repeats:
        twins_write(campaign, campaign.item_count + quality.sources)


def item_write(campaign: Campaign, made: Made, place: int) -> None:
    item = Item(campaign=campaign, source_id=made.source, kind=made.kind, position=place)
    candidates = [Candidate(item=item, text=text, digest=digest_of(text)) for text in made.texts]
    item.planted = {"degradation": made.way, "degraded": str(candidates[0].public_id)}
    if len(candidates) > 1:
        item.planted["original"] = str(candidates[1].public_id)
    item.save()
    # By the random id, so that no number follows which one is degraded.
    Candidate.objects.bulk_create(sorted(candidates, key=lambda each: each.public_id))


def kinds_and_ways(quality: Quality) -> list[tuple[str, str]]:
    """Of each item that is to be made; the ways take turns."""
    counts = {
        Item.Kind.TRAINING: quality.training,
        Item.Kind.QUALIFICATION: quality.qualification,
        Item.Kind.CONTROL: quality.degraded,
    }
    wanted = []
    for kind, count in counts.items():
        wanted += [(kind.value, way) for way in islice(cycle(quality.degrading), count)]
    return wanted + [(Item.Kind.ATTENTION.value, ATTENTION)] * quality.attention


def items_made(
    campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None
) -> Iterator[Made]:
    quality, protocol = campaign.quality_control, protocol_named(campaign.protocol)
    draw, wanted = random.Random(f"{campaign.seed}:checks"), iter(kinds_and_ways(quality))
    told_as, asked_for = told_in(campaign), protocol.asks_for_attention(quality.attention_text)
    always = set(protocol.shown_always([DRAWN]))
    takes = partial(screen_texts, shown=campaign.texts_shown, least=protocol.least_texts)
    kind, way = next(wanted)
    for read in texts_read(sources, decodings, len(sources), bool(drawn), stories=told_as is not None):
        items = items_ready(read, draw, 1, with_drawn=bool(drawn), told_as=told_as)
        others: list[ReadyItem] = []
        if "swapped_source" in quality.degrading:  # of sources that are shown nowhere else
            items, others = items[: len(items) // 2], items[len(items) // 2 :]
        for at, item in enumerate(items):
            elsewhere = others[at].candidates[0].text if at < len(others) else ""
            candidates = draw.sample(item.candidates, len(item.candidates))
            texts = [candidate.text for candidate in candidates]
            for original in [each.text for each in candidates if not always or always & set(each.outputs)]:
                if way == ATTENTION:
                    bad: str | None = "\n".join([asked_for] * len(story_lines(original)))
                else:
                    bad = degraded(original, way, draw, elsewhere)
                if bad and bad not in texts and (screen := takes(bad, original, texts)):
                    yield Made(item.source, kind, way, screen)
                    if (following := next(wanted, None)) is None:
                        return
                    kind, way = following
                    break


def screen_texts(bad: str, original: str, texts: Sequence[str], *, shown: int, least: int) -> list[str]:
    """The text that was made, and its original and others if so many are shown; empty where they are too few."""
    rest = [text for text in texts if text != original][: max(shown - 2, 0)]
    screen = [bad, original, *rest] if shown > 1 else [bad]
    return screen if len(screen) >= least else []


def twins_write(campaign: Campaign, place: int) -> None:
    """Of every ordinary item another one with the same texts, from this place on: a rater sees one of them again as its
    twin, under random ids of its own."""
    ordinary = Item.objects.filter(campaign=campaign, kind=Item.Kind.REGULAR).order_by("position")
    items = list(ordinary.values_list("pk", "source_id"))
    for part in batched(items, max(rows_a_write() // 10, 1)):
        of_item = dict(zip((pk for pk, _ in part), ids_reserve(Item, len(part)), strict=True))
        rows = Candidate.objects.filter(item__in=of_item).values_list("pk", "item", "text", "digest")
        texts = sorted((uuid.uuid4().hex, *row) for row in rows)
        twin_of = dict(zip((pk for _, pk, *_ in texts), ids_reserve(Candidate, len(texts)), strict=True))
        outputs = list(CandidateOutput.objects.filter(candidate__in=twin_of).values_list("candidate", "output"))
        with short_write():
            lease_renew(campaign)
            rows_insert(
                Item,
                ("id", "public_id", "campaign", "kind", "source", "position", "taken"),
                [
                    (of_item[pk], uuid.uuid4().hex, campaign.pk, Item.Kind.REPEAT.value, source, at, 0)
                    for at, (pk, source) in enumerate(part, start=place)
                ],
            )
            rows_insert(
                Candidate,
                ("id", "public_id", "item", "text", "digest"),
                [(twin_of[pk], public_id, of_item[item], text, digest) for public_id, pk, item, text, digest in texts],
            )
            rows_insert(CandidateOutput, ("candidate", "output"), [(twin_of[pk], output) for pk, output in outputs])
        place += len(part)
