"""How a reward model's head is fitted: one convex problem over scores, preferences and labels together.

A text's reward r = w · x is common to all kinds. A rater's score is r plus an intercept and the rater's offset, with an
error of variance 1, for scores come standardised; a preference is right with probability σ(r(chosen) − r(rejected))
(Bradley and Terry 1952), and its target is 1 − its flip rate; a label is positive with probability
σ(r + intercept + rater's offset). Minus the log-likelihood of the judgements, each times its row's weight, plus l2 / 2
times |w|² and 1/2 times the squared offsets, is minimised: w has a Gaussian prior of precision l2, offsets one of 1.
The intercepts are free.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from modeling.errors import CorpusError
from modeling.feedback_rows import Label, Preference, Row, Score
from modeling.reward_features import Floats, Pair
from modeling.text import normalize

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

SCORE, PREFERENCE, LABEL = range(3)
KINDS = ("score", "preference", "label")
OFFSET_PENALTY = 1.0
GRID = tuple(10.0**power for power in range(-2, 6))  # of penalties
PATIENCE = 2
MAX_STEPS = 50  # of Newton's method
RANK = 1e-12  # of the largest eigenvalue: directions in which texts differ less are left out


@dataclass(frozen=True)
class Judged:
    """The T texts of feedback, and its rows that teach. texts (T): source and text; sources (T): numbers, equal
    where texts were written for the same; groups (T): numbers of what is held out together: texts of one album, or
    without an album of one source; places: of each row's text or texts, their numbers. `skipped` counts rows that teach
    nothing here, by why."""

    rows: Sequence[Score | Preference | Label]
    texts: list[Pair]
    places: list[tuple[int, ...]]
    sources: Integers
    groups: Integers
    skipped: Mapping[str, int]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Judged:
        """Preferences that were derived from scores which are rows themselves are left out: a judgement counts once.
        Raises CorpusError where nothing is left."""
        skipped: dict[str, int] = {}
        kept: list[Score | Preference | Label] = []
        scored = {(row.example.album, row.example.source, row.text) for row in rows if isinstance(row, Score)}
        for row in rows:
            why = ""
            if not isinstance(row, Score | Preference | Label):
                why = "marked spans"
            elif isinstance(row, Preference) and row.origin == "reward":
                why = "preferences by a reward model"
            elif isinstance(row, Preference) and row.origin == "scores":
                texts = ((row.example.album, row.example.source, text) for text in (row.chosen, row.rejected))
                why = "preferences from scores that are rows themselves" if all(t in scored for t in texts) else ""
            elif isinstance(row, Preference) and normalize(row.chosen) == normalize(row.rejected):
                why = "preferences between texts that differ in typing alone"
            if why:
                skipped[why] = skipped.get(why, 0) + 1
            elif isinstance(row, Score | Preference | Label):
                kept.append(row)
        if not kept:
            raise CorpusError(f"no feedback that a reward model learns from: {spelled(skipped)}")
        of_row = held_together(kept)
        numbers: dict[tuple[int, str, str, str], int] = {}
        places = []
        for row, group in zip(kept, of_row, strict=True):
            written = (row.chosen, row.rejected) if isinstance(row, Preference) else (row.text,)
            given = group, row.example.photo or "", normalize(row.example.source)
            places.append(tuple(numbers.setdefault((*given, normalize(text)), len(numbers)) for text in written))
        sources: dict[tuple[int, str, str], int] = {}
        of_text = np.array([sources.setdefault(key[:3], len(sources)) for key in numbers])
        return cls(kept, [key[2:] for key in numbers], places, of_text, np.array([key[0] for key in numbers]), skipped)

    @cached_property
    def raters(self) -> list[str]:
        return sorted({rater for row in self.rows for rater in row.raters})

    def judgements(self, without: Collection[str] = ()) -> Judgements:
        """Each rater's score and label, and each preference, as if the raters `without` had said nothing. A row that
        names no rater is one judgement, of nobody known; it stands."""
        found: list[tuple[int, int, int, float, float, str]] = []
        for row, places in zip(self.rows, self.places, strict=True):
            heard = {rater: value for rater, value in row.raters.items() if rater not in without}
            if row.raters and not heard:
                continue
            if isinstance(row, Preference):
                chosen, rejected = places
                found.append((PREFERENCE, chosen, rejected, preference_target(row, heard), row.weight, ""))
                continue
            kind = SCORE if isinstance(row, Score) else LABEL
            values = heard or {"": row.score if isinstance(row, Score) else label_target(row)}
            found += [(kind, places[0], -1, value, row.weight, rater) for rater, value in values.items()]
        return Judgements.of(found)


def preference_target(row: Preference, heard: Mapping[str, float]) -> float:
    """The probability that `chosen` is better: 1 − the flip rate, or where not all raters are heard what it would be
    from those, with the same flip rate of a single judgement."""
    if len(heard) == len(row.raters):
        return 1 - row.flip_rate
    margin = sum(2 * value - 1 for value in row.raters.values())  # how many more preferred it
    share = float(np.mean(list(heard.values())))
    if margin <= 0 or row.flip_rate <= 0:
        return share
    log_odds = np.log((1 - row.flip_rate) / row.flip_rate) / margin
    return float(expit(log_odds * sum(2 * value - 1 for value in heard.values())))


def kind_name(row: Row) -> str:
    """As `KINDS` and files of feedback name it."""
    return type(row).__name__.lower()


def label_target(row: Label) -> float:
    return 1 - row.flip_rate if row.desirable else row.flip_rate


def held_together(rows: Sequence[Row]) -> list[int]:
    """A number for each row, equal where albums are, or without an album sources; a row with neither stands alone.

    A source is one of its album: what two albums happen to say alike does not join them, or it would join nearly all.
    """
    numbers: dict[tuple[str, str], int] = {}

    def key(row: Row) -> tuple[str, str]:
        if row.example.album is not None:
            return "album", row.example.album
        source = normalize(row.example.source)
        return ("source", source) if source else ("alone", row.example.id)

    return [numbers.setdefault(key(row), len(numbers)) for row in rows]


@dataclass(frozen=True)
class Judgements:
    """J judgements: kinds (J), texts (J) and others (J) as numbers of texts, `others` -1 but for preferences; values
    (J) scores, or probabilities; weights (J); offsets (J), -1 where there is none, numbers `raters`: (kind, rater)."""

    kinds: Integers
    texts: Integers
    others: Integers
    values: Floats
    weights: Floats
    offsets: Integers
    raters: list[tuple[int, str]]

    @classmethod
    def of(cls, found: Sequence[tuple[int, int, int, float, float, str]]) -> Judgements:
        """From (kind, text, other, value, weight, rater, empty for nobody known)."""
        raters = sorted({(row[0], row[5]) for row in found if row[5]})
        numbers = {rater: number for number, rater in enumerate(raters)}
        kinds, texts, others = (np.array([row[column] for row in found], dtype=np.int64) for column in range(3))
        values, weights = (np.array([row[column] for row in found], dtype=np.float64) for column in (3, 4))
        offsets = np.array([numbers.get((row[0], row[5]), -1) for row in found], dtype=np.int64)
        return cls(kinds, texts, others, values, weights, offsets, raters)

    def part(self, chosen: Flags) -> Judgements:
        names = ("kinds", "texts", "others", "values", "weights", "offsets")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def predicted(self, rewards: Floats, nuisance: Floats) -> Floats:
        """(J): the scores, or log-odds, for rewards (T) and nuisance (3 + raters): each kind's intercept, then
        offsets. Linear."""
        wins = self.kinds == PREFERENCE
        at = rewards[self.texts] - np.where(wins, rewards[self.others], 0.0)
        at = at + np.where(wins, 0.0, nuisance[self.kinds])
        return np.asarray(at + np.where(self.offsets >= 0, nuisance[3 + self.offsets], 0.0))

    def gathered(self, of_judgements: Floats, texts: int) -> tuple[Floats, Floats]:
        """The transpose of `predicted`: (J) → (T), (3 + raters)."""
        wins, named = self.kinds == PREFERENCE, self.offsets >= 0
        of_texts = np.bincount(self.texts, of_judgements, texts).astype(np.float64)
        of_texts -= np.bincount(self.others[wins], of_judgements[wins], texts)
        intercepts = np.bincount(self.kinds[~wins], of_judgements[~wins], 3)
        return of_texts, np.concatenate(
            [intercepts, np.bincount(self.offsets[named], of_judgements[named], len(self.raters))]
        )

    def losses(self, predicted: Floats) -> tuple[Floats, Floats, Floats]:
        """Of each judgement the loss (J), its derivative (J) and its second derivative (J). Not weighted."""
        scored, chance = self.kinds == SCORE, expit(predicted)
        losses = np.where(
            scored, (predicted - self.values) ** 2 / 2, np.logaddexp(0, predicted) - self.values * predicted
        )
        slopes = np.where(scored, predicted, chance) - self.values
        return losses, slopes, np.where(scored, 1.0, chance * (1 - chance))


class Space:
    """The T texts' standardised features in their own principal directions (R of them): as far as the texts go, the
    same problem with fewer unknowns, in which it is nearly round."""

    def __init__(self, features: Floats, blocks: Sequence[int]) -> None:
        """A feature is divided by its standard deviation and by the square root of how many its block has, so that
        each block counts alike however wide it is."""
        self.mean = features.mean(axis=0)
        deviation = features.std(axis=0)
        width = np.repeat(np.sqrt(blocks), blocks)
        self.scale = np.where(deviation > 1e-9, deviation, 1.0) * width
        standard = torch.from_numpy((features - self.mean) / self.scale)
        tall = standard.shape[0] > standard.shape[1]
        values, vectors = torch.linalg.eigh(standard.T @ standard if tall else standard @ standard.T)
        kept = values > RANK * values[-1].clamp(min=RANK)
        self.sizes = values[kept].numpy()  # (R): squared singular values
        # (F, R), so that weights are directions @ their places here
        self.directions = vectors[:, kept] if tall else standard.T @ (vectors[:, kept] / values[kept].sqrt())
        self.places = standard @ self.directions

    def rewards(self, coefficients: Floats) -> Floats:
        """(R) → (T)."""
        return np.asarray((self.places @ torch.from_numpy(coefficients)).numpy())

    def back(self, of_texts: Floats) -> Floats:
        """(T) → (R), the transpose of `rewards`."""
        return np.asarray((self.places.T @ torch.from_numpy(of_texts)).numpy())

    def weights(self, coefficients: Floats) -> Floats:
        """(R) → (F)."""
        return np.asarray((self.directions @ torch.from_numpy(coefficients)).numpy())


@dataclass(frozen=True)
class Fit:
    """coefficients (R) in a `Space`; nuisance (3 + raters) as in `Judgements.losses`."""

    coefficients: Floats
    nuisance: Floats


def fit(space: Space, judgements: Judgements, l2: float, start: Fit | None = None, *, tolerance: float = 1e-15) -> Fit:
    """The minimum, by Newton's method, from anywhere the same: the problem is convex. Each step's linear system is
    solved by conjugate gradients, so that no matrix of all unknowns is made. It ends where less than about `tolerance`
    of the value is left to gain."""
    texts, rank, weights = len(space.places), len(space.sizes), judgements.weights
    penalties = np.repeat([l2, 0.0, OFFSET_PENALTY], [rank, 3, len(judgements.raters)])
    at = np.zeros(len(penalties)) if start is None else np.concatenate([start.coefficients, start.nuisance])

    def predicted(unknown: Floats) -> Floats:
        return judgements.predicted(space.rewards(unknown[:rank]), unknown[rank:])

    def gathered(of_judgements: Floats) -> Floats:
        of_texts, nuisance = judgements.gathered(of_judgements, texts)
        return np.concatenate([space.back(of_texts), nuisance])

    def objective(unknown: Floats) -> tuple[float, Floats, Floats]:
        """The value, its slope, and the weighted second derivatives of the losses."""
        losses, slopes, curvatures = judgements.losses(predicted(unknown))
        value = float(weights @ losses + penalties @ unknown**2 / 2)
        return value, gathered(weights * slopes) + penalties * unknown, weights * curvatures

    def curved(curvatures: Floats, change: Floats) -> Floats:
        return gathered(curvatures * predicted(change)) + penalties * change

    value, slope, curvatures = objective(at)
    for _ in range(MAX_STEPS):
        mass = curvatures.sum() / texts
        by_kind = np.concatenate(judgements.gathered(curvatures, texts)[1:])
        stiff = np.concatenate([space.sizes * mass, by_kind]) + penalties
        stiff = np.where(stiff > 0, stiff, 1.0)
        if slope @ (slope / stiff) <= tolerance * max(1.0, abs(value)):
            break
        step = -conjugate_gradients(partial(curved, curvatures), slope, stiff, tolerance)
        promised = float(slope @ step)
        length = 1.0
        while (trial := objective(at + length * step))[0] > value + 1e-4 * length * promised and length > 1e-6:
            length /= 2
        at = at + length * step
        value, slope, curvatures = trial
    return Fit(at[:rank], at[rank:])


def conjugate_gradients(product: Callable[[Floats], Floats], wanted: Floats, stiff: Floats, tolerance: float) -> Floats:
    """The x with product(x) = wanted, the matrix's diagonal being about `stiff`."""
    found, left = np.zeros_like(wanted), wanted.copy()
    eased = left / stiff
    direction, size = eased.copy(), float(left @ eased)
    enough = tolerance / 10 * size
    for _ in range(len(wanted)):
        if size <= enough:
            break
        image = product(direction)
        if (curved := float(direction @ image)) <= 0:
            break
        length = size / curved
        found, left = found + length * direction, left - length * image
        eased = left / stiff
        size, before = float(left @ eased), size
        direction = eased + size / before * direction
    return found


def deal(groups: Integers, folds: int, seed: int) -> Integers:
    """The fold of each: whole groups in random order, each into the fold that has fewest so far."""
    names, counts = np.unique(groups, return_counts=True)
    sizes, of_name = np.zeros(folds), dict[int, int]()
    for place in np.random.default_rng(seed).permutation(len(names)):
        of_name[int(names[place])] = fold = int(sizes.argmin())
        sizes[fold] += counts[place]
    return np.array([of_name[int(group)] for group in groups], dtype=np.int64)


class CrossFits:
    """Fits that each leave out some folds of the texts: folds (T), dealt by `deal`. What was fitted is kept."""

    def __init__(self, space: Space, judgements: Judgements, folds: Integers) -> None:
        self.space, self.judgements, self.folds = space, judgements, folds
        self.of_judgement = folds[judgements.texts]
        self.fits: dict[tuple[frozenset[int], float], Fit] = {}
        self.latest: dict[frozenset[int], Fit] = {}

    def without(self, out: frozenset[int], l2: float) -> Fit:
        """Near the minimum, which is near enough to compare penalties by."""
        if (out, l2) not in self.fits:
            learned = self.judgements.part(~np.isin(self.of_judgement, list(out)))
            found = fit(self.space, learned, l2, self.latest.get(out), tolerance=1e-8)
            self.fits[out, l2] = self.latest[out] = found
        return self.fits[out, l2]

    def loss(self, l2: float, out: frozenset[int]) -> float:
        """Of the judgements on each fold that is not `out`, by the fit without that one and those."""
        total = 0.0
        for fold in sorted(set(self.of_judgement.tolist()) - out):
            held = self.judgements.part(self.of_judgement == fold)
            found = self.without(out | {fold}, l2)
            losses, _, _ = held.losses(held.predicted(self.space.rewards(found.coefficients), found.nuisance))
            total += float(held.weights @ losses)
        return total

    def l2(self, out: frozenset[int] = frozenset()) -> float:
        """The penalty of the lowest loss, chosen without the folds that are `out`: from the largest one down, until
        `PATIENCE` in a row were no better."""
        best, lowest, worse = GRID[-1], np.inf, 0
        for l2 in reversed(GRID):
            loss = self.loss(l2, out)
            best, lowest, worse = (l2, loss, 0) if loss < lowest else (best, lowest, worse + 1)
            if worse == PATIENCE:
                break
        return best


def spelled(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {what}" for what, count in counts.items()) or "no rows"
