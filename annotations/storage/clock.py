"""The database's clock: the only one that all hosts share.

A time that another process may compare with its own, or put in an order with others, is written and read by this clock,
as an expression (`from_now`) or as a value (`database_now`). Clocks of hosts differ by seconds or by hours, and nothing
depends on them. On SQLite there is one host, whose clock it is.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

READ = {
    "postgresql": "SELECT STATEMENT_TIMESTAMP()",
    "sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')",
}


def from_now(seconds: float = 0.0) -> CombinedExpression:
    """The moment that many seconds from now, before it where negative, as an expression.

    SQLite keeps times as text. This one is written as Django writes a value, so that the two can be equal; a bare
    `Now()`, with three digits of a second, never equals what is read of it.
    """
    return Now() + Value(timedelta(seconds=seconds))


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(READ[connection.vendor])
        (now,) = cursor.fetchone()
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)
