"""Rows that take many short writes to make or to remove, such as a campaign with its items.

Nobody sees such a row before it is whole, nor once it is being removed: `unfinished_until` is set. Whoever makes it
holds it on a lease, renewed with each write by the database's clock; one whose lease has ended was killed, and what is
there of it is the sweeper's to remove. It bears another name meanwhile, so that its own is free.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import models
from django.db.models.functions import Now

from annotations.errors import ConflictError
from annotations.storage.clock import from_now
from annotations.storage.fields import name_column

LEASE_SECONDS = 300
GIVEN_UP = datetime(2000, 1, 1, tzinfo=UTC)  # the lease of what is only to be removed any more
KEPT_LETTERS = 60  # of a name


class FinishedManager(models.Manager):
    """Rows that are whole: making one, or removing it, takes many short writes, and nothing of it is seen meanwhile."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(unfinished_until=None)


class Unfinished(models.Model):
    """Of which there may be such rows. `objects` is to be a FinishedManager, `all_rows` knows the others too."""

    name = name_column()
    unfinished_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text="being made, or removed: nobody sees it, and past this time the sweeper removes it",
    )

    class Meta:
        abstract = True


def unfinished_name(name: str) -> str:
    return f"{name[:KEPT_LETTERS]} unfinished {uuid4().hex[:20]}"


def lease_fields() -> dict[str, Any]:
    return {"unfinished_until": from_now(LEASE_SECONDS)}


def held(row: Unfinished) -> Any:
    """The row, while its maker's lease holds."""
    return type(row)._base_manager.filter(pk=row.pk, unfinished_until__gt=Now())


def lease_renew(row: Unfinished) -> None:
    """Call it in each transaction that writes for the row. Raises ConflictError where it was given up meanwhile."""
    if not held(row).update(**lease_fields()):
        raise given_up(row)


def given_up(row: Unfinished) -> ConflictError:
    kind = row._meta.verbose_name
    return ConflictError("", f"the {kind} took too long between two writes and was given up; create it again")


def finish(row: Unfinished, **fields: Any) -> None:
    """Show the row. Call it in its last transaction."""
    if not held(row).update(unfinished_until=None, **fields):
        raise given_up(row)


def give_up(row: Unfinished) -> bool:
    """End the making of a row that is not whole. Says whether it was not."""
    unfinished = type(row)._base_manager.filter(pk=row.pk, unfinished_until__isnull=False)
    return bool(unfinished.update(unfinished_until=GIVEN_UP))


def hide(row: Unfinished, **fields: Any) -> None:
    """Take a whole row from view, for good, with its name."""
    whole = type(row)._base_manager.filter(pk=row.pk, unfinished_until=None)
    whole.update(unfinished_until=GIVEN_UP, name=unfinished_name(row.name), **fields)


def left_unfinished() -> list[Unfinished]:
    """What was given up or whose maker was killed; nobody writes into it any more."""
    managers = [model._base_manager for model in apps.get_models() if issubclass(model, Unfinished)]
    for rows in managers:
        rows.filter(unfinished_until__lt=Now()).update(unfinished_until=GIVEN_UP)
    return [row for rows in managers for row in rows.filter(unfinished_until=GIVEN_UP).order_by("pk")]
