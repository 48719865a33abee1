"""How often a metric puts two texts, or two systems, in the order in which people put them."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.reasons import Reason
from annotations.statistics.coefficients import signs_of_pairs
from annotations.statistics.estimate import Estimate
from annotations.statistics.resampling import RESAMPLES, Resampled, bootstrap, sums_by, undefined
from annotations.statistics.scored_texts import ScoredTexts, scored_texts, system_means, system_sums
from annotations.statistics.uncertainty import Floats, Ints

MAX_PAIRS = 20_000_000


class Accuracy(NamedTuple):
    """Shares of pairs ordered as people order them.

    text: over pairs of an item's texts, where metric scores at most `tie` apart count as a tie; of `text_pairs` pairs
    in `items` items. system: over `system_pairs` pairs of systems whose human means differ.
    """

    text: Estimate
    tie: float | None
    text_pairs: int
    items: int
    system: Estimate
    system_pairs: int


def pairwise_accuracies(
    human: Floats,
    metrics: Mapping[str, Floats],
    systems: Ints,
    items: Ints,
    *,
    albums: Ints | None = None,
    leave_out: Collection[int] = (),
    resamples: int = RESAMPLES,
) -> dict[str, Accuracy]:
    """Each metric's pairwise accuracy; arguments, missing scores and intervals as in `correlation.correlations`.

    Texts: acc*_eq with tie calibration (Deutsch, Foster and Freitag 2023). A pair is right where the metric has the
    order that people have, or a tie where they have one; the metric's scores tie up to a distance ε, the one with the
    highest accuracy (the smallest of several). The accuracy is the mean over items of the share of right pairs. As ε is
    chosen on the same texts, even a worthless metric reaches the share of human ties. Intervals hold ε fixed.

    Systems: Kocmi et al. (2021), over all pairs of systems whose human means differ.
    """
    texts = scored_texts(human, metrics, systems, items, albums=albums, leave_out=leave_out)
    parts = {name: (_of_texts(each), _of_systems(each)) for name, each in texts.items()}
    estimates = [estimate for each in parts.values() for estimate in (each[0][0], each[1][0])]
    found = iter(bootstrap(estimates, resamples=resamples))
    tables = {}
    for name, ((_, tie, text_pairs, used), (_, system_pairs)) in parts.items():
        (text,), (system,) = next(found), next(found)
        tables[name] = Accuracy(text, tie, text_pairs, used, system, system_pairs)
    return tables


def _of_texts(texts: ScoredTexts) -> tuple[Resampled, float | None, int, int]:
    """The accuracy, ε, how many pairs of texts, and of how many items."""
    order = np.argsort(texts.items, kind="stable")
    items, human, metric = texts.items[order], texts.human[order], texts.metric[order]
    sizes = np.bincount(items, minlength=texts.item_count)
    pairs = sizes * (sizes - 1) // 2
    total, paired = int(pairs.sum()), int((pairs > 0).sum())
    if not total or total > MAX_PAIRS:
        why = Reason("too_many", most=MAX_PAIRS, unit="pair") if total else Reason("no_item_with_two_texts")
        return undefined(1, texts.cluster_count, why), None, total, paired
    starts = [np.flatnonzero(items[step:] == items[:-step]) for step in range(1, int(sizes.max()))]
    first = np.concatenate(starts)
    second = first + np.repeat(np.arange(1, len(starts) + 1), [len(each) for each in starts])
    of_item, tied = items[first], human[first] == human[second]
    distance = metric[first] - metric[second]
    agrees = ~tied & (distance != 0) & ((human[first] > human[second]) == (distance > 0))
    del first, second  # of the many pairs little else is held
    np.abs(distance, out=distance)
    tie = _best_tie(distance, tied, agrees, 1 / pairs[of_item])
    right = np.where(distance <= tie, tied, agrees)
    shares = np.bincount(of_item, right, minlength=texts.item_count)[pairs > 0] / pairs[pairs > 0]
    cluster = np.zeros(texts.item_count, np.int64)
    cluster[texts.items] = texts.clusters
    sums = sums_by(cluster[pairs > 0], texts.cluster_count, [shares, np.ones(paired)])
    estimate = Resampled((float(shares.mean()),), None, sums, lambda drawn: (drawn[:, 0] / drawn[:, 1])[None])
    return estimate, tie, total, paired


def _best_tie(distance: Floats, tied: NDArray[np.bool_], agrees: NDArray[np.bool_], weights: Floats) -> float:
    """The ε with the highest weight of right pairs: those tied up to it, and those agreeing beyond it."""
    order = np.argsort(distance)
    ordered = np.concatenate([[0.0], distance[order]])  # ε = 0 always stands to choice
    right = np.concatenate([[0.0], np.cumsum((weights * (tied.astype(np.int8) - agrees))[order])])
    last = np.concatenate([ordered[1:] > ordered[:-1], [True]])  # of equal distances all tie, or none
    return float(ordered[last][np.argmax(np.round(right[last], 9))])


def _of_systems(texts: ScoredTexts) -> tuple[Resampled, int]:
    """The accuracy and how many pairs of systems."""
    sums, present = system_sums(texts)
    if present < 2:
        return undefined(1, texts.cluster_count, Reason("few", needed=2, found=present, unit="system")), 0
    total = sums.sum(axis=0, keepdims=True)
    pairs = int(np.count_nonzero(signs_of_pairs(system_means(total)[0]))) // 2
    if not pairs:
        return undefined(1, texts.cluster_count, Reason("equal_human_means")), 0
    return Resampled(tuple(_share_right(total)[0].tolist()), None, sums, _share_right), pairs


def _share_right(sums: Floats) -> Floats:
    human, metric = (signs_of_pairs(means) for means in system_means(sums))
    differ = human != 0
    share = (differ & (human == metric)).sum(axis=(1, 2)) / differ.sum(axis=(1, 2))
    return np.where(np.isnan(human).any(axis=(1, 2)), np.nan, share)[None]
