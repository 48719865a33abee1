"""The one place where text is normalised, for models and for metrics alike: folded first (`texts.folding`)."""

from __future__ import annotations

import re
from unicodedata import category
from unicodedata import normalize as composed

from texts.folding import fold

_BELONGING = ("Mn", "Mc", "Me", "Cf")
PLACEHOLDERS = ("[male]", "[female]", "[location]", "[organization]")
# Vowel signs, accents and joiners, which belong to what is before them and are no `\w` to `re`.
ATTACHED = "".join(
    sign for sign in map(chr, [*range(0x300, 0x20000), *range(0xE0000, 0xE0200)]) if category(sign) in _BELONGING
)

_SPACE_BEFORE = re.compile(r"\s+(?=(?:[.,!?;:%)]|n't\b|'(?:s|re|ve|ll|d|m)\b))", re.IGNORECASE)
_SPACE_AFTER = re.compile(r"(?<=\()\s+")
_DOUBLED_QUOTE = re.compile(r"``|''")
_NOT_LETTERS = re.compile(r"[^a-zA-Z]+")
_MARKS = re.compile(
    rf"\[\w+\]|\w[\w{ATTACHED}]*(?:['-]\w[\w{ATTACHED}]*)*|[^\w\s](?:[{ATTACHED}]+|(?<=\u200d)[^\w\s])*"
)
_PLACEHOLDER = re.compile(r"\[ *(male|female|location|organization) *\]")
_PLACEHOLDER_WORDS = {"location": "that place", "organization": "that group"}
_APOSTROPHES = str.maketrans("", "", "'`")


def normalize(text: str, *, lowercase: bool = True, detokenize: bool = True) -> str:
    """Fold and, as asked, lower-case and undo tokenisation ("it was n't fun ." → "it wasn't fun.")."""
    text = fold(text)
    if lowercase:
        text = text.lower()
    if detokenize:
        text = _DOUBLED_QUOTE.sub('"', text)
        text = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", text))
    return " ".join(text.split())


def letters_only(text: str) -> str:
    """Every run of anything but the letters a to z as one space: the 2018 reference's cleaning."""
    return _NOT_LETTERS.sub(" ", fold(text)).strip()


def split_marks(text: str) -> str:
    """White space between words and marks, for vocabularies of words: "fun." → "fun .", "don't" and "[male]" stay."""
    return " ".join(_MARKS.findall(text))


def plain_words(text: str) -> str:
    """The words alone, lower-cased, a space between them: what is left where typography must tell nothing.

    Every mark goes: an apostrophe or a joiner joins what is beside it ("did n't" → "didnt"), any other parts it
    ("ice-cream" → "ice cream"). A placeholder for a name becomes words ("[male]" → "someone"), since most data sets
    keep the names.
    """
    text = normalize(composed("NFKC", fold(text)))
    text = _PLACEHOLDER.sub(lambda found: f" {_PLACEHOLDER_WORDS.get(found[1], 'someone')} ", text)
    signs = ((sign, category(sign)) for sign in text.translate(_APOSTROPHES))
    kept = (sign if kind[0] in "LMN" else " " for sign, kind in signs if kind != "Cf")
    return " ".join("".join(kept).split())
