"""A cumulative link mixed model of ordinal scores of two systems: their difference without distances between points."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from annotations.reasons import Reason
from annotations.statistics.laplace import LaplaceLikelihood, Term
from annotations.statistics.uncertainty import UPPER, Floats, Ints

START = -0.5  # a deviation's logarithm to begin with
LITTLE, MIN_DEVIATION = 0.1, 1e-4  # deviations that may be none, and that are
MAX_LOG_ODDS = 30.0  # log odds, or a deviation of them, beyond which an estimate is not finite
STEP, CHORDS, CLOSE, NEAR = 1e-4, 12, 1e-9, 1e-4  # of parameters


class CumulativeLink(NamedTuple):
    """How much larger the first system's log odds are of being above any point of the scale, with error, degrees of
    freedom, interval and p; standard deviations of the systems' difference by album, item and rater, None where that
    part is not in the model; the scores, items, raters and albums it is of; why there is none."""

    log_odds: float | None
    error: float | None = None
    freedom: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    album_deviation: float | None = None
    item_deviation: float | None = None
    rater_deviation: float | None = None
    n: int = 0
    items: int = 0
    raters: int = 0
    albums: int = 0
    undefined: Reason | None = None


def cumulative_link_model(
    scores: Floats,
    first: Ints,
    items: Ints,
    raters: Ints,
    *,
    albums: Ints | None = None,
    slopes: bool = True,
) -> CumulativeLink:
    """logit P(score ≤ k) = θ_k − (β x + item + rater + album + x (item + rater + album)), x = ½ or −½ (Agresti 2010,
    chapter 10), for scores (n), of the first system where `first` (n) is 1 and of the second where it is 0, of items
    (n), raters (n) and albums (n), an item being of one album.

    Every score that was given is a point of the scale; the thresholds θ are free. Effects are normal and independent,
    and integrated by Laplace's approximation, as R's `ordinal::clmm` does (Christensen 2022). Without `slopes`, the
    effects that x multiplies, people and items are taken to differ in severity alone, not in what they think of the two
    systems. A part that the design cannot tell has no place in the model: albums of one item, slopes of raters who
    scored one system only. A deviation whose estimate is zero is left out. The error comes from the curvature at the
    maximum; interval and p are Student's t with one degree of freedom less than there are raters, or albums (items
    where albums have no part), of the system that has fewer.
    """
    counts = [len(np.unique(part)) for part in (items, raters, items if albums is None else albums)]
    nothing = CumulativeLink(None, n=len(scores), items=counts[0], raters=counts[1], albums=counts[2])
    why = _undefined(scores, first, counts[0], counts[1])
    if why:
        return nothing._replace(undefined=why)
    by_album = albums is not None and 1 < counts[2] < counts[0]
    clusters = albums if albums is not None and by_album else items
    terms = _terms(first, items, raters, clusters if by_album else None, slopes)
    _, blocks = np.unique(clusters, return_inverse=True)
    try:
        fitted = _fitted(scores, np.where(first == 1, 0.5, -0.5), blocks, terms)
    except np.linalg.LinAlgError:
        fitted = Reason("far_apart")
    if isinstance(fitted, Reason):
        return nothing._replace(undefined=fitted)
    value, error, deviations = fitted
    few = min(len(np.unique(part[first == side])) for part in (clusters, raters) for side in (0, 1))
    if few < 2:
        return nothing._replace(undefined=Reason("single_of_system"))
    half = float(stdtrit(few - 1, UPPER)) * error
    return nothing._replace(
        log_odds=value,
        error=error,
        freedom=float(few - 1),
        interval=(value - half, value + half),
        p=2 * float(stdtr(few - 1, -abs(value) / error)),
        album_deviation=deviations.get("album slope"),
        item_deviation=deviations.get("item slope"),
        rater_deviation=deviations.get("rater slope"),
    )


def _undefined(scores: Floats, first: Ints, items: int, raters: int) -> Reason | None:
    if items < 2 or raters < 2:
        return Reason("two_of_both", unit="item")
    one, other = scores[first == 1], scores[first != 1]
    if not (len(one) and len(other)):
        return Reason("not_rated")
    if np.ptp(scores) == 0:
        return Reason("all_scores_equal")
    if one.min() >= other.max() or other.min() >= one.max():
        return Reason("separate")
    return None


def _terms(first: Ints, items: Ints, raters: Ints, albums: Ints | None, slopes: bool) -> list[Term]:
    """The random effects that the design can tell."""
    x, terms = np.where(first == 1, 0.5, -0.5), []
    for name, part, within in (("album", albums, True), ("item", items, True), ("rater", raters, False)):
        if part is None:
            continue
        _, codes = np.unique(part, return_inverse=True)
        if len(codes) > int(codes.max()) + 1:
            terms.append(Term(name, codes, np.ones(len(codes)), within))
        of_both = np.intersect1d(codes[first == 1], codes[first != 1])
        if slopes and len(of_both) > 1 and np.isin(codes, of_both).sum() > 2 * len(of_both):
            terms.append(Term(f"{name} slope", codes, x, within))
    return terms


def _fitted(
    scores: Floats, x: Floats, blocks: Ints, terms: list[Term]
) -> tuple[float, float, dict[str, float]] | Reason:
    """The estimate, its error, and the deviations by term; or why there is none."""
    from scipy.optimize import minimize  # a fifth of a second, which every process of the site would wait for

    deviations = {term.name: 0.0 for term in terms}
    start = np.append(LaplaceLikelihood(scores, x, blocks, terms).start(), np.full(len(terms), START))
    while True:
        likelihood = LaplaceLikelihood(scores, x, blocks, terms)
        fixed = len(start) - len(terms)
        bounds = [(-MAX_LOG_ODDS, MAX_LOG_ODDS)] * fixed + [(np.log(MIN_DEVIATION), np.log(MAX_LOG_ODDS))] * len(terms)
        options = {"ftol": 1e-9, "gtol": 1e-4, "maxiter": 300}
        found = minimize(likelihood.at, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        least = np.exp(found.x[fixed:])
        little = [place for place in np.argsort(least) if least[place] < LITTLE]
        for place in little:
            without = found.x.copy()
            without[fixed + place] = np.log(MIN_DEVIATION)
            if likelihood.at(without)[0] <= found.fun + 1e-7:
                terms = [term for each, term in enumerate(terms) if each != place]
                start = np.delete(found.x, fixed + place)
                break
        else:
            break
    if np.abs(found.x[:fixed]).max() > 0.99 * MAX_LOG_ODDS or (len(terms) and least.max() > 0.99 * MAX_LOG_ODDS):
        return Reason("far_apart")
    solved = _at_maximum(likelihood, found.x)
    if solved is None:
        return Reason("flat")
    parameters, covariance = solved
    deviations |= {term.name: float(np.exp(size)) for term, size in zip(terms, parameters[fixed:], strict=True)}
    return float(parameters[fixed - 1]), float(covariance[fixed - 1, fixed - 1] ** 0.5), deviations


def _at_maximum(likelihood: LaplaceLikelihood, near: Floats) -> tuple[Floats, Floats] | None:
    """Newton's steps to the maximum with a curvature from numeric differences of the slope; the covariance there."""
    parameters, curvature = near, None
    for _ in range(CHORDS):
        if curvature is None:
            curvature = _curvature(likelihood, parameters)
            if np.linalg.eigvalsh(curvature).min() <= 0:
                return None
        step = np.linalg.solve(curvature, likelihood.at(parameters)[1])
        if np.abs(step).max() > 1:
            return None
        parameters = parameters - step
        if np.abs(step).max() > NEAR:
            curvature = None
        elif np.abs(step).max() < CLOSE:
            break
    return parameters, np.asarray(np.linalg.inv(_curvature(likelihood, parameters)), dtype=np.float64)


def _curvature(likelihood: LaplaceLikelihood, parameters: Floats) -> Floats:
    steps = STEP * np.eye(len(parameters))
    rows = [likelihood.at(parameters + step)[1] - likelihood.at(parameters - step)[1] for step in steps]
    hessian = np.array(rows) / (2 * STEP)
    return (hessian + hessian.T) / 2
