"""The one normalisation that every candidate passes before a rater sees it, the human's too.

Typography alone tells people from machines: nearly all human sentences begin with a capital, and hardly a machine's
does. So every text is taken down to its words and set again by the same rules. What is lost is the same for all: names
lose their capitals.
"""

import re
import unicodedata

_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
_DOUBLED_QUOTE = re.compile(r"``|''")
_SPACE_BEFORE = re.compile(r"\s+(?=[.,!?;:%)\]]|n't\b|'(?:s|re|ve|ll|d|m)\b)")
_SPACE_AFTER = re.compile(r"(?<=[(\[])\s+")
_PLACEHOLDER = re.compile(r"\[\s*(male|female|location|organization)\s*\]")
_I = re.compile(r"(?<![\w'-])i(?![\w-])")
_START = re.compile(r"(?:^|(?<=[.!?]\s)|(?<=[.!?][\"')]\s))([\"'(]*)([^\W\d_])")
_QUOTED = re.compile(r'"\s*([^"]*?)\s*"')
_ENDED = re.compile(r"[.!?][\"')\]]*$")


def normalise(text: str) -> str:
    """Lower-cased, detokenised, then cased by rule: starts of sentences and the pronoun "I"; closed by a full stop
    where no mark closes it. Idempotent; an empty text stays empty."""
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    text = " ".join(_DOUBLED_QUOTE.sub('"', text).lower().split())
    text = _QUOTED.sub(r'"\1"', text)
    text = _PLACEHOLDER.sub(r"[\1]", text)
    text = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", text))
    if not text:
        return ""
    if not _ENDED.search(text):
        text = text.rstrip(" ,;:-") + "." if text.rstrip(" ,;:-") else text
    text = _I.sub("I", text)
    return _START.sub(lambda found: found[1] + capital(found[2]), text)


def capital(letter: str) -> str:
    upper = letter.upper()
    return upper if len(upper) == 1 else letter  # "ß" has no capital of its own
