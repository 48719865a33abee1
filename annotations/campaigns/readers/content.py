"""What a table of ratings holds once it is read and checked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from annotations.corpora.readers.content import AlbumContent

Place = tuple[str, str]  # what was shown, by the external ids of its album and of its photo


class Given(NamedTuple):
    """A score, or the name of the chosen system or `tie`; the line it stands on, and when it was given if known."""

    value: float | str
    line: int
    at: datetime | None = None


@dataclass(slots=True)
class RatedScreen:
    """What one rater said of one place, the systems in the order in which they stand in the table.

    `scores` are by criterion and system, `choices` by criterion. `repeat` counts the times that the rater had rated
    the same before.
    """

    place: Place
    rater: str
    repeat: int = 0
    systems: list[str] = field(default_factory=list)
    scores: dict[str, dict[str, Given]] = field(default_factory=dict)
    choices: dict[str, Given] = field(default_factory=dict)
    submitted: datetime | None = None  # the latest of its rows


@dataclass(frozen=True)
class ImportFacts:
    """What the import made of the table, as the campaign keeps it.

    `form` says what the rows were. `order_known` is false where choices were made from what says nothing of the places
    on the screen. `names` are the names that had to be changed, by what they were in the file. `missing` counts blank
    ratings by column, `weights` are those of error spans.
    """

    form: str
    order_known: bool = True
    positions: bool = False  # raters are places in a list
    rows: int = 0
    repeats: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class RatingContent:
    """The table as plain values. `texts` are what each system wrote at each place, empty where that is not known.

    Without `scale_found` the ends of the scale were declared; with it they are the smallest and the largest score.
    """

    protocol: str
    scale: tuple[float, float] | None
    scale_found: bool
    criteria: tuple[str, ...]
    systems: tuple[str, ...]
    texts: dict[Place, dict[str, str]]
    items: Mapping[Place, str]  # what the file calls the item, where it is not the photo's id
    screens: list[RatedScreen]
    answers: int
    left_aside: tuple[str, ...]
    facts: ImportFacts
    keep_apart: bool = False
    primary: tuple[str, ...] = ()

    def albums(self) -> list[AlbumContent]:
        """A photo a place, with the systems' texts as outputs for it; without albums in the file an album an item."""
        albums: dict[str, AlbumContent] = {}
        for (album_id, photo), texts in self.texts.items():
            album = albums.setdefault(album_id, AlbumContent(album_id))
            album.photos[photo] = ("", "")
            album.photo_sources[photo] = None
            album.outputs += [(system, photo, None, [text]) for system, text in texts.items()]
        return list(albums.values())

    def shown_texts(self, place: Place) -> dict[str, str]:
        """The text of each system as a candidate shows it: where it is not known, one that says so."""
        item, texts = self.items.get(place, place[1]), self.texts[place]
        known = {system: text or f"(what {system} wrote for {item} was not given)" for system, text in texts.items()}
        if not self.keep_apart:
            return known
        written = Counter(known.values())
        return {system: f"{text} [{system}]" if written[text] > 1 else text for system, text in known.items()}
