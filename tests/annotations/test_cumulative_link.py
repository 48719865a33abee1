"""The cumulative link mixed model: against R's clmm, statsmodels, and Laplace's approximation written out."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm, t
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from annotations.statistics.cumulative_link import CumulativeLink, cumulative_link_model
from annotations.statistics.laplace import LaplaceLikelihood, Term
from annotations.statistics.uncertainty import Floats, Ints


def scored() -> tuple[Floats, Ints, Ints, Ints]:
    """Scores from 1 to 5, whether of the first system, items and raters: 20 items by 6 raters, a fifth missing."""
    items, raters = (part.ravel() for part in np.indices((20, 6)))
    kept = (items + 2 * raters) % 5 != 0
    items, raters = items[kept], raters[kept]
    both = 0.9 * np.sin(5 * items) + 0.8 * np.cos(3 * raters)
    one = both + 0.9 + 0.7 * np.sin(3 * items) + 0.6 * np.sin(2 * raters**2) + 1.5 * np.sin(7 * items + 4 * raters**2)
    other = both + 1.5 * np.sin(9 * items + 5 * raters**2)
    scores = np.digitize(np.concatenate([one, other]), [-1.3, -0.3, 0.7, 1.7]) + 1.0
    return scores, np.repeat([1, 0], len(items)), np.tile(items, 2), np.tile(raters, 2)


def test_the_model_is_that_of_clmm() -> None:
    """R 4.2.2, ordinal 2022.11-16, x = ±½: clmm(y ~ x + (1|i) + (1|r)), then with (0+x|i) + (0+x|r) as well.

    clmm stops where its slope is 5e-5, so that it agrees with a fully converged estimate to five digits.
    """
    scores, first, items, raters = scored()
    intercepts = cumulative_link_model(scores, first, items, raters, slopes=False)
    assert (intercepts.log_odds, intercepts.error) == pytest.approx((1.3004151, 0.2909974), rel=1e-5)
    found = cumulative_link_model(scores, first, items, raters)
    assert (found.log_odds, found.error) == pytest.approx((1.4201798, 0.4126278), rel=1e-5)
    assert (found.item_deviation, found.rater_deviation) == pytest.approx((1.0775808, 0.3200311), rel=1e-4)
    assert (found.n, found.items, found.raters, found.freedom) == (192, 20, 6, 5)


@pytest.mark.once
@pytest.mark.parametrize("albums", [False, True])
def test_likelihoods_are_laplaces_approximation_written_out(albums: bool) -> None:
    """Value and slope at any parameters; and, without albums, the estimate: a Newton step from where clmm stopped."""
    scores, first, items, raters = scored()
    x, grouped = np.where(first == 1, 0.5, -0.5), items // 4 if albums else items
    groups = [("item", items, True), ("rater", raters, False), *([("album", grouped, True)] if albums else [])]
    terms = [Term(name, codes, by, within) for name, codes, within in groups for by in (np.ones(len(x)), x)]
    likelihood, written_out = LaplaceLikelihood(scores, x, grouped, terms), WrittenOut(scores, x, terms)
    for seed in range(3):
        parameters = np.random.default_rng(seed).normal(0, 0.3, 5 + len(terms))
        value, slope = likelihood.at(parameters)
        assert value == pytest.approx(written_out(parameters), rel=1e-9)
        assert slope == pytest.approx(approx_fprime(parameters, written_out, centered=True), abs=1e-6)
    if not albums:
        thresholds = np.array([-2.6606560615, -1.1675622000, 0.4214621311, 1.4959162928])
        deviations = np.log([1.039226559, 1.077580808, 1.403609021, 0.320031061])
        stopped = np.concatenate([thresholds[:1], np.log(np.diff(thresholds)), [1.4201798203], deviations])
        hessian = approx_hess(stopped, written_out)
        estimate = stopped - np.linalg.solve(hessian, approx_fprime(stopped, written_out, centered=True))
        found = cumulative_link_model(scores, first, items, raters)
        assert found.log_odds == pytest.approx(estimate[4], abs=1e-6)
        assert found.error == pytest.approx(np.linalg.inv(hessian)[4, 4] ** 0.5, rel=1e-4)


class WrittenOut:
    """Minus the log of Laplace's approximation by whole matrices."""

    def __init__(self, scores: Floats, x: Floats, terms: list[Term]) -> None:
        self.y, self.x = scores.astype(int), x
        self.effects = [np.eye(int(term.codes.max()) + 1)[term.codes] * term.covariate[:, None] for term in terms]

    def __call__(self, parameters: Floats) -> float:
        thresholds = np.concatenate([[-np.inf], np.cumsum([parameters[0], *np.exp(parameters[1:4])]), [np.inf]])
        z = np.hstack([size * part for size, part in zip(np.exp(parameters[5:]), self.effects, strict=True)])
        mode = np.zeros(z.shape[1])
        for _ in range(40):
            shift = parameters[4] * self.x + z @ mode
            high, low = expit(thresholds[self.y] - shift), expit(thresholds[self.y - 1] - shift)
            curvature = np.eye(len(mode)) + z.T @ ((high * (1 - high) + low * (1 - low))[:, None] * z)
            step = np.linalg.solve(curvature, mode - z.T @ (high + low - 1))
            mode = mode - step / max(1.0, np.abs(step).max())
        return float(-np.log(high - low).sum() + mode @ mode / 2 + np.linalg.slogdet(curvature)[1] / 2)


@pytest.mark.once
def test_where_neither_items_nor_raters_differ_it_is_the_proportional_odds_model() -> None:
    """Every rater gives the same scores, over items that have the same scores: statsmodels' OrderedModel."""
    items, raters = (part.ravel() for part in np.indices((10, 10)))
    one, other = 1 + (items + raters) % 5, 1 + np.minimum((items + 3 * raters) % 5, (items + 3 * raters + 3) % 5)
    scores, first = np.concatenate([one, other]) * 1.0, np.repeat([1, 0], 100)
    found = cumulative_link_model(scores, first, np.tile(items, 2), np.tile(raters, 2))
    plain = OrderedModel(scores, first[:, None], distr="logit").fit(method="newton", disp=False, tol=1e-12)
    assert (found.item_deviation, found.rater_deviation) == (0, 0)
    assert (found.log_odds, found.error) == pytest.approx((plain.params[0], plain.bse[0]), rel=1e-6)
    assert found.p is not None
    assert found.p > 2 * norm.sf(abs(plain.params[0] / plain.bse[0])), "ten raters are no infinity of them"


def test_swapping_the_systems_or_the_scale_turns_the_sign() -> None:
    scores, first, items, raters = scored()
    found = cumulative_link_model(scores, first, items, raters)
    for turned in (
        cumulative_link_model(scores, 1 - first, items, raters),
        cumulative_link_model(-(scores**3), first, 50 - items, 7 * raters),
    ):
        assert turned.log_odds == pytest.approx(-(found.log_odds or 0), rel=1e-6)
        assert turned.p == pytest.approx(found.p, rel=1e-4)


@pytest.mark.once
def test_intervals_hold_where_raters_differ_on_the_systems() -> None:
    """Thirty campaigns without a difference, six raters: with intercepts alone every fourth interval misses."""
    draw, covers, without = np.random.default_rng(1), 0, 0
    items, raters = (part.ravel() for part in np.indices((12, 6)))
    first, item, rater = np.repeat([1, 0], len(items)), np.tile(items, 2), np.tile(raters, 2)
    for _ in range(30):
        slope = np.where(first == 1, 0.5, -0.5) * draw.normal(0, 2, 6)[rater]
        latent = draw.normal(0, 1, 12)[item] + draw.normal(0, 1, 6)[rater] + slope + draw.logistic(size=len(first))
        scores = np.digitize(latent, [-2, -0.7, 0.7, 2]) * 1.0
        covers += holds_zero(cumulative_link_model(scores, first, item, rater))
        without += holds_zero(cumulative_link_model(scores, first, item, rater, slopes=False))
    assert covers >= 26
    assert without < 24


def holds_zero(model: CumulativeLink) -> bool:
    return model.interval is not None and model.interval[0] <= 0 <= model.interval[1]


def test_what_the_model_cannot_be_fitted_to() -> None:
    items, raters = (part.ravel() for part in np.indices((4, 3)))
    items, raters, first = np.tile(items, 2), np.tile(raters, 2), np.repeat([1, 0], 12)
    scores = np.tile([1.0, 2, 3, 2], 6)

    def why(scores: Floats, raters: Ints = raters) -> str:
        found = cumulative_link_model(scores, first, items, raters)
        assert found.log_odds is None
        return str(found.undefined)

    assert "two items and two raters" in why(scores, 0 * raters)
    assert why(0 * scores) == "all scores are equal"
    assert "no score of one system is above" in why(3.0 - first)
    assert "no score of one system is above" in why(np.where(first == 1, 3.0, np.tile([1.0, 2, 3], 8)))


@pytest.mark.once
@pytest.mark.filterwarnings("error")
def test_small_designs_of_every_kind_end_well() -> None:
    """No exception, no warning, and whatever is defined is finite, with no p below that of t with raters − 1."""
    draw, defined = np.random.default_rng(5), 0
    for _ in range(60):
        items, raters = (part.ravel() for part in np.indices((int(draw.integers(2, 9)), int(draw.integers(2, 6)))))
        kept = draw.random((2, len(items))) < draw.choice([0.5, 0.8, 1.0])
        items, raters, first = (
            np.concatenate([part[kept[0]], part[kept[1]]]) for part in (items, raters, np.zeros_like(items))
        )
        first[: int(kept[0].sum())] = 1
        latent = draw.normal(0, draw.choice([0, 1, 5]), 9)[items] + draw.normal(0, draw.choice([0, 1, 5]), 6)[raters]
        latent += first * draw.choice([0, 1, 4]) + draw.choice([0, 1]) * draw.logistic(size=len(first))
        scores = np.digitize(latent, np.arange(-2, draw.integers(0, 3))) * 1.0
        albums = items // 2 if draw.random() < 0.5 else None
        found = cumulative_link_model(scores, first, items, raters, albums=albums)
        assert (found.log_odds is None) == bool(found.undefined)
        if found.log_odds is not None and found.error is not None and found.p is not None:
            defined += 1
            assert np.isfinite([found.log_odds, found.error, *(found.interval or ())]).all()
            assert found.p >= 2 * t.sf(abs(found.log_odds) / found.error, found.raters - 1) - 1e-9
    assert defined > 10
