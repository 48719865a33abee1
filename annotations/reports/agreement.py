"""How far raters agree by a criterion: alpha, and beside it coefficients that need more of the design."""

from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Agreement, Coefficient, Level, alpha, fleiss_kappa
from annotations.statistics.choices import TIE
from annotations.statistics.intraclass import intraclass
from annotations.statistics.uncertainty import Floats, Ints

ONE_WAY, TWO_WAY = ("ICC(1)", "ICC(1,k)"), ("ICC(2)", "ICC(2,k)", "ICC(3)", "ICC(3,k)")
NOT_CROSSED = "not every rater scored every text"
SINGLE = "no text was rated by two raters"


def score_agreement(table: RatingTable, scores: Floats, level: Level) -> dict[str, Any]:
    """Of scores (n, s): a unit is one text, rated by whoever saw it, and albums are resampled whole."""
    once = ~np.isnan(scores) & table.first
    albums = np.broadcast_to(table.albums[:, None], scores.shape)[once]
    raters = np.broadcast_to(table.raters[:, None], scores.shape)[once]
    given, texts = scores[once], table.shown[once]
    found = alpha(given, texts, level=level, groups=albums)
    return agreement_row(found, level) | {"coefficients": intraclass_rows(given, texts, raters)}


def choice_agreement(table: RatingTable, criterion: str) -> dict[str, Any]:
    """Of choices: first, second or a tie, whatever the order they were shown in. A unit is what was chosen from."""
    first, second, outcome, rows = table.comparisons[criterion]
    preferred = np.where(outcome == TIE, -1, np.where(outcome > TIE, first, second))
    low, high = np.minimum(first, second), np.maximum(first, second)
    count = len(table.systems)
    units = (table.items[rows] * count + low) * count + high
    found = alpha(preferred.astype(np.float64), units, level="nominal", groups=table.albums[rows])
    answer = np.where(outcome == TIE, 2, (preferred == high).astype(np.int64))
    return agreement_row(found, "nominal") | {"coefficients": [fleiss_row(answer, units)]}


def agreement_row(found: Agreement, level: Level) -> dict[str, Any]:
    return {"alpha": found.alpha, "ci": found.interval, "level": level, "undefined": found.undefined}


def intraclass_rows(given: Floats, texts: Ints, raters: Ints) -> list[dict[str, Any]]:
    """Intraclass correlations of scores, their texts and raters (n each).

    One-way, each text having raters of its own, of the texts with as many ratings as most of those rated twice or more;
    two-way only where every rater scored every text.
    """
    _, text = np.unique(texts, return_inverse=True)
    joined, rater = np.unique(raters, return_inverse=True)
    times = np.bincount(text)
    several = times[times > 1]
    if not len(several):
        return [coefficient_row(name, Coefficient(None, None, SINGLE), 0, 1) for name in (*ONE_WAY, *TWO_WAY)]
    each = int(np.bincount(several).argmax())
    kept = times[text] == each
    order = np.argsort(text[kept], kind="stable")
    table = given[kept][order].reshape(-1, each)
    one_way = intraclass(table)
    rows = [coefficient_row(name, one_way[name], *table.shape) for name in ONE_WAY]
    crossed = len(given) == len(times) * len(joined) and bool((times == len(joined)).all())
    if not crossed:
        return rows + [coefficient_row(name, Coefficient(None, None, NOT_CROSSED), len(times), 0) for name in TWO_WAY]
    whole = np.full((len(times), len(joined)), np.nan)
    whole[text, rater] = given
    two_way = intraclass(whole)
    return rows + [coefficient_row(name, two_way[name], *whole.shape) for name in TWO_WAY]


def fleiss_row(answer: Ints, units: Ints) -> dict[str, Any]:
    """Fleiss' kappa of choices (n) among the first, the second and a tie, of the units with as many raters as most."""
    _, unit = np.unique(units, return_inverse=True)
    counts = np.zeros((int(unit.max(initial=-1)) + 1, 3), dtype=np.int64)
    np.add.at(counts, (unit, answer), 1)
    times = counts.sum(axis=1)
    several = times[times > 1]
    if not len(several):
        return coefficient_row("Fleiss' kappa", Coefficient(None, None, SINGLE.replace("text", "pair")), 0, 1)
    each = int(np.bincount(several).argmax())
    kept = counts[times == each]
    return coefficient_row("Fleiss' kappa", fleiss_kappa(kept), len(kept), each)


def coefficient_row(name: str, found: Coefficient, units: int, ratings: int) -> dict[str, Any]:
    """`units` texts, or pairs of them, of `ratings` each."""
    about = {"name": name, "value": found.value, "ci": found.interval, "undefined": found.undefined}
    return {**about, "units": units, "ratings": ratings}
