"""What two to four systems wrote for the same sources: which sources come first, and what differs."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter
from statistics import fmean, pstdev
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from annotations.corpora.selectors import distinct_references, references, story_references
from annotations.models import Campaign, Decoding, Item, Metric, Output, Score, Source
from annotations.reports.people import (
    Means,
    Rated,
    asked_of_texts,
    campaign_of_texts,
    standing_of,
    text_means,
)
from annotations.reports.words import spaced

PER_PAGE = 20
FEWEST, MOST = 2, 4  # systems
LONGEST = 2000  # sources that are sorted by length
KEPT_SECONDS = 7 * 24 * 3600
WORDS = re.compile(r"\S+")
ORDER, LENGTH, SHORTEST, APART = "order", "length", "shortest", "people"
METRIC, DISAGREEMENT = "metric:", "disagreement:"
Values = Mapping[tuple[int, int], float]  # by source and decoding


class Stretch(NamedTuple):
    """Part of a text: words that the first system's text has too, or others."""

    words: str
    differs: bool


class Text(NamedTuple):
    system: str
    output: Output | None
    stretches: list[Stretch]
    rated: Rated | None
    scores: list[tuple[Metric, float]]


class Beside(NamedTuple):
    source: Source
    references: list[str]
    texts: list[Text]


class Known(NamedTuple):
    """What is stored of single texts: people's ratings by a criterion, empty where there are none, and metrics, in the
    order in which these are listed, all of one closed campaign."""

    campaign: Campaign | None = None
    criterion: str = ""
    metrics: Sequence[Metric] = ()

    @property
    def asked(self) -> str:
        return spaced(self.criterion)


class Page(NamedTuple):
    """`of` is how many sources there are in this order; None where that is not counted."""

    number: int
    rows: list[Beside]
    of: int | None
    more: bool

    @property
    def first(self) -> int:
        return PER_PAGE * (self.number - 1) + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def known_of(decodings: Sequence[Decoding]) -> Known:
    """Of the closed campaign that showed most of these decodings; of none that is still rated."""
    campaign = campaign_of_texts(decodings)
    if campaign is None:
        return Known()
    metrics = Metric.objects.filter(scores__in=text_scores(campaign, decodings)).distinct().order_by("order")
    return Known(campaign, asked_of_texts(campaign), list(metrics))


def text_scores(campaign: Campaign, decodings: Sequence[Decoding]) -> "QuerySet[Score]":
    """Those that have the values of single texts."""
    return Score.objects.filter(campaign=campaign, decoding__in=decodings, by_item__isnull=False)


def metric_values(
    campaign: Campaign, decodings: Sequence[Decoding], *, metric: str = "", sources: Sequence[int] | None = None
) -> dict[str, dict[tuple[int, int], float]]:
    """By metric the values of the texts that the campaign showed: of one metric or of all, for all sources or some."""
    rows = text_scores(campaign, decodings).order_by("pk")
    if metric:
        rows = rows.filter(metric=metric)
    newest = {(score.metric_id, score.decoding_id): score.by_item or [] for score in rows}
    items = Item.objects.filter(campaign=campaign, kind=Item.Kind.REGULAR)
    if sources is not None:
        items = items.filter(source__in=sources)
    places = list(items.values_list("position", "source"))
    found: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
    for (name, decoding), values in newest.items():
        for position, source in places:
            if position < len(values) and (value := values[position]) is not None:
                found[name][source, decoding] = value
    return found


def sorts_of(known: Known) -> list[tuple[str, str]]:
    """The orders that there are, with their words."""
    found = [(ORDER, "as in the split"), (LENGTH, "longest first"), (SHORTEST, "shortest first")]
    if known.criterion:
        found.append((APART, "people’s ratings furthest apart"))
        found += [(f"{DISAGREEMENT}{each}", f"people and {each} disagree most") for each in known.metrics]
    return [*found, *((f"{METRIC}{each}", f"{each} furthest apart") for each in known.metrics)]


def page_of(decodings: Sequence[Decoding], known: Known, *, sort: str, words: str, number: int) -> Page:
    """Twenty sources that all of the decodings have a text for."""
    start, end = PER_PAGE * (number - 1), PER_PAGE * number
    order = order_of(decodings, known, sort)
    if order is None or words:
        sources = shared_sources(decodings)
        if words:
            sources = sources.filter(with_words(decodings, words))
        if order is not None:
            there = set(sources.filter(source__in=order).values_list("source", flat=True))
            order = [pk for pk in order if pk in there]
    if order is None:
        found = list(sources.order_by("source")[start : end + 1].values_list("source", flat=True))
        return Page(number, rows_of(found[:PER_PAGE], decodings, known), None, len(found) > PER_PAGE)
    return Page(number, rows_of(order[start:end], decodings, known), len(order), len(order) > end)


def shared_sources(decodings: Sequence[Decoding]) -> "QuerySet[Output]":
    """The first decoding's outputs, of the sources that all others have a text for too."""
    first, *others = decodings
    rows = Output.objects.filter(decoding=first).first_rank()
    for other in others:
        theirs = Output.objects.filter(decoding=other, source=OuterRef("source")).first_rank()
        rows = rows.filter(Exists(theirs))
    return rows


def with_words(decodings: Sequence[Decoding], words: str) -> Q:
    """Whether a text of one of the decodings has these words."""
    found = Q(text__icontains=words)
    for other in decodings[1:]:
        theirs = Output.objects.filter(decoding=other, source=OuterRef("source"), text__icontains=words)
        found |= Q(Exists(theirs.first_rank()))
    return found


def order_of(decodings: Sequence[Decoding], known: Known, sort: str) -> list[int] | None:
    """The sources, as they are sorted; None: as in the split. They are sorted once, and again where something that
    they are sorted by has changed: complete decodings never do."""
    if sort == ORDER or sort not in dict(sorts_of(known)):
        return None
    standing = standing_of(known.campaign) if known.campaign and sort not in (LENGTH, SHORTEST) else ""
    parts = [sort, standing, *((each.pk, str(each.completed_at)) for each in decodings)]
    key = f"order-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
    found: list[int] | None = cache.get(key)
    if found is None:
        found = sorted_sources(decodings, known, sort)
        cache.set(key, found, KEPT_SECONDS)
    return found


def sorted_sources(decodings: Sequence[Decoding], known: Known, sort: str) -> list[int]:
    kind, _, name = sort.partition(":")
    if known.campaign is None or sort in (LENGTH, SHORTEST):
        return by_length(decodings, shortest=sort == SHORTEST)
    of_metric = metric_values(known.campaign, decodings, metric=name)[name] if name else {}
    if f"{kind}:" == METRIC:
        return by_distance(of_metric, decodings)
    people = means_of(text_means(known.campaign, known.criterion))
    if sort == APART:
        return by_distance(people, decodings)
    [less_is_better] = [each.less_is_better for each in known.metrics if each.name == name]
    return by_disagreement(people, of_metric, decodings, less_is_better=less_is_better)


def means_of(rated: Means) -> Values:
    return {key: each.mean for key, each in rated.items()}


def by_length(decodings: Sequence[Decoding], *, shortest: bool) -> list[int]:
    """By the first system's text."""
    length = Length("text") if shortest else -Length("text")
    rows = shared_sources(decodings).order_by(length, "source")
    return list(rows.values_list("source", flat=True)[:LONGEST])


def of_sources(values: Values, decodings: Sequence[Decoding]) -> dict[int, dict[int, float]]:
    """By source those of these decodings."""
    wanted, found = {each.pk for each in decodings}, defaultdict[int, dict[int, float]](dict)
    for (source, decoding), value in values.items():
        if decoding in wanted:
            found[source][decoding] = value
    return found


def by_distance(values: Values, decodings: Sequence[Decoding]) -> list[int]:
    """Where the highest and the lowest value lie furthest apart, of the sources that all have a text for."""
    apart = {
        source: max(theirs.values()) - min(theirs.values())
        for source, theirs in of_sources(values, decodings).items()
        if len(theirs) > 1
    }
    return furthest(apart, decodings)


def by_disagreement(
    people: Values, metric: Values, decodings: Sequence[Decoding], *, less_is_better: bool
) -> list[int]:
    """Where a text lies furthest apart on the two scales, both in standard deviations of these systems' texts."""
    wanted = {each.pk for each in decodings}
    both = [key for key in people if key in metric and key[1] in wanted]
    if not both:
        return []
    liked, scored = standardised([people[key] for key in both]), standardised([metric[key] for key in both])
    sign = -1 if less_is_better else 1
    apart: dict[int, float] = {}
    for (source, _), one, other in zip(both, liked, scored, strict=True):
        apart[source] = max(apart.get(source, 0.0), abs(one - sign * other))
    return furthest(apart, decodings)


def standardised(values: Sequence[float]) -> list[float]:
    middle, spread = fmean(values), pstdev(values)
    return [(value - middle) / spread if spread else 0.0 for value in values]


def furthest(apart: Mapping[int, float], decodings: Sequence[Decoding]) -> list[int]:
    there = set(shared_sources(decodings).filter(source__in=list(apart)).values_list("source", flat=True))
    return sorted(there, key=lambda source: (-apart[source], source))


def rows_of(sources: Sequence[int], decodings: Sequence[Decoding], known: Known) -> list[Beside]:
    """These sources in this order, with references and all texts."""
    rows = Source.objects.filter(pk__in=sources)
    shown = {source.pk: source for source in rows.select_related("album", "photo")}
    wrote = {
        (output.source_id, output.decoding_id): output
        for output in Output.objects.filter(decoding__in=decodings, source__in=sources).first_rank()
    }
    people, scores, rated = references_of(rows), dict[str, dict[tuple[int, int], float]](), Means()
    if known.campaign:
        scores = metric_values(known.campaign, decodings, sources=sources) if known.metrics else {}
        rated = text_means(known.campaign, known.criterion, sources) if known.criterion else {}

    def text_of(decoding: Decoding, source: int, first: str | None) -> Text:
        output, key = wrote.get((source, decoding.pk)), (source, decoding.pk)
        if output is None:
            return Text(decoding.row_name, None, [], None, [])
        cut = [Stretch(output.text, False)] if first is None else stretches(first, output.text)
        values = [(each, scores[each.name][key]) for each in known.metrics if key in scores[each.name]]
        return Text(decoding.row_name, output, cut, rated.get(key), values)

    found = []
    for pk in sources:
        leading = wrote.get((pk, decodings[0].pk))
        first = leading.text if leading else ""
        texts = [text_of(each, pk, first if place else None) for place, each in enumerate(decodings)]
        found.append(Beside(shown[pk], people.get(pk, []), texts))
    return found


def stretches(first: str, other: str) -> list[Stretch]:
    """The `other` text, cut where its words differ from the first one's, upper and lower case being the same."""
    ours, theirs = WORDS.findall(first), WORDS.findall(other)
    matcher = SequenceMatcher(None, [word.lower() for word in ours], [word.lower() for word in theirs], autojunk=False)
    return [
        Stretch(" ".join(theirs[start:end]), how != "equal")
        for how, _, _, start, end in matcher.get_opcodes()
        if start < end
    ]


def references_of(sources: "QuerySet[Source]") -> dict[int, list[str]]:
    """What people wrote for each of these sources."""
    told = [*references(sources), *story_references(sources.filter(kind=Source.Kind.SEQUENCE))]
    by_source = groupby(sorted(told, key=itemgetter("source_pk")), key=itemgetter("source_pk"))
    return {pk: distinct_references(list(rows)) for pk, rows in by_source}


def named_decodings(decodings: Iterable[Decoding], names: Sequence[str]) -> tuple[list[Decoding], list[str]]:
    """Those whose rows have these names, in that order, each once; and the names that none has."""
    there = {each.row_name: each for each in decodings}
    asked = list(dict.fromkeys(names))
    return [there[name] for name in asked if name in there], [name for name in asked if name not in there]
