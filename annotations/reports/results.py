"""What the ratings say of the systems by one criterion: means, every pair compared, agreement."""

from itertools import combinations
from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Level, alpha
from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.differences import Difference, paired_difference
from annotations.statistics.mixed import MixedModel, mixed_model
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, clustered_mean, holm

LARGEST_MODEL = 20_000  # screens to which a mixed model is fitted
MIDDLE = (0.025, 0.975)
LEVEL: Level = "interval"


def criterion_results(
    table: RatingTable, criterion: str, *, resamples: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One criterion's systems, best first, with its agreement; and every pair of systems compared."""
    scores = table.scores[criterion]
    if np.isnan(scores).all():
        nothing = {"alpha": None, "ci": None, "level": LEVEL, "undefined": "no ratings"}
        return {"systems": [], "agreement": nothing}, []
    drawn = two_way_bootstrap(scores, table.albums, table.raters, resamples=resamples)
    compared = compare(table, scores)
    means = mean_rows(table, scores, drawn)
    ranked = sorted(means, key=lambda name: (-means[name]["mean"], name))
    order = {
        (one, other): (each.estimate.mean if each.estimate else 0.0, p) for (one, other), (each, p) in compared.items()
    }
    ranges, cluster = rank_ranges(ranked, order), clusters(ranked, order)
    systems = [{**means[name], "rank_range": ranges[name], "cluster": cluster[name]} for name in ranked]
    pairs = [pair_row(table, scores, drawn, pair, *found) for pair, found in compared.items()]
    return {"systems": systems, "agreement": agreement_of(table, scores)}, pairs


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
            "bootstrap_ci": percentiles(drawn[:, place]),
            "z": float(z[rated, place].mean()),
        }
    return rows


def compare(table: RatingTable, scores: Floats) -> dict[tuple[str, str], tuple[Difference, float | None]]:
    """Every pair of rated systems by name, with its difference and p adjusted by Holm over all pairs."""
    rated = [place for place in range(len(table.systems)) if not np.isnan(scores[:, place]).all()]
    found = {
        (table.systems[one], table.systems[other]): paired_difference(
            scores[:, one], scores[:, other], table.items, table.raters, groups=table.albums
        )
        for one, other in combinations(rated, 2)
    }
    p_values = {pair: each.estimate.p for pair, each in found.items() if each.estimate}
    tested = [pair for pair, p in p_values.items() if p is not None]
    adjusted = dict(zip(tested, holm(np.array([p_values[pair] for pair in tested])).tolist(), strict=True))
    return {pair: (each, adjusted.get(pair)) for pair, each in found.items()}


def pair_row(
    table: RatingTable, scores: Floats, drawn: Floats, pair: tuple[str, str], found: Difference, p_holm: float | None
) -> dict[str, Any]:
    one, other = (table.systems.index(name) for name in pair)
    estimate = found.estimate
    return {
        "system_a": pair[0],
        "system_b": pair[1],
        "difference": estimate and estimate.mean,
        "ci": estimate and estimate.interval,
        "bootstrap_ci": percentiles(drawn[:, one] - drawn[:, other]),
        "p": estimate and estimate.p,
        "p_holm": p_holm,
        "n": found.screens,
        "items": found.items,
        "undefined": found.undefined or why_no_interval(found),
        "mixed_model": model_row(table, scores[:, one] - scores[:, other]),
    }


def why_no_interval(found: Difference) -> str | None:
    """In words, where a difference has no interval."""
    if found.estimate and found.estimate.interval is None:
        return "one album and one rater give no interval"
    return None


def model_row(table: RatingTable, differences: Floats) -> dict[str, Any]:
    """The mixed model of the differences of raters who scored both."""
    both = ~np.isnan(differences)
    if not both.any():
        model = MixedModel(None, undefined="no rater scored both on a screen")
    elif both.sum() > LARGEST_MODEL:
        model = MixedModel(None, undefined=f"it is fitted to {LARGEST_MODEL:,} screens at most")
    else:
        model = mixed_model(differences[both], table.items[both], table.raters[both])
    row = model._asdict()
    return {"ci": row.pop("interval"), **row}


def agreement_of(table: RatingTable, scores: Floats) -> dict[str, Any]:
    """Krippendorff's alpha; a unit is one text, rated by whoever saw it, and albums are resampled whole."""
    once = ~np.isnan(scores) & table.first
    albums = np.broadcast_to(table.albums[:, None], scores.shape)[once]
    found = alpha(scores[once], table.shown[once], level=LEVEL, groups=albums)
    return {"alpha": found.alpha, "ci": found.interval, "level": LEVEL, "undefined": found.undefined}


def percentiles(drawn: Floats) -> list[float] | None:
    """The middle 95 % of resampled values; None where fewer than half of the resamples have any."""
    defined = drawn[~np.isnan(drawn)]
    return None if len(defined) * 2 < len(drawn) else np.quantile(defined, MIDDLE).tolist()
