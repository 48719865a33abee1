"""A taste that simulated raters have, whatever the system: planted, to be learned from their ratings alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from annotations.errors import InputError

MAX_LIKING = 6.0
MOST_WORDS = 100
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Taste:
    """Words that raters like: a text with one of them seems better by `liking` standard deviations than one without,
    whatever the system. What a system is told of it is the ratings alone."""

    words: Sequence[str]
    liking: float

    def likes(self, text: str) -> bool:
        return not {word.casefold() for word in self.words}.isdisjoint(WORD.findall(text.casefold()))

    def worth(self, text: str) -> float:
        return self.liking / 2 if self.likes(text) else -self.liking / 2


def check_taste(taste: Taste) -> None:
    """Raises InputError for words that are none, and for a liking that is out of range."""
    for word in taste.words:
        if not WORD.fullmatch(word):
            raise InputError("taste", f"'{word}' must be a single word of letters and digits")
    if not 1 <= len(taste.words) <= MOST_WORDS:
        raise InputError("taste", f"{len(taste.words)} words must be from 1 to {MOST_WORDS}")
    if not -MAX_LIKING <= taste.liking <= MAX_LIKING:
        raise InputError("liking", f"{taste.liking:g} must be from {-MAX_LIKING:g} to {MAX_LIKING:g}")
