"""How a table is set in LaTeX with booktabs: cells, captions, notes, and text with every special sign as itself."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from annotations.templatetags import report_numbers

ROWS_A_TABLE = 40
ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    # These mean something after a line break of a table, or in a ligature.
    **{sign: f"{{{sign}}}" for sign in "[]*`"},
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def tables(
    label: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> Iterator[str]:
    """A table, or several where it has more rows than a page holds. Caption and notes are plain text, cells LaTeX."""
    parts = [rows[first : first + ROWS_A_TABLE] for first in range(0, len(rows), ROWS_A_TABLE)]
    for number, part in enumerate(parts, start=1):
        of = f" (Part {number} of {len(parts)}.)" if len(parts) > 1 else ""
        said = notes if number == len(parts) else ()
        lines = [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{escape(caption + of)}}}",
            rf"\label{{tab:{label_of(label)}{f'-{number}' if of else ''}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            " & ".join(head.replace("%", r"\%") for head in heads) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in part),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip {{\footnotesize {escape(note)}}}" for note in said),
            r"\end{table}",
        ]
        yield "\n".join(lines)


def valued(found: Mapping[str, Any]) -> str:
    return f"{figure(found['value'], 2)} {interval(found['ci'], 2)}" if found["ci"] else figure(found["value"], 2)


def figure(value: float | None, places: int) -> str:
    return "--" if value is None else f"${rounded(value, places)}$"


def rounded(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.{places}f}"  # not -0.0


def interval(ends: Sequence[float] | None, places: int) -> str:
    return "--" if ends is None else f"$[{rounded(ends[0], places)}, {rounded(ends[1], places)}]$"


def p_value(value: float | None, boundary: float | None = None) -> str:
    return "--" if value is None else f"${report_numbers.p_value(value, boundary).replace(' ', '')}$"


def ranks(ends: Sequence[int]) -> str:
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]}--{ends[1]}"


def words(name: str) -> str:
    return name.replace("_", " ")


def heading(name: str) -> str:
    """A name at the start of a sentence; its other letters stay as they are."""
    return words(name[:1].upper() + name[1:])


def label_of(name: str) -> str:
    """A label that LaTeX takes: of a name with other signs its plain ones, and a mark that tells it from others."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    if plain == name.replace("_", "-"):
        return plain
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def escape(text: str) -> str:
    """Plain text as LaTeX sets it: every special sign as itself, and nothing that breaks a line or ends a comment."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    escaped = "".join(ESCAPED.get(sign, sign) for sign in plain.replace("--", "-\x00-").replace("--", "-\x00-"))
    return escaped.replace("\x00", "{}")


def reasons(undefined: Iterable[tuple[str, str | None]]) -> list[str]:
    """What is undefined, all that is so for one reason in one note."""
    found: dict[str, list[str]] = {}
    for name, why in undefined:
        if why:
            found.setdefault(why, []).append(name)
    return [f"{'; '.join(names)}: {why}." for why, names in found.items()]
