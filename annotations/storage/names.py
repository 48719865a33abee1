"""Rows by their names."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from annotations.names import composed, name_problem

Row = TypeVar("Row", bound=Model)


def row_named(rows: "QuerySet[Row]", name: str) -> Row | None:
    """The row of that name. What cannot be a name nothing has; not every database can even be asked for it."""
    name = composed(name)
    return None if name_problem(name) else rows.filter(name=name).first()
