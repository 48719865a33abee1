"""What a table of ratings holds once it is read and checked, and the options by which it is read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from annotations.errors import InputError
from annotations.importing.content import AlbumContent

Place = tuple[str, str]  # what was shown, by the external ids of its album and of its photo
Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RatingOptions:
    """How a table is read. `where` keeps the rows with those values in those columns, several of one column being
    alternatives; without a `scale` it goes from the smallest score to the largest; with `keep_apart` a text that
    several systems wrote for an item stays several texts."""

    where: Where = ()
    scale: tuple[float, float] | None = None
    keep_apart: bool = False

    def parts(self) -> list[str]:
        """All of it, for a fingerprint."""
        scale = [f"scale {end!r}" for end in self.scale or ()]
        return [f"where {column}={value}" for column, value in self.where] + scale + [f"apart {self.keep_apart}"]


def parse_where(given: Sequence[str]) -> Where:
    """`COLUMN=VALUE` as typed on a command line."""
    parsed = []
    for one in given:
        column, equals, value = one.partition("=")
        if not (column and equals):
            raise InputError(f"where: '{one}' must be COLUMN=VALUE")
        parsed.append((column, value))
    return tuple(parsed)


def parse_scale(given: Sequence[float]) -> tuple[float, float] | None:
    if not given:
        return None
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"scale: {low:g} {high:g} must be the lowest score and one above it, the highest")
    return float(low), float(high)


class Given(NamedTuple):
    """A score, or the name of the chosen system or `tie`, and the line it stands on."""

    value: float | str
    line: int


@dataclass(slots=True)
class RatedScreen:
    """What one rater said of one place, the systems in the order in which they stand in the table.

    `scores` are by criterion and system, `choices` by criterion.
    """

    place: Place
    rater: str
    systems: list[str] = field(default_factory=list)
    scores: dict[str, dict[str, Given]] = field(default_factory=dict)
    choices: dict[str, Given] = field(default_factory=dict)
    submitted: datetime | None = None  # the latest of its rows


@dataclass(frozen=True)
class RatingContent:
    """The table as plain values. `texts` are what each system wrote at each place, empty where that is not known."""

    protocol: str
    scale: tuple[float, float] | None
    criteria: tuple[str, ...]
    systems: tuple[str, ...]
    texts: dict[Place, dict[str, str]]
    screens: list[RatedScreen]
    answers: int
    left_aside: tuple[str, ...]
    keep_apart: bool = False

    def albums(self) -> list[AlbumContent]:
        """An album an item, a photo a place, with the systems' texts as outputs for the photo."""
        albums: dict[str, AlbumContent] = {}
        for (item, photo), texts in self.texts.items():
            album = albums.setdefault(item, AlbumContent(item))
            album.photos[photo] = ("", "")
            album.photo_sources[photo] = None
            album.outputs += [(system, photo, None, [text]) for system, text in texts.items()]
        return list(albums.values())

    def shown_texts(self, place: Place) -> dict[str, str]:
        """The text of each system as a candidate shows it: where it is not known, one that says so."""
        item, texts = place[0], self.texts[place]
        known = {system: text or f"(what {system} wrote for {item} was not given)" for system, text in texts.items()}
        if not self.keep_apart:
            return known
        written = list(known.values())
        return {system: f"{text} [{system}]" if written.count(text) > 1 else text for system, text in known.items()}
