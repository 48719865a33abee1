"""Paired bootstraps against sacrebleu's own test, scipy, and systems that do not differ."""

import itertools

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest
from scipy import stats

from annotations.statistics.metric_differences import corpus_differences, mean_differences

pytestmark = pytest.mark.once  # no database has a part in it

PLACES = ["the old harbour", "a quiet park", "our garden", "the crowded station"]
ACTS = ["we watched the fireworks at", "everyone danced in", "my brother slept near", "it rained all day on"]
SENTENCES = [f"{act} {place} ." for act, place in itertools.product(ACTS, PLACES)] * 4


def corrupted(seed: int, share: float) -> list[str]:
    """The sentences with that share of words replaced."""
    draw = np.random.default_rng(seed)
    return [" ".join("thing" if draw.random() < share else word for word in text.split()) for text in SENTENCES]


@pytest.mark.parametrize(("metric", "scorer"), [("bleu", BLEU(lowercase=True)), ("chrf", CHRF(lowercase=True))])
def test_scores_and_p_values_are_sacrebleus(metric: str, scorer: BLEU | CHRF, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    systems = {"gru": corrupted(1, 0.25), "lstm": corrupted(2, 0.27), "copy": corrupted(3, 0.35)}
    second = [text.replace("the", "that") for text in SENTENCES]
    references = list(zip(SENTENCES, second, strict=True))
    theirs, results = PairedTest(list(systems.items()), {metric: scorer}, [SENTENCES, second], "bs", 2000)()
    (name,) = theirs
    ours = corpus_differences(systems, references, np.arange(len(SENTENCES)), metric=metric, resamples=2000, seed=7)
    for system, result in zip(systems, results[name], strict=True):
        value, interval = ours.systems[system]
        assert value == pytest.approx(result.score)
        low, high = interval or (0.0, 0.0)
        assert (high - low) / 2 == pytest.approx(result.ci, rel=0.1)
        if system != "gru":
            difference = ours.differences["gru", system]
            error = (result.p_value * (1 - result.p_value) / 2000) ** 0.5
            assert difference.p_sacrebleu == pytest.approx(result.p_value, abs=5 * error + 1e-3)
    assert ours.signature == str(theirs[name])
    assert ours.undefined is None


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
    same = corrupted(1, 0.3)
    found = corpus_differences(
        {"a": same, "b": list(same)}, [[text] for text in SENTENCES], np.arange(len(same)), metric="chrf", resamples=50
    )
    assert found.differences["a", "b"][:3] == (0.0, (0.0, 0.0), 1.0)


def test_a_difference_that_is_the_same_in_every_album_is_no_surer_than_its_signs() -> None:
    """Twelve albums and always one more: two of the 2^12 choices of signs, while no resample differs."""
    scores = {"gru": np.arange(12.0) + 1, "lstm": np.arange(12.0)}
    assert mean_differences(scores, np.arange(12)).differences["gru", "lstm"][:2] == (1.0, None)
    few = {name: values[:10] for name, values in scores.items()}
    found = mean_differences(few, np.arange(10), resamples=5000).differences["gru", "lstm"]
    assert found.p == 2 / 2**10 > 1 / 5001


def test_what_cannot_be_compared_is_said() -> None:
    references = [[text] for text in SENTENCES]
    where = np.arange(len(SENTENCES))
    short = corpus_differences({"gru": SENTENCES, "lstm": SENTENCES[:-1]}, references, where, metric="bleu")
    assert short.undefined is not None
    assert "gru 64, lstm 63" in short.undefined
    assert not short.differences
    bare = corpus_differences({"gru": SENTENCES}, [*references[:-1], []], where, metric="bleu")
    assert "source 64 has no reference" in (bare.undefined or "")
    empty = corpus_differences({"gru": [""] * 64, "lstm": SENTENCES}, references, where, metric="bleu", resamples=20)
    assert empty.systems["gru"][0] == 0
    few = mean_differences({"a": np.arange(4.0), "b": np.ones(4)}, np.arange(4))
    assert few.differences["a", "b"] == (0.5, None, None, None)
    assert "at least 10 items or albums" in (few.undefined or "")
    assert "no outputs" in (mean_differences({}, np.arange(0)).undefined or "")
    with pytest.raises(ValueError, match="bleurt"):
        corpus_differences({"gru": SENTENCES}, references, where, metric="bleurt")
    with pytest.raises(ValueError, match="63 sources"):
        mean_differences({"gru": np.ones(64)}, where[:-1])
