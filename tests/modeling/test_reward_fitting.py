"""The head of a reward model is the minimum of what it says it minimises, and what is held out has no part in it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from modeling.corpus import Example
from modeling.errors import CorpusError
from modeling.feedback_rows import Preference, Row, Score, Span, Spans
from modeling.reward_agreement import figures, held_out_rewards
from modeling.reward_features import no_report
from modeling.reward_fitting import CrossFits, Judged, Judgements, Space, deal, fit, preference_target

RANDOM = np.random.default_rng(7)
TEXTS, BLOCKS = 60, (6, 3)
FEATURES = RANDOM.normal(size=(TEXTS, sum(BLOCKS))) * RANDOM.uniform(0.1, 9, sum(BLOCKS)) + 4


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(FEATURES, BLOCKS)


def standardised() -> np.ndarray:
    width = np.sqrt([6] * 6 + [3] * 3)
    return (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0) / width


def test_of_scores_alone_it_is_ridge_regression_with_raters_offsets(space: Space) -> None:
    """Against the normal equations, solved as one dense system."""
    texts, raters = RANDOM.integers(TEXTS, size=200), RANDOM.integers(5, size=200)
    values, weights = RANDOM.normal(size=200), RANDOM.uniform(0.2, 1, size=200)
    given = [
        (0, int(t), -1, float(v), float(w), f"r{r}") for t, v, w, r in zip(texts, values, weights, raters, strict=True)
    ]
    found = fit(space, Judgements.of(given), l2=3.0)
    design = np.hstack([standardised()[texts], np.ones((200, 1)), np.eye(5)[raters]])
    penalty = np.diag([3.0] * 9 + [0.0] + [1.0] * 5)
    expected = np.linalg.solve(design.T @ (weights[:, None] * design) + penalty, design.T @ (weights * values))
    assert space.weights(found.coefficients) == pytest.approx(expected[:9], abs=1e-6)
    assert found.nuisance == pytest.approx([expected[9], 0, 0, *expected[10:]], abs=1e-6)
    assert space.rewards(found.coefficients) == pytest.approx(standardised() @ expected[:9], abs=1e-6)


def test_more_features_than_texts_are_no_other_problem() -> None:
    wide = RANDOM.normal(size=(20, 70))
    narrow = Space(wide, (70,))
    given = [(0, text, -1, float(RANDOM.normal()), 1.0, "") for text in range(20)]
    found = narrow.weights(fit(narrow, Judgements.of(given), l2=0.5).coefficients)
    standard = (wide - wide.mean(axis=0)) / wide.std(axis=0) / np.sqrt(70)
    design = np.hstack([standard, np.ones((20, 1))])
    penalty = np.diag([0.5] * 70 + [0.0])
    expected = np.linalg.solve(design.T @ design + penalty, design.T @ [row[3] for row in given])
    assert found == pytest.approx(expected[:70], abs=1e-6)


def test_of_labels_or_preferences_alone_it_is_logistic_regression(space: Space) -> None:
    """Against scikit-learn's; a flip rate is a judgement the other way round with that weight."""
    kinds = RANDOM.integers(2, size=150)
    texts, others = (RANDOM.integers(TEXTS, size=150) for _ in range(2))
    labels = [(2, int(t), -1, float(k), 1.0, "") for t, k in zip(texts, kinds, strict=True)]
    found = fit(space, Judgements.of(labels), l2=2.0)
    options = {"C": 1 / 2.0, "tol": 1e-10, "max_iter": 10_000}
    theirs = LogisticRegression(**options).fit(standardised()[texts], kinds)
    assert space.weights(found.coefficients) == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert found.nuisance[2] == pytest.approx(theirs.intercept_[0], abs=1e-5)

    flips = RANDOM.uniform(0, 0.4, size=150)
    wins = [(1, int(t), int(o), 1 - f, 1.0, "") for t, o, f in zip(texts, others, flips, strict=True)]
    found = fit(space, Judgements.of(wins), l2=2.0)
    differences = standardised()[texts] - standardised()[others]
    theirs = LogisticRegression(fit_intercept=False, **options).fit(
        np.vstack([differences, differences]), [1] * 150 + [0] * 150, sample_weight=[*(1 - flips), *flips]
    )
    assert space.weights(found.coefficients) == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_of_all_kinds_together_it_is_the_minimum_of_their_sum(space: Space) -> None:
    """Against a general optimizer on the sum, written out by hand."""
    scored = [(0, int(RANDOM.integers(TEXTS)), -1, float(RANDOM.normal()), 0.7, f"r{n % 2}") for n in range(40)]
    wins = [(1, *map(int, RANDOM.integers(TEXTS, size=2)), 0.9, 1.0, "") for _ in range(40)]
    labels = [(2, int(RANDOM.integers(TEXTS)), -1, float(n % 3 == 0), 1.0, f"r{n % 2}") for n in range(40)]
    standard = standardised()

    def loss(unknown: np.ndarray) -> float:
        reward, (of_scores, of_labels), offsets = standard @ unknown[:9], unknown[9:11], unknown[11:]
        total = 0.0 + unknown[:9] @ unknown[:9] / 2 * 1.5 + offsets @ offsets / 2
        for _, text, _, value, weight, rater in scored:
            total += weight * (value - reward[text] - of_scores - offsets[int(rater == "r1")]) ** 2 / 2
        for _, text, other, value, _, _ in wins:
            gap = reward[text] - reward[other]
            total += value * np.log1p(np.exp(-gap)) + (1 - value) * np.log1p(np.exp(gap))
        for _, text, _, value, _, rater in labels:
            odds = reward[text] + of_labels + offsets[2 + int(rater == "r1")]
            total += value * np.log1p(np.exp(-odds)) + (1 - value) * np.log1p(np.exp(odds))
        return float(total)

    found = fit(space, Judgements.of([*scored, *wins, *labels]), l2=1.5)
    ours = np.concatenate([space.weights(found.coefficients), found.nuisance[[0, 2]], found.nuisance[3:]])
    expected = minimize(loss, np.zeros(15), method="BFGS", options={"gtol": 1e-6})
    assert ours == pytest.approx(expected.x, abs=1e-4)
    assert loss(ours) <= expected.fun + 1e-9


def score(name: str, text: str, raters: dict[str, float], album: str | None = None, source: str = "") -> Score:
    return Score(Example(name, source, album=album), raters=raters, text=text, score=sum(raters.values()))


def test_what_is_of_one_album_or_one_source_is_held_out_together() -> None:
    rows = [
        score("1", "a", {}, album="x", source="a dog"),
        score("2", "b", {}, album="x", source="a cat"),
        score("3", "c", {}, album="y", source="a cat"),
        score("4", "d", {}, source="A  dog"),
        score("5", "e", {}, source="a dog"),
        score("6", "f", {}),
        score("7", "g", {}),
    ]
    groups = Judged.of(rows).groups
    assert groups.tolist() == [0, 0, 1, 2, 2, 3, 4]
    for seed in range(5):
        folds = deal(groups, 2, seed)
        assert folds[0] == folds[1]
        assert folds[3] == folds[4]
        assert set(folds) == {0, 1}


def test_a_judgement_counts_once_and_what_teaches_nothing_is_counted() -> None:
    scores = [score(str(n), text, {"r1": n}, source="s") for n, text in enumerate("ab")]
    derived = Preference(Example("p", "s"), chosen="b", rejected="a", origin="scores")
    others = [
        replace(derived, rejected="c"),
        replace(derived, origin="choice"),
        replace(derived, chosen="A", rejected="a", origin="choice"),
        replace(derived, origin="reward"),
    ]
    marked = Spans(Example("m", "s"), text="ab", spans=(Span(0, 1, 1.0),))
    judged = Judged.of([*scores, derived, *others, marked])
    assert [type(row) for row in judged.rows] == [Score, Score, Preference, Preference]
    assert dict(judged.skipped) == {
        "preferences from scores that are rows themselves": 1,
        "preferences between texts that differ in typing alone": 1,
        "preferences by a reward model": 1,
        "marked spans": 1,
    }
    with pytest.raises(CorpusError, match="no feedback that a reward model learns from: 1 marked spans"):
        Judged.of([marked])


def test_a_preference_of_fewer_raters_is_as_sure_as_those_make_it() -> None:
    """Two for, one against, each wrong with probability 0.2: 4 to 1. Of the two alone 16 to 1, of one of each even."""
    raters = {"r1": 1.0, "r2": 1.0, "r3": 0.0}
    row = Preference(Example("p", "s"), chosen="a", rejected="b", flip_rate=0.2, raters=raters)
    assert preference_target(row, raters) == pytest.approx(0.8)
    assert preference_target(row, {"r1": 1.0, "r2": 1.0}) == pytest.approx(16 / 17)
    assert preference_target(row, {"r1": 1.0, "r3": 0.0}) == pytest.approx(0.5)
    assert preference_target(row, {"r3": 0.0}) == pytest.approx(0.2)


def planted(rows: int, flipped: float, seed: int, size: int = 8) -> tuple[list[Row], np.ndarray, tuple[int, ...]]:
    """Preferences of four raters by a linear taste, so many of them the wrong way round, and the features of
    their texts: chosen, then rejected."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(2 * rows, size))
    taste = features @ generator.normal(size=size)
    found: list[Row] = []
    order: list[int] = []
    for number in range(rows):
        better, worse = sorted((2 * number, 2 * number + 1), key=lambda place: -taste[place])
        if generator.random() < flipped:
            better, worse = worse, better
        order += [better, worse]
        found.append(
            Preference(
                Example(str(number), "", album=str(number // 2)),
                chosen=f"text {better}",
                rejected=f"text {worse}",
                flip_rate=0.2,
                raters={f"r{number % 4}": 1.0},
            )
        )
    return found, features[order], (size,)


def test_a_planted_taste_is_found_and_noise_is_not() -> None:
    """With a fifth of the preferences flipped no model can be right of more than four fifths of them."""
    accuracies, penalties = {}, {}
    for flipped in (0.2, 0.5):
        rows, features, blocks = planted(800, flipped, seed=0)
        judged, whole = Judged.of(rows), Space(features, blocks)
        rewards, groups = held_out_rewards(whole, judged, folds=4, seed=1, l2=0.0, report=no_report)
        accuracies[flipped] = figures(judged, rewards, groups, seed=1).pairwise_accuracy
        penalties[flipped] = CrossFits(whole, judged.judgements(), deal(judged.groups, 4, 1)).l2()
    assert accuracies[0.2].count == accuracies[0.5].count == 800
    assert 0.68 < accuracies[0.2].value < 0.87
    assert 0.38 < accuracies[0.5].value < 0.62
    low, high = accuracies[0.2].ci
    assert low < accuracies[0.2].value < high
    assert high - low < 0.15
    assert penalties[0.5] > 10 * penalties[0.2]


def test_what_is_held_out_changes_nothing_of_its_own_reward() -> None:
    """Judgements turned round of one group of raters on one fold: neither fit nor penalty may notice."""
    rows, features, blocks = planted(120, 0.2, seed=5)
    judged, whole = Judged.of(rows), Space(features, blocks)
    folds = deal(judged.groups, 3, 1)
    rewards, groups = held_out_rewards(whole, judged, folds=3, seed=1, l2=0.0, report=no_report)
    silent = {rater for rater, group in zip(judged.raters, groups, strict=True) if group == 0}
    turned = [
        replace(row, flip_rate=0.45) if folds[places[0]] == 0 or set(row.raters) & silent else row
        for row, places in zip(judged.rows, judged.places, strict=True)
    ]
    again, _ = held_out_rewards(whole, replace(judged, rows=turned), folds=3, seed=1, l2=0.0, report=no_report)
    assert again[0, folds == 0].tolist() == rewards[0, folds == 0].tolist()
    assert again[0, folds == 1].tolist() != rewards[0, folds == 1].tolist()


def test_agreement_by_hand() -> None:
    """One source of texts a and b, one of c and d. r1 and r2 score all four, r3 a and b; the rewards are right on a and
    b, wrong on c and d."""
    said = {"a": (2.0, 1.0, 0.0), "b": (1.0, 0.0, 3.0), "c": (1.0, 1.0), "d": (0.0, 1.0)}
    rows = [
        score(text, text, {f"r{n}": value for n, value in enumerate(values, 1)}, source="ab" if text in "ab" else "cd")
        for text, values in said.items()
    ]
    judged = Judged.of(rows)
    found = figures(judged, np.array([[5.0, 4.0, 1.0, 2.0]]), np.zeros(3, dtype=np.int64), seed=1)
    accuracy = found.pairwise_accuracy
    # r1 has a over b and c over d, r2 a over b, r3 b over a. The others: r2 and r3 together b over a (3/2 to 1/2), r2
    # even on c and d; r1 and r3 b over a (2 to 1); r1 and r2 a over b.
    assert accuracy.count == accuracy.ceiling_count == 4
    assert accuracy.value == accuracy.beside == pytest.approx(2 / 4)
    assert accuracy.ceiling == pytest.approx((0 + 0.5 + 0 + 0) / 4)
    assert found.spearman.value is None, "nobody judged five texts"
    assert (found.groups, found.raters) == (2, 3)
    assert any("2 groups of sources are few" in note for note in found.notes)
    assert any("4 pairs are few" in note for note in found.notes)


def test_rank_correlation_is_scipys_mean_over_raters() -> None:
    generator = np.random.default_rng(1)
    values = generator.integers(4, size=(12, 2)).astype(float)
    rows = [score(str(n), f"text {n}", {"r1": one, "r2": two}) for n, (one, two) in enumerate(values)]
    rows.append(score("12", "text 12", {"r1": 3.0}))
    rewards = generator.normal(size=(1, 13))
    found = figures(Judged.of(rows), rewards, np.zeros(2, dtype=np.int64), seed=1).spearman
    first = spearmanr([*values[:, 0], 3.0], rewards[0]).statistic
    second = spearmanr(values[:, 1], rewards[0, :12]).statistic
    assert found.value == pytest.approx((13 * first + 12 * second) / 25)
    assert found.ceiling == pytest.approx(spearmanr(*values.T).statistic)
    assert found.beside == pytest.approx((spearmanr(values[:, 0], rewards[0, :12]).statistic + second) / 2)
    assert (found.count, found.ceiling_count) == (25, 24)


@pytest.mark.parametrize(
    ("raters", "note"),
    [
        ({}, "no row names its raters"),
        ({"r1": 1.0}, "all judgements are of one rater"),
        ({"r1": 1.0, "r2": 0.5}, "2 raters are too few"),
    ],
)
def test_too_few_raters_are_said_to_be(raters: dict[str, float], note: str) -> None:
    rows = [score(str(n), f"text {n}", {name: value * n for name, value in raters.items()}) for n in range(8)]
    judged = Judged.of(rows)
    whole = Space(np.arange(16.0).reshape(8, 2) ** 2, (2,))
    rewards, groups = held_out_rewards(whole, judged, folds=2, seed=1, l2=1.0, report=no_report)
    found = figures(judged, rewards, groups, seed=1)
    assert any(note in each for each in found.notes)
    assert any("there is no pairwise accuracy" in each for each in found.notes)
