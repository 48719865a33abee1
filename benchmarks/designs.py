"""Simulated campaigns of two systems that do not differ, in designs as studies have them.

A score is its item's mean, both systems' own effect on the item (deviation 0.5), its rater's severity, the rater's own
effect on the system, and noise of deviation 1.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from annotations.statistics.uncertainty import Floats, Ints

ITEM_SYSTEM, NOISE = 0.5, 1.0
ALBUM_SYSTEM = 0.5
BUSY_RATERS, BUSY_ITEMS = 9, 5  # beside one who does everything


class Scores(NamedTuple):
    """A row a screen: scores of both systems (NaN where the screen did not show it), items, raters and albums (n)."""

    first: Floats
    second: Floats
    items: Ints
    raters: Ints
    albums: Ints


class Screens(NamedTuple):
    """Which item and rater each screen is of (n), and which systems it shows (2, n)."""

    items: Ints
    raters: Ints
    shown: np.ndarray


class Design(NamedTuple):
    """How screens are dealt (`kind`), and how much raters, and albums where there are any, differ."""

    kind: str
    items: int
    raters: int  # of each system where raters see one of them only
    overlap: int
    severity: float
    rater_system: float
    albums: int | None = None

    def __str__(self) -> str:
        albums = f", {self.albums} albums" if self.albums else ""
        return f"{self.kind}, {self.items} items × {self.overlap}{albums}, {self.raters} raters"

    @property
    def few_raters(self) -> bool:
        return self.raters <= 5

    def screens(self, draw: np.random.Generator) -> Screens:
        return KINDS[self.kind](self, draw)

    def scores(self, draw: np.random.Generator) -> Scores:
        items, raters, shown = self.screens(draw)
        people = int(raters.max()) + 1
        common = draw.normal(0, 1, self.items)[items] + draw.normal(0, self.severity, people)[raters]
        albums = np.arange(self.items) % (self.albums or self.items)
        both = []
        for side in range(2):
            own = draw.normal(0, ITEM_SYSTEM, self.items) + (
                draw.normal(0, ALBUM_SYSTEM, self.albums)[albums] if self.albums else 0.0
            )
            score = common + own[items] + draw.normal(0, self.rater_system, people)[raters]
            score += draw.normal(0, NOISE, len(items))
            both.append(np.where(shown[side], score, np.nan))
        return Scores(both[0], both[1], items, raters, albums[items])


def crossed(design: Design, draw: np.random.Generator) -> Screens:
    """Both systems on every screen, raters drawn anew for every item."""
    return _both(*_drawn(design.items, np.zeros(design.raters), design.overlap, draw))


def zipf(design: Design, draw: np.random.Generator) -> Screens:
    """The same, raters' chances of an item being as 1, 1/2, 1/3, …"""
    return _both(*_drawn(design.items, -np.log(np.arange(1, design.raters + 1)), design.overlap, draw))


def busy(design: Design, draw: np.random.Generator) -> Screens:
    """The same, one rater doing every item and nine doing five each."""
    others = [draw.choice(design.items, BUSY_ITEMS, replace=False) for _ in range(BUSY_RATERS)]
    items = np.concatenate([np.arange(design.items), *others])
    raters = np.repeat(np.arange(BUSY_RATERS + 1), [design.items, *[BUSY_ITEMS] * BUSY_RATERS])
    return _both(items, raters)


def split(design: Design, draw: np.random.Generator) -> Screens:
    """Raters who see one system only, drawn anew for every item."""
    dealt = [_drawn(design.items, np.zeros(design.raters), design.overlap, draw) for _ in range(2)]
    items, raters = (np.concatenate(part) for part in zip(*dealt, strict=True))
    first = np.arange(len(items)) < len(dealt[0][0])
    return Screens(items, np.where(first, raters, raters + design.raters), np.stack([first, ~first]))


def one_text(design: Design, draw: np.random.Generator) -> Screens:
    """Raters who see one text of an item, of either system, so that nobody sees both of an item."""
    items, raters = _drawn(design.items, np.zeros(design.raters), 2 * design.overlap, draw)
    first = np.arange(len(items)) % (2 * design.overlap) < design.overlap
    return Screens(items, raters, np.stack([first, ~first]))


KINDS = {"crossed": crossed, "Zipf shares": zipf, "one busy rater": busy, "split": split, "one text per item": one_text}


def _drawn(items: int, chances: Floats, overlap: int, draw: np.random.Generator) -> tuple[Ints, Ints]:
    """For each item `overlap` different raters, by logarithms of their chances: items and raters (items × overlap)."""
    keys = chances + draw.gumbel(size=(items, len(chances)))
    return np.repeat(np.arange(items), overlap), np.argsort(-keys, axis=1)[:, :overlap].ravel()


def _both(items: Ints, raters: Ints) -> Screens:
    return Screens(items, raters, np.ones((2, len(items)), dtype=bool))


def today() -> Iterator[Design]:
    """Campaigns as the rating page deals them: 200 items × 3 ratings, items apart or five an album."""
    for albums, raters, deviation in product((None, 40), (8, 20), (0.0, 0.3, 0.5)):
        design = Design("crossed", 200, raters, 3, 1.0, deviation)
        yield design if albums is None else design._replace(albums=albums)


def studies() -> Iterator[Design]:
    """Other designs, as published studies have them."""
    for items, raters, severity in product((45, 1000), (2, 3, 5, 10, 20), (0.25, 1.0, 2.0)):
        yield Design("split", items, raters, 1, severity, 0.0)
    for items, overlap, raters, deviation in product((45, 200), (1, 3), (6, 12, 30), (0.3, 0.6)):
        yield Design("one text per item", items, raters, overlap, 1.0, deviation)
    for overlap, raters, deviation in product((1, 3), (8, 20), (0.3, 0.6)):
        yield Design("Zipf shares", 200, raters, overlap, 1.0, deviation)
    for items, deviation in product((45, 200), (0.3, 0.6)):
        yield Design("one busy rater", items, BUSY_RATERS + 1, 1, 1.0, deviation)
    for albums, deviation in product((5, 10, 20), (0.0, 0.3)):
        yield Design("crossed", 200, 8, 3, 1.0, deviation, albums)
