"""What the ratings say of the systems by each criterion: means, every pair compared, agreement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from annotations.reports.agreement import choice_agreement, score_agreement
from annotations.reports.choices import choice_differences, choices_row, expected_share, shares_won
from annotations.reports.exact import (
    UNVARIED,
    deciding_p,
    exact_of,
    exact_row,
    nothing_varied,
    size_of,
    testable_p,
    why_no_interval,
)
from annotations.reports.looks import Rule
from annotations.reports.models import NO_MODELS, model_rows
from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Level
from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.choices import Strengths
from annotations.statistics.differences import Difference, paired_difference
from annotations.statistics.exact import ExactTests
from annotations.statistics.means import clustered_mean
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, holm

MIDDLE = (0.025, 0.975)
RESAMPLED = 1e-6  # resampled means are summed in single precision: less is rounding
MOST_BINS = 20


class Contrast(NamedTuple):
    """Two systems by a criterion, and what there is between them; p as adjusted within its family, or, of the primary
    contrast, as it is. Where nothing varied it is that of the exact tests (`deciding_p`). `size` is that of the scores;
    `shown` says whether the difference counts."""

    criterion: str
    one: str
    other: str
    found: Difference
    exact: ExactTests
    size: float
    p: float | None
    primary: bool
    shown: bool = False


def contrasts(
    table: RatingTable, strengths: Mapping[str, Strengths], *, primary: Sequence[str], family: str, rule: Rule
) -> list[Contrast]:
    """Every pair of systems rated by a criterion, by name. `primary` (two systems and a criterion, or nothing) is
    tested by itself; all others are adjusted by Holm, within each criterion or over the whole campaign."""
    drawn = []
    for criterion in table.criteria:
        compared, size = compare(table, criterion, strengths.get(criterion)), size_of(table, criterion)
        for (pair, found), exact in zip(compared.items(), exact_of(table, criterion, list(compared)), strict=True):
            p, declared = deciding_p(found, exact, size), is_primary(criterion, *pair, primary)
            drawn.append(Contrast(criterion, *pair, found, exact, size, p, declared))
    families: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(drawn):
        if each.p is not None and not each.primary:
            families[each.criterion if family == "criterion" else "campaign"].append(place)
    for places in families.values():
        for place, p in zip(places, holm(np.array([drawn[place].p for place in places])).tolist(), strict=True):
            drawn[place] = drawn[place]._replace(p=p)
    return [each._replace(shown=counts(each, rule)) for each in drawn]


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
    models: bool,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One criterion's systems, best first, with its agreement; and its pairs of systems, with `models` of each."""
    if strengths:
        return choice_results(table, criterion, compared, strengths)
    scores = table.scores[criterion]
    if np.isnan(scores).all():
        nothing = {"alpha": None, "ci": None, "level": level, "undefined": "no ratings"}
        return {"systems": [], "agreement": nothing, "distribution": None}, []
    drawn = two_way_bootstrap(scores, table.albums, table.raters, resamples=resamples)
    means = mean_rows(table, scores, drawn)
    pairs = []
    named = [(each.one, each.other, each.primary) for each in compared]
    fitted = model_rows(table, scores, named, level) if models else [NO_MODELS] * len(named)
    for each, beside in zip(compared, fitted, strict=True):
        gap = drawn[:, table.systems.index(each.one)] - drawn[:, table.systems.index(each.other)]
        pairs.append(pair_row(each) | {"bootstrap_ci": percentiles(gap)} | beside)
    found = {
        "systems": ranked_rows(means, compared),
        "agreement": score_agreement(table, scores, level, scale),
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
        unvaried = nothing_varied(mean, float(np.abs(scores[rated, place]).max()))
        rows[table.systems[place]] = {
            "system": table.systems[place],
            "n": int(rated.sum()),
            "raters": len(np.unique(table.raters[rated])),
            "items": len(np.unique(table.items[rated])),
            "mean": mean.mean,
            "ci": None if unvaried else mean.interval,
            "note": "nothing varied, so that there is no interval" if unvaried else None,
            "bootstrap_ci": percentiles(drawn[:, place]),
            "z": float(z[rated, place].mean()),
        }
    return rows


def pair_row(contrast: Contrast) -> dict[str, Any]:
    found, estimate = contrast.found, contrast.found.estimate
    unvaried = nothing_varied(estimate, contrast.size)
    return {
        "criterion": contrast.criterion,
        "system_a": contrast.one,
        "system_b": contrast.other,
        "primary": contrast.primary,
        "shown": contrast.shown,
        "difference": estimate and estimate.mean,
        "ci": None if unvaried else estimate and estimate.interval,
        "error": None if unvaried else estimate and estimate.error,
        "freedom": None if unvaried else estimate and estimate.freedom,
        "estimator": found.estimator,
        "p": testable_p(found, contrast.size),
        "p_holm": None if contrast.primary else contrast.p,
        "n": found.screens,
        "items": found.items,
        "undefined": why_no_interval(found, contrast.size),
        "unvaried": unvaried,
        "note": UNVARIED if unvaried else None,
        "exact": exact_row(contrast.exact),
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
        nothing = dict.fromkeys(("difference", "ci", "p", "exact", "unvaried", "note"))
        return {**about, **nothing, "shown": False, "n": 0, "items": 0, "undefined": "one of the systems was not rated"}
    sign, ends = (1, pair["ci"]) if pair["system_a"] == first else (-1, pair["ci"] and pair["ci"][::-1])
    return {
        **about,
        "difference": pair["difference"] and sign * pair["difference"],
        "ci": ends and [sign * end for end in ends],
        **{key: pair[key] for key in ("p", "shown", "n", "items", "undefined", "exact", "unvaried", "note")},
    }


def percentiles(drawn: Floats) -> list[float] | None:
    """The middle 95 % of resampled values; None where under half of the resamples have any, or all are the same."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) * 2 < len(drawn) or np.ptp(defined) <= RESAMPLED * max(1.0, float(np.abs(defined).max())):
        return None
    return np.quantile(defined, MIDDLE).tolist()
