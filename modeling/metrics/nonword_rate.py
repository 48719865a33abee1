"""Does a text hold a word that nobody writes, such as one that a model put together from pieces of others?

A word is known where it stands in an English list, in a training story, or in a source or reference of another album
than its text's. So what a person wrote does not vouch for itself, and one rule holds for people and systems. The list
is that of the package `pyspellchecker`: 160,000 words with their inflections.

Left out, as no list can have them all: names, by the capital that a word has inside a sentence; words with digits;
placeholders such as [male]; single letters. A word with an apostrophe is known whole or by its parts, a hyphen parts
two words, and accents count for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import version
from unicodedata import category
from unicodedata import normalize as composed

from modeling.errors import ScoringError
from modeling.metrics.content_words import FUNCTION_WORDS
from modeling.metrics.metric import Need
from modeling.metrics.texts import MeanOfTexts, Texts
from modeling.text import normalize
from texts.folding import fold

PACKAGE = "pyspellchecker"
ENGLISH = 0.5  # of the words of sources and references in the list; below, they are of another language

_PLACEHOLDER = re.compile(r"\[ *\w+ *\]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PART = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:][\"')]*\s+|[\"(])[\"'(]*$")


class NonwordRate(MeanOfTexts):
    """Undefined where sources and references are not English."""

    name = "nonword_rate"
    description = "share of outputs that contain a non-word; best close to the human value"
    less_is_better = True
    needs = frozenset({Need.TRAINING_STORIES})

    def values(self, texts: Texts) -> tuple[list[float | None], dict[str, object]]:
        read = [
            (text, album)
            for segment, album in zip(texts.segments, texts.albums, strict=True)
            for text in (segment.source or "", *segment.references)
        ]
        known = KnownWords(texts.training_stories, read)
        found = [
            float(bool(known.nonwords(segment.output, album))) if known.english else None
            for segment, album in zip(texts.segments, texts.albums, strict=True)
        ]
        counted = {"list": list_signature(), "stories": len(set(texts.training_stories))}
        return found, {"case": "mixed", "tok": "words", **counted}


class KnownWords:
    """What is known of words: from training stories, and from (text, album) pairs of sources and references."""

    def __init__(self, stories: Iterable[str], texts: Iterable[tuple[str, Hashable]]) -> None:
        self.everywhere = english_words() | vocabulary(tuple(stories))
        self.albums: dict[str, Hashable] = {}  # of a word that is not known everywhere, where it stands in one alone
        several, count, listed = set(), 0, 0
        for text, album in texts:
            for part in parts(text):
                count, listed = count + 1, listed + (part in english_words())
                if part not in self.everywhere and self.albums.setdefault(part, album) != album:
                    several.add(part)
        self.everywhere |= several
        self.english = listed >= ENGLISH * count

    def nonwords(self, text: str, album: Hashable) -> list[str]:
        """The words of an album's text that are not known, lower-cased, in order."""
        return [word for word in words(text) if not self.knows(word, album)]

    def knows(self, word: str, album: Hashable) -> bool:
        return word in self.everywhere or all(
            part in self.everywhere or self.albums.get(part, album) != album for part in parts(word)
        )


def words(text: str) -> Iterator[str]:
    """The words of a text that a list can be asked for, lower-cased, without those that may be names."""
    text = _without_accents(_PLACEHOLDER.sub(" ", normalize(text, lowercase=False)))
    for found in _WORD.finditer(text):
        word = found[0]
        name = word[0].isupper() and not _SENTENCE_START.search(text, 0, found.start())
        if len(word) > 1 and not name and not any(sign.isdigit() for sign in word):
            yield word.lower()


def parts(text: str) -> list[str]:
    """Every stretch of two letters or more, lower-cased: "everyone's" has one, "everyone"."""
    return _PART.findall(_without_accents(fold(text)).lower())


@lru_cache(maxsize=1)
def vocabulary(texts: tuple[str, ...]) -> frozenset[str]:
    """Kept for the next system that is scored beside the same training stories."""
    return frozenset(part for text in texts for part in parts(text))


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Raises ScoringError where the package is not installed."""
    try:
        from spellchecker import SpellChecker
    except ImportError as error:
        raise ScoringError(f"nonword_rate: {PACKAGE} is not installed; it comes with the extra 'worker'") from error
    return frozenset(map(_without_accents, SpellChecker(language="en").word_frequency.keys())) | FUNCTION_WORDS


def list_signature() -> str:
    return f"{PACKAGE}-{version(PACKAGE)}"


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return composed("NFC", "".join(sign for sign in composed("NFD", text) if category(sign) != "Mn"))
