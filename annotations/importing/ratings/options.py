"""How a table of ratings is read, as it was said on a command line or in a form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from annotations.errors import InputError
from annotations.importing.campaign_file import CHOICES, MOST_LOOKS
from annotations.importing.ratings.values import DECIMALS, clock_of

ROLES = (
    "album", "item", "system", "rater", "criterion", "score", "text", "submitted", "system_a", "system_b", "choice",
    "winner", "loser", "rank_a", "rank_b", "rank", "ranking", "best", "worst", "options", "severity", "category",
)  # fmt: skip
JOINED = ("album", "item", "system", "rater", "options")  # that several columns may make together
ROWS = ("scores", "choices", "ranks", "rankings", "best-worst", "spans")
WORDS = (
    "rows", "positions", "lists", "decimal", "dates", "sheet", "encoding", "shared", "family", "spending",
)  # fmt: skip
OPTIONS = (
    "where", "split", "scale", "keep_apart", "columns", "criteria", "raters", "systems", "wide", "values", "weights",
    "highest_best", "no_header", "primary", "looks", "equivalence_margin", *WORDS,
)  # fmt: skip
TYPED = {"where": "COLUMN=VALUE", "split": "COLUMN=PATTERN", "values": "WORD=VALUE", "weights": "SEVERITY=NUMBER"}
POSITIONS = ("rater", "item")
ROW_NUMBER, FILE_NAME, FOLDER_NAME = "#", "#file", "#folder"
Where = tuple[tuple[str, str], ...]


class Source(NamedTuple):
    """Where the values of a role come from: a column of that name, or one value for all rows; "" for nowhere."""

    column: str = ""
    constant: str | None = None


@dataclass(frozen=True)
class RatingOptions:
    """How a table is read. `where` keeps the rows with those values in those columns, several of one column being
    alternatives; without a `scale` it goes from the smallest score to the largest; with `keep_apart` a text that
    several systems wrote for an item stays several texts.

    `columns` says which column is what. `criteria`, `raters` and `systems` are the columns that hold a value for each
    criterion, rater or system; `wide` are patterns of such columns' names, of which those then choose. `split` takes
    columns apart that hold several things. `rows` says what
    the rows are, where the columns do not. `values` are words and what they stand for, `lists` the separator of several
    values in a cell, `positions` what a place in such a list is, `dates` how times are written, `shared` the sign
    between systems that wrote the same text. Without `headed` the columns are called by their numbers. `weights` are
    those of error spans, `highest_best` turns ranks round.
    """

    where: Where = ()
    scale: tuple[float, float] | None = None
    keep_apart: bool = False
    columns: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    criteria: tuple[str, ...] = ()
    raters: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    split: Where = ()
    rows: str = ""
    positions: str = "rater"
    values: Mapping[str, str] = field(default_factory=dict)
    lists: str = ""
    decimal: str = ""
    dates: str = "iso"
    weights: Mapping[str, float] = field(default_factory=dict)
    highest_best: bool = False
    sheet: str = ""
    encoding: str = ""
    shared: str = ""
    headed: bool = True
    primary: tuple[str, ...] = ()
    family: str = "criterion"
    looks: int = 1
    spending: str = "obrien-fleming"
    equivalence_margin: float | None = None

    def parts(self) -> list[str]:
        """All that was said, for a fingerprint."""
        said, silent = asdict(self), asdict(RatingOptions())
        return [f"{key} {value!r}" for key, value in said.items() if value != silent[key]]


def rating_options(given: Mapping[str, Any]) -> RatingOptions:
    """From what was typed, by the names of the command's options; those that are not there are not said.

    Raises InputError naming the option, the value, and what would be right.
    """
    typed = {key: pairs(key, given.get(key) or (), form) for key, form in TYPED.items()}
    said: dict[str, Any] = {key: given[key] for key in WORDS if given.get(key)}
    said |= {key: tuple(given.get(key) or ()) for key in ("criteria", "raters", "systems", "wide", "primary")}
    options = RatingOptions(
        where=tuple((key, value) for key, value in typed["where"]),
        split=tuple(typed["split"]),
        scale=parse_scale(given.get("scale") or ()),
        keep_apart=bool(given.get("keep_apart")),
        columns=parse_columns(given.get("columns") or ()),
        values={word.casefold(): value.strip() for word, value in typed["values"]},
        weights={key.casefold(): weight(key, value) for key, value in typed["weights"]},
        highest_best=bool(given.get("highest_best")),
        headed=not given.get("no_header"),
        looks=int(given.get("looks") or 1),
        equivalence_margin=given.get("equivalence_margin"),
        **said,
    )
    check(options)
    return options


def check(options: RatingOptions) -> None:
    one_of = {"rows": ("", *ROWS), "positions": POSITIONS, "decimal": ("", *DECIMALS), "family": CHOICES["family"]}
    for key, allowed in {**one_of, "spending": CHOICES["spending"]}.items():
        if getattr(options, key) not in allowed:
            names = ", ".join(each for each in allowed if each)
            raise InputError(f"{key}: '{getattr(options, key)}' is not one of {names}")
    clock_of(options.dates)
    if options.encoding:
        try:
            "a".encode(options.encoding)
            b"a".decode(options.encoding, errors="replace")
        except (LookupError, UnicodeError) as error:  # not known, or not one of text
            raise InputError(f"encoding: '{options.encoding}' is not known; such as utf-8 or cp1252") from error
    spread = [key for key in ("criteria", "raters", "systems") if getattr(options, key)]
    if len(spread) > 1 and not options.wide:
        raise InputError(
            f"{spread[0]}: several kinds of columns with a value each are said by one pattern of their names, such as "
            "--wide '{criterion}_{rater}'"
        )
    if options.primary and len(options.primary) != 3:
        raise InputError(f"primary: {' '.join(options.primary)} must be two systems and a criterion")
    margin = options.equivalence_margin
    if margin is not None and not 0 < margin < math.inf:
        raise InputError(f"equivalence_margin: {margin:g} must be above 0")
    if not 1 <= options.looks <= MOST_LOOKS:
        raise InputError(f"looks: {options.looks} must be from 1 to {MOST_LOOKS}")
    if options.looks > 1 and not options.primary:
        raise InputError(
            f"looks: {options.looks} looks need the primary contrast that was tested at each of them, with --primary"
        )


def pairs(option: str, given: Sequence[str], form: str) -> list[tuple[str, str]]:
    """`KEY=VALUE` as typed: the first "=" parts a column from its value, the last one a word from what it means."""
    parsed = []
    for one in given:
        key, equals, value = one.partition("=") if option in ("where", "split") else one.rpartition("=")
        if not equals or not (key or option == "weights"):
            raise InputError(f"{option}: '{one}' must be {form}")
        parsed.append((key if option == "where" else key.strip(), value))
    return parsed


def parse_columns(given: Sequence[str]) -> dict[str, tuple[Source, ...]]:
    """`ROLE=COLUMN`, `ROLE==VALUE` for one value in all rows, `ROLE=` for none; several for one role are joined."""
    columns: dict[str, tuple[Source, ...]] = {}
    for one in given:
        role, equals, name = one.partition("=")
        role = role.strip()
        if not equals or role not in ROLES:
            raise InputError(f"column: '{one}' must be ROLE=COLUMN; the roles are {', '.join(ROLES)}")
        if name.startswith("="):
            source = Source(constant=name[1:].strip())
            if not source.constant:
                raise InputError(f"column: '{one}' gives no value after '=='")
        else:
            source = Source(column=name.strip())
        if role in columns and role not in JOINED:
            raise InputError(
                f"column: '{role}' is given twice; only {', '.join(JOINED)} may be made of several columns"
            )
        columns[role] = (*columns.get(role, ()), source)
    return columns


def parse_scale(given: Sequence[float]) -> tuple[float, float] | None:
    if not given:
        return None
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"scale: {low:g} {high:g} must be the lowest score and one above it, the highest")
    return float(low), float(high)


def weight(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise InputError(f"weight: '{key}={value}' must give a number from 0, such as major=5")
    return number
