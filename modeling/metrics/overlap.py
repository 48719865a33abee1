"""BLEU (Papineni et al. 2002) and chrF (Popović 2015): of a corpus, and with each reference left out in turn.

A human text can only be scored against what other people wrote, so against one reference fewer than a system. For a
fair comparison each source lacks, in round k of K, its reference k mod R, where R is how many it has and K the most of
any source: the human is scored with that reference as the output, a system with its own output, both against the same
R - 1 others. The figure is the mean over rounds of the corpus score (the jackknife of Lin 2004, section 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from statistics import fmean
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import _bootstrap_resample

from modeling.metrics.intervals import percentiles, resampled_sums
from texts.folding import SIGNATURE

Metric = BLEU | CHRF
METRICS: dict[str, Callable[[], Metric]] = {
    "bleu": lambda: BLEU(lowercase=True, effective_order=False),
    "chrf": lambda: CHRF(lowercase=True),
}
OF_SENTENCES = METRICS | {"bleu": lambda: BLEU(lowercase=True, effective_order=True)}


def corpus_overlap(
    name: str, outputs: Sequence[str], references: Sequence[Sequence[str]], *, resamples: int
) -> dict[str, Any]:
    """`{"value", "ci", "signature"}` on all references; the interval is sacrebleu's bootstrap of segments."""
    metric, interval = METRICS[name](), None
    rows = metric._extract_corpus_statistics(outputs, reference_streams(references))
    if len(outputs) > 1 and resamples > 1:
        metric.n_bootstrap = resamples
        metric.seed, drawn = _bootstrap_resample(rows, metric, resamples)
        interval = _interval([float(each.score) for each in drawn])
    value = float(metric._aggregate_and_compute(rows).score)
    return {"value": value, "ci": interval, "signature": signed(metric)}


def _interval(scores: Sequence[float]) -> tuple[float, float]:
    """sacrebleu's `Score.estimate_ci`: the mean, and around it half the width between the 1/40 tails. Its own stumbles
    over a resample whose outputs are all empty, which has another type of number."""
    ordered = sorted(scores)
    tail, mean = len(ordered) // 40, fmean(ordered)
    half = (ordered[-1 - tail] - ordered[tail]) / 2
    return mean - half, mean + half


def signed(metric: Metric) -> str:
    """sacrebleu's signature, and that of what was done to the texts before."""
    return f"{metric.get_signature()}|{SIGNATURE}"


def segment_overlap(name: str, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[list[float], str]:
    """sacrebleu's sentence score of each output, and its signature: BLEU's differs from the corpus score's in taking
    only the orders of n-grams that the sentence has (`eff:yes`; most would otherwise be near 0)."""
    metric = OF_SENTENCES[name]()
    statistics = metric._extract_corpus_statistics(outputs, reference_streams(references))
    return [float(metric._compute_score_from_stats(row).score) for row in statistics], signed(metric)


def leave_one_out(
    name: str,
    outputs: Sequence[str] | None,
    references: Sequence[Sequence[str]],
    groups: Sequence[Hashable],
    *,
    resamples: int,
    seed: int,
    of: int,
) -> dict[str, Any] | None:
    """`{"value", "ci", "signature"}` of a system's outputs or, with None in their place, of the human.

    Sources with one reference have no part in it, and where all are such it is None; `of` is how many sources there
    are in all. The interval is a bootstrap over groups, the same draw in every round.
    """
    several = [index for index, texts in enumerate(references) if len(texts) > 1]
    if not several:
        return None
    metric, rounds = METRICS[name](), max(map(len, references))
    values, resampled = [], []
    for number in range(rounds):
        written, kept = [], []
        for index in several:
            others = list(references[index])
            left_out = others.pop(number % len(others))
            written.append(left_out if outputs is None else outputs[index])
            kept.append(others)
        statistics = np.array(metric._extract_corpus_statistics(written, reference_streams(kept)), dtype=float)
        values.append(_score(metric, statistics.sum(axis=0)))
        albums = [groups[index] for index in several]
        sums = resampled_sums(statistics, albums, resamples=resamples, seed=seed)
        resampled.append([] if sums is None else [_score(metric, each) for each in sums])
    means = np.mean(resampled, axis=0)
    return {
        "value": float(np.mean(values)),
        "ci": percentiles(means) if len(means) else None,
        "signature": f"{signed(metric)}|left_out:1|rounds:{rounds}|sources:{len(several)}of{of}",
    }


def reference_streams(references: Sequence[Sequence[str]]) -> list[list[str]]:
    """As sacrebleu wants them: the first reference of every source, the second, and so on."""
    most = max(map(len, references))
    # None, not "": an empty reference would count as one of length 0 in the brevity penalty.
    filled = [[texts[n] if n < len(texts) else None for texts in references] for n in range(most)]
    return cast(list[list[str]], filled)


def _score(metric: Metric, statistics: NDArray[np.float64]) -> float:
    return float(metric._compute_score_from_stats(statistics.tolist()).score)
