"""Queries written as Django's, whose SQL is made once in a process and then asked with other values each time.

Making the SQL takes ten times as long as the database needs to answer what every round asks.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import Expression, sql


class Slot(Expression):
    """A value of a query that is named when it is asked; `field` says how it is stored."""

    def __init__(self, name: str, field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def filled(self, values: dict[str, Any]) -> Any:
        return self.output_field.get_db_prep_save(values[self.name], connection)


def slots(model: type[models.Model], *names: str) -> dict[str, Slot]:
    """A slot for each of a model's columns, under its name."""
    fields = fields_of(model, names)
    return {field.attname: Slot(field.attname, getattr(field, "target_field", field)) for field in fields}


def fields_of(model: type[models.Model], names: Iterable[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


class Statement(NamedTuple):
    sql: str
    values: Sequence[Any]  # slots among them
    converters: Sequence[tuple[int, Any, Any]]  # of a row: the column, what makes its value, the expression it is of


class Prepared:
    """`write` gives the query's compiler, and the expressions of the columns that it gives back."""

    def __init__(self, write: Callable[[], tuple[Any, Callable[[], Sequence[Any]]]]) -> None:
        self.write, self.statements = write, dict[str, Statement]()

    def statement(self) -> Statement:
        known = self.statements.get(connection.vendor)
        if known is None:
            compiler, columns = self.write()
            written = compiler.as_sql()
            text, values = written[0] if isinstance(written, list) else written
            text = text.replace(" RETURNING ", " ON CONFLICT DO NOTHING RETURNING ")
            converters = compiler.get_converters(columns())
            flat = [(place, makers, of) for place, (makers, of) in converters.items()]
            known = self.statements[connection.vendor] = Statement(text, values, flat)
        return known

    def rows(self, **values: Any) -> list[list[Any]]:
        text, given, converters = self.statement()
        with connection.cursor() as cursor:
            cursor.execute(text, [each.filled(values) if isinstance(each, Slot) else each for each in given])
            rows = [list(row) for row in cursor.fetchall()]
        for row in rows:
            for place, makers, of in converters:
                for maker in makers:
                    row[place] = maker(row[place], of, connection)
        return rows

    def count(self, **values: Any) -> int:
        """How many rows it changed."""
        text, given, _ = self.statement()
        with connection.cursor() as cursor:
            cursor.execute(text, [each.filled(values) if isinstance(each, Slot) else each for each in given])
            return int(cursor.rowcount)


def selecting(build: Callable[[], "models.QuerySet[Any, Any]"]) -> Prepared:
    """The rows of a query that `values_list` ends."""

    def write() -> tuple[Any, Callable[[], Sequence[Any]]]:
        compiler: Any = build().query.get_compiler(connection=connection)
        return compiler, lambda: [column for column, *_ in compiler.select]

    return Prepared(write)


def updating(build: Callable[[], "models.QuerySet[Any, Any]"], **columns: Any) -> Prepared:
    """`rows.update(**columns)`."""

    def write() -> tuple[Any, Callable[[], Sequence[Any]]]:
        query: Any = build().query.chain(sql.UpdateQuery)
        query.add_update_values(columns)
        return query.get_compiler(connection=connection), lambda: []

    return Prepared(write)


def inserting(model: type[models.Model], *names: str, returning: Sequence[str], **columns: Any) -> Prepared:
    """One new row, of whose columns some are given back; no row where one that has to be unique is in its way.
    `columns` are those that no slot of the same name fills."""

    def write() -> tuple[Any, Callable[[], Sequence[Any]]]:
        query = sql.InsertQuery(model)
        query.insert_values(fields_of(model, (*names, *columns)), [model(**slots(model, *names), **columns)])
        compiler: Any = query.get_compiler(connection=connection)
        compiler.returning_fields = fields_of(model, returning)
        return compiler, lambda: [field.get_col(model._meta.db_table) for field in compiler.returning_fields]

    return Prepared(write)
