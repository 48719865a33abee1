"""Many rows at once, past the ORM: a VIST-sized import writes half a million.

Rows carry primary keys reserved beforehand, so that rows of one batch can refer to each other. Columns with a database
default may be left out. Nothing is validated here; the database's own constraints hold.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write

T = TypeVar("T")
MANY_ROWS = 1000
ID_BATCH_SIZE = 500  # primary keys that a query names


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part


def database_uuid(value: uuid.UUID) -> uuid.UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex


def ids_reserve(model: type[Model], count: int) -> Sequence[int]:
    """That many unused primary keys of an auto-incremented table, in rising order. Call it inside a transaction: the
    one that uses them, or one before it, which takes them for good."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(sequence) FROM generate_series(1, %s), "
                "(SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS named",
                [count, table],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, table])
        if cursor.rowcount == 0:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, count])
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()[0]
        return range(last - count + 1, last + 1)


def rows_insert(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows given as sequences of the named fields' database values."""
    by_name = {field.name: str(field.column) for field in model._meta.concrete_fields}
    columns = ", ".join(connection.ops.quote_name(by_name[name]) for name in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(rows))


def rows_update(model: type[Model], field: str, values: Sequence[tuple[int, Any]]) -> None:
    """Set a field of many rows, given as (primary key, database value)."""
    quote = connection.ops.quote_name
    by_name = {each.name: str(each.column) for each in model._meta.concrete_fields}
    table, column = quote(model._meta.db_table), quote(by_name[field])
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {column} = %s WHERE id = %s", [(value, pk) for pk, value in values])


def statistics_gather(rows: int, *models: type[Model]) -> None:
    """Tell PostgreSQL's planner of tables into which so many rows were written, if they are many. It would notice by
    itself some minutes later, or never where autovacuum is off, and until then read such tables whole at each round."""
    if connection.vendor == "postgresql" and rows >= MANY_ROWS:
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


def exhaust(steps: Iterator[Any]) -> None:
    for _ in steps:
        pass


def rows_deleting(rows: QuerySet[Any]) -> Iterator[None]:
    """Delete rows without looking for what refers to them, a short write a step: the caller deletes that first."""
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:WRITE_BATCH_SIZE]):
        batch = rows.filter(pk__gte=pks[0], pk__lte=pks[-1])
        with short_write():
            batch._raw_delete(batch.db)
        yield
