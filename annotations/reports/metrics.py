"""Automatic metrics beside what people said: values, differences, correlation, and the texts they disagree on."""

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from django.db.models import F

from annotations.campaigns.models import Campaign
from annotations.reasons import Reason
from annotations.reports.estimates import estimate_of, interval_of
from annotations.reports.schema.examples import Text
from annotations.reports.schema.metrics import (
    Accuracy,
    Correlation,
    Disagreement,
    LevelCorrelation,
    MetricCorrelation,
    MetricDifferences,
    MetricFacts,
    MetricPair,
    MetricValue,
    Point,
    WilliamsTest,
)
from annotations.reports.table import RatingTable
from annotations.reports.texts import texts_by_key
from annotations.statistics import correlation, pairwise_accuracy
from annotations.statistics.coefficients import Order
from annotations.statistics.correlation import MIN_SYSTEMS
from annotations.statistics.metric_differences import why_not_compared
from annotations.statistics.resampling import MIN_CLUSTERS, RESAMPLES
from annotations.statistics.uncertainty import Floats
from annotations.systems.models import Metric, Score, ScoreDifference, System

EACH = 3  # texts that people place higher than the metric does, and as many that they place lower
WITHHELD = (
    "The reference shown as the human candidate is withheld from the metrics' references of every system; if a source "
    "has no other, the systems are scored against it and the human's metric is undefined."
)
DIFFERENCES = (
    "Differences between systems in a metric are tested with the paired bootstrap over albums (Koehn 2004), "
    "two-sided, with expanded percentile intervals; these p-values are not adjusted for multiple comparisons."
)
CORRELATIONS = (
    "Metrics are set beside the mean human score of each text; a metric of all texts together has a value of each one "
    "under a signature of its own, and a text of several systems counts for each. People's own texts have no part in "
    "correlations, accuracy and Williams' test. Correlations are Pearson's r, Spearman's rho and Kendall's tau-b, "
    "pooled over texts, within items, and over the means of at least five systems, with percentile intervals from a "
    "bootstrap of albums. They keep their sign: for a metric where lower is better they should be "
    "negative. Pairwise accuracy (ties calibrated: Deutsch, Foster and Freitag 2023), Williams' test of "
    "two metrics over the systems' means, and ranks treat lower values of such a metric as better."
)


PARTS = (
    "If systems wrote for different items, each metric is computed on the items that all of them wrote for, and its "
    "signature gives their number (`sources:3of24`)."
)


def part_said(by_system: Mapping[str, Mapping[str, MetricValue]]) -> str:
    """Of which items the values side by side are, in words; nothing where they are of all."""
    parts = {cell.sources for cells in by_system.values() for cell in cells.values() if cell.signature}
    if not any(parts):
        return ""
    if len(parts) == 1 and (part := parts.pop()):
        return f"The metrics are computed on the {part[0]} of {part[1]} items that every system wrote for."
    return (
        "Not all values are based on the same items: a value with `sources:3of24` in its signature is based on 3 of "
        "24 items, and can be compared only with values on the same items."
    )


def metric_facts_of(campaign: Campaign) -> dict[str, MetricFacts]:
    """What the campaign's metrics are, in the order in which they are listed."""
    rows = Metric.objects.filter(scores__campaign=campaign).distinct().order_by("order", "name")
    return {
        row.name: MetricFacts(description=row.description, level=row.level, less_is_better=row.less_is_better)
        for row in rows
    }


def metrics_of(campaign: Campaign) -> dict[str, dict[str, MetricValue]]:
    """The campaign's scores by system and metric, the newest of each; a metric that a system lacks says why."""
    found: dict[str, dict[str, MetricValue]] = {
        name: {} for name in campaign.entries.values_list("system__name", flat=True)
    }
    scores = Score.objects.filter(campaign=campaign).order_by("pk").defer("by_item")
    for score in scores.annotate(system=F("decoding__system__name")):
        interval = interval_of(score.ci_low, score.ci_high)
        cell = MetricValue(value=score.value, ci=interval, signature=score.signed, sources=score.part)
        found.setdefault(score.system, {})[score.metric_id] = cell
    metrics = sorted({metric for cells in found.values() for metric in cells})
    for system, cells in found.items():
        for metric in metrics:
            why = Reason("own_reference" if system == "human" else "not_scored")
            cells.setdefault(metric, MetricValue(value=None, ci=None, signature=None, undefined=why))
    return found if metrics else {}


def metric_differences_of(campaign: Campaign) -> dict[str, MetricDifferences]:
    """Every pair of systems by metric, and what is missing; empty where no score has values by text."""
    stored = ScoreDifference.objects.filter(campaign=campaign).order_by("one__system__name", "other__system__name")
    pairs: dict[str, list[MetricPair]] = {}
    signed: dict[str, str | None] = {}
    for each in stored.annotate(first=F("one__system__name"), second=F("other__system__name")):
        signed[each.metric_id] = each.signed
        interval = interval_of(each.ci_low, each.ci_high)
        pair = MetricPair(
            system_a=each.first,
            system_b=each.second,
            difference=each.value,
            ci=interval,
            p=each.p,
            p_sacrebleu=each.p_sacrebleu,
            note=Reason("same_in_every_album") if each.p is not None and not interval else None,
        )
        pairs.setdefault(each.metric_id, []).append(pair)
    people = campaign.entries.filter(system__kind=System.Kind.HUMAN).values_list("system__name", flat=True).first()
    return {
        metric: MetricDifferences(
            signature=signed.get(metric),
            pairs=pairs.get(metric, []),
            lacking=what_is_lacking(campaign, metric, pairs.get(metric, []), people),
        )
        for metric in sorted({*pairs, *(metric for metric, _ in scored_by_text(campaign))})
    }


def what_is_lacking(campaign: Campaign, metric: str, pairs: list[MetricPair], people: str | None) -> list[Reason]:
    """Why the differences in a metric lack all of them, their intervals, or those with the human."""
    if not pairs:
        wrote = {
            system: np.flatnonzero(np.isfinite(values)).tolist()
            for system, values in values_of_metric(campaign, metric).items()
        }
        return [why_not_compared(wrote) or Reason("not_scored_yet", campaign=campaign.name)]
    lacking = []
    if any(pair.p is None for pair in pairs):
        lacking.append(Reason("few_albums", needed=MIN_CLUSTERS))
    if people and all(people not in (pair.system_a, pair.system_b) for pair in pairs):
        lacking.append(Reason("own_reference_of", system=people))
    return lacking


def scored_by_text(campaign: Campaign) -> dict[tuple[str, str], tuple[int, str]]:
    """By metric and system the primary key of the newest score, of those with values by text, and their signature."""
    rows = Score.objects.filter(campaign=campaign, by_item__isnull=False).order_by("pk")
    columns = rows.values_list("metric", "decoding__system__name", "pk", "by_item_signature", "signature")
    return {(metric, system): (pk, apart or own) for metric, system, pk, apart, own in columns}


def values_of_metric(campaign: Campaign, metric: str) -> dict[str, Floats]:
    """By system the metric's value of each text, by its item's position, NaN where it has none."""
    return {
        system: np.array(Score.objects.values_list("by_item", flat=True).get(pk=pk), np.float64)
        for (name, system), (pk, _) in sorted(scored_by_text(campaign).items())
        if name == metric
    }


def values_by_text(campaign: Campaign, table: RatingTable) -> dict[str, Floats]:
    """By metric the value of each text, (items, systems) as in the table's `candidates`, NaN where it has none."""
    columns = {system: place for place, system in enumerate(table.systems)}
    found: dict[str, Floats] = {}
    for (metric, system), (pk, _) in sorted(scored_by_text(campaign).items()):
        if system in columns:
            values = found.setdefault(metric, np.full(table.candidates.shape, np.nan))
            of_items = np.array(Score.objects.values_list("by_item", flat=True).get(pk=pk), np.float64)
            values[: len(of_items), columns[system]] = of_items
    return found


def human_scores(table: RatingTable, criterion: str) -> Floats:
    """The mean of each text's ratings by a criterion, (items, systems), NaN where it has none."""
    scores, count = table.scores[criterion], len(table.candidates)
    given = ~np.isnan(scores)
    found = np.full(table.candidates.shape, np.nan)
    for place in range(scores.shape[1]):
        rated = given[:, place]
        times = np.bincount(table.items[rated], minlength=count)
        sums = np.bincount(table.items[rated], scores[rated, place], minlength=count)
        np.divide(sums, times, out=found[:, place], where=times > 0)
    return found


def correlation_of(
    campaign: Campaign, table: RatingTable, values: Mapping[str, Floats] | None = None
) -> dict[str, Correlation]:
    """By criterion, how each metric goes with people's scores, the human left out; or why it cannot be said.

    `values` are those of `values_by_text`, for a caller that has them.
    """
    values = values_by_text(campaign, table) if values is None else values
    less = less_is_better(values)
    signed = {metric: signature for (metric, _), (_, signature) in scored_by_text(campaign).items()}
    human = campaign.entries.filter(system__kind=System.Kind.HUMAN).values_list("system__name", flat=True)
    left_out = sorted(set(human) & set(table.systems))
    why = None
    if not values:
        scored = Score.objects.filter(campaign=campaign).exists()
        why = Reason("no_values_by_text" if scored else "not_scored_yet", campaign=campaign.name)
    found = {}
    for criterion in table.criteria:
        people = human_scores(table, criterion)
        undefined = table.no_scores or why
        if undefined is None and np.isnan(people).all():
            undefined = Reason("nothing", unit="rating")
        defined = values if undefined is None else {}
        found[criterion] = Correlation(
            metrics=metric_correlations(table, people, defined, less, left_out, signed) if defined else {},
            points={metric: points(table, people, each) for metric, each in defined.items()},
            williams=williams_tests(table, people, defined, less, left_out),
            left_out=left_out,
            undefined=undefined,
        )
    return found


def less_is_better(metrics: Collection[str]) -> set[str]:
    return set(Metric.objects.filter(name__in=metrics, less_is_better=True).values_list("name", flat=True))


def metric_correlations(
    table: RatingTable,
    people: Floats,
    values: Mapping[str, Floats],
    less: Collection[str],
    left_out: list[str],
    signed: Mapping[str, str],
) -> dict[str, MetricCorrelation]:
    items, systems = (part.ravel() for part in np.indices(people.shape))
    albums = np.zeros(len(people), np.int64)
    albums[table.items] = table.albums
    leave_out = [table.systems.index(name) for name in left_out]
    flat = {metric: each.ravel() for metric, each in values.items()}
    of_metrics = correlation.correlations(
        people.ravel(), flat, systems, items, albums=albums[items], leave_out=leave_out, resamples=RESAMPLES
    )
    better = {metric: -each if metric in less else each for metric, each in flat.items()}
    accuracies = pairwise_accuracy.pairwise_accuracies(
        people.ravel(), better, systems, items, albums=albums[items], leave_out=leave_out, resamples=RESAMPLES
    )
    return {
        metric: MetricCorrelation(
            pooled=level_of(each.pooled),
            within_item=level_of(each.within_item),
            system=level_of(each.system),
            accuracy=accuracy_of(accuracies[metric]),
            signature=signed.get(metric),
            less_is_better=metric in less,
        )
        for metric, each in of_metrics.items()
    }


def level_of(level: correlation.Level) -> LevelCorrelation:
    return LevelCorrelation(
        pearson=estimate_of(level.pearson),
        spearman=estimate_of(level.spearman),
        kendall=estimate_of(level.kendall),
        units=level.units,
        left_out=level.left_out,
    )


def accuracy_of(found: pairwise_accuracy.Accuracy) -> Accuracy:
    return Accuracy(
        text=estimate_of(found.text),
        tie=found.tie,
        text_pairs=found.text_pairs,
        items=found.items,
        system=estimate_of(found.system),
        system_pairs=found.system_pairs,
    )


def points(table: RatingTable, people: Floats, values: Floats) -> list[Point]:
    """Each system's mean human score and mean value by the metric, of its rated texts that have both."""
    both = np.isfinite(people) & np.isfinite(values)
    return [
        Point(
            system=system,
            human=float(people[both[:, place], place].mean()),
            metric=float(values[both[:, place], place].mean()),
            texts=int(both[:, place].sum()),
        )
        for place, system in enumerate(table.systems)
        if both[:, place].any()
    ]


def williams_tests(
    table: RatingTable, people: Floats, values: Mapping[str, Floats], less: Collection[str], left_out: list[str]
) -> list[WilliamsTest]:
    """Whether one metric goes better with people than another, over the systems' means: texts are not independent."""
    kept = [place for place, system in enumerate(table.systems) if system not in left_out]
    tests = []
    for one, other in combinations(values, 2):
        sides = [people[:, kept], *(-values[m][:, kept] if m in less else values[m][:, kept] for m in (one, other))]
        all_three = np.isfinite(sides).all(axis=0)
        present = all_three.any(axis=0)
        count = int(present.sum())
        if count < MIN_SYSTEMS:
            why = Reason("few", needed=MIN_SYSTEMS, found=count, unit="system")
            if left_out:
                why = Reason("few_systems_besides_human", needed=MIN_SYSTEMS, found=count)
            tests.append(WilliamsTest(metric_a=one, metric_b=other, t=None, p=None, p_better=None, undefined=why))
            continue
        means = [np.where(all_three, side, 0).sum(axis=0)[present] / all_three.sum(axis=0)[present] for side in sides]
        found = correlation.williams_test(*means)
        tests.append(
            WilliamsTest(
                metric_a=one,
                metric_b=other,
                t=found.t,
                p=found.p,
                p_better=found.p_better,
                undefined=found.undefined,
            )
        )
    return tests


def disagreements_of(
    campaign: Campaign, table: RatingTable, values: Mapping[str, Floats] | None = None
) -> dict[str, dict[str, list[Disagreement]]]:
    """By criterion and metric the texts that people and metric place farthest apart among all rated texts.

    Rank 1 is the best, equals share their mean rank. First those that people place higher, then those they place lower.
    `values` are those of `values_by_text`, for a caller that has them.
    """
    values = values_by_text(campaign, table) if values is None else values
    less, chosen = less_is_better(values), dict[str, dict[str, list[Apart]]]()
    for criterion in table.criteria if values else ():
        people = human_scores(table, criterion)
        chosen[criterion] = {
            metric: farthest_apart(table, people, each, less_is_better=metric in less)
            for metric, each in values.items()
        }
    keys = [text.key for of_metrics in chosen.values() for texts in of_metrics.values() for text in texts]
    about = texts_by_key(campaign, np.unique(np.array(keys, np.int64)))
    return {
        criterion: {metric: [text.told(about[text.key]) for text in texts] for metric, texts in of_metrics.items()}
        for criterion, of_metrics in chosen.items()
    }


class Apart(NamedTuple):
    """A text, by the primary key of its candidate, and where people and metric place it `of` all rated texts."""

    key: int
    human: float
    metric: float
    human_rank: float
    metric_rank: float
    of: int

    def told(self, text: Text) -> Disagreement:
        return Disagreement(
            text=text.text,
            source=text.source,
            systems=text.systems,
            human=self.human,
            metric=self.metric,
            human_rank=self.human_rank,
            metric_rank=self.metric_rank,
            of=self.of,
        )


def farthest_apart(table: RatingTable, people: Floats, values: Floats, *, less_is_better: bool) -> list[Apart]:
    both = np.isfinite(people) & np.isfinite(values) & (table.candidates > 0)
    texts, text = np.unique(table.texts[both], return_inverse=True)
    keys, times = table.keys(texts), np.bincount(text)
    human, of_metric = (np.bincount(text, side[both], minlength=len(keys)) / times for side in (people, values))
    if len(keys) < 2 or np.ptp(human) == 0 or np.ptp(of_metric) == 0:
        return []
    human_rank = best_first(human)
    metric_rank = best_first(-of_metric if less_is_better else of_metric)
    apart = metric_rank - human_rank
    higher, lower = np.lexsort((texts, -apart))[:EACH], np.lexsort((texts, apart))[:EACH]
    return [
        Apart(
            key=int(keys[place]),
            human=float(human[place]),
            metric=float(of_metric[place]),
            human_rank=float(human_rank[place]),
            metric_rank=float(metric_rank[place]),
            of=len(keys),
        )
        for place in [*higher[apart[higher] > 0], *lower[apart[lower] < 0]]
    ]


def best_first(scores: Floats) -> Floats:
    """Ranks from 1, the highest score's; equal scores share the mean of theirs."""
    order = Order(scores, np.zeros(len(scores), np.int64))
    return len(scores) - (order.below + order.upto - 1) / 2
