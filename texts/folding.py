"""One folding for all that reads a text: what raters are shown, what metrics compare, what models learn from.

Two texts that a reader cannot tell apart, or that differ only in how quotation marks, apostrophes, dashes, an ellipsis
or white space were typed, are one text. The signs of ASCII stay what they are, so that metrics of plain text are those
of any other program.

What is invisible is decided by Unicode 15's own documents. Taken out, nothing in its place:

- the format characters with the property Default_Ignorable_Code_Point (UAX #44, DerivedCoreProperties.txt), such as the
  soft hyphen (U+00AD), the word joiner (U+2060) and U+FEFF, which the standard says to ignore but for line breaks
  (section 23.2), and the marks of direction (UAX #9, section 2: to be ignored in comparisons);
- the zero width space (U+200B) too: it has neither width nor the property White_Space;
- control characters (section 23.1), but for those that are white space.

Kept: the joiners U+200C and U+200D, which change what is seen in Persian, Indic scripts and emoji (section 23.2; UTS
#51), but for those between Latin letters, where they do nothing; variation selectors and the tags of flags (UTS #51).
"""

import re
import unicodedata

SIGNATURE = "fold:1"  # of the rules below: another version of them gets another number

_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85}
_INVISIBLE = {
    0x00AD,  # soft hyphen
    0x061C,  # Arabic letter mark
    0x180E,  # Mongolian vowel separator
    0x200B,  # zero width space
    *(0x200E, 0x200F),  # marks of direction
    *range(0x202A, 0x202F),  # embeddings and overrides of direction
    *range(0x2060, 0x2065),  # word joiner, invisible operators
    *range(0x2066, 0x2070),  # isolates of direction, deprecated format characters
    0xFEFF,  # zero width no-break space, byte order mark
    *range(0x1BCA0, 0x1BCA4),  # shorthand format
    *range(0x1D173, 0x1D17B),  # musical format
    0xE0001,  # language tag
}
_ALIKE = {
    "'": "‘’‚‛′´ʼ＇‹›",
    '"': "“”„‟″＂«»",
    "-": "‐‑−﹣－",  # hyphens, and minus
    " - ": "‒–—―⸺⸻﹘",  # dashes, with or without spaces
    "...": "…",
}
_REMOVED = dict.fromkeys(_CONTROLS | _INVISIBLE)
_SET_ALIKE = str.maketrans({sign: instead for instead, signs in _ALIKE.items() for sign in signs})
_IDLE_JOINERS = re.compile(r"(?<![^\x00-\u02ff\s])[\u200c\u200d]+(?![^\x00-\u02ff\s])")


def fold(text: str) -> str:
    """The text in NFC, its signs set alike, without invisible ones, each stretch of white space one blank, none at
    either end. Idempotent; an invisible sign never becomes a blank inside a word."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text.translate(_REMOVED)).translate(_SET_ALIKE)
        text = _IDLE_JOINERS.sub("", text)
    return " ".join(text.split())
