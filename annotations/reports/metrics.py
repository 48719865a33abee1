"""Automatic metrics beside what people said: values, differences, correlation, and the texts they disagree on."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from django.db.models import F

from annotations.models import Campaign, Score, ScoreDifference, System
from annotations.querysets.outputs import PART, signatures
from annotations.reports.examples import texts_by_key
from annotations.reports.table import RatingTable
from annotations.statistics.coefficients import Order
from annotations.statistics.correlation import FEWEST_SYSTEMS, Level, correlations, williams_test
from annotations.statistics.metric_differences import why_not_compared
from annotations.statistics.pairwise_accuracy import Accuracy, pairwise_accuracies
from annotations.statistics.resampling import FEWEST_CLUSTERS, RESAMPLES, Statistic, few
from annotations.statistics.uncertainty import Floats

EACH = 3  # texts that people place higher than the metric does, and as many that they place lower
LESS_IS_BETTER = ("repetition", "copy_rate", "nonword_rate")
HUMAN_UNDEFINED = "undefined: where a source has a single reference, that one is the human's text itself"
NO_SCORES = "not scored: run `manage.py score --campaign {}`"
NO_TEXTS = "the scores have no values by text: run `manage.py score --campaign {}` again"
NO_RATINGS = "no ratings"
SAME = "the same in every album, so that there is no interval"
CHOICES = "raters chose between texts and gave no text a score"
WITHHELD = (
    "The reference shown as the human candidate is withheld from the metrics' references of every system; where a "
    "source has no other, the systems are scored against it and the human's metric is undefined."
)
DIFFERENCES = (
    "Systems differ in a metric by the paired bootstrap of albums (Koehn 2004), two-sided, with expanded percentile "
    "intervals; these p-values are not adjusted for their number."
)
CORRELATIONS = (
    "Metrics are set beside the mean human score of each text, the value of a text being, of BLEU and chrF, "
    "sacrebleu's sentence score; a text of several systems counts for each. People's own texts have no part in "
    "correlations, accuracy and Williams' test. Correlations are Pearson's r, Spearman's rho and Kendall's tau-b, "
    "pooled over texts, within items, and over the means of at least five systems, with percentile intervals from a "
    "bootstrap of albums. They keep their sign: of repetition, copy_rate and nonword_rate, where less is better, "
    "they should be negative. Pairwise accuracy (ties calibrated: Deutsch, Foster and Freitag 2023), Williams' test of "
    "two metrics over the systems' means, and ranks count less of these three as better."
)


PARTS = (
    "Where systems wrote for different items, each metric is of the items that all of them wrote for, and its "
    "signature says how many these are (`sources:3of24`)."
)


def part_said(by_system: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Of which items the values side by side are, in words; nothing where they are of all."""
    signed = [cell.get("signature") or "" for cells in by_system.values() for cell in cells.values()]
    parts = {each.partition(PART)[2].partition("|")[0] for each in signed if each}
    if not any(parts):
        return ""
    if len(parts) == 1:
        shared, _, of = parts.pop().partition("of")
        return f"The metrics are of the {shared} of {of} items that every system wrote for."
    return (
        "Not all values are of the same items: one whose signature says `sources:3of24` is of 3 of 24 items, and "
        "compares with others of the same items only."
    )


def metrics_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """The campaign's scores by system and metric, the newest of each; a metric that a system lacks says why."""
    found: dict[str, dict[str, Any]] = {name: {} for name in campaign.entries.values_list("system__name", flat=True)}
    scores = Score.objects.filter(campaign=campaign).order_by("pk").defer("by_item")
    for score in scores.annotate(system=F("decoding__system__name")):
        interval = None if score.ci_low is None else [score.ci_low, score.ci_high]
        cell = {"value": score.value, "ci": interval, "signature": signatures(score.signature)[0]}
        found.setdefault(score.system, {})[score.metric] = cell
    metrics = sorted({metric for cells in found.values() for metric in cells})
    for system, cells in found.items():
        for metric in metrics:
            why = HUMAN_UNDEFINED if system == "human" else "not scored"
            cells.setdefault(metric, {"value": None, "ci": None, "signature": None, "undefined": why})
    return found if metrics else {}


def metric_differences_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """Every pair of systems by metric, and in words what is missing; empty where no score has values by text."""
    stored = ScoreDifference.objects.filter(campaign=campaign).order_by("one__system__name", "other__system__name")
    pairs: dict[str, list[dict[str, Any]]] = {}
    signed: dict[str, str | None] = {}
    for each in stored.annotate(first=F("one__system__name"), second=F("other__system__name")):
        signed[each.metric] = each.signature
        row = {"system_a": each.first, "system_b": each.second, "difference": each.value}
        interval = None if each.ci_low is None else [each.ci_low, each.ci_high]
        row |= {"ci": interval, "p": each.p, "p_sacrebleu": each.p_sacrebleu}
        pairs.setdefault(each.metric, []).append({**row, "note": SAME if each.p is not None and not interval else None})
    people = campaign.entries.filter(system__kind=System.Kind.HUMAN).values_list("system__name", flat=True).first()
    return {
        metric: {
            "signature": signed.get(metric),
            "pairs": pairs.get(metric, []),
            "undefined": why_incomplete(campaign, metric, pairs.get(metric, []), people),
        }
        for metric in sorted({*pairs, *(metric for metric, _ in scored_by_text(campaign))})
    }


def why_incomplete(campaign: Campaign, metric: str, pairs: list[dict[str, Any]], people: str | None) -> str | None:
    """In words, what the differences in a metric lack: all of them, their intervals, or those with the human."""
    if not pairs:
        wrote = {
            system: np.flatnonzero(np.isfinite(values)).tolist()
            for system, values in values_of_metric(campaign, metric).items()
        }
        return why_not_compared(wrote) or NO_SCORES.format(campaign.name)
    said = []
    if any(pair["p"] is None for pair in pairs):
        said.append(f"no intervals and tests: there are fewer than {FEWEST_CLUSTERS} albums to resample")
    if people and all(people not in (pair["system_a"], pair["system_b"]) for pair in pairs):
        said.append(f"{people}: {HUMAN_UNDEFINED.removeprefix('undefined: ')}")
    return "; ".join(said) or None


def scored_by_text(campaign: Campaign) -> dict[tuple[str, str], tuple[int, str]]:
    """By metric and system the primary key of the newest score, of those with values by text, and their signature."""
    rows = Score.objects.filter(campaign=campaign, by_item__isnull=False).order_by("pk")
    columns = rows.values_list("metric", "decoding__system__name", "pk", "signature")
    return {(metric, system): (pk, signatures(signature)[1]) for metric, system, pk, signature in columns}


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
) -> dict[str, dict[str, Any]]:
    """By criterion, how each metric goes with people's scores, the human left out; or in words why it cannot be said.

    `values` are those of `values_by_text`, for a caller that has them.
    """
    values = values_by_text(campaign, table) if values is None else values
    signed = {metric: signature for (metric, _), (_, signature) in scored_by_text(campaign).items()}
    human = campaign.entries.filter(system__kind=System.Kind.HUMAN).values_list("system__name", flat=True)
    left_out = sorted(set(human) & set(table.systems))
    why = None
    if not values:
        sentence = NO_TEXTS if Score.objects.filter(campaign=campaign).exists() else NO_SCORES
        why = sentence.format(campaign.name)
    found = {}
    for criterion in table.criteria:
        nothing: dict[str, Any] = {"metrics": {}, "points": {}, "williams": [], "left_out": left_out, "undefined": why}
        people = human_scores(table, criterion)
        if table.comparisons:
            nothing["undefined"] = CHOICES
        elif why is None and np.isnan(people).all():
            nothing["undefined"] = NO_RATINGS
        found[criterion] = nothing
        if nothing["undefined"] is None:
            found[criterion] |= {
                "metrics": correlation_rows(table, people, values, left_out, signed),
                "points": {metric: points(table, people, each) for metric, each in values.items()},
                "williams": williams_rows(table, people, values, left_out),
            }
    return found


def correlation_rows(
    table: RatingTable, people: Floats, values: Mapping[str, Floats], left_out: list[str], signed: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    items, systems = (part.ravel() for part in np.indices(people.shape))
    albums = np.zeros(len(people), np.int64)
    albums[table.items] = table.albums
    about: dict[str, Any] = {
        "albums": albums[items],
        "leave_out": [table.systems.index(name) for name in left_out],
        "resamples": RESAMPLES,
    }
    flat = {metric: each.ravel() for metric, each in values.items()}
    of_metrics = correlations(people.ravel(), flat, systems, items, **about)
    better = {metric: -each if metric in LESS_IS_BETTER else each for metric, each in flat.items()}
    accuracies = pairwise_accuracies(people.ravel(), better, systems, items, **about)
    return {
        metric: {
            **{level: level_row(getattr(each, level)) for level in each._fields},
            "accuracy": accuracy_row(accuracies[metric]),
            "signature": signed.get(metric),
            "less_is_better": metric in LESS_IS_BETTER,
        }
        for metric, each in of_metrics.items()
    }


def level_row(level: Level) -> dict[str, Any]:
    coefficients = {name: statistic_row(getattr(level, name)) for name in ("pearson", "spearman", "kendall")}
    return {**coefficients, "units": level.units, "left_out": level.left_out}


def accuracy_row(accuracy: Accuracy) -> dict[str, Any]:
    row = accuracy._asdict()
    return {**row, "text": statistic_row(accuracy.text), "system": statistic_row(accuracy.system)}


def statistic_row(statistic: Statistic) -> dict[str, Any]:
    interval = statistic.interval and list(statistic.interval)
    return {"value": statistic.value, "ci": interval, "undefined": statistic.undefined}


def points(table: RatingTable, people: Floats, values: Floats) -> list[dict[str, Any]]:
    """Each system's mean human score and mean value by the metric, of its rated texts that have both."""
    both = np.isfinite(people) & np.isfinite(values)
    return [
        {
            "system": system,
            "human": float(people[both[:, place], place].mean()),
            "metric": float(values[both[:, place], place].mean()),
            "texts": int(both[:, place].sum()),
        }
        for place, system in enumerate(table.systems)
        if both[:, place].any()
    ]


def williams_rows(
    table: RatingTable, people: Floats, values: Mapping[str, Floats], left_out: list[str]
) -> list[dict[str, Any]]:
    """Whether one metric goes better with people than another, over the systems' means: texts are not independent."""
    kept = [place for place, system in enumerate(table.systems) if system not in left_out]
    rows = []
    for one, other in combinations(values, 2):
        sides = [
            people[:, kept],
            *(-values[m][:, kept] if m in LESS_IS_BETTER else values[m][:, kept] for m in (one, other)),
        ]
        all_three = np.isfinite(sides).all(axis=0)
        present = all_three.any(axis=0)
        count = int(present.sum())
        names: dict[str, Any] = {"metric_a": one, "metric_b": other}
        if count < FEWEST_SYSTEMS:
            why = few("systems besides the human" if left_out else "systems", FEWEST_SYSTEMS, count)
            rows.append({**names, "t": None, "p": None, "p_better": None, "undefined": why})
            continue
        means = [np.where(all_three, side, 0).sum(axis=0)[present] / all_three.sum(axis=0)[present] for side in sides]
        found = williams_test(*means)
        rows.append({**names, "t": found.t, "p": found.p, "p_better": found.p_better, "undefined": found.undefined})
    return rows


def disagreements_of(
    campaign: Campaign, table: RatingTable, values: Mapping[str, Floats] | None = None
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By criterion and metric the texts that people and metric place farthest apart among all rated texts.

    Rank 1 is the best, equals share their mean rank. First those that people place higher, then those they place lower.
    `values` are those of `values_by_text`, for a caller that has them.
    """
    values = values_by_text(campaign, table) if values is None else values
    chosen: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for criterion in table.criteria if values else ():
        people = human_scores(table, criterion)
        chosen[criterion] = {metric: farthest_apart(table, people, metric, each) for metric, each in values.items()}
    keys = [row["key"] for of_metrics in chosen.values() for rows in of_metrics.values() for row in rows]
    about = texts_by_key(campaign, np.unique(np.array(keys, np.int64)))
    return {
        criterion: {metric: [about[row.pop("key")] | row for row in rows] for metric, rows in of_metrics.items()}
        for criterion, of_metrics in chosen.items()
    }


def farthest_apart(table: RatingTable, people: Floats, metric: str, values: Floats) -> list[dict[str, Any]]:
    both = np.isfinite(people) & np.isfinite(values) & (table.candidates > 0)
    keys, text = np.unique(table.candidates[both], return_inverse=True)
    times = np.bincount(text, minlength=len(keys))
    human, of_metric = (np.bincount(text, side[both], minlength=len(keys)) / times for side in (people, values))
    if len(keys) < 2 or np.ptp(human) == 0 or np.ptp(of_metric) == 0:
        return []
    human_rank = best_first(human)
    metric_rank = best_first(-of_metric if metric in LESS_IS_BETTER else of_metric)
    apart = metric_rank - human_rank
    higher, lower = np.lexsort((keys, -apart))[:EACH], np.lexsort((keys, apart))[:EACH]
    return [
        {
            "key": int(keys[place]),
            "human": float(human[place]),
            "metric": float(of_metric[place]),
            "human_rank": float(human_rank[place]),
            "metric_rank": float(metric_rank[place]),
            "of": len(keys),
        }
        for place in [*higher[apart[higher] > 0], *lower[apart[lower] < 0]]
    ]


def best_first(scores: Floats) -> Floats:
    """Ranks from 1, the highest score's; equal scores share the mean of theirs."""
    order = Order(scores, np.zeros(len(scores), np.int64))
    return len(scores) - (order.below + order.upto - 1) / 2
