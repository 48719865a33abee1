"""What an import did beside writing rows, and the sentence that says all of it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

IRREGULAR = {"addresses": "address", "stories": "story", "texts of several systems": "text of several systems"}


class Outcome(NamedTuple):
    """Rows that were there already, by kind; how many texts were replaced; what rows got that lacked it, by kind; lines
    and texts that stood twice in the files; scores that went because what they were computed from is another now."""

    recognised: Mapping[str, int] = {}
    replaced: int = 0
    attached: Mapping[str, int] = {}
    repeated: int = 0
    scores_removed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "recognised": dict(self.recognised), "attached": dict(self.attached)}

    def nothing_new(self, counts: Mapping[str, int]) -> bool:
        written = {kind: count for kind, count in counts.items() if kind != "left_out"}
        return not (any(written.values()) or self.replaced or any(self.attached.values()))

    def sentence(self, counts: Mapping[str, int]) -> str:
        """Such as: Written: 3 albums, 12 photos. 40 rows were there already. 1 text was replaced."""
        there = sum(self.recognised.values())
        if self.nothing_new(counts):
            return " ".join([f"Nothing new: {were(there, 'row')} there already.", *self.asides()])
        parts = []
        if any(counts.values()):
            parts.append(f"Written: {listed(counts)}.")
        if there:
            parts.append(f"{were(there, 'row')} there already.")
        if self.replaced:
            parts.append(f"{were(self.replaced, 'text')} replaced.")
        if any(self.attached.values()):
            parts.append(f"Added: {listed(self.attached)}.")
        return " ".join([*parts, *self.asides()])

    def asides(self) -> Iterator[str]:
        if self.repeated:
            yield f"{were(self.repeated, 'text')} in the file twice and counted once."
        if self.scores_removed:
            yield f"{were(self.scores_removed, 'score')} removed, because the texts that they are of have changed."


def listed(counts: Mapping[str, int]) -> str:
    """`1 story, 2 photos`, of kinds that are named in the plural."""
    return ", ".join(f"{count:,} {kind_of(count, kind.replace('_', ' '))}" for kind, count in counts.items() if count)


def kind_of(count: int, kind: str) -> str:
    if count != 1 or not kind.endswith("s"):
        return kind
    return IRREGULAR.get(kind, kind.removesuffix("s"))


def were(count: int, what: str) -> str:
    return f"{count:,} {what} was" if count == 1 else f"{count:,} {what}s were"
