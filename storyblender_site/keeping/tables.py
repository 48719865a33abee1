"""The rows of the database as text: a file a table, the names of its columns in the first line and a row a line, each a
JSON array. The same rows give the same bytes on SQLite and on PostgreSQL, so that their checksums can be compared."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, Model

from annotations.storage.bulk import batched, rows_insert
from texts.storable import escaped

PASSING_APPS = {"axes", "sessions"}  # who is logged in, and who failed to: of this moment alone
PASSING = {"workers.listener"}
READ_BATCH_SIZE = 2000
WRITE_BATCH_SIZE = 5000


def all_models() -> list[type[Model]]:
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return sorted((model for model in models if not model._meta.proxy), key=lambda model: model._meta.db_table)


def kept_models() -> list[type[Model]]:
    return [
        model
        for model in all_models()
        if model._meta.app_label not in PASSING_APPS and model._meta.label_lower not in PASSING
    ]


def columns_of(model: type[Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields]


def migrations_applied() -> list[str]:
    """`app.name` of each; none on an empty database."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


@contextmanager
def snapshot() -> Iterator[None]:
    """Reads in the block see the database as it was at one moment. Writers go on: SQLite is in WAL mode, where a reader
    holds nobody up. (Its backup API would begin again with every write of another process.)"""
    level = " ISOLATION LEVEL REPEATABLE READ, READ ONLY" if connection.vendor == "postgresql" else " DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN{level}")
        try:
            cursor.execute("SELECT count(*) FROM django_migrations")  # the moment is that of the first read
            yield
        finally:
            cursor.execute("ROLLBACK")


def table_lines(model: type[Model]) -> Iterator[bytes]:
    """The table's file, line by line, in the order of primary keys."""
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=as_text).encode
    yield f"{json.dumps(columns_of(model))}\n".encode()
    names = [field.attname for field in model._meta.concrete_fields]
    for row in model._base_manager.order_by("pk").values_list(*names).iterator(READ_BATCH_SIZE):
        yield f"{encode(row)}\n".encode()


def as_text(value: Any) -> str:
    """What JSON has no form for."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return base64.b64encode(bytes(value)).decode()


def table_digest(model: type[Model]) -> str:
    """SHA-256 of the table's file as it would be written now."""
    digest = hashlib.sha256()
    for line in table_lines(model):
        digest.update(line)
    return digest.hexdigest()


def table_fill(model: type[Model], lines: Iterable[bytes], written: Callable[[int], None]) -> int:
    """Insert the rows of a table's file after its first line; `written` is told their bytes. Returns their number."""
    fields = model._meta.concrete_fields
    names, convert = [field.name for field in fields], [database_value(field) for field in fields]
    rows = 0
    for part in batched(lines, WRITE_BATCH_SIZE):
        rows_insert(model, names, [converted(json.loads(line), convert) for line in part])
        rows += len(part)
        written(sum(map(len, part)))
    return rows


def converted(row: Sequence[Any], convert: Sequence[Callable[[Any], Any] | None]) -> list[Any]:
    return [
        value if change is None or value is None else change(value) for value, change in zip(row, convert, strict=True)
    ]


def database_value(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """From the value in a file to what the database is given; None where that is the same."""
    target = field
    while target.remote_field is not None:
        target = target.target_field  # type: ignore[attr-defined]  # a foreign key's
    kind = target.get_internal_type()
    if kind in ("DateTimeField", "UUIDField", "BinaryField"):
        return lambda value: target.get_db_prep_save(target.to_python(value), connection)
    if kind == "JSONField":
        return lambda value: target.get_db_prep_save(value, connection)
    if kind == "BooleanField":
        return bool
    return None


def tables_empty() -> None:
    """Delete every row, those that pass included. Its triggers have to be lifted."""
    quote, tables = connection.ops.quote_name, [model._meta.db_table for model in all_models()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(map(quote, tables))}")
            return
        for table in tables:
            cursor.execute(f"DELETE FROM {quote(table)}")


def sequences_reset() -> None:
    """The next row of a table gets a number above all that are there. (SQLite sees to it by itself.)"""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), all_models()):
            cursor.execute(statement)


def column_problem(model: type[Model], first_line: bytes) -> str:
    """Why a table's file is not of this version; "" where it is."""
    try:
        there = json.loads(first_line)
    except ValueError:
        there = first_line[:80].decode(errors="replace")
    here = columns_of(model)
    return (
        ""
        if there == here
        else f"{model._meta.db_table} has the columns {escaped(str(there))} in the backup but {here} here"
    )
