"""Metrics beside human scores: a published table, scipy, and bootstraps done the long way."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from annotations.statistics.coefficients import NAMES
from annotations.statistics.correlation import correlations, williams_of_correlations, williams_test
from annotations.statistics.pairwise_accuracy import pairwise_accuracies
from annotations.statistics.uncertainty import Floats, Ints

ORACLES = (stats.pearsonr, stats.spearmanr, stats.kendalltau)


def study(seed: int, *, items: int = 30, systems: int = 6, noise: float = 20) -> tuple[Floats, Floats, Ints, Ints]:
    """Human scores with many ties, a metric that follows them, and codes of system and item."""
    draw = np.random.default_rng(seed)
    item, system = (part.ravel() for part in np.meshgrid(np.arange(items), np.arange(systems), indexing="ij"))
    quality = draw.normal(0, 10, items)[item] + draw.normal(0, 10, systems)[system] + draw.normal(0, 10, len(item))
    human = np.round(50 + quality, -1)
    return human, quality + draw.normal(0, noise, len(item)), system, item


@pytest.mark.once
def test_every_cell_that_hanna_published(shared_data: Path) -> None:
    folder = shared_data / "statistics"
    with (folder / "hanna_metric_scores.csv").open() as file:
        table = {row.pop("Model"): row for row in csv.DictReader(file)}
    with (folder / "hanna_published_pearson.csv").open() as file:
        published = {row.pop("Model"): row for row in csv.DictReader(file)}
    names = list(table["Human"])
    columns = {name: np.array([json.loads(row[name]) for row in table.values()], float).ravel() for name in names}
    systems, items = np.repeat(np.arange(len(table)), 96), np.tile(np.arange(96), len(table))
    human, cells = list(table).index("Human"), 0
    metrics = {name: columns[name] for name in published}
    for criterion in ("Relevance", "Coherence", "Empathy", "Surprise", "Engagement", "Complexity"):
        found = correlations(columns[criterion], metrics, systems, items, leave_out=[human], resamples=20)
        for metric, (_, within, system) in found.items():
            for level, name in ((within, "story"), (system, "system")):
                expected = float(published[metric][f"{criterion}_{name}_pearson"])
                assert abs(level.pearson.value or 0) == pytest.approx(expected, abs=1e-9)
                cells += 1
    assert cells == 72 * 12


def test_each_level_is_scipys() -> None:
    human, metric, systems, items = study(1)
    metric[items == 3] = 7.0
    found = correlations(human, {"bleu": metric}, systems, items, resamples=20)["bleu"]
    means = [[side[systems == system].mean() for system in range(6)] for side in (human, metric)]
    for name, oracle in zip(NAMES, ORACLES, strict=True):
        pooled, within, over = (getattr(level, name).value for level in found)
        assert pooled == pytest.approx(oracle(human, metric)[0])
        each = [oracle(human[items == item], metric[items == item])[0] for item in range(30) if item != 3]
        assert within == pytest.approx(np.mean(each))
        assert over == pytest.approx(oracle(*means)[0])
    assert (found.within_item.units, found.within_item.left_out) == (29, 1)


def test_many_different_scores_and_large_items_are_counted_as_scipy_does() -> None:
    draw = np.random.default_rng(7)
    items = np.arange(5000) % 11  # hundreds of texts each
    for decimals in (12, 2):
        human = np.round(draw.normal(size=5000), decimals)
        metric = np.round(human + draw.normal(size=5000), decimals)
        found = correlations(human, {"bleu": metric}, items % 5, items, resamples=20)["bleu"]
        for name, oracle in zip(NAMES, ORACLES, strict=True):
            assert getattr(found.pooled, name).value == pytest.approx(oracle(human, metric)[0])
            each = [oracle(human[items == item], metric[items == item])[0] for item in range(11)]
            assert getattr(found.within_item, name).value == pytest.approx(np.mean(each))


@pytest.mark.once
def test_intervals_are_those_of_a_bootstrap_done_row_by_row() -> None:
    """Ranked anew in each resample: the first-order intervals of pooled rho and tau lie within Monte Carlo error."""
    human, metric, systems, items = study(2, items=60)
    albums = items // 2
    found = correlations(human, {"bleu": metric}, systems, items, albums=albums, resamples=2000)["bleu"]
    draw, drawn = np.random.default_rng(9), []
    for _ in range(600):
        rows = np.concatenate([np.flatnonzero(albums == album) for album in draw.integers(30, size=30)])
        h, m, s = human[rows], metric[rows], systems[rows]
        means = [[side[s == system].mean() for system in range(6)] for side in (h, m)]
        drawn.append([*(oracle(h, m)[0] for oracle in ORACLES), *(oracle(*means)[0] for oracle in ORACLES)])
    tail = stats.norm.cdf((30 / 29) ** 0.5 * stats.t.ppf(0.025, 29))  # expanded percentiles, 30 clusters
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    ours = [getattr(level, name).interval for level in (found.pooled, found.system) for name in NAMES]
    difference = np.abs(np.array(ours) - np.stack([low, high], axis=1)).max(axis=1)
    assert (difference < 0.15 * (high - low)).all()


@pytest.mark.once
def test_the_pooled_intervals_cover_the_truth() -> None:
    """Normal scores with r = 0.6: rho = 6/π asin(r/2), tau = 2/π asin(r). 150 independent items, 300 studies."""
    truth = [0.6, 6 / np.pi * np.arcsin(0.3), 2 / np.pi * np.arcsin(0.6)]
    draw, covered, rounds, each = np.random.default_rng(3), np.zeros(3), 300, np.arange(150)
    for _ in range(rounds):
        human, metric = draw.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 150).T
        pooled = correlations(human, {"bleu": metric}, each % 3, each, resamples=300)["bleu"].pooled
        intervals = [getattr(pooled, name).interval for name in NAMES]
        covered += [low <= value <= high for value, (low, high) in zip(truth, intervals, strict=True)]
    assert 0.9 <= (covered / rounds).min() <= (covered / rounds).max() <= 0.985


def test_what_cannot_be_said_is_said_so() -> None:
    human, metric, systems, items = study(4, systems=4)
    found = correlations(human, {"bleu": metric, "flat": np.ones(120), "none": np.full(120, np.nan)}, systems, items)
    assert found["bleu"].system.pearson.value is None
    assert str(found["bleu"].system.pearson.undefined) == "at least 5 systems are needed, and there are 4"
    assert "all scores are equal" in str(found["flat"].pooled.kendall.undefined)
    assert "no item in which" in str(found["flat"].within_item.spearman.undefined)
    assert str(found["none"].pooled.pearson.undefined) == "at least 3 texts are needed, and there are 0"
    assert found["none"].pooled.left_out == 120
    one = correlations(human[:8], {"bleu": metric[:8]}, systems[:8], items[:8])["bleu"].pooled.pearson
    assert one.value is not None
    assert "an interval needs at least 10" in str(one.undefined)
    nothing = correlations(human[:0], {"bleu": metric[:0]}, systems[:0], items[:0])["bleu"]
    assert all(getattr(level, name).undefined for level in nothing for name in NAMES)
    with pytest.raises(ValueError, match="bleu"):
        correlations(human, {"bleu": metric[:7]}, systems, items)


def test_williams_as_published() -> None:
    """The example that comes with the test's public implementation (nlp-williams, after Graham and Baldwin 2014)."""
    found = williams_of_correlations(0.65, 0.55, 0.3, 50)
    assert found.p_better == pytest.approx(0.20928617286753592)
    assert found.p == pytest.approx(2 * 0.20928617286753592)
    assert williams_of_correlations(0.55, 0.65, 0.3, 50).p_better == pytest.approx(1 - 0.20928617286753592)


def test_williams_rejects_as_often_as_it_says() -> None:
    """Two metrics equally near to the human scores: p ≤ 0.05 about one time in twenty."""
    draw, rejected, rounds = np.random.default_rng(5), 0, 2000
    for _ in range(rounds):
        human = draw.normal(size=12)
        one, other = human + draw.normal(0, 1, (2, 12))
        found = williams_test(human, one, other).p
        rejected += found is not None and found <= 0.05
    assert 0.035 <= rejected / rounds <= 0.065


def test_williams_that_is_undefined() -> None:
    scores = np.arange(6.0) ** 2
    assert "order the units in the same way" in str(williams_test(scores, scores + 1, 2 * scores).undefined)
    assert "all scores" in str(williams_test(scores, np.ones(6), scores).undefined)
    assert (
        str(williams_test(scores[:4], scores[:4], scores[:4]).undefined)
        == "at least 5 units are needed, and there are 4"
    )


def test_pairwise_accuracy_by_hand() -> None:
    """Two items of three texts. Human 1 1 2 / 3 2 1; metric .50 .52 .90 / .9 .6 .61.

    Pairs (human order, metric distance): tie .02, < .40, < .38; > .30, > .29, > −.01, which is the wrong way round.
    At ε = 0: 2 of 3 and 2 of 3. At ε = .02 the tie is right: 3 of 3 and 2 of 3.
    """
    human, metric = np.array([1.0, 1, 2, 3, 2, 1]), np.array([0.5, 0.52, 0.9, 0.9, 0.6, 0.61])
    systems, items = np.tile(np.arange(3), 2), np.repeat([0, 1], 3)
    found = pairwise_accuracies(human, {"bleu": metric}, systems, items)["bleu"]
    assert found.text.value == pytest.approx((1 + 2 / 3) / 2)
    assert found.tie == pytest.approx(0.02)
    assert (found.text_pairs, found.items) == (6, 2)
    # means: human 2 1.5 1.5, metric .70 .56 .755: two pairs differ, of which one is right
    assert (found.system.value, found.system_pairs) == (0.5, 2)
    assert "an interval needs at least 10" in str(found.system.undefined)


def test_no_tie_threshold_does_better() -> None:
    """Every observed distance tried in turn, on items of unequal size."""
    human, metric, systems, items = study(6)
    keep = np.random.default_rng(1).random(len(human)) < 0.7
    human, metric, systems, items = human[keep], np.round(metric[keep]), systems[keep], items[keep]
    found = pairwise_accuracies(human, {"bleu": metric}, systems, items)["bleu"]

    def accuracy(epsilon: float) -> float:
        shares = []
        for item in np.unique(items):
            own = np.flatnonzero(items == item)
            pairs = [(a, b) for a in own for b in own if a < b]
            signs = [(np.sign(human[a] - human[b]), metric[a] - metric[b]) for a, b in pairs]
            shares += [np.mean([h == np.sign(m) * (abs(m) > epsilon) for h, m in signs])] if signs else []
        return float(np.mean(shares))

    best = max(accuracy(epsilon) for epsilon in np.unique(np.abs(metric[:, None] - metric)))
    assert found.text.value == pytest.approx(best)
    assert accuracy(found.tie or 0.0) == pytest.approx(best)
    low, high = found.text.interval or (1, 0)
    assert low < best < high
    lonely = pairwise_accuracies(human[:3], {"bleu": metric[:3]}, systems[:3], np.arange(3))["bleu"]
    assert "no item has two texts" in str(lonely.text.undefined)
