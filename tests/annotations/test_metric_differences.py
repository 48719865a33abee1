"""Paired bootstraps against sacrebleu's own test, scipy, and systems that do not differ."""

import itertools

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest
from scipy import stats

from annotations.statistics.metric_differences import Floats, PairwiseDifferences, paired_differences
from modeling.metrics.outputs import score_outputs
from modeling.metrics.texts import Segment, Statistics
from modeling.text import normalize

PLACES = ["the old harbour", "a quiet park", "our garden", "the crowded station"]
ACTS = ["we watched the fireworks at", "everyone danced in", "my brother slept near", "it rained all day on"]
SENTENCES = [f"{act} {place} ." for act, place in itertools.product(ACTS, PLACES)] * 4


def statistics(metric: str, outputs: list[str], *references: list[str]) -> Statistics:
    segments = [Segment(str(n), text, each) for n, (text, *each) in enumerate(zip(outputs, *references, strict=True))]
    found: Statistics = score_outputs(segments, metrics=[metric], by_segment=True, resamples=0)[metric]["statistics"]
    return found


def mean_differences(scores: dict[str, Floats], clusters: Floats, **options: int) -> PairwiseDifferences:
    counts = {name: np.stack([each, np.ones(len(each))], axis=1) for name, each in scores.items()}
    return paired_differences(counts, lambda sums: sums[:, 0] / sums[:, 1], clusters, **options)


def corrupted(seed: int, share: float) -> list[str]:
    """The sentences with that share of words replaced."""
    draw = np.random.default_rng(seed)
    return [" ".join("thing" if draw.random() < share else word for word in text.split()) for text in SENTENCES]


@pytest.mark.parametrize(("metric", "scorer"), [("bleu", BLEU(lowercase=True)), ("chrf", CHRF(lowercase=True))])
def test_scores_and_p_values_are_sacrebleus(metric: str, scorer: BLEU | CHRF, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    systems = {"gru": corrupted(1, 0.25), "lstm": corrupted(2, 0.27), "copy": corrupted(3, 0.35)}
    second = [text.replace("the", "that") for text in SENTENCES]
    named = [(name, [normalize(text) for text in texts]) for name, texts in systems.items()]
    streams = [[normalize(text) for text in texts] for texts in (SENTENCES, second)]
    theirs, results = PairedTest(named, {metric: scorer}, streams, "bs", 2000)()
    (name,) = theirs
    ours = {system: statistics(metric, texts, SENTENCES, second) for system, texts in systems.items()}
    basis, where = ours["gru"], np.arange(len(SENTENCES))
    counts = {system: each.counts for system, each in ours.items()}
    found = paired_differences(counts, basis.metric, where, resamples=2000, seed=7)
    values = {}
    for system, result in zip(systems, results[name], strict=True):
        values[system] = basis.metric(counts[system].sum(axis=0, keepdims=True))[0]
        assert values[system] == pytest.approx(result.score)
        if system != "gru":
            difference = found.differences["gru", system]
            assert difference.value == pytest.approx(values["gru"] - values[system])
            error = (result.p_value * (1 - result.p_value) / 2000) ** 0.5
            assert difference.p_sacrebleu == pytest.approx(result.p_value, abs=5 * error + 1e-3)
    assert basis.signature(2000, 7) == f"{theirs[name]}|fold:1"
    assert found.undefined is None


def test_a_mean_difference_is_tested_as_the_paired_t_test_does() -> None:
    draw = np.random.default_rng(3)
    one, shared = draw.normal(0, 1, 200), draw.normal(0, 2, 200)
    found = mean_differences({"a": shared + one, "b": shared - 0.15}, np.arange(200), resamples=5000)
    expected = stats.ttest_rel(shared + one, shared - 0.15)
    difference = found.differences["a", "b"]
    assert difference.p == pytest.approx(expected.pvalue, abs=0.02)
    interval = expected.confidence_interval()
    assert difference.interval == pytest.approx((interval.low, interval.high), abs=0.02)


def test_systems_alike_are_told_apart_as_often_as_is_said() -> None:
    """40 albums with an effect of their own: p ≤ 0.05 one time in twenty, sacrebleu's more than twice as often."""
    draw, rounds, albums = np.random.default_rng(5), 800, np.repeat(np.arange(40), 3)
    rejected = np.zeros(2)
    for seed in range(rounds):
        effect = draw.normal(0, 1, (2, 40))[:, albums]
        one, other = effect + draw.normal(0, 1, (2, 120))
        found = mean_differences({"a": one, "b": other}, albums, resamples=400, seed=seed).differences["a", "b"]
        rejected += [(found.p or 0) <= 0.05, (found.p_sacrebleu or 0) <= 0.05]
    ours, theirs = rejected / rounds
    assert 0.03 <= ours <= 0.075
    assert 0.09 <= theirs <= 0.17


def test_a_system_against_itself_does_not_differ() -> None:
    same = statistics("chrf", corrupted(1, 0.3), SENTENCES)
    counts, where = {"a": same.counts, "b": same.counts}, np.arange(len(SENTENCES))
    found = paired_differences(counts, same.metric, where, resamples=50)
    assert found.differences["a", "b"][:3] == (0.0, (0.0, 0.0), 1.0)


def test_a_difference_that_is_the_same_in_every_album_is_no_surer_than_its_signs() -> None:
    """Twelve albums and always one more: two of the 2^12 choices of signs, while no resample differs."""
    scores = {"gru": np.arange(12.0) + 1, "lstm": np.arange(12.0)}
    assert mean_differences(scores, np.arange(12)).differences["gru", "lstm"][:2] == (1.0, None)
    few = {name: values[:10] for name, values in scores.items()}
    found = mean_differences(few, np.arange(10), resamples=5000).differences["gru", "lstm"]
    assert found.p == 2 / 2**10 > 1 / 5001


def test_what_cannot_be_compared_is_said() -> None:
    few = mean_differences({"a": np.arange(4.0), "b": np.ones(4)}, np.arange(4))
    assert few.differences["a", "b"] == (0.5, None, None, None)
    assert "at least 10 items or albums" in str(few.undefined)
    nowhere = mean_differences({"a": np.array([1, np.nan]), "b": np.array([np.nan, 1])}, np.arange(2))
    assert (nowhere.differences, str(nowhere.undefined)) == ({}, "no source has a score for every system")
    with pytest.raises(ValueError, match="gru 64, clusters 63"):
        mean_differences({"gru": np.ones(64)}, np.arange(63))


def test_a_text_without_a_value_has_no_part_in_a_difference() -> None:
    scores = {"a": np.array([1.0, 5.0, 3.0]), "b": np.array([0.0, np.nan, 1.0])}
    assert mean_differences(scores, np.arange(3)).differences["a", "b"].value == 1.5
