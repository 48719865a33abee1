"""What is wrong with a file: refused at the first defect, or, where a file is only looked at, all of them gathered."""

from pathlib import Path
from typing import NamedTuple

from annotations.corpora.readers.content import ImportFileError

MAX_KEPT = 1000  # of a file that is only looked at; the others are counted


class RowDefectError(Exception):
    """What is wrong with one row: column, value, and what would be right."""


class Defect(NamedTuple):
    at: str
    problem: str


class Defects:
    """Raises ImportFileError at the first defect, or with `gather` keeps them."""

    def __init__(self, file: Path, *, gather: bool = False) -> None:
        self.file, self.gather, self.count = file, gather, 0
        self.kept: list[Defect] = []

    def add(self, at: str, problem: str) -> None:
        if not self.gather:
            raise ImportFileError(self.file, at, problem)
        if self.kept and self.kept[-1] == (at, problem):  # of each of a wide row's values
            return
        self.count += 1
        if len(self.kept) < MAX_KEPT:
            self.kept.append(Defect(at, problem))
