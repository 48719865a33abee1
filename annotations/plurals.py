"""How many of what, in words. Kinds are named in the plural."""

from collections.abc import Mapping

IRREGULAR = {"addresses": "address", "stories": "story", "texts of several systems": "text of several systems"}


def of_kind(count: int, kind: str) -> str:
    """`story` of 1, else `stories`."""
    if count != 1 or not kind.endswith("s"):
        return kind
    return IRREGULAR.get(kind, kind.removesuffix("s"))


def counted(count: int, kind: str) -> str:
    """`1 story`, `1,200 photos`."""
    return f"{count:,} {of_kind(count, kind)}"


def listed(counts: Mapping[str, int]) -> str:
    """`1 story, 2 photos`, without kinds of which there is none."""
    return ", ".join(counted(count, kind.replace("_", " ")) for kind, count in counts.items() if count)


def were(count: int) -> str:
    return "was" if count == 1 else "were"
