"""An import as a run of the process that reads the file: read and check everything, then write under an import row."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from annotations.errors import InputError
from annotations.importing.content import AlbumContent
from annotations.models import Dataset, Import
from annotations.services.imports import OnProgress, albums_check, albums_write, import_begin, import_complete
from workers.lifecycle import run_here
from workers.models import Run

LONGEST_NAME = 100
READ_SHARE = 0.4  # of the progress

Read = TypeVar("Read")
Prepared = TypeVar("Prepared")
Note = Callable[[str], None]


def import_files(
    *,
    dataset: str,
    files: Sequence[Path],
    fingerprint: str,
    read: Callable[[Note], Read],
    prepare: Callable[[Dataset, Read], Prepared],
    write: Callable[[Import, Prepared, OnProgress], dict[str, int]],
    watch: Callable[[float, str], None],
) -> dict[str, Any]:
    """Import files as one run; those that were imported before change nothing.

    `read` checks the files whole without the database, `prepare` holds what they contain against the dataset, `write`
    writes it and counts. `watch` is told the share done and what is being done.
    """
    if not 0 < len(dataset) <= LONGEST_NAME:
        raise InputError(f"dataset: '{dataset}' must be a name of 1 to {LONGEST_NAME} characters")
    if done := Import.objects.complete().filter(dataset__name=dataset, fingerprint=fingerprint).first():
        return {"dataset": dataset, "unchanged": True, "counts": done.counts}
    names = ", ".join(file.name for file in files)
    with run_here(kind=Run.Kind.IMPORT, config={"dataset": dataset, "files": names}) as claim:
        claim.listener = watch
        content = read(lambda message: claim.progress(0.0, message))
        row, _ = Dataset.objects.get_or_create(name=dataset)
        prepared = prepare(row, content)
        with claim.fenced():
            import_row = import_begin(dataset=row, fingerprint=fingerprint, description=names)
            claim.save(import_row=import_row, dataset=row)
        counts = write(
            import_row, prepared, lambda share: claim.progress(READ_SHARE + (1 - READ_SHARE) * share, "writing")
        )
        with claim.fenced():
            import_complete(import_row=import_row, counts=counts)
        claim.run.result = {"counts": counts}
    return {"run": str(claim.run.public_id), "dataset": dataset, "unchanged": False, "counts": counts}


def import_albums(
    *,
    dataset: str,
    split: str,
    files: Sequence[Path],
    fingerprint: str,
    read: Callable[[Note], Sequence[AlbumContent]],
    watch: Callable[[float, str], None],
) -> dict[str, Any]:
    """Import albums into one split."""

    def prepare(row: Dataset, albums: Sequence[AlbumContent]) -> Sequence[AlbumContent]:
        albums_check(dataset=row, split=split, albums=albums)
        return albums

    def write(import_row: Import, albums: Sequence[AlbumContent], on_progress: OnProgress) -> dict[str, int]:
        return albums_write(import_row=import_row, split=split, albums=albums, on_progress=on_progress)

    return import_files(
        dataset=dataset, files=files, fingerprint=fingerprint, read=read, prepare=prepare, write=write, watch=watch
    ) | {"split": split}
