"""What a cell says: a number, a time, a list, or that nothing was given."""

import ast
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from annotations.corpora.readers.content import shown
from annotations.corpora.readers.tables.defects import RowDefectError
from annotations.errors import InputError
from texts.limits import MAX_DEPTH, MAX_LISTED, MAX_VALUE_LENGTH, parse_json

MISSING = frozenset({"", "-", "–", "—", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "."})
MAX_PYTHON_LENGTH = 100_000  # characters of a list as Python writes it: its parser takes a thousand times the memory
MAX_SCORE = 1_000_000_000
MILLISECONDS_FROM = 1e11  # an epoch above it counts milliseconds: in seconds it would be the year 5138
COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
NUMBERS = re.compile(r"[+-]?\d+(\.\d+)?(\s*,\s*[+-]?\d+(\.\d+)?){2,}")
DECIMALS = ("point", "comma")

# What a table holds: a text, or a list of JSON, of lists in turn where objects hold lists of objects. What a record of
# JSON lacks altogether is an empty list, so that it is not counted among the blanks.
Cell = str | tuple[Any, ...]
ABSENT: Cell = ()


def is_missing(value: str) -> bool:
    return not value or (len(value) <= 5 and value.casefold() in MISSING)


def number_of(value: str, column: str, *, comma: bool | None) -> float:
    """A score. With `comma` as None "3,5" is not read, with True it is 3.5, and with False as well unless it could be
    thousands, such as "1,234". Raises RowDefectError."""
    try:
        score = float(value)
        if "_" in value:
            score = math.nan
    except ValueError:
        score = comma_number(value, column, comma=comma)
    if not math.isfinite(score) or abs(score) > MAX_SCORE:
        remedy = ""
        if COMMA.fullmatch(value):
            remedy = "; for a decimal comma use --decimal comma, for a list of two --lists ,"
        elif any(character.isalpha() for character in value):
            remedy = f'; give a word its number with --value "{value[:30]}=5"'
        raise RowDefectError(
            f"{column}={shown(value)} must be a number, such as 4 or 3.5, of at most {MAX_SCORE:,}{remedy}"
        )
    return score


def comma_number(value: str, column: str, *, comma: bool | None) -> float:
    if comma is None or not COMMA.fullmatch(value):
        return math.nan
    if not comma and THOUSANDS.fullmatch(value):
        raise RowDefectError(
            f"{column}={shown(value)} could mean {value.replace(',', '.')} or {value.replace(',', '')}; choose with "
            "--decimal comma, or remove the thousands separators"
        )
    return float(value.replace(",", "."))


def list_of(value: Cell, separator: str) -> list[Cell] | None:
    """What a cell lists, if it is a list: of JSON or Python, in brackets without commas, or split by a separator.
    Raises RowDefectError for more than anybody would list."""
    if isinstance(value, str):
        parts = max(map(value.count, filter(None, ("|", ",", separator))))
        if parts >= MAX_LISTED:
            raise RowDefectError(f"{shown(value)} lists {parts + 1:,} values; the limit is {MAX_LISTED:,} per cell")
    if isinstance(value, tuple):
        return [each.strip() if isinstance(each, str) else each for each in value]
    if is_list(value):
        return bracketed(value)
    if separator:
        return [each.strip() for each in value.split(separator)] if separator in value else None
    if "|" in value:
        return [each.strip() for each in value.split("|")]
    if "," in value and NUMBERS.fullmatch(value):
        return [each.strip() for each in value.split(",")]
    return None


def is_list(value: Cell) -> bool:
    return isinstance(value, tuple) or (value[:1] == "[" and value[-1:] == "]")


def text_of(value: Cell) -> str:
    """A cell as one text, lists with semicolons between."""
    return value.strip() if isinstance(value, str) else "; ".join(text_of(each) for each in value)


def bracketed(value: str) -> list[Cell]:
    """Raises RowDefectError for lists inside each other that nobody would write."""
    if "".join(value.split()).startswith("[" * (MAX_DEPTH + 1)):
        raise RowDefectError(f"{shown(value)}: lists are nested more than {MAX_DEPTH} deep")
    for read, longest in ((parse_json, MAX_VALUE_LENGTH), (ast.literal_eval, MAX_PYTHON_LENGTH)):
        if len(value) > longest:
            continue
        try:
            given = read(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        return [plain(each) for each in given] if isinstance(given, list) else [plain(given)]
    inner = value[1:-1]
    return [each.strip().strip("'\"") for each in (inner.split(",") if "," in inner else inner.split())]


def plain(value: object) -> str:
    """A value of JSON, of a workbook or of a list as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def name_list(value: Cell, separator: str) -> list[str]:
    """Names in a cell: a list, or names between `>`, `|`, `;` or commas."""
    listed = list_of(value, separator)
    if listed is not None or isinstance(value, tuple):
        return [text_of(each) for each in listed or ()]
    for sign in (">", "|", ";", ","):
        if sign in value:
            return [each.strip() for each in value.split(sign)]
    return [value.strip()] if value.strip() else []


# ---- times

PARTS = re.compile(
    r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|GMT)?"
)
ORDERS = {"day-first": (2, 1, 0), "month-first": (2, 0, 1), "year-first": (0, 1, 2)}  # where year, month and day stand
Clock = Callable[[str], datetime]


def clock_of(dates: str) -> Clock:
    """How times are read: `iso`, `epoch`, one of the orders, or a format of strftime's. The clock raises ValueError
    or OverflowError. Raises InputError for anything else."""
    if dates == "iso":
        return datetime.fromisoformat
    if dates == "epoch":
        return from_epoch
    if dates in ORDERS:
        return lambda value: from_parts(value, ORDERS[dates])
    if "%" in dates:
        try:
            datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(dates), dates)
        except (ValueError, re.error) as error:  # a directive twice is the latter
            raise InputError("dates", f"'{dates}' is not a valid time format ({error})") from error
        return lambda value: datetime.strptime(value, dates)
    raise InputError(
        "dates", f"'{dates}' must be iso, {', '.join(ORDERS)}, epoch, or a format with % such as '%d.%m.%Y %H:%M'"
    )


def from_epoch(value: str) -> datetime:
    seconds = float(value)
    return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= MILLISECONDS_FROM else seconds, tz=UTC)


def from_parts(value: str, order: tuple[int, int, int]) -> datetime:
    found = PARTS.fullmatch(value)
    if not found:
        raise ValueError(value)
    year, month, day = (int(found.group(1 + place)) for place in order)
    if year < 100:
        year += 2000
    hour, minute, second = (int(part or 0) for part in found.group(4, 5, 6))
    half = (found.group(8) or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(value)
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    fraction = int((found.group(7) or "0").ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)


def time_of(value: str, column: str, clock: Clock, dates: str) -> datetime:
    """In UTC, which it is taken for where it names no zone. Raises RowDefectError."""
    try:
        when = clock(value)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        if dates != "iso":
            raise RowDefectError(
                f"{column}={shown(value)} must be a time in the format of --dates {dates}, or empty"
            ) from error
        remedy = ""
        if PARTS.fullmatch(value):
            remedy = "; give the order with --dates day-first, month-first or year-first"
        elif re.fullmatch(r"\d{9,14}(\.\d+)?", value):
            remedy = "; for seconds or milliseconds since 1970 use --dates epoch"
        raise RowDefectError(
            f"{column}={shown(value)} must be an ISO 8601 time, such as 2022-03-10T02:35:58Z, or empty{remedy}"
        ) from error


def mapped(value: str, words: Mapping[str, str]) -> str:
    """What a word stands for by `--value`, upper and lower case alike."""
    return words.get(value.casefold(), value)
