"""The one place where text is normalised, for models and for metrics alike."""

from __future__ import annotations

import re

PLACEHOLDERS = ("[male]", "[female]", "[location]", "[organization]")

_SPACE_BEFORE = re.compile(r"\s+(?=(?:[.,!?;:%)]|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b))", re.IGNORECASE)
_SPACE_AFTER = re.compile(r"(?<=\()\s+")
_DOUBLED_QUOTE = re.compile(r"``|''")
_NOT_LETTERS = re.compile(r"[^a-zA-Z]+")
_MARKS = re.compile(r"\[\w+\]|\w+(?:['’-]\w+)*|[^\w\s]")


def normalize(text: str, *, lowercase: bool = True, detokenize: bool = True) -> str:
    """Collapse white space and, as asked, lower-case and undo tokenisation ("it was n't fun ." → "it wasn't fun.")."""
    if lowercase:
        text = text.lower()
    if detokenize:
        text = _DOUBLED_QUOTE.sub('"', text)
        text = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", text))
    return " ".join(text.split())


def letters_only(text: str) -> str:
    """Every run of anything but the letters a to z as one space: the 2018 reference's cleaning."""
    return _NOT_LETTERS.sub(" ", text).strip()


def split_marks(text: str) -> str:
    """White space between words and marks, for vocabularies of words: "fun." → "fun .", "don't" and "[male]" stay."""
    return " ".join(_MARKS.findall(text))
