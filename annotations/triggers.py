"""The triggers that keep ratings from being changed or deleted, on both databases.

They are made after every `migrate` where they are missing, since on SQLite a migration that rebuilds the table drops
them silently. The system check `annotations.E001` fails while one is missing.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "annotations_rating"
NAMES = {"rating_no_update": "update", "rating_no_delete": "delete"}

SQLITE = """
CREATE TRIGGER {name} BEFORE {event} ON annotations_rating
BEGIN SELECT RAISE(ABORT, 'ratings are never {event}d: add a revision'); END
"""

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION rating_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ratings are never %d: add a revision', lower(TG_OP)
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
POSTGRESQL = """
CREATE TRIGGER {name} BEFORE {event} ON annotations_rating FOR EACH ROW EXECUTE FUNCTION rating_refuse_change()
"""


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that should be on the ratings table and are not; none while there is no such table."""
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return []
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'",
                [TABLE],
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        present = {row[0] for row in cursor.fetchall()}
    return [name for name in NAMES if name not in present]


def create_missing_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    connection = connections[using]
    missing = missing_triggers(connection)
    with connection.cursor() as cursor:
        if missing and connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION)
        for name in missing:
            body = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
            cursor.execute(body.format(name=name, event=NAMES[name]))
