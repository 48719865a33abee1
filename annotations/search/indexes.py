"""The indexes by which captions, story sentences and outputs are searched by their words.

On PostgreSQL a GIN index of each table's `text`, on SQLite a table of FTS5 beside it, which holds no text of its own.
Words are taken as they are written, in small letters: nothing is stemmed and none is left out, since texts are in any
language, and so that both databases find the same.

SQLite's holds the rows up to a primary key, and triggers keep it when one of these changes or goes. The sweeper reads
what was written since, many rows a statement: a trigger would take ten times as long, for FTS5 writes after each row,
and an import of half a million twice as long as without.

They are made after every `migrate` where they are missing or are not as they are declared here, of all rows that are
there: on SQLite a migration that rebuilds a table drops its triggers silently. No backup holds them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection as default_connection
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from annotations.search.words import Word
from annotations.storage.short_writes import short_write

CAPTIONS, SENTENCES, OUTPUTS = "annotations_source", "annotations_storysentence", "annotations_output"
ROWS_A_WRITE = 5000  # some ten milliseconds
TABLES = (CAPTIONS, SENTENCES, OUTPUTS)
# PostgreSQL's parser takes `p.m`, `and/or` and `x@y` for one word each, as hosts, files and addresses are written.
JOINING = "./-_@:&+<>=?#~’‘“”–—…"
VECTOR = f"to_tsvector('simple'::regconfig, translate(text, '{JOINING}', '{' ' * len(JOINING)}'))"


class Made(NamedTuple):
    """Something of the database's that is declared here."""

    kind: str  # TABLE, TRIGGER or INDEX
    name: str
    create: str


def words_table(table: str) -> str:
    return f"{table}_words"


def made_for(vendor: str, table: str) -> Iterator[Made]:
    words = words_table(table)
    if vendor == "postgresql":
        yield Made("INDEX", words, f"CREATE INDEX {words} ON {table} USING gin ({VECTOR})")
        return
    options = "columnsize=0, tokenize='unicode61 remove_diacritics 0'"
    yield Made(
        "TABLE",
        words,
        f"CREATE VIRTUAL TABLE {words} USING fts5(text, content='{table}', content_rowid='id', {options})",
    )
    yield Made("TABLE", f"{words}_end", f"CREATE TABLE {words}_end (up_to INTEGER NOT NULL)")
    gone = f"INSERT INTO {words}({words}, rowid, text) VALUES ('delete', OLD.id, OLD.text);"
    new = f"INSERT INTO {words}(rowid, text) VALUES (NEW.id, NEW.text);"
    for event, when, row, does in (
        ("insert", "INSERT", "NEW", new),
        ("update", "UPDATE OF text", "OLD", f"{gone} {new}"),
        ("delete", "DELETE", "OLD", gone),
    ):
        name, read = f"{words}_{event}", f"WHEN {row}.id <= (SELECT up_to FROM {words}_end)"
        yield Made("TRIGGER", name, f"CREATE TRIGGER {name} AFTER {when} ON {table} {read} BEGIN {does} END")


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """What is there, as it was created."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT obj_description(indexrelid, 'pg_class') FROM pg_index WHERE indisvalid AND indexrelid IN "
                "(SELECT oid FROM pg_class WHERE relname = ANY(%s))",
                [[words_table(table) for table in TABLES]],
            )
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type IN ('table', 'trigger')")
        return {row[0] for row in cursor.fetchall()}


def unindexed(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables whose words are not, or not all, looked up; none that is not there itself."""
    there = present(connection)
    lacking = [
        table for table in TABLES if any(made.create not in there for made in made_for(connection.vendor, table))
    ]
    if not lacking:
        return []
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    return [table for table in lacking if table in tables]


def create_missing_indexes(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    connection = connections[using]
    for table in unindexed(connection):
        with transaction.atomic(using=using), connection.cursor() as cursor:
            drop(connection, table)
            for made in made_for(connection.vendor, table):
                cursor.execute(made.create)
                if connection.vendor == "postgresql":
                    cursor.execute(f"COMMENT ON INDEX {made.name} IS %s", [made.create])
            if connection.vendor != "postgresql":
                words = words_table(table)
                cursor.execute(f"INSERT INTO {words}({words}) VALUES ('rebuild')")
                cursor.execute(f"INSERT INTO {words}_end SELECT coalesce(max(id), 0) FROM {table}")


def words_indexing() -> Iterator[int]:
    """Read into SQLite's indexes what was written since, in short writes of that many rows. A row that is written later
    under a key that was passed is read by its trigger."""
    if default_connection.vendor == "postgresql":
        return
    for table in TABLES:
        words = words_table(table)
        while last := last_of_next(table):
            with short_write(), default_connection.cursor() as cursor:
                since = f"SELECT id, text FROM {table} WHERE id > (SELECT up_to FROM {words}_end) AND id <= %s"
                cursor.execute(f"INSERT INTO {words}(rowid, text) {since}", [last])
                rows = cursor.rowcount
                cursor.execute(f"UPDATE {words}_end SET up_to = max(up_to, %s)", [last])
            yield rows


def last_of_next(table: str) -> int | None:
    with default_connection.cursor() as cursor:
        since = f"SELECT id FROM {table} WHERE id > (SELECT up_to FROM {words_table(table)}_end)"
        cursor.execute(f"SELECT max(id) FROM ({since} ORDER BY id LIMIT {ROWS_A_WRITE})")
        found: int | None = cursor.fetchone()[0]
        return found


def drop_indexes(connection: BaseDatabaseWrapper) -> None:
    """For who replaces all rows at once, and makes them again in the same transaction: that takes less time."""
    for table in TABLES:
        drop(connection, table)


def drop(connection: BaseDatabaseWrapper, table: str) -> None:
    with connection.cursor() as cursor:
        for made in reversed(list(made_for(connection.vendor, table))):
            cursor.execute(f"DROP {made.kind} IF EXISTS {made.name}")


@register(Tags.database)
def words_are_indexed(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(  # an error would stop `migrate` itself
            f"The search index of {table} in database '{alias}' is missing or differs, so its texts are not found.",
            hint="Run `manage.py migrate`, which creates it again.",
            id="annotations.W002",
        )
        for alias in databases or []
        for table in unindexed(connections[alias])
    ]


def found_in(table: str, columns: Sequence[str]) -> str:
    """SQL for the FROM of a query: those rows, as `t`, that hold all the words of a parameter, `sought(words)`, with
    primary keys between two others. They come as the index has them, so that who stops soon has not read them all:
    PostgreSQL would otherwise guess that reading the table in another order meets as many as soon."""
    if default_connection.vendor == "postgresql":
        rows = f"SELECT {', '.join(columns)} FROM {table} WHERE {VECTOR} @@ to_tsquery('simple', %s)"
        return f"({rows} AND id BETWEEN %s AND %s OFFSET 0) AS t"
    words, named = words_table(table), ", ".join(f"r.{column}" for column in columns)
    rows = f"SELECT {named} FROM {words} CROSS JOIN {table} AS r ON r.id = {words}.rowid WHERE {words} MATCH %s"
    return f"({rows} AND {words}.rowid BETWEEN %s AND %s) AS t"


def join() -> str:
    """How further tables are joined to it: in SQLite with the word that keeps the order."""
    return "JOIN" if default_connection.vendor == "postgresql" else "CROSS JOIN"


def sought(words: Sequence[Word]) -> str:
    if default_connection.vendor == "postgresql":
        return " & ".join(f"'{word.text}'{':*' if word.begins else ''}" for word in words)
    return " ".join(f'"{word.text}"{"*" if word.begins else ""}' for word in words)
