"""A campaign's ratings as arrays: what a report is computed from. One row an answered screen, one column a system."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.models import Campaign, CandidateOutput, Rater, Rating
from annotations.protocols import protocol_named
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.uncertainty import Floats, Ints

ANSWERS_A_READ = 2000
Bools = NDArray[np.bool_]


class Comparisons(NamedTuple):
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
    albums: Ints  # (n) codes
    raters: Ints  # (n) codes, in the order in which they joined; some may have answered nothing
    rater_names: tuple[str, ...]
    rater_keys: tuple[int, ...]  # primary keys
    exclusions: tuple[str, ...]  # by rater, why they are left out; empty where they count
    seconds: Floats  # (n) NaN where unknown
    scores: Mapping[str, Floats]  # by criterion: (n, s), NaN where the rater gave none
    comparisons: Mapping[str, Comparisons]  # by criterion
    words: Floats  # (highest position + 1) in the item's texts
    candidates: Ints  # (highest position + 1, s) primary key of the text, 0 where the system has none
    placed: bool = True  # whether it is known which text of two was shown first

    @cached_property
    def shown(self) -> Ints:
        """(n, s): which text each score is of."""
        return self.candidates[self.items]

    @cached_property
    def first(self) -> Bools:
        """(n, s): true at the first column of each text, so that a text of several systems is there once."""
        same = self.candidates[:, :, None] == self.candidates[:, None, :]
        earlier = np.tril(np.ones(same.shape[1:], dtype=bool), k=-1)
        return (~(same & earlier).any(axis=2))[self.items]

    def without_excluded(self) -> "RatingTable":
        """The answers of raters who are not left out; the table itself where there are no others."""
        counts = ~np.array([bool(reason) for reason in self.exclusions], dtype=bool)[self.raters]
        if counts.all():
            return self
        row = np.cumsum(counts) - 1
        comparisons = {}
        for criterion, each in self.comparisons.items():
            stays = counts[each.rows]
            kept = Comparisons(*(column[stays] for column in each))
            comparisons[criterion] = kept._replace(rows=row[kept.rows])
        return replace(
            self,
            items=self.items[counts],
            albums=self.albums[counts],
            raters=self.raters[counts],
            seconds=self.seconds[counts],
            scores={criterion: scores[counts] for criterion, scores in self.scores.items()},
            comparisons=comparisons,
        )


def rating_table(campaign: Campaign) -> RatingTable:
    """Reads the answers in batches: of n screens it holds what the arrays do, and one batch beside.

    Answers of raters who are left out are among them: see `RatingTable.without_excluded`.
    """
    columns = {
        name: place for place, name in enumerate(sorted(campaign.entries.values_list("system__name", flat=True)))
    }
    shown = CandidateOutput.objects.filter(candidate__item__campaign=campaign).values_list(
        "candidate_id", "candidate__item__position", "candidate__text", "output__decoding__system__name"
    )
    candidates = np.zeros((campaign.items.count(), len(columns)), dtype=np.int64)
    words, places = np.zeros(len(candidates)), dict[str, list[int]]()
    for pk, position, text, system in shown.iterator(chunk_size=ANSWERS_A_READ):
        candidates[position, columns[system]] = pk
        words[position] += len(text.split()) if str(pk) not in places else 0
        places.setdefault(str(pk), []).append(columns[system])
    reader = _Reader(campaign, places, len(columns))
    for batch in answers_in_batches(campaign, *reader.wanted):
        reader.take(batch)
    return RatingTable(
        systems=tuple(columns),
        criteria=reader.criteria,
        words=words,
        candidates=candidates,
        placed=campaign.import_facts.get("order_known", True),
        **reader.arrays(),
    )


def answers_in_batches(campaign: Campaign, *columns: str) -> Iterator[list[tuple[Any, ...]]]:
    """These columns of the campaign's answers, in the order in which they came in."""
    rows = Rating.objects.answered(campaign).order_by("pk").values_list(*columns)
    waiting = rows.iterator(chunk_size=ANSWERS_A_READ)
    while batch := list(islice(waiting, ANSWERS_A_READ)):
        yield batch


class _Reader:
    """Takes batches of answers in, and gives their arrays."""

    def __init__(self, campaign: Campaign, places: Mapping[str, list[int]], systems: int) -> None:
        self.protocol = protocol_named(campaign.protocol)
        self.criteria, self.places, self.systems = tuple(campaign.criteria), places, systems
        self.chooses = self.protocol.gives == "choices"
        self.wanted = ["assignment__item__position", "assignment__item__source__album_id", "assignment__rater_id"]
        self.wanted += ["seconds", "answers", *(["assignment__candidate_order"] if self.chooses else [])]
        self.joined = list(Rater.objects.filter(campaign=campaign, trial=False).order_by("pk"))
        self.raters = {rater.pk: code for code, rater in enumerate(self.joined)}
        self.albums: dict[int, int] = {}
        self.rows: list[Floats] = []
        self.scores: dict[str, list[Floats]] = {criterion: [] for criterion in self.criteria}
        self.comparisons: dict[str, list[tuple[int, int, float, int]]] = {criterion: [] for criterion in self.criteria}
        self.count = 0

    def take(self, batch: Sequence[tuple[Any, ...]]) -> None:
        about = [
            (
                position,
                self.albums.setdefault(album, len(self.albums)),
                self.raters[rater],
                np.nan if seconds is None else seconds,
            )
            for position, album, rater, seconds, *_ in batch
        ]
        self.rows.append(np.array(about, dtype=np.float64))
        if self.chooses:
            for row, (*_, answers, order) in enumerate(batch, start=self.count):
                self.take_choices(row, answers, order)
        else:
            self.take_scores([self.protocol.scores(row[4]) for row in batch])
        self.count += len(batch)

    def take_scores(self, numbers: Sequence[Mapping[str, Mapping[str, float]]]) -> None:
        for criterion, parts in self.scores.items():
            scores = np.full((len(numbers), self.systems), np.nan)
            for row, given in zip(scores, numbers, strict=True):
                for candidate, score in given.get(criterion, {}).items():
                    for place in self.places[candidate]:
                        row[place] = score
            parts.append(scores)

    def take_choices(self, row: int, answers: Mapping[str, Any], order: Sequence[Sequence[Any]]) -> None:
        shown = [str(pk) for pk, _ in order]
        for criterion, chosen in self.protocol.choices(answers).items():
            outcome = {shown[0]: FIRST, shown[1]: SECOND}.get(chosen, TIE)
            for first in self.places[shown[0]]:
                for second in self.places[shown[1]]:
                    if first != second:
                        self.comparisons[criterion].append((first, second, outcome, row))

    def arrays(self) -> dict[str, Any]:
        rows = np.concatenate([np.empty((0, 4)), *self.rows])
        items, albums, raters = rows[:, :3].astype(np.int64).T
        scores = {
            criterion: np.concatenate([np.empty((0, self.systems)), *parts])
            if parts
            else np.full((len(rows), self.systems), np.nan)
            for criterion, parts in self.scores.items()
        }
        comparisons = {}
        for criterion, found in self.comparisons.items() if self.chooses else ():
            columns = np.array(found, dtype=np.float64).reshape(-1, 4).T
            first, second, row = columns[[0, 1, 3]].astype(np.int64)
            comparisons[criterion] = Comparisons(first, second, columns[2], row)
        return {
            "items": items,
            "albums": albums,
            "raters": raters,
            "rater_names": tuple(str(rater.public_id) for rater in self.joined),
            "rater_keys": tuple(rater.pk for rater in self.joined),
            "exclusions": tuple(rater.exclusion for rater in self.joined),
            "seconds": rows[:, 3],
            "scores": scores,
            "comparisons": comparisons,
        }
