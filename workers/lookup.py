"""Rows by the names people use, with an error that lists what there is."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from annotations.errors import InputError, NotFoundError
from annotations.models import Dataset, FeedbackSet, Split, System
from annotations.storage.names import row_named

Row = TypeVar("Row", bound=Model)


def by_name(rows: "QuerySet[Row]", name: str, what: str) -> Row:
    found = row_named(rows, name)
    if found is None:
        names = sorted(rows.values_list("name", flat=True)[:20])
        raise NotFoundError("", f"{what} '{name}' does not exist", f"available: {', '.join(names) or 'none yet'}")
    return found


def dataset_named(name: str) -> Dataset:
    return by_name(Dataset.objects.all(), name, "dataset")


def system_named(name: str) -> System:
    return by_name(System.objects.all(), name, "system")


def feedback_set_named(name: str) -> FeedbackSet:
    found = by_name(FeedbackSet.objects.all(), name, "feedback set")
    check_valid(found)
    return found


def check_valid(row: FeedbackSet) -> None:
    if not row.valid:
        raise InputError(
            "",
            f"feedback set '{row.name}' is invalid: some of its texts were erased together with a rater",
            "build it again under another name",
        )


def split_named(name: str) -> str:
    if name not in Split.values:
        raise InputError("split", f"'{name}' is not one of {', '.join(Split.values)}")
    return name
