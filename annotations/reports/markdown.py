"""What documents in Markdown share: plain text kept plain, tables, and gaps that a person has to fill."""

import re
from collections.abc import Sequence

GAP = "**TO BE ANSWERED BY THE RESEARCHER:**"


def gap(what: str) -> str:
    return f"{GAP} {what}"


def plain(text: str) -> str:
    """Text on one line whose signs mean nothing to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(text.split()))


def quoted(text: str) -> str:
    """Text of several lines as a quotation."""
    return "\n".join(f"> {plain(line)}".rstrip() for line in text.strip().splitlines())


def fenced(text: str) -> str:
    """Text kept to the letter, between fences longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
