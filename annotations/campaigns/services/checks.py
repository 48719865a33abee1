"""Writes of quality control: a new campaign's items with a degraded text, and what a rater's answers come to."""

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any

from django.db.models import Count

from annotations.campaigns.models import Assignment, Campaign, Candidate, Item, Rater
from annotations.campaigns.quality import Looked, Standing, looked_at, reason_of, rule_broken
from annotations.campaigns.rounds import item_texts
from annotations.campaigns.services.items import DRAWN, ReadyItem, Sources, items_ready, texts_read, told_in
from annotations.campaigns.services.raters import rater_stop
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.storage.fields import digest_of
from annotations.storage.prepared import selecting, slots
from annotations.storage.short_writes import short_write
from annotations.storage.unfinished import lease_renew
from annotations.systems.models import Decoding
from texts.degrading import LEAST_WORDS, degraded

PLANTED = selecting(lambda: Item.objects.filter(**slots(Item, "id")).order_by().values_list("planted"))
STANDING = selecting(
    lambda: (
        Assignment.objects.filter(**slots(Assignment, "rater"), state=Assignment.State.DONE)
        .order_by()
        .values_list("check_passed", "too_fast", "same_answers")
        .annotate(count=Count("pk"))
    )
)
SPARE = 4  # sources drawn for each degraded text that is asked for, since not every text can be degraded


def controls_write(
    *, campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None = None
) -> None:
    """The campaign's items of quality control, of sources that no other item shows. Raises InputError where their texts
    are too few or too short."""
    wanted = campaign.quality_control.degraded
    if not wanted:
        return
    used = set(Item.objects.filter(campaign=campaign).values_list("source", flat=True))
    free = [source for source in sources if source not in used][: SPARE * wanted]
    made = [item for _, item in zip(range(wanted), controls_of(campaign, free, decodings, drawn), strict=False)]
    if len(made) < wanted:
        raise InputError(
            "quality.degraded",
            f"{wanted} requested, but the sources that no item shows have only {len(made)} texts to degrade",
            f"a text needs {LEAST_WORDS} words in each sentence",
        )
    with short_write():
        lease_renew(campaign)
        for place, (source, planted, texts) in enumerate(made, start=campaign.item_count):
            item = Item(campaign=campaign, source_id=source, kind=Item.Kind.CONTROL, position=place)
            candidates = [Candidate(item=item, text=text, digest=digest_of(text)) for text in texts]
            item.planted = {"degradation": planted, "degraded": str(candidates[0].public_id)}
            if len(candidates) > 1:
                item.planted["original"] = str(candidates[1].public_id)
            item.save()
            # By the random id, so that no number follows which one is degraded.
            Candidate.objects.bulk_create(sorted(candidates, key=lambda each: each.public_id))


def controls_of(
    campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None
) -> Iterator[tuple[int, str, list[str]]]:
    """A source, how a text of it is degraded, and the texts of its screen: the degraded one and, where a screen shows
    several, its original and texts of other systems."""
    draw, ways = random.Random(f"{campaign.seed}:checks"), cycle(campaign.quality_control.degrading)
    way, told_as = next(ways), told_in(campaign)
    always = set(protocol_named(campaign.protocol).shown_always([DRAWN]))
    takes = partial(screen_texts, shown=campaign.texts_shown, least=protocol_named(campaign.protocol).least_texts)
    for read in texts_read(sources, decodings, len(sources), bool(drawn), stories=told_as is not None):
        items = items_ready(read, draw, 1, with_drawn=bool(drawn), told_as=told_as)
        others: list[ReadyItem] = []
        if "swapped_source" in campaign.quality_control.degrading:  # of sources that are shown nowhere else
            items, others = items[: len(items) // 2], items[len(items) // 2 :]
        for at, item in enumerate(items):
            elsewhere = others[at].candidates[0].text if at < len(others) else ""
            candidates = draw.sample(item.candidates, len(item.candidates))
            texts = [candidate.text for candidate in candidates]
            for original in [each.text for each in candidates if not always or always & set(each.outputs)]:
                bad = degraded(original, way, draw, elsewhere)
                if bad and bad not in texts and (screen := takes(bad, original, texts)):
                    yield item.source, way, screen
                    way = next(ways)
                    break


def screen_texts(bad: str, original: str, texts: Sequence[str], *, shown: int, least: int) -> list[str]:
    """A degraded text, and its original and others if so many are shown; empty where they are too few."""
    rest = [text for text in texts if text != original][: max(shown - 2, 0)]
    screen = [bad, original, *rest] if shown > 1 else [bad]
    return screen if len(screen) >= least else []


def answer_look(campaign: Campaign, assignment: Assignment, stored: Mapping[str, Any], seconds: float | None) -> Looked:
    """What quality control sees in an answer: nothing where the campaign declares none."""
    quality = campaign.quality_control
    if not quality:
        return Looked()
    words = None
    if quality.seconds_per_word is not None and seconds is not None:
        texts = item_texts(assignment.item_id)
        words = sum(len(texts[pk].split()) for pk, _ in assignment.candidate_order)
    return looked_at(
        quality,
        protocol_named(campaign.protocol),
        stored,
        candidates={public_id: pk for pk, public_id in assignment.candidate_order},
        criteria=campaign.criteria,
        planted=planted_in(assignment.item_id) if quality.degraded else None,
        pace=seconds / words if words and seconds is not None else None,
    )


def planted_in(item: int) -> dict[str, str] | None:
    for (planted,) in PLANTED.rows(id=item):
        return planted or None
    return None


def rater_check(*, rater: Rater, looked: Looked | None) -> None:
    """Stop a rater if an answer in which this was seen makes them break one of the campaign's rules. It is none of an
    answer that was sent before, and whose sender may have been lost before this was asked."""
    quality = rater.campaign.quality_control
    if not quality or (looked and looked.check_passed is not False and not quality.looks_at_screens):
        return
    if rater.trial or rater.rules_waived or rater.replaced:
        return
    standing = standing_of_rater(rater)
    if rule := rule_broken(quality, standing):
        reason = reason_of(rule, quality, standing, alone=rater.campaign.texts_shown == 1)
        rater_stop(rater=rater, rule=rule, reason=reason)


def standing_of_rater(rater: Rater) -> Standing:
    standing = Standing()
    for passed, too_fast, same, count in STANDING.rows(rater_id=rater.pk):
        standing = standing.plus(Looked(passed, too_fast, same), count)
    return standing
