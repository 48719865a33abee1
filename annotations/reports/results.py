"""What the ratings say of the systems by each criterion: means, every pair compared, agreement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from annotations.reports.agreement import choice_agreement, score_agreement
from annotations.reports.choices import (
    choice_differences,
    choices_row,
    expected_share,
    no_width,
    shares_won,
)
from annotations.reports.looks import Rule
from annotations.reports.models import NO_MODELS, model_rows
from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Level
from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.choices import Strengths
from annotations.statistics.differences import Difference, paired_difference
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, clustered_mean, holm

MIDDLE = (0.025, 0.975)
MOST_BINS = 20


class Contrast(NamedTuple):
    """Two systems by a criterion, and what there is between them; p as adjusted within its family, or, of the primary
    contrast, as it is. `shown` says whether the difference counts."""

    criterion: str
    one: str
    other: str
    found: Difference
    p: float | None
    primary: bool
    shown: bool = False


def contrasts(
    table: RatingTable, strengths: Mapping[str, Strengths], *, primary: Sequence[str], family: str, rule: Rule
) -> list[Contrast]:
    """Every pair of systems rated by a criterion, by name. `primary` (two systems and a criterion, or nothing) is
    tested by itself; all others are adjusted by Holm, within each criterion or over the whole campaign."""
    drawn = [
        Contrast(criterion, one, other, found, testable_p(found), is_primary(criterion, one, other, primary))
        for criterion in table.criteria
        for (one, other), found in compare(table, criterion, strengths.get(criterion)).items()
    ]
    families: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(drawn):
        if each.p is not None and not each.primary:
            families[each.criterion if family == "criterion" else "campaign"].append(place)
    for places in families.values():
        for place, p in zip(places, holm(np.array([drawn[place].p for place in places])).tolist(), strict=True):
            drawn[place] = drawn[place]._replace(p=p)
    return [each._replace(shown=counts(each, rule)) for each in drawn]


def testable_p(found: Difference) -> float | None:
    return None if found.undefined or found.estimate is None else found.estimate.p


def counts(contrast: Contrast, rule: Rule) -> bool:
    needed = rule.primary if contrast.primary else rule.others
    return contrast.p is not None and needed is not None and contrast.p < needed


def is_primary(criterion: str, one: str, other: str, primary: Sequence[str]) -> bool:
    return bool(primary) and criterion == primary[2] and {one, other} == set(primary[:2])


def compare(table: RatingTable, criterion: str, strengths: Strengths | None) -> dict[tuple[str, str], Difference]:
    """The difference of every pair of rated systems: of scores, paired by item; of choices, in log-strength."""
    if strengths:
        return choice_differences(table, criterion, strengths)
    scores = table.scores[criterion]
    rated = [place for place in range(len(table.systems)) if not np.isnan(scores[:, place]).all()]
    return {
        (table.systems[one], table.systems[other]): paired_difference(
            scores[:, one], scores[:, other], table.items, table.raters, groups=table.albums
        )
        for one, other in combinations(rated, 2)
    }


def criterion_results(
    table: RatingTable,
    criterion: str,
    compared: Sequence[Contrast],
    strengths: Strengths | None,
    *,
    level: Level,
    scale: Sequence[float],
    resamples: int,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One criterion's systems, best first, with its agreement; and its pairs of systems."""
    if strengths:
        return choice_results(table, criterion, compared, strengths)
    scores = table.scores[criterion]
    if np.isnan(scores).all():
        nothing = {"alpha": None, "ci": None, "level": level, "undefined": "no ratings"}
        return {"systems": [], "agreement": nothing, "distribution": None}, []
    drawn = two_way_bootstrap(scores, table.albums, table.raters, resamples=resamples)
    means = mean_rows(table, scores, drawn)
    pairs = []
    models = model_rows(table, scores, [(each.one, each.other, each.primary) for each in compared], level)
    for each, beside in zip(compared, models, strict=True):
        gap = drawn[:, table.systems.index(each.one)] - drawn[:, table.systems.index(each.other)]
        pairs.append(pair_row(each) | {"bootstrap_ci": percentiles(gap)} | beside)
    found = {
        "systems": ranked_rows(means, compared),
        "agreement": score_agreement(table, scores, level),
        "distribution": distribution(table, scores, scale),
    }
    return found, pairs


def choice_results(
    table: RatingTable, criterion: str, compared: Sequence[Contrast], strengths: Strengths
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same of a criterion by which raters chose between two texts: means are shares won, differences are in
    log-strength, and no bootstrap or mixed model stands beside them."""
    beside = {"bootstrap_ci": None, **NO_MODELS}
    pairs = [
        pair_row(each) | {"expected_share": expected_share(strengths, each.one, each.other)} | beside
        for each in compared
    ]
    found = {
        "systems": ranked_rows(shares_won(table, criterion), compared),
        "agreement": choice_agreement(table, criterion),
        "distribution": None,
        "choices": choices_row(table, criterion, strengths),
    }
    return found, pairs


def ranked_rows(means: Mapping[str, Mapping[str, Any]], compared: Sequence[Contrast]) -> list[dict[str, Any]]:
    """The systems' rows, best first, with the ranks and clusters that the differences leave."""
    ranked = sorted(means, key=lambda name: (-means[name]["mean"], name))
    order = {
        (each.one, each.other): (
            each.found.estimate.mean if each.found.estimate else 0.0,
            each.p if each.shown else None,
        )
        for each in compared
    }
    ranges, cluster = rank_ranges(ranked, order), clusters(ranked, order)
    return [{**means[name], "rank_range": ranges[name], "cluster": cluster[name]} for name in ranked]


def distribution(table: RatingTable, scores: Floats, scale: Sequence[float]) -> dict[str, Any]:
    """How often each system was given which scores: a bin a point where all are whole and the scale has few of them,
    else twenty."""
    low, high = scale
    given = scores[~np.isnan(scores)]
    by_point = high - low < MOST_BINS and bool((given == given.round()).all())
    edges = np.arange(low, high + 2) - 0.5 if by_point else np.linspace(low, high, MOST_BINS + 1)
    counts = {
        name: np.histogram(column[~np.isnan(column)], bins=edges)[0].tolist()
        for name, column in zip(table.systems, scores.T, strict=True)
        if not np.isnan(column).all()
    }
    return {"edges": edges.tolist(), "counts": counts}


def mean_rows(table: RatingTable, scores: Floats, drawn: Floats) -> dict[str, dict[str, Any]]:
    """Each rated system's mean with its intervals, standardised mean and counts."""
    given = ~np.isnan(scores)
    once = given & table.first
    z = np.full(scores.shape, np.nan)
    z[once] = shrunk_z(scores[once], np.broadcast_to(table.raters[:, None], scores.shape)[once])
    same = table.candidates[:, :, None] == table.candidates[:, None, :]
    z = np.take_along_axis(z, same.argmax(axis=2)[table.items], axis=1)  # each text's score stands in its first column
    rows = {}
    for place in np.flatnonzero(given.any(axis=0)):
        rated = given[:, place]
        mean = clustered_mean(scores[rated, place], table.albums[rated], table.raters[rated])
        rows[table.systems[place]] = {
            "system": table.systems[place],
            "n": int(rated.sum()),
            "raters": len(np.unique(table.raters[rated])),
            "items": len(np.unique(table.items[rated])),
            "mean": mean.mean,
            "ci": mean.interval,
            "note": no_width(mean),
            "bootstrap_ci": percentiles(drawn[:, place]),
            "z": float(z[rated, place].mean()),
        }
    return rows


def pair_row(contrast: Contrast) -> dict[str, Any]:
    found, estimate = contrast.found, contrast.found.estimate
    return {
        "criterion": contrast.criterion,
        "system_a": contrast.one,
        "system_b": contrast.other,
        "primary": contrast.primary,
        "shown": contrast.shown,
        "difference": estimate and estimate.mean,
        "ci": estimate and estimate.interval,
        "p": testable_p(found),
        "p_holm": None if contrast.primary else contrast.p,
        "n": found.screens,
        "items": found.items,
        "undefined": found.undefined or why_no_interval(found),
        "note": no_width(estimate) if estimate else None,
    }


def primary_row(
    pairs: Sequence[Mapping[str, Any]], primary: Sequence[str], *, boundary: float | None
) -> dict[str, Any] | None:
    """The declared contrast in the direction in which it was declared; None if there is none.

    `boundary` is what p has to be below at a declared look.
    """
    if not primary:
        return None
    first, second, criterion = primary
    about = {"first": first, "second": second, "criterion": criterion, "boundary": boundary}
    pair = next((pair for pair in pairs if pair["primary"]), None)
    if pair is None:
        nothing = dict.fromkeys(("difference", "ci", "p"))
        return {**about, **nothing, "shown": False, "n": 0, "items": 0, "undefined": "one of the systems was not rated"}
    sign, ends = (1, pair["ci"]) if pair["system_a"] == first else (-1, pair["ci"] and pair["ci"][::-1])
    return {
        **about,
        "difference": pair["difference"] and sign * pair["difference"],
        "ci": ends and [sign * end for end in ends],
        **{key: pair[key] for key in ("p", "shown", "n", "items", "undefined")},
    }


def why_no_interval(found: Difference) -> str | None:
    """In words, where a difference has no interval."""
    if found.estimate and found.estimate.interval is None:
        return "one album and one rater give no interval"
    return None


def percentiles(drawn: Floats) -> list[float] | None:
    """The middle 95 % of resampled values; None where fewer than half of the resamples have any."""
    defined = drawn[~np.isnan(drawn)]
    return None if len(defined) * 2 < len(drawn) else np.quantile(defined, MIDDLE).tolist()
