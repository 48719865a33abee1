"""What is wrong with a disk, in one line: full, read-only, not permitted."""

import errno
import os

WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk's quota is used up",
    errno.EFBIG: "the file is larger than this process may write",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EIO: "the disk reports an error",
}
DATABASES = ("django.db", "sqlite3", "psycopg")
OF_DATABASES = {  # what SQLite and PostgreSQL say
    "disk is full": "the database cannot be written: the disk is full",
    "No space left on device": "the database cannot be written: the disk is full",
    "readonly database": "the database cannot be written: it is read-only",
    "unable to open database file": "the database cannot be opened: its file or folder cannot be written",
    "disk I/O error": "the database cannot be written: the disk reports an error",
}


def disk_problem(error: BaseException) -> str | None:
    """In words, without a path; None for an error that is not the disk's."""
    if isinstance(error, OSError):
        return WORDS.get(error.errno or 0)
    said = str(error)
    if type(error).__module__.startswith(DATABASES):
        return next((words for part, words in OF_DATABASES.items() if part in said), None)
    return WORDS[errno.ENOSPC] if os.strerror(errno.ENOSPC) in said else None  # a library's own error of it


def disk_line(error: BaseException) -> str | None:
    """The same with the file where it is known, in one line."""
    problem, file = disk_problem(error), getattr(error, "filename", None)
    return f"{file}: {problem}" if problem and file else problem
