"""Which texts can be stored, in one place: those that PostgreSQL, SQLite, JSON and UTF-8 all hold, whatever their
length, script and marks.

Two things are no text. NUL: PostgreSQL has it neither in its texts nor in its JSON. Half a character: one surrogate of
a pair, which JSON can write as an escape and UTF-8 cannot. A file that holds one is refused, with its place; what a
rater typed is kept without it.
"""

import re
import unicodedata
from typing import Any

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not UNSTORABLE.search(text))


def text_problem(text: str) -> str:
    """Why a text cannot be stored, to stand behind its name; "" where it can."""
    if storable(text):
        return ""
    found = UNSTORABLE.findall(text)[0]
    return "contains a NUL character" if found == "\0" else f"contains an unpaired surrogate, {escaped(found)}"


def value_problem(value: Any, place: str) -> tuple[str, str] | None:
    """The same of everything in a value of JSON, keys too: the place of what cannot be stored, and why."""
    if isinstance(value, str):
        problem = text_problem(value)
        return (place, problem) if problem else None
    if isinstance(value, dict):
        inner = [(f"{place}.{key}", part) for key, each in value.items() for part in (str(key), each)]
    else:
        inner = [(f"{place}[{at}]", each) for at, each in enumerate(value)] if isinstance(value, list | tuple) else []
    return next(filter(None, (value_problem(each, at) for at, each in inner)), None)


def without_unstorable(text: str) -> str:
    return text if storable(text) else UNSTORABLE.sub("", text)


def escaped(text: str) -> str:
    """The text with what cannot be stored written as an escape: for messages, which quote what was wrong."""
    return text if storable(text) else UNSTORABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: white space, control and format characters alone."""
    seen = text.lstrip()[:1]
    return not seen.isalnum() and all(unicodedata.category(sign)[0] in "ZC" for sign in text)
