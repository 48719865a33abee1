"""What an import did beside writing rows, and the sentence that says all of it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from annotations.plurals import counted, listed, were

# What a file and a dataset may both have of a row, by the field that holds it.
KINDS = {"text": "texts", "image": "pictures", "url": "addresses", "title": "titles", "author": "authors"}


class Outcome(NamedTuple):
    """Rows that were there already, by kind; what was replaced, by kind; what rows got that lacked it, by kind; lines
    and texts that stood twice in the files; scores that went because what they were computed from is another now."""

    recognised: Mapping[str, int] = {}
    replaced: Mapping[str, int] = {}
    attached: Mapping[str, int] = {}
    repeated: int = 0
    scores_removed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in self._asdict().items()}

    def nothing_new(self, counts: Mapping[str, int]) -> bool:
        written = {kind: count for kind, count in counts.items() if kind != "left_out"}
        return not (any(written.values()) or any(self.replaced.values()) or any(self.attached.values()))

    def sentence(self, counts: Mapping[str, int]) -> str:
        """Such as: Written: 3 albums, 12 photos. 40 rows were there already. 1 text was replaced."""
        there = sum(self.recognised.values())
        if self.nothing_new(counts):
            return " ".join([f"Nothing new: {counted(there, 'rows')} {were(there)} already there.", *self.asides()])
        parts = []
        if any(counts.values()):
            parts.append(f"Written: {listed(counts)}.")
        if there:
            parts.append(f"{counted(there, 'rows')} {were(there)} already there.")
        if any(self.replaced.values()):
            parts.append(f"{listed(self.replaced)} {were(sum(self.replaced.values()))} replaced.")
        if any(self.attached.values()):
            parts.append(f"Added: {listed(self.attached)}.")
        return " ".join([*parts, *self.asides()])

    def asides(self) -> Iterator[str]:
        if self.repeated:
            yield f"{counted(self.repeated, 'texts')} {were(self.repeated)} duplicated in the file and counted once."
        if self.scores_removed:
            gone = f"{counted(self.scores_removed, 'scores')} {were(self.scores_removed)} removed"
            yield f"{gone}, because the texts they were computed from have changed."
