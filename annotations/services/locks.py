"""What a transaction holds, so that nothing is made of what another one is taking away."""

from collections.abc import Collection

from annotations.errors import ConflictError
from annotations.models import Campaign, Dataset, Decoding, FeedbackSet, Import, System


def dataset_lock(*, dataset: Dataset) -> Dataset:
    """The dataset's row, held until the transaction ends: removals and whatever builds on a dataset take turns. What is
    read after it is as the one before left it.

    Raises ConflictError where it is being removed. On SQLite a transaction has the whole database to itself.
    """
    try:
        return Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    except Dataset.DoesNotExist:
        raise ConflictError(f"dataset '{dataset.name}' does not exist any more: it is being removed") from None


def system_lock(*, system: System) -> System:
    """As `dataset_lock`, which comes first, of a system."""
    try:
        return System.objects.select_for_update(no_key=True).get(pk=system.pk)
    except System.DoesNotExist:
        raise ConflictError(f"system '{system.name}' does not exist any more: it is being removed") from None


def made_of(datasets: Collection[int]) -> frozenset[tuple[object, ...]]:
    """What is made of datasets, and how far it is. What depends on their texts is looked for before they are locked,
    which takes long; while this has stayed the same, nothing has come to depend on them since."""
    rows = (
        (Import.objects, ("state", "completed_at")),
        (Decoding.objects.complete(), ("completed_at",)),
        (Campaign.all_rows, ("unfinished_until",)),
        (FeedbackSet.all_rows, ("unfinished_until",)),
    )
    return frozenset(
        (manager.model, *row)
        for manager, fields in rows
        for row in manager.filter(dataset__in=datasets).values_list("pk", *fields)
    )
