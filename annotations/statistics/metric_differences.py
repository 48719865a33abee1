"""By how much systems differ in an automatic metric: the paired bootstrap over items or albums."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from annotations.statistics.resampling import (
    FEWEST_CLUSTERS,
    RESAMPLES,
    SEED,
    expansion,
    few,
    percentile_interval,
    resampled_sums,
)
from annotations.statistics.uncertainty import Floats, Ints

CORPUS_METRICS = ("bleu", "chrf")


class Difference(NamedTuple):
    """The first system's metric less the second's, its 95 % interval, and p-values of its being zero.

    p is two-sided; where the difference is the same in each of G clusters, and not zero, there is no interval, and p is
    at least that of the sign-flip test, 2 / 2^G. p_sacrebleu is what `sacrebleu --paired-bs` prints, to compare with
    papers: it is nearly one-sided.
    """

    value: float
    interval: tuple[float, float] | None
    p: float | None
    p_sacrebleu: float | None


class Comparison(NamedTuple):
    """Each system's metric and interval, each pair's difference, the metric's signature; in words what is missing."""

    systems: dict[str, tuple[float, tuple[float, float] | None]]
    differences: dict[tuple[str, str], Difference]
    signature: str | None
    undefined: str | None


def mean_differences(
    scores: Mapping[str, Floats], clusters: Ints, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Differences of metrics that are means of per-output scores: each system's (n), of the same n sources in order.

    `clusters` (n) are the sources' items or albums, which are resampled for all systems alike. A source that lacks a
    system's score (NaN) has no part in any figure, so that systems are compared on the same sources. p and intervals as
    in `corpus_differences`. Raises ValueError where `clusters` has another length than all systems.
    """
    refused = _refused(scores, clusters)
    if refused:
        return _nothing(refused)
    table = np.stack([np.asarray(each, np.float64) for each in scores.values()], axis=1)
    complete = np.isfinite(table).all(axis=1)
    if not complete.any():
        return _nothing("no source has a score of every system")
    rows = np.column_stack([table[complete], np.ones(int(complete.sum()))])
    sums = _by_cluster(rows, clusters[complete])
    values, drawn = _means(sums.sum(axis=0, keepdims=True))[0], None
    if len(sums) >= FEWEST_CLUSTERS:
        drawn = _means(resampled_sums(sums, resamples=resamples, seed=seed))
    return _compared(list(scores), values, drawn, len(sums), None)


def corpus_differences(
    outputs: Mapping[str, Sequence[str]],
    references: Sequence[Sequence[str]],
    clusters: Ints,
    *,
    metric: str,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison:
    """Differences in BLEU or chrF ("bleu", "chrf") between systems, of outputs (n texts) against n sources' references.

    A corpus score comes from sums of per-output counts, so a resample needs only sums of sacrebleu's own counts. With d
    the difference and d* its B resamples, paired by source as in Koehn (2004), p = (1 + #{c |d* − mean d*| ≥ |d|}) /
    (1 + B): d* centred is the distribution with no difference (Efron and Tibshirani 1993, section 16.4), c the
    `resampling.expansion` that the intervals have as well. p_sacrebleu = (1 + #{|d*| − mean |d*| > |d|}) / (1 + B):
    sacrebleu centres the absolute values, and with no difference falls below 0.05 more than one time in ten.

    Systems with unequal numbers of outputs are refused in `undefined` (sacrebleu would cut them silently). Raises
    ValueError for another metric, or where `references` and `clusters` differ in length.
    """
    if metric not in CORPUS_METRICS:
        raise ValueError(f"unknown corpus metric {metric!r}: it must be one of {', '.join(CORPUS_METRICS)}")
    if len(references) != len(clusters):
        raise ValueError(f"{len(references)} sources have references and {len(clusters)} a cluster: give each both")
    refused = _refused(outputs, clusters)
    bare = [place for place, texts in enumerate(references, 1) if not texts]
    if bare and not refused:
        refused = f"source {bare[0]} has no reference ({len(bare)} such sources)"
    if refused:
        return _nothing(refused)
    from sacrebleu.metrics import BLEU, CHRF  # takes longer to load than the rest of a web page

    most = max(map(len, references))
    streams: Any = [[texts[at] if at < len(texts) else None for texts in references] for at in range(most)]
    made: type[BLEU] | type[CHRF] = BLEU if metric == "bleu" else CHRF
    scorer = made(lowercase=True, references=streams)  # counted once for all systems
    counts = [
        np.array(scorer._extract_corpus_statistics(list(texts), None), dtype=np.float64) for texts in outputs.values()
    ]
    signature = scorer.get_signature()
    signature.update("bs", resamples)
    signature.update("seed", seed)
    sums = _by_cluster(np.concatenate(counts, axis=1), clusters)

    def scored(rows: Floats) -> Floats:
        """(m, systems · counts) → (m, systems)."""
        each: Any = rows.reshape(len(rows), len(outputs), -1).tolist()
        return np.array([[scorer._compute_score_from_stats(system).score for system in row] for row in each])

    values, drawn = scored(sums.sum(axis=0, keepdims=True))[0], None
    if len(sums) >= FEWEST_CLUSTERS:
        drawn = scored(resampled_sums(sums, resamples=resamples, seed=seed))
    return _compared(list(outputs), values, drawn, len(sums), str(signature))


def why_not_compared(sources: Mapping[str, Sequence[Hashable]]) -> str | None:
    """In words, why systems cannot be compared that wrote for these sources; None where they can."""
    if len(sources) < 2:
        return f"a difference needs two systems that have the metric, and there are {len(sources)}"
    first = next(iter(sources.values()))
    if all(list(each) == list(first) for each in sources.values()):
        return None
    listed = ", ".join(f"{name} {len(each)}" for name, each in sources.items())
    return f"systems are compared on the same items only, and these wrote for different ones (outputs: {listed})"


def _refused(outputs: Mapping[str, Sequence[str]] | Mapping[str, Floats], clusters: Ints) -> str | None:
    """Why these cannot be compared; ValueError where the systems agree in number and the clusters do not."""
    counts = {name: len(each) for name, each in outputs.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        return f"the systems have unequal numbers of outputs, and must have one for each source: {listed}"
    if not any(counts.values()):
        return "there are no outputs to compare"
    found = next(iter(counts.values()))
    if found != len(clusters):
        raise ValueError(f"each system has {found} outputs and {len(clusters)} sources have a cluster: give one each")
    return None


def _nothing(why: str) -> Comparison:
    return Comparison({}, {}, None, why)


def _by_cluster(rows: Floats, clusters: Ints) -> Floats:
    _, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums


def _means(sums: Floats) -> Floats:
    return sums[:, :-1] / sums[:, -1:]


def _compared(
    names: Sequence[str], values: Floats, drawn: Floats | None, clusters: int, signature: str | None
) -> Comparison:
    """From each system's value (k) and resamples (m, k)."""
    intervals = [None if drawn is None else percentile_interval(drawn[:, at], clusters) for at in range(len(names))]
    systems = {name: (float(values[at]), intervals[at]) for at, name in enumerate(names)}
    differences = {}
    for one, other in combinations(range(len(names)), 2):
        pair = None if drawn is None else drawn[:, [one, other]]
        differences[names[one], names[other]] = _difference(float(values[one] - values[other]), pair, clusters)
    missing = few("items or albums to resample", FEWEST_CLUSTERS, clusters)
    why = f"no intervals and tests: {missing}" if drawn is None else None
    return Comparison(systems, differences, signature, why)


def _difference(value: float, drawn: Floats | None, clusters: int) -> Difference:
    if drawn is None:
        return Difference(value, None, None, None)
    resampled = drawn[:, 0] - drawn[:, 1]
    rounding = 1e-9 * max(1.0, float(np.abs(drawn).max()))
    extreme = expansion(clusters) * np.abs(resampled - resampled.mean()) >= abs(value) - rounding
    absolute = np.abs(resampled)
    of_sacrebleu = absolute - absolute.mean() > abs(value)
    p, p_sacrebleu = (float((1 + each.sum()) / (1 + len(drawn))) for each in (extreme, of_sacrebleu))
    if np.ptp(resampled) <= rounding < abs(value):
        return Difference(value, None, max(p, 2.0 ** (1 - clusters)), p_sacrebleu)
    return Difference(value, percentile_interval(resampled, clusters), p, p_sacrebleu)
