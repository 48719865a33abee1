"""What people type to search for, and the words of it marked in a text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

MAX_TYPED, MAX_WORDS = 200, 12
MIN_BEGINNING = 3  # letters before a star: fewer begin too many words
MAX_SHOWN, AROUND = 600, 200  # letters of a text, and before the first word that was found
TYPED = re.compile(r"([^\W_]+)(\*?)")
LETTERS = re.compile(r"[^\W_]+")


class Word(NamedTuple):
    """Letters and digits, nothing else; `begins`: of the words that begin so."""

    text: str
    begins: bool = False


def words_of(typed: str) -> list[Word]:
    """What is neither letter nor digit stands between words, but a star behind the beginning of one."""
    found = TYPED.findall(typed[:MAX_TYPED])[:MAX_WORDS]
    return [Word(text.lower(), bool(star) and len(text) >= MIN_BEGINNING) for text, star in found]


def marked(text: str, words: Sequence[Word]) -> SafeString:
    """The text with the words in `<mark>`; of a long one the part around the first."""
    hits = [match for match in LETTERS.finditer(text) if sought(match[0].lower(), words)]
    start, end = 0, len(text)
    if end > MAX_SHOWN:
        start = max(hits[0].start() - AROUND, 0) if hits else 0
        end = start + MAX_SHOWN
    parts, at = ["…"] if start else [], start
    for hit in hits:
        if hit.start() >= at and hit.end() <= end:
            parts += [escape(text[at : hit.start()]), format_html("<mark>{}</mark>", hit[0])]
            at = hit.end()
    parts += [escape(text[at:end]), "…" if end < len(text) else ""]
    return mark_safe("".join(parts))


def sought(letters: str, words: Sequence[Word]) -> bool:
    return any(letters.startswith(word.text) if word.begins else letters == word.text for word in words)
