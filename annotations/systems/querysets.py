"""Reads of what systems wrote."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.core.cache import cache
from django.db import models
from django.db.models import Count, Q

from texts.folding import fold

KEPT_SECONDS = 30 * 24 * 3600


class DecodingQuerySet(models.QuerySet):
    def complete(self) -> "DecodingQuerySet":
        return self.filter(completed_at__isnull=False)

    def own(self) -> "DecodingQuerySet":
        """As a system wrote them; not the stories that were put together from sentences."""
        return self.filter(sentences_of=None)

    def made_again(self) -> "DecodingQuerySet":
        """Those that no campaign shows and that are made anew when they are next needed: baselines', and stories that
        were put together from sentences."""
        baselines = Q(system__kind="baseline", imported_by=None)
        return self.filter(baselines | Q(sentences_of__isnull=False), entries=None)

    def latest_of(self, system: Any, dataset: Any, split: str) -> Any:
        """The newest complete decoding of a system on a split, or None."""
        found = self.complete().own().filter(system=system, dataset=dataset, split=split)
        return found.order_by("-completed_at", "-pk").first()

    def latest_of_each_kind(self, system: Any, dataset: Any, split: str) -> list[Any]:
        """The newest complete decoding whose texts were drawn, or are not a model's, and behind it the newest one that
        searched for likely texts: the second tells of the search as much as of the model."""
        return self.filter(system=system).latest_on(dataset, split)

    def latest_on(self, dataset: Any, split: str) -> list[Any]:
        """`latest_of_each_kind` of every system with a decoding there, by name. Of people those texts that a campaign
        drew which is closed by now: which ones an open one shows is told nowhere."""
        rows = self.complete().own().filter(dataset=dataset, split=split).select_related("system")
        rows = rows.filter(~Q(system__kind="human") | Q(entries__campaign__state="closed")).distinct()
        found: dict[tuple[str, bool], Any] = {}
        for decoding in rows.order_by("-completed_at", "-pk"):
            found.setdefault((decoding.system.name, bool(decoding.search)), decoding)
        return [found[key] for key in sorted(found)]


class OutputQuerySet(models.QuerySet):
    def first_rank(self) -> "OutputQuerySet":
        return self.filter(rank=0)

    def tallied(self, decoding: Any) -> Sequence[Any]:
        """Of the outputs at rank 0 of a decoding: the kinds of their sources, how many there are, how many of them are
        blank, and how many are different. The texts are read once: a complete decoding never changes."""
        return self.tallies([decoding])[decoding.pk]

    def tallies(self, decodings: Iterable[Any]) -> dict[int, Sequence[Any]]:
        """`tallied` of each, by primary key. Those that are not known yet are read in one query."""
        keys = {each.pk: tally_key(each) for each in decodings}
        found = {pk: kept for pk, key in keys.items() if key and (kept := cache.get(key))}
        missing = [pk for pk in keys if pk not in found]
        if not missing:
            return found
        rows = self.filter(decoding__in=missing).first_rank().values_list("decoding", "source__kind", "text")
        counted = rows.annotate(n=Count("pk")).order_by("decoding").iterator(chunk_size=5000)
        found |= {pk: ([], 0, 0, 0) for pk in missing}
        for pk, group in groupby(counted, key=itemgetter(0)):
            kinds: set[str] = set()
            texts: Counter[str] = Counter()
            for _, kind, text, count in group:
                kinds.add(kind)
                texts[fold(text)] += count
            found[pk] = sorted(kinds), texts.total(), texts.get("", 0), len(texts)
        for pk in missing:
            if keys[pk]:
                cache.set(keys[pk], found[pk], KEPT_SECONDS)
        return found


def tally_key(decoding: Any) -> str:
    """Under which its tally is kept; empty of one that is not complete."""
    return f"outputs-{decoding.pk}-{decoding.completed_at:%Y%m%dT%H%M%S.%f}" if decoding.completed_at else ""
