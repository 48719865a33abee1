"""How a table of ratings is read, as it was said on a command line or in a form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from annotations.campaigns.spec import MAX_LOOKS, choices
from annotations.corpora.readers.tables.values import DECIMALS, clock_of
from annotations.errors import InputError

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
    one_of = {"rows": ("", *ROWS), "positions": POSITIONS, "decimal": ("", *DECIMALS), "family": choices("family")}
    for key, allowed in {**one_of, "spending": choices("spending")}.items():
        if getattr(options, key) not in allowed:
            names = ", ".join(each for each in allowed if each)
            raise InputError(key, f"'{getattr(options, key)}' is not one of {names}")
    clock_of(options.dates)
    if options.encoding:
        try:
            "a".encode(options.encoding)
            b"a".decode(options.encoding, errors="replace")
        except (LookupError, UnicodeError) as error:  # not known, or not one of text
            raise InputError(
                "encoding", f"'{options.encoding}' is not a known encoding", "use a name such as utf-8 or cp1252"
            ) from error
    spread = [key for key in ("criteria", "raters", "systems") if getattr(options, key)]
    if len(spread) > 1 and not options.wide:
        raise InputError(
            spread[0],
            "for several kinds of columns with one value each, give one pattern of their names, such as --wide "
            "'{criterion}_{rater}'",
        )
    if options.primary and len(options.primary) != 3:
        raise InputError("primary", f"{' '.join(options.primary)} must be two systems and a criterion")
    margin = options.equivalence_margin
    if margin is not None and not 0 < margin < math.inf:
        raise InputError("equivalence_margin", f"{margin:g} must be above 0")
    if not 1 <= options.looks <= MAX_LOOKS:
        raise InputError("looks", f"{options.looks} must be between 1 and {MAX_LOOKS}")
    if options.looks > 1 and not options.primary:
        raise InputError(
            "looks",
            f"{options.looks} looks need the primary comparison that each of them tested; give it with --primary",
        )


def pairs(option: str, given: Sequence[str], form: str) -> list[tuple[str, str]]:
    """`KEY=VALUE` as typed: the first "=" parts a column from its value, the last one a word from what it means."""
    parsed = []
    for one in given:
        key, equals, value = one.partition("=") if option in ("where", "split") else one.rpartition("=")
        if not equals or not (key or option == "weights"):
            raise InputError(option, f"'{one}' must have the form {form}")
        parsed.append((key if option == "where" else key.strip(), value))
    return parsed


def parse_columns(given: Sequence[str]) -> dict[str, tuple[Source, ...]]:
    """`ROLE=COLUMN`, `ROLE==VALUE` for one value in all rows, `ROLE=` for none; several for one role are joined."""
    columns: dict[str, tuple[Source, ...]] = {}
    for one in given:
        role, equals, name = one.partition("=")
        role = role.strip()
        if not equals or role not in ROLES:
            raise InputError("columns", f"'{one}' must have the form ROLE=COLUMN", f"valid roles: {', '.join(ROLES)}")
        if name.startswith("="):
            source = Source(constant=name[1:].strip())
            if not source.constant:
                raise InputError("columns", f"'{one}' has no value after '=='")
        else:
            source = Source(column=name.strip())
        if role in columns and role not in JOINED:
            raise InputError(
                "columns", f"'{role}' is given twice", f"only {', '.join(JOINED)} may be joined from several columns"
            )
        columns[role] = (*columns.get(role, ()), source)
    return columns


def parse_scale(given: Sequence[float]) -> tuple[float, float] | None:
    if not given:
        return None
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError("scale", f"{low:g} {high:g} must be the lowest score, then a higher one as the highest")
    return float(low), float(high)


def weight(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise InputError("weights", f"'{key}={value}' must give a number of at least 0, such as major=5")
    return number
