"""How sure a pilot's variances are, and with them the plans that are made from it."""

import numpy as np

from annotations.statistics.planning import Variances
from annotations.statistics.uncertainty import Floats, Ints

DRAWS, SEED = 200, 1


def drawn_variances(differences: Floats, items: Ints, raters: Ints, *, draws: int = DRAWS) -> list[Variances]:
    """Variances that may have given a pilot's differences (n), as generalised pivotal quantities (Weerahandi 1993).

    What depends on the variances has for its 95 % interval the 2.5 and 97.5 percentiles over these. The sums of squares
    of items adjusted for raters, of raters adjusted for items, and of the residual are divided by draws of χ² with
    their degrees of freedom, and solved for the variances (Searle, Casella and McCulloch 1992, section 5.5: Henderson's
    method 3); what falls below zero becomes 0. Exact where every rater rated every item, else close. None where the
    residual has no degrees of freedom, or items or raters cannot be told apart from one another.
    """
    _, item = np.unique(items, return_inverse=True)
    _, rater = np.unique(raters, return_inverse=True)
    of_item, of_rater = np.bincount(item), np.bincount(rater)
    cells, sizes = np.unique(item * len(of_rater) + rater, return_counts=True)
    cell_item, cell_rater = cells // len(of_rater), cells % len(of_rater)
    centred = differences - differences.mean()
    sums_item, sums_rater = np.bincount(item, centred), np.bincount(rater, centred)
    # Raters adjusted for items: what is left of their normal equations when the items are absorbed.
    table = np.zeros((len(of_rater), len(of_item)))
    table[cell_rater, cell_item] = sizes
    shares = table / of_item
    left = np.diag(of_rater.astype(float)) - shares @ table.T
    adjusted = sums_rater - shares @ sums_item
    of_raters = float(adjusted @ np.linalg.pinv(left, rcond=1e-9, hermitian=True) @ adjusted)
    freedom_raters = int(np.linalg.matrix_rank(left, tol=1e-9 * len(differences), hermitian=True))
    by_item, by_rater = float((sums_item**2 / of_item).sum()), float((sums_rater**2 / of_rater).sum())
    residual = float((centred**2).sum()) - by_item - of_raters
    of_items = by_item + of_raters - by_rater
    freedom_items = len(of_item) + freedom_raters - len(of_rater)
    freedom = len(differences) - len(of_item) - freedom_raters
    if min(freedom, freedom_items, freedom_raters) < 1:
        return []
    trace_raters = float(np.trace(left))
    trace_items = len(differences) - float((sizes**2 / of_rater[cell_rater]).sum())
    draw = np.random.default_rng(SEED)
    noise = max(residual, 0.0) / draw.chisquare(freedom, draws)
    spread_items = (of_items / draw.chisquare(freedom_items, draws) - noise) * freedom_items / trace_items
    spread_raters = (of_raters / draw.chisquare(freedom_raters, draws) - noise) * freedom_raters / trace_raters
    found = np.maximum(np.stack([spread_items, spread_raters, noise], axis=1), 0.0)
    return [Variances(*row) for row in found.tolist()]


def percentiles(values: list[float]) -> tuple[float, float] | None:
    """The 95 % interval of what was worked out from each of the drawn variances; None where there is none."""
    if not values:
        return None
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    return low, high
