"""How well a judge tells two sides of texts apart on albums it has not seen: 5x2 cross-fitting, and its interval.

Five times (Dietterich 1998, section 3.5) as many texts of each side are drawn, whole albums are dealt into two folds,
and a judge fitted on either is asked about the other. The area under the curve is taken within a held-out fold, since
the scores of two fits have no common scale, and averaged over the ten fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modeling.errors import ScoringError
from modeling.metrics.intervals import Resampled, percentiles

REPEATS = 5
INDEPENDENT = 2  # repeats drawn for a resample: the five share their texts, and so vary together
MIN_TEXTS, MAX_TEXTS = 20, 2500  # different texts a side: fewer say nothing, more take minutes and say little more
MIN_ALBUMS = 4

Albums = dict[str, list[str]]  # of each different text, the albums in which it stands
Flags = NDArray[np.bool_]
Values = NDArray[np.float64]
Judge = Callable[[Sequence[str], Flags, Sequence[str], int], Values]
"""(texts, which of them people wrote, held-out texts, seed) → a score of each held-out text, higher for people's."""


@dataclass(frozen=True)
class Figure:
    """1 - AUC: 0.5 where the sides cannot be told apart, 0 where they always can. `texts` a side in each repeat."""

    value: float
    ci: tuple[float, float]
    texts: int
    resampled: Resampled


@dataclass(frozen=True)
class _Draw:
    """The N texts of a repeat: which of them people wrote (N), and the album of each (N) as a number from 0."""

    texts: list[str]
    human: Flags
    albums: NDArray[np.int64]


def albums_of(texts: Iterable[tuple[str, str]]) -> Albums:
    """From (text, album) pairs in any number."""
    found: dict[str, set[str]] = {}
    for text, album in texts:
        found.setdefault(text, set()).add(album)
    return {text: sorted(found[text]) for text in sorted(found)}


def tell_apart(
    human: Albums, machine: Albums | None, judge: Judge, *, seed: int, resamples: int, level: float = 0.95
) -> Figure:
    """How indistinguishable a machine's texts are from people's; without a machine, people's from people's.

    In each repeat a text stands in one album, drawn from those in which it stands on either side, so that a text both
    sides wrote is held out with both its copies. The interval is a percentile bootstrap over albums and repeats: every
    fit is counted anew on the albums drawn. Repeats share their texts, and the two folds of one lean the same way, so
    that fewer repeats are drawn than there are; with all five, intervals of 95 % held a known answer 90 times in 100.
    Machines of the same albums are counted on the same draws of them, so that differences between them are paired.
    Raises ScoringError where there are too few texts or albums.
    """
    sides = [human] if machine is None else [human, machine]
    pool = {text: sorted({each for side in sides for each in side.get(text, ())}) for side in sides for text in side}
    codes = {album: code for code, album in enumerate(sorted({each for found in pool.values() for each in found}))}
    _check_enough(human, machine, len(codes))
    generator = np.random.default_rng(seed)
    times = generator.multinomial(len(codes), np.full(len(codes), 1 / len(codes)), size=resamples)
    times = np.concatenate([np.ones((1, len(codes)), dtype=times.dtype), times])  # all albums once, then as drawn
    values: NDArray[np.float64] = np.empty((REPEATS, 2, 1 + resamples))
    for repeat in range(REPEATS):
        albums = {text: codes[found[generator.integers(len(found))]] for text, found in pool.items()}
        drawn = _halves(human, albums, generator) if machine is None else _equals(human, machine, albums, generator)
        first = _first_fold(drawn.albums, generator)
        if any(len(set(drawn.human[fold].tolist())) < 2 for fold in (first, ~first)):
            raise ScoringError("the texts of one side come from too few albums to be in both folds")
        for number, held in enumerate((first, ~first)):
            values[repeat, number] = _fooled(drawn, held, judge, int(generator.integers(2**31)), times)
    repeats = generator.integers(REPEATS, size=(INDEPENDENT, resamples))
    resampled = np.nanmean(values[repeats, :, 1 + np.arange(resamples)], axis=(0, 2))
    return Figure(
        float(values[:, :, 0].mean()),
        percentiles(resampled, level),
        len(drawn.texts) // 2,
        Resampled(resampled, tuple(codes)),
    )


def _check_enough(human: Albums, machine: Albums | None, albums: int) -> None:
    if machine is not None and len(machine) < MIN_TEXTS:
        raise ScoringError(
            f"{len(machine)} different texts are too few for a judge to learn from; at least {MIN_TEXTS} are needed"
        )
    if len(human) < (needed := 2 * MIN_TEXTS if machine is None else MIN_TEXTS):
        raise ScoringError(f"{len(human)} different human texts are too few for a judge; at least {needed} are needed")
    if albums < MIN_ALBUMS:
        raise ScoringError(f"{albums} albums are too few to test on unseen ones; at least {MIN_ALBUMS} are needed")


def _equals(human: Albums, machine: Albums, albums: Mapping[str, int], generator: np.random.Generator) -> _Draw:
    """As many texts of each side, drawn from the larger one."""
    count = min(len(human), len(machine), MAX_TEXTS)
    texts = [str(text) for side in (human, machine) for text in generator.choice(list(side), count, replace=False)]
    return _Draw(texts, np.repeat([True, False], count), np.array([albums[text] for text in texts]))


def _halves(human: Albums, albums: Mapping[str, int], generator: np.random.Generator) -> _Draw:
    """People's texts, album by album dealt in turn onto two sides."""
    count = 2 * min(len(human) // 2, MAX_TEXTS)
    texts = sorted(map(str, generator.permutation(list(human))[:count]), key=albums.__getitem__)
    return _Draw(texts, np.arange(count) % 2 == 0, np.array([albums[text] for text in texts]))


def _first_fold(albums: NDArray[np.int64], generator: np.random.Generator) -> Flags:
    """Which texts are in the first fold: albums in random order, each into the fold that has fewer texts so far."""
    sizes = np.bincount(albums)
    first, counts = np.zeros(len(sizes), dtype=bool), [0, 0]
    for album in generator.permutation(len(sizes)):
        first[album] = counts[0] <= counts[1]
        counts[not first[album]] += int(sizes[album])
    return first[albums]


def _fooled(drawn: _Draw, held: Flags, judge: Judge, seed: int, times: NDArray[np.int64]) -> Values:
    """1 - AUC of a judge fitted on the rest, over held-out texts: times (R, A) each album counts → (R).

    Over all pairs of a machine's and a person's text it is how often the machine's scores higher, ties counting half;
    not a number where no pair is left.
    """
    learned, asked = ([drawn.texts[each] for each in np.flatnonzero(part)] for part in (~held, held))
    scores = judge(learned, drawn.human[~held], asked, seed)
    human, (names, places) = drawn.human[held], np.unique(drawn.albums[held], return_inverse=True)
    belongs = np.eye(len(names))[places]
    higher, equal = (test(scores[~human, None], scores[human]) for test in (np.greater, np.equal))
    pairs = belongs[~human].T @ (higher + equal / 2) @ belongs[human]
    counted = times[:, names].astype(float)
    fooled = ((counted @ pairs) * counted).sum(1)
    possible = (counted @ belongs[~human].sum(0)) * (counted @ belongs[human].sum(0))
    return np.divide(fooled, possible, out=np.full(len(times), np.nan), where=possible > 0)
