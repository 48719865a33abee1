"""The one place where text is normalised, for models and for metrics alike."""

from __future__ import annotations

import re

PLACEHOLDERS = ("[male]", "[female]", "[location]", "[organization]")

_SPACE_BEFORE = re.compile(r"\s+(?=(?:[.,!?;:%)]|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b))", re.IGNORECASE)
_SPACE_AFTER = re.compile(r"(?<=\()\s+")
_DOUBLED_QUOTE = re.compile(r"``|''")


def normalize(text: str, *, lowercase: bool = True, detokenize: bool = True) -> str:
    """Collapse white space and, as asked, lower-case and undo tokenisation ("it was n't fun ." → "it wasn't fun.")."""
    if lowercase:
        text = text.lower()
    if detokenize:
        text = _DOUBLED_QUOTE.sub('"', text)
        text = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", text))
    return " ".join(text.split())
