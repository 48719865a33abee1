"""What a transaction holds, so that nothing is made of what another one is taking away."""

from annotations.corpora.models import Dataset, Import
from annotations.errors import ConflictError


def dataset_lock(*, dataset: Dataset, replacing: Import | None = None) -> Dataset:
    """As `dataset_held`. Raises ConflictError too where an import is replacing texts of it, other than the one that is
    `replacing`."""
    locked = dataset_held(dataset=dataset)
    settled_check(dataset=dataset, replacing=replacing)
    return locked


def dataset_held(*, dataset: Dataset) -> Dataset:
    """The dataset's row, held until the transaction ends: removals and whatever builds on a dataset take turns. What is
    read after it is as the one before left it.

    Raises ConflictError where it is being removed. On SQLite a transaction has the whole database to itself.
    """
    try:
        return Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    except Dataset.DoesNotExist:
        raise ConflictError("", f"dataset '{dataset.name}' is being removed") from None


def settled_check(*, dataset: Dataset, replacing: Import | None = None) -> None:
    """Raises ConflictError while an import, other than the one that is `replacing`, has replaced a part of the
    dataset's texts."""
    under_way = Import.objects.filter(dataset=dataset, replaced__isnull=False)
    if replacing:
        under_way = under_way.exclude(pk=replacing.pk)
    if row := under_way.first():
        raise ConflictError(
            "",
            f"dataset '{dataset.name}': import {row.pk} ({row.description}) is replacing some of its texts",
            "wait until it is done (if its process was killed, the sweeper cleans it up)",
        )


def writing_lock(*, import_row: Import) -> None:
    """The row of an import that is being written, held until the transaction ends: whoever gives the import up waits
    for it, and finds all that it wrote. Raises ConflictError once it was given up."""
    rows = Import.objects.select_for_update(no_key=True).filter(pk=import_row.pk, state=Import.State.WRITING)
    if rows.first() is None:
        raise ConflictError(
            "", f"import {import_row.pk} ({import_row.description}) was given up; nothing more is written"
        )
