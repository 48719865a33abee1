"""A campaign's ratings as arrays: what a report is computed from. One row an answered screen, one column a system."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from annotations.models import Campaign, CandidateOutput, Rating
from annotations.protocols import protocol_named
from annotations.statistics.uncertainty import Floats, Ints

ANSWERS_A_READ = 2000


@dataclass(frozen=True)
class RatingTable:
    """Answers that count, in the order in which they came in; n of them, of s systems.

    A text that several systems wrote was shown once and stands in the column of each.
    """

    systems: tuple[str, ...]
    criteria: tuple[str, ...]
    items: Ints  # (n) position in the campaign
    albums: Ints  # (n) codes
    raters: Ints  # (n) codes
    rater_names: tuple[str, ...]
    seconds: Floats  # (n) NaN where unknown
    scores: Mapping[str, Floats]  # by criterion: (n, s), NaN where the rater gave none
    words: Floats  # (highest position + 1) in the item's texts
    candidates: Ints  # (highest position + 1, s) primary key of the text, 0 where the system has none

    @cached_property
    def shown(self) -> Ints:
        """(n, s): which text each score is of."""
        return self.candidates[self.items]

    @cached_property
    def first(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """(n, s): true at the first column of each text, so that a text of several systems is there once."""
        same = self.candidates[:, :, None] == self.candidates[:, None, :]
        earlier = np.tril(np.ones(same.shape[1:], dtype=bool), k=-1)
        return (~(same & earlier).any(axis=2))[self.items]


def rating_table(campaign: Campaign) -> RatingTable:
    """Reads the answers that count in batches: of n screens it holds what the arrays do, and one batch beside."""
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
    criteria = tuple(campaign.criteria)
    reader = _Reader(campaign, criteria, places, len(columns))
    answers = (
        Rating.objects.counting(campaign)
        .order_by("pk")
        .values_list(
            "answers",
            "seconds",
            "assignment__item__position",
            "assignment__item__source__album__external_id",
            "assignment__rater__public_id",
        )
        .iterator(chunk_size=ANSWERS_A_READ)
    )
    while batch := list(islice(answers, ANSWERS_A_READ)):
        reader.take(batch)
    return RatingTable(systems=tuple(columns), criteria=criteria, words=words, candidates=candidates, **reader.arrays())


class _Reader:
    """Takes batches of answers in, and gives their arrays."""

    def __init__(
        self, campaign: Campaign, criteria: tuple[str, ...], places: Mapping[str, list[int]], systems: int
    ) -> None:
        self.protocol = protocol_named(campaign.protocol)
        self.criteria, self.places, self.systems = criteria, places, systems
        self.albums: dict[str, int] = {}
        self.raters: dict[str, int] = {}
        self.rows: list[Floats] = []
        self.scores: dict[str, list[Floats]] = {criterion: [] for criterion in criteria}

    def take(self, batch: list[tuple]) -> None:
        numbers = [self.protocol.scores(answers) for answers, *_ in batch]
        for criterion, parts in self.scores.items():
            scores = np.full((len(batch), self.systems), np.nan)
            for row, given in zip(scores, numbers, strict=True):
                for candidate, score in given.get(criterion, {}).items():
                    for place in self.places[candidate]:
                        row[place] = score
            parts.append(scores)
        about = [
            (
                position,
                self.albums.setdefault(album, len(self.albums)),
                self.raters.setdefault(str(rater), len(self.raters)),
                np.nan if seconds is None else seconds,
            )
            for _, seconds, position, album, rater in batch
        ]
        self.rows.append(np.array(about, dtype=np.float64))

    def arrays(self) -> dict:
        rows = np.concatenate([np.empty((0, 4)), *self.rows])
        items, albums, raters = rows[:, :3].astype(np.int64).T
        empty = np.empty((0, self.systems))
        return {
            "items": items,
            "albums": albums,
            "raters": raters,
            "rater_names": tuple(self.raters),
            "seconds": rows[:, 3],
            "scores": {criterion: np.concatenate([empty, *parts]) for criterion, parts in self.scores.items()},
        }
