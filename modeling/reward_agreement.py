"""How far a reward model agrees with raters it did not learn from, on texts it did not see; and raters with raters.

Sources are divided into folds and raters into groups; what is said of a fold by a group is compared with a fit that saw
neither, whose penalty was chosen without them. The raters' own ceiling is how far each agrees with the mean of the
others on the same texts, and the reward model stands beside it on those texts too. Intervals are percentile bootstraps
over groups of sources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from modeling.feedback_rows import Preference, Score
from modeling.metrics.intervals import percentiles, resampled_sums
from modeling.reward_features import Floats
from modeling.reward_fitting import (
    KINDS,
    CrossFits,
    Flags,
    Integers,
    Judged,
    Space,
    deal,
    kind_name,
    label_target,
)

RATER_GROUPS = 3
RESAMPLES = 500
MIN_TEXTS = 5  # of a rater, to correlate
FEW_GROUPS, FEW_RATERS, FEW_PAIRS = 20, 3, 100  # below which it is said that this is little
Interval = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """`value` of the reward model, of all that `count` counts; `ceiling` of the raters, and `beside` of the reward
    model on what the ceiling is of. None where there is nothing to compute it from."""

    count: int
    value: float | None = None
    ci: Interval | None = None
    ceiling: float | None = None
    ceiling_ci: Interval | None = None
    ceiling_count: int = 0
    beside: float | None = None
    beside_ci: Interval | None = None


@dataclass(frozen=True)
class Figures:
    """`pairwise_accuracy`: how often, of two texts for a source that a rater judged differently, the one the rater
    found better has the higher reward, a tie counting half; 0.5 is chance. `spearman`: the rank correlation of a
    rater's scores or labels with the rewards, the mean over raters by how many texts they judged."""

    groups: int
    raters: int
    pairwise_accuracy: Agreement
    spearman: Agreement
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Opinions:
    """What single raters said, in parallel: of a text (`others` -1) a value, or of a pair how far `texts` was preferred
    to `others`, from −1 to 1. `rest` is the mean of what the other raters said of the same, not a number where nobody
    did; `raters` are numbers of `Judged.raters`, -1 for nobody known."""

    kinds: Integers
    texts: Integers
    others: Integers
    values: Floats
    rest: Floats
    raters: Integers

    @classmethod
    def of(cls, judged: Judged) -> Opinions:
        numbers = {rater: number for number, rater in enumerate(judged.raters)}
        found: list[tuple[int, int, int, float, float, int]] = []
        for row, places in zip(judged.rows, judged.places, strict=True):
            kind = KINDS.index(kind_name(row))
            said = {numbers[rater]: value for rater, value in row.raters.items()}
            if not said:
                said = {-1: row.score if isinstance(row, Score) else 1.0}
                if not isinstance(row, Score | Preference):
                    said = {-1: float(label_target(row) > 0.5)}
            if isinstance(row, Preference):
                said = {rater: 2 * value - 1 for rater, value in said.items()}
            total, count = sum(said.values()), len(said)
            for rater, value in said.items():
                rest = (total - value) / (count - 1) if count > 1 else np.nan
                found.append((kind, places[0], places[1] if len(places) > 1 else -1, value, rest, rater))
        columns = [np.array([each[column] for each in found]) for column in range(6)]
        kinds, texts, others, raters = (columns[column].astype(np.int64) for column in (0, 1, 2, 5))
        return cls(kinds, texts, others, columns[3].astype(float), columns[4].astype(float), raters)


def held_out_rewards(
    space: Space, judged: Judged, *, folds: int, seed: int, l2: float, report: Callable[[float], None]
) -> tuple[Floats, Integers]:
    """(groups of raters, T): each text's reward by a fit that saw neither its group nor those raters; and the raters'
    groups (raters). Without raters one group of nobody. `l2` 0: chosen anew for each fit, on what it sees."""
    raters = judged.raters
    groups = min(RATER_GROUPS, len(raters)) if len(raters) > 1 else 1
    of_rater = np.random.default_rng([seed, 1]).permutation(len(raters)) % groups
    of_text = deal(judged.groups, folds, seed)
    rewards = np.zeros((groups, len(judged.texts)))
    for group in range(groups):
        silent = {rater for rater, its in zip(raters, of_rater, strict=True) if its == group} if groups > 1 else set()
        fits = CrossFits(space, judged.judgements(without=silent), of_text)
        for fold in range(folds):
            held, out = of_text == fold, frozenset({fold})
            if not (fits.of_judgement == fold).all():
                rewards[group, held] = space.rewards(fits.without(out, l2 or fits.l2(out)).coefficients)[held]
            report((group * folds + fold + 1) / (groups * folds))
    return rewards, of_rater


def figures(judged: Judged, rewards: Floats, of_rater: Integers, *, seed: int) -> Figures:
    """From held-out rewards (groups of raters, T), and the raters' groups."""
    said = Opinions.of(judged)
    group = np.where(said.raters >= 0, of_rater[said.raters] if len(of_rater) else 0, 0)
    mine = rewards[group, said.texts] - np.where(said.others >= 0, rewards[group, said.others], 0.0)
    accuracy = pairwise_accuracy(judged, said, mine, seed)
    found = Figures(len(np.unique(judged.groups)), len(judged.raters), accuracy, spearman(judged, said, mine, seed), ())
    return replace(found, notes=tuple(notes(found)))


def pairwise_accuracy(judged: Judged, said: Opinions, mine: Floats, seed: int) -> Agreement:
    rows: list[tuple[int, float, float, float]] = []  # group, the rater's side of it, the reward's, the others'
    of_pairs = said.others >= 0
    for place in np.flatnonzero(of_pairs):
        rows.append((int(judged.groups[said.texts[place]]), said.values[place], mine[place], said.rest[place]))
    for members in together(said.kinds, said.raters, judged.sources[said.texts], where=~of_pairs):
        for one, other in combinations(members, 2):
            theirs, ours, rest = (float(of[one] - of[other]) for of in (said.values, mine, said.rest))
            rows.append((int(judged.groups[said.texts[one]]), theirs, ours, rest))
    table = np.array([row for row in rows if row[1] != 0.0], dtype=float).reshape(-1, 4)
    if not len(table):
        return Agreement(0)
    groups, sign = table[:, 0].astype(int).tolist(), np.sign(table[:, 1])
    right, ceiling = ((np.sign(table[:, column] * sign) + 1) / 2 for column in (2, 3))
    both = ~np.isnan(ceiling)
    columns = np.stack([right, np.ones(len(right)), right * both, np.where(both, ceiling, 0.0), both], axis=1)
    sums = columns.sum(axis=0)
    drawn = resampled_sums(columns, groups, resamples=RESAMPLES, seed=seed)

    def of(above: int, below: int) -> tuple[float | None, Interval | None]:
        if not sums[below]:
            return None, None
        if drawn is None:
            return float(sums[above] / sums[below]), None
        some = drawn[:, below] > 0
        return float(sums[above] / sums[below]), percentiles(drawn[some, above] / drawn[some, below])

    return Agreement(len(table), *of(0, 1), *of(3, 4), int(both.sum()), *of(2, 4))


def spearman(judged: Judged, said: Opinions, mine: Floats, seed: int) -> Agreement:
    names, groups = np.unique(judged.groups[said.texts], return_inverse=True)
    series = together(said.kinds, said.raters, where=said.others < 0)

    def mean(of: Floats, times: Integers) -> tuple[float | None, int]:
        """Over raters, each judgement counted so many times; and of how many judgements it is."""
        total, count = 0.0, 0
        for members in series:
            there = members[~np.isnan(of[members]) & (times[members] > 0)]
            places = np.repeat(there, times[there])
            found = correlation(said.values[places], of[places]) if len(there) >= MIN_TEXTS else None
            if found is not None:
                total, count = total + found * len(places), count + len(places)
        return (total / count, count) if count else (None, 0)

    wanted = (mine, said.rest, np.where(np.isnan(said.rest), np.nan, mine))
    whole = [mean(of, np.ones_like(groups)) for of in wanted]
    generator, draws = np.random.default_rng(seed), [list[float](), list[float](), list[float]()]
    for _ in range(RESAMPLES if len(names) > 1 and whole[0][1] else 0):
        times = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))[groups]
        for of, kept in zip(wanted, draws, strict=True):
            value, _ = mean(of, times)
            kept += [] if value is None else [value]
    cis = [percentiles(np.array(kept)) if kept else None for kept in draws]
    return Agreement(whole[0][1], whole[0][0], cis[0], whole[1][0], cis[1], whole[1][1], whole[2][0], cis[2])


def correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's; None where one side does not vary."""
    ranks = [rankdata(side) for side in (one, other)]
    ranks = [side - side.mean() for side in ranks]
    norm = np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1]))
    return float(ranks[0] @ ranks[1] / norm) if norm > 0 else None


def together(*keys: Integers, where: Flags) -> list[Integers]:
    """The places of each group of equal keys, among those where `where` is true."""
    places = np.flatnonzero(where)
    if not len(places):
        return []
    _, numbers = np.unique(np.stack([key[places] for key in keys]), axis=1, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    return np.split(places[order], np.flatnonzero(np.diff(numbers[order])) + 1)


def notes(found: Figures) -> list[str]:
    said = []
    if found.raters == 0:
        said.append("no row names its raters: agreement is with the rows themselves, and there is no ceiling")
    elif found.raters == 1:
        said.append("all judgements are of one rater: agreement is on unseen texts, not with unseen raters")
    elif found.raters < FEW_RATERS:
        said.append(f"{found.raters} raters are too few to say how far other raters would agree")
    if found.groups < FEW_GROUPS:
        said.append(f"{found.groups} groups of sources are few: the intervals are rough")
    if 0 < found.pairwise_accuracy.count < FEW_PAIRS:
        said.append(f"{found.pairwise_accuracy.count} pairs are few: the accuracy is rough")
    if not found.pairwise_accuracy.count:
        said.append("nobody judged two texts of one source differently: there is no pairwise accuracy")
    if found.raters > 1 and found.pairwise_accuracy.ceiling is None and found.spearman.ceiling is None:
        said.append("no two raters judged the same: there is no ceiling")
    return said
