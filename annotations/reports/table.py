"""A campaign's ratings as arrays: what a report is computed from. One row an answered screen, one column per system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.protocols import AnyProtocol
from annotations.protocols.base import Chosen, Numbers
from annotations.reasons import Reason
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.uncertainty import Floats, Ints

Bools = NDArray[np.bool_]
Names = NDArray[np.str_]


class MarkedSpans(NamedTuple):
    """Errors that raters marked, m of them: row of the answer, primary key of the text, offsets in code points as in
    `MarkedError`, category, severity and its weight. An error in a text of several systems is there once."""

    rows: Ints
    texts: Ints
    starts: Ints
    ends: Ints
    categories: Names
    severities: Names
    weights: Floats


class PairwiseChoices(NamedTuple):
    """Pairs of systems between which raters chose: codes of the system shown first and of the other, the outcome as in
    `statistics.choices`, and the row of the answer, m each. A text of several systems is a comparison for each."""

    first: Ints
    second: Ints
    outcome: Floats
    rows: Ints


@dataclass(frozen=True)
class RatingTable:
    """Answers that count, in the order in which they came in; n of them, of s systems.

    A text that several systems wrote was shown once and stands in the column of each. Of a protocol that gives scores
    `comparisons` is empty, of one that gives choices the scores are NaN.
    """

    systems: tuple[str, ...]
    criteria: tuple[str, ...]
    items: Ints  # (n) position in the campaign
    albums: Ints  # (n) codes, in the order of the items
    raters: Ints  # (n) codes, in the order in which they joined; some may have answered nothing
    rater_names: tuple[str, ...]
    rater_keys: tuple[int, ...]  # primary keys
    exclusions: tuple[str, ...]  # by rater, why they are left out; empty where they count
    seconds: Floats  # (n) NaN where unknown
    scores: Mapping[str, Floats]  # by criterion: (n, s), NaN where the rater gave none
    comparisons: Mapping[str, PairwiseChoices]  # by criterion
    words: Floats  # (n) in the texts on the screen
    candidates: Ints  # (highest position + 1, s) primary key of the text, 0 where the system has none
    placed: bool = True  # whether it is known which text of two was shown first
    no_scores: Reason | None = None  # why nothing can be said of single texts
    no_severity: Reason | None = None  # why no rater can be more severe than another
    # by criterion, as the scores: how sure the rater was that a person wrote the text; empty where that was not asked
    sureness: Mapping[str, Floats] = field(default_factory=dict)
    errors: Mapping[str, MarkedSpans] = field(default_factory=dict)  # by criterion; empty where raters mark none

    @cached_property
    def texts(self) -> Ints:
        """(highest position + 1, s): which text a system has: the place, in the flattened array, of the first system
        that wrote it. In the order of items and systems, which keys of the database are not."""
        same = self.candidates[:, :, None] == self.candidates[:, None, :]
        rows = np.arange(len(self.candidates))[:, None] * len(self.systems)
        return rows + same.argmax(axis=2)

    @cached_property
    def shown(self) -> Ints:
        """(n, s): which text each score is of."""
        return self.texts[self.items]

    @cached_property
    def first(self) -> Bools:
        """(n, s): true at the first column of each text, so that a text of several systems is there once."""
        return self.shown % len(self.systems) == np.arange(len(self.systems))

    def judged(self, criterion: str) -> Bools:
        """(n): whether the rater judged the screen by the criterion."""
        judged = np.array(~np.isnan(self.scores[criterion]).all(axis=1))
        for rows in (each.rows for name, each in self.comparisons.items() if name == criterion):
            judged[rows] = True
        return judged

    def keys(self, texts: Ints) -> Ints:
        """Primary keys of texts as in `texts`."""
        return self.candidates.ravel()[texts]

    def without_excluded(self) -> "RatingTable":
        """The answers of raters who are not left out; the table itself where there are no others."""
        counts = ~np.array([bool(reason) for reason in self.exclusions], dtype=bool)[self.raters]
        if counts.all():
            return self
        row = np.cumsum(counts) - 1
        comparisons = {}
        for criterion, each in self.comparisons.items():
            stays = counts[each.rows]
            kept = PairwiseChoices(*(column[stays] for column in each))
            comparisons[criterion] = kept._replace(rows=row[kept.rows])
        errors = {}
        for criterion, marked in self.errors.items():
            stay = counts[marked.rows]
            errors[criterion] = MarkedSpans(row[marked.rows[stay]], *(column[stay] for column in marked[1:]))
        return replace(
            self,
            items=self.items[counts],
            albums=self.albums[counts],
            raters=self.raters[counts],
            seconds=self.seconds[counts],
            words=self.words[counts],
            scores={criterion: scores[counts] for criterion, scores in self.scores.items()},
            comparisons=comparisons,
            sureness={criterion: sureness[counts] for criterion, sureness in self.sureness.items()},
            errors=errors,
        )


class Columns:
    """Takes answers in batches, and gives the arrays of what they say. `wanted` names the columns of the database that
    stand behind each answer; `places` are those of the systems that wrote a text, by its primary key as a string."""

    wanted: tuple[str, ...] = ()

    def __init__(
        self, protocol: AnyProtocol, criteria: Sequence[str], places: Mapping[str, list[int]], systems: int
    ) -> None:
        self.protocol, self.criteria, self.places, self.systems = protocol, criteria, places, systems
        self.count = 0

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        self.count += len(batch)

    def scores(self) -> dict[str, Floats]:
        return {criterion: np.full((self.count, self.systems), np.nan) for criterion in self.criteria}

    def comparisons(self) -> dict[str, PairwiseChoices]:
        return {}

    def sureness(self) -> dict[str, Floats]:
        return {}

    def errors(self) -> dict[str, MarkedSpans]:
        return {}

    def by_criterion(self, numbers: Sequence[Numbers]) -> dict[str, Floats]:
        """A batch's numbers: (batch, s), NaN where there is none."""
        found = {criterion: np.full((len(numbers), self.systems), np.nan) for criterion in self.criteria}
        for criterion, rows in found.items():
            for row, given in zip(rows, numbers, strict=True):
                for candidate, number in given.get(criterion, {}).items():
                    for place in self.places[candidate]:
                        row[place] = number
        return found

    def joined(self, parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
        nothing = np.empty((0, self.systems))
        return {
            criterion: np.concatenate([nothing, *(part[criterion] for part in parts)]) for criterion in self.criteria
        }


class ScoreColumns(Columns):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parts: list[dict[str, Floats]] = []

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        super().take(batch)
        self.parts.append(self.by_criterion([self.protocol.scores(answer) for (answer,) in batch]))

    def scores(self) -> dict[str, Floats]:
        return self.joined(self.parts)


class JudgementColumns(ScoreColumns):
    """Scores of 1 and 0, with how sure the rater was of them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sure: list[dict[str, Floats]] = []

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        super().take(batch)
        self.sure.append(self.by_criterion([self.protocol.sureness(answer) for (answer,) in batch]))

    def sureness(self) -> dict[str, Floats]:
        return self.joined(self.sure)


class ErrorColumns(ScoreColumns):
    """Scores, with the errors that they are of."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.marked: dict[str, list[tuple[Any, ...]]] = {criterion: [] for criterion in self.criteria}

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        for row, (answer,) in enumerate(batch, start=self.count):
            for criterion, by_text in self.protocol.errors(answer).items():
                self.marked[criterion] += [(row, int(pk), *error) for pk, errors in by_text.items() for error in errors]
        super().take(batch)

    def errors(self) -> dict[str, MarkedSpans]:
        found = {}
        for criterion, marked in self.marked.items():
            columns = zip(*marked, strict=True) if marked else [()] * len(MarkedSpans._fields)
            kinds = (np.int64, np.int64, np.int64, np.int64, np.str_, np.str_, np.float64)
            found[criterion] = MarkedSpans(
                *(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True))
            )
        return found


class ChoiceColumns(Columns):
    wanted = ("assignment__candidate_order",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.rows: dict[str, list[tuple[int, int, float, int]]] = {criterion: [] for criterion in self.criteria}

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        for row, (answer, order) in enumerate(batch, start=self.count):
            first, second = (str(pk) for pk, _ in order)
            chosen: Chosen = self.protocol.choices(answer)
            for criterion, text in chosen.items():
                outcome = {first: FIRST, second: SECOND}.get(text, TIE)
                self.rows[criterion] += [
                    (one, other, outcome, row)
                    for one in self.places[first]
                    for other in self.places[second]
                    if one != other
                ]
        super().take(batch)

    def comparisons(self) -> dict[str, PairwiseChoices]:
        found = {}
        for criterion, rows in self.rows.items():
            columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
            first, second, row = columns[[0, 1, 3]].astype(np.int64)
            found[criterion] = PairwiseChoices(first, second, columns[2], row)
        return found


class SureChoiceColumns(ChoiceColumns):
    """Choices, with how sure the rater was of each text that a person wrote it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sure: list[dict[str, Floats]] = []

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        super().take(batch)
        self.sure.append(self.by_criterion([self.protocol.sureness(answer) for answer, _ in batch]))

    def sureness(self) -> dict[str, Floats]:
        return self.joined(self.sure)
