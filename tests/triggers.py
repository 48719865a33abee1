"""Lifting what protects kept rows, as a person with the database's own tools could; only tests do it."""

from django.db import connection

from annotations.storage.triggers import KEPT, Trigger, drop_triggers, triggers_of


def every_trigger() -> list[Trigger]:
    return [trigger for kept in KEPT for trigger in triggers_of(connection, kept)]


def triggers_drop() -> None:
    """Until `create_missing_triggers` makes them again, which the end of `migrate` and of a flush does."""
    drop_triggers(connection)
