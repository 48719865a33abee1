"""The one normalisation that every candidate passes before a rater sees it, the human's too.

Typography alone tells people from machines: nearly all human sentences begin with a capital, a sixth of them have
marks inside, and hardly a machine's does. So every text is folded, as metrics and models fold it (`texts.folding`),
taken down to its words and set again by the same rules.
What is lost is the same for all: names lose their capitals; commas, quotation marks, brackets and dashes go; an
exclamation mark becomes a full stop; a placeholder for a name becomes a word. What belongs to a word stays: "don't",
"ice-cream", "3,000", "4:30".
"""

import re
import unicodedata

from texts.folding import fold
from texts.stories import story_lines, story_text

_ALIKE = str.maketrans({"`": "'", "。": ". ", "！": "! ", "？": "? "})
_ABBREVIATION = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}")
_IN_WORDS = frozenset(".!?'-[],:/&%@#")  # of the punctuation; symbols such as a currency's or an emoji are words
_PLACEHOLDERS = {  # what stands for a name in some data sets, and hardly ever in what a person wrote
    "male": "someone",
    "female": "someone",
    "location": "that place",
    "organization": "that group",
}
_SIGN = r"[^\s.!?'\-\[\],:/]+"
_TOKEN = re.compile(
    rf"(?P<placeholder>\[ *(?:{'|'.join(_PLACEHOLDERS)}) *\])"
    r"|(?P<clitic>(?<=\s)(?:n't|'(?:s|re|ve|ll|d|m))(?![^\W_]))"
    rf"|(?P<word>{_SIGN}(?:(?:['-]|(?<=\d)[.,:/](?=\d)){_SIGN})*)"
    r"|(?P<stop>[.!?]+)"
)
_I = re.compile(r"i(?:'.*)?[.?]?")
_WORD = re.compile(r"[a-z0-9]+")
_WORDS = r"[a-z0-9]+(?:(?: ?,)? [a-z0-9]+)*"
_SIMPLE = re.compile(rf"{_WORDS}(?: ?[.!?] {_WORDS})*(?: ?[.!?]+)*")
_SENTENCE = re.compile(rf"({_WORDS})([ .!?]*)")


def normalise(text: str) -> str:
    """Lower-cased, detokenised, without marks inside a sentence, then cased by rule (starts of sentences, and the
    pronoun "I"), closed by a full stop or a question mark. Idempotent; an empty text stays empty."""
    return _simple(text) or _simple(once := _set_anew(text)) or _set_whole(once)


def normalise_story(text: str, *, by_photo: bool) -> str:
    """A story's text, in which a line is a sentence that its writer gave apart. Each is normalised, which closes it,
    and all of them together once more, so that nothing tells whether they came apart; or `by_photo` a line each."""
    lines = [normalise(line) for line in story_lines(text)]
    return story_text(lines) if by_photo else normalise(" ".join(lines))


def _simple(text: str) -> str:
    """As `_set_whole` sets it, for sentences of plain words, which most are; empty for any other text."""
    lowered = fold(text).lower()
    if not _SIMPLE.fullmatch(lowered):
        return ""
    words: list[str] = []
    for sentence, end in _SENTENCE.findall(lowered):
        first, *rest = _WORD.findall(sentence)
        words += [first[0].upper() + first[1:], *("I" if word == "i" else word for word in rest)]
        words[-1] += "?" if "?" in end else "."
    return " ".join(words)


def _set_whole(text: str) -> str:
    while (again := _set_anew(text)) != text:  # what was beside a mark may join once the mark is gone
        text = again
    return text


def _set_anew(text: str) -> str:
    text = unicodedata.normalize("NFC", fold(text).lower()).translate(_ALIKE)
    text = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), text.translate(_PLAIN).replace("''", " "))
    text = " ".join(text.split())
    words: list[str] = []
    tokens = list(_TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        found, kind = token[0], token.lastgroup
        if kind == "stop":
            pause = len(found) > 1 and not found.strip(".") and place < len(tokens) - 1
            if words and not pause:
                words[-1] = words[-1].rstrip(".?") + ("?" if "?" in found or words[-1].endswith("?") else ".")
        elif kind == "clitic" and words and not words[-1].endswith((".", "?")):
            words[-1] += found
        elif kind == "placeholder":
            words.append(_PLACEHOLDERS[found.strip("[] ")])
        else:
            words.append(found.strip("'"))
    if not words:
        return "." if tokens else ""
    if not words[-1].endswith((".", "?")):
        words[-1] += "."
    starts = [True, *(word.endswith((".", "?")) for word in words[:-1])]
    return " ".join(_cased(word, start) for word, start in zip(words, starts, strict=True))


class _Plain(dict[int, str]):
    """A sign, or a space for one that is neither a letter's nor a word's, by code point. A joiner is a word's."""

    def __missing__(self, point: int) -> str:
        sign = chr(point)
        category = unicodedata.category(sign)
        if sign in _IN_WORDS or category == "Cf":
            plain = sign
        else:
            plain = " " if category[0] in "PZC" or category == "Sk" else sign
        self[point] = plain
        return plain


_PLAIN = _Plain()


def _cased(word: str, start: bool) -> str:
    if start or (word[0] == "i" and _I.fullmatch(word)):
        upper = word[0].upper()
        return (upper if len(upper) == 1 else word[0]) + word[1:]  # "ß" has no capital of its own
    return word


def sentences(shown: str) -> int:
    """How many sentences a text has that was normalised."""
    return len(re.findall(r"[.?](?:\s|$)", shown))
