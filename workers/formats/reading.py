"""How files are imported: read and checked whole without the database, held against the dataset, written."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from annotations.corpora.readers.content import AlbumContent, PlaceNames
from annotations.corpora.readers.outcome import KINDS, Outcome
from annotations.imports.identity import Comparison, albums_compare
from annotations.imports.replacing import differences_check, kinds_of, replacing_complete, values_replace
from annotations.imports.writing import albums_write
from annotations.models import Dataset, Import
from annotations.progress import OnShare
from workers.lookup import split_named

Config = Mapping[str, Any]
Note = Callable[[str], None]


class Written(NamedTuple):
    """The rows by kind, what else the answer says, and what is written in the transaction that completes the import."""

    counts: dict[str, int]
    about: Mapping[str, Any] = MappingProxyType({})
    finish: Callable[[], Mapping[str, Any]] = dict
    outcome: Outcome = Outcome()


class Reading(NamedTuple):
    """How files of one form are imported: `read` checks them whole without the database, `prepare` holds what they
    contain against the dataset, `write` writes it. `prepare` is called under the import's row."""

    files: list[Path]
    digest: str
    read: Callable[[Note], Any]
    prepare: Callable[[Dataset, Any], Any]
    write: Callable[[Import, Any, OnShare], Written]


def albums_reading(
    config: Config,
    digest: str,
    places: PlaceNames,
    read: Callable[[Note], Sequence[AlbumContent]],
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Reading:
    """Albums, all into one split. `about` is what else the answer says once they are read."""
    split = split_named(config["split"])

    def prepare(dataset: Dataset, albums: Sequence[AlbumContent]) -> Comparison:
        comparison = albums_compare(dataset=dataset, split=split, albums=albums)
        differences_check(comparison=comparison, places=places, update=bool(config.get("update")))
        return comparison

    def write(import_row: Import, found: Comparison, on_progress: OnShare) -> Written:
        counts = albums_write(
            import_row=import_row,
            split=split,
            albums=found.albums,
            on_progress=on_progress,
            known=found.known,
            older=found.older,
        )
        return compared(import_row, found, counts, on_progress)._replace(about=about)

    return Reading(list(places.files), digest, read, prepare, write)


def compared(import_row: Import, found: Comparison, counts: dict[str, int], on_progress: OnShare) -> Written:
    values_replace(comparison=found, import_row=import_row, on_progress=on_progress)

    def finish() -> dict[str, int]:
        return {"scores_removed": replacing_complete(comparison=found, import_row=import_row)}

    outcome = Outcome(
        recognised=dict(+found.recognised),
        replaced=kinds_of(found.differences),
        attached=Counter(KINDS[name] for _, name, _, _ in found.attached),
        repeated=found.repeated,
    )
    return Written(counts, finish=finish, outcome=outcome)
