"""When two rows are the same content: by their ids where they have any, else by their texts, which are the same where
readers, metrics and models take them for one (`texts.folding`)."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from texts.folding import fold

MADE_UP = "row-"  # begins the id of a row whose file gives it none
NEAR = 0.8  # from here on, of 1, a text is another writing of the other one


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(map(fold, texts)).encode()).hexdigest()


def row_id(split: str, captions: Sequence[str], references: Sequence[str]) -> str:
    """The id of a row that has none: the same texts in the same split have the same. Its halves are those of the
    captions and of the references, so that a row is known by one of them when the other was mended."""
    return f"{MADE_UP}{digest(split, *captions)[:16]}-{digest(split, *references)[:16]}"


def row_halves(made_up: str) -> tuple[str, str]:
    captions, references = made_up.removeprefix(MADE_UP).split("-")[:2]
    return captions, references


def reference_id(photo: str, text: str) -> str:
    """The id of a reference of its own, outside a story: one photo has the same text once."""
    return f"ref-{digest(photo, text)[:24]}"


def unique(texts: Iterable[str]) -> list[str]:
    """Each text once, in order."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(fold(text), text)
    return list(found.values())


def near(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= NEAR and matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR


@dataclass
class Matched:
    """Places in a given list by those in the stored one: of the same text, and of a text that was changed."""

    same: dict[int, int] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)

    @property
    def places(self) -> dict[int, int]:
        return self.same | self.changed


def match_texts(stored: Sequence[str], given: Sequence[str]) -> Matched:
    """Hold a list of texts without ids against what is stored, whatever their order.

    A text that is not there is a changed one where a stored text that the list lacks is nearly the same, or where the
    lists are as long as each other and share a text; else it is a new one.
    """
    there: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(stored):
        there[fold(text)].append(place)
    matched, free = Matched(), dict.fromkeys(range(len(stored)))
    for place, text in enumerate(given):
        if places := there.get(fold(text)):
            matched.same[place] = places.pop(0) if len(places) > 1 else places[0]
            free.pop(matched.same[place], None)
    rest = [place for place in range(len(given)) if place not in matched.same]
    for place in rest:
        found = next((other for other in free if near(fold(stored[other]), fold(given[place]))), None)
        if found is not None:
            matched.changed[place] = found
            del free[found]
    if matched.same and len(stored) == len(given):
        rest = [place for place in rest if place not in matched.changed]
        matched.changed |= dict(zip(rest, free, strict=False))
    return matched
