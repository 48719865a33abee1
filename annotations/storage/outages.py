"""A database that is not there, or not for writing: what was asked of it is not at fault, and may be asked again."""

import sqlite3

from django.db import InterfaceError, OperationalError

# PostgreSQL is read-only, as after a failover; ended a transaction that was idle; ended one that took too long.
OUTAGES_AS_INTERNAL_ERRORS = {"25006", "25P03", "25P04"}
PROGRAM_LIMIT_EXCEEDED = "54"  # what the SQLSTATE begins with where a statement is too large or too deeply nested


def is_outage(error: BaseException | None) -> bool:
    """Whether the database cannot be reached, is busy for too long or cannot be written; not what is wrong with a
    query, which both databases may call by the same name."""
    cause = error.__cause__ if error else None
    sqlstate = getattr(cause, "sqlstate", None) or ""
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR or sqlstate.startswith(PROGRAM_LIMIT_EXCEEDED):
        return False
    return isinstance(error, OperationalError | InterfaceError) or sqlstate in OUTAGES_AS_INTERNAL_ERRORS
