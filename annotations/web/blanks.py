"""Parts of a page that are the same each time but for a few values: rendered once with a blank for each value, and then
filled in, which takes a small part of the time."""

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from uuid import uuid4

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

MAX_KEPT = 500  # of a process
kept: dict[Hashable, list[str]] = {}  # text and the name of a value in turns


def filled(
    template: str, key: Hashable, values: Mapping[str, object], context: Callable[[dict[str, str]], dict[str, Any]]
) -> SafeString:
    """The template with the values, as text, where `context` puts a blank for each. It is asked once for the same key,
    language and names of values: the key holds all else that it and the template use. A blank is a random UUID, which
    can stand in an address too, and is in no text."""
    known = (template, key, get_language(), tuple(values))
    parts = kept.get(known)
    if parts is None:
        blanks = {name: str(uuid4()) for name in values}
        names = {blank: name for name, blank in blanks.items()}
        pieces = re.split(f"({'|'.join(names)})", render_to_string(template, context(blanks)))
        parts = [names.get(piece, piece) for piece in pieces]
        if len(kept) >= MAX_KEPT:
            kept.clear()
        kept[known] = parts
    words = parts.copy()
    words[1::2] = [escape(values[name]) for name in parts[1::2]]
    return mark_safe("".join(words))
