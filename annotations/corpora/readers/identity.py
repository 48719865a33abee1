"""When two rows are the same content: by their ids where they have any, else by their texts, which are the same where
readers, metrics and models take them for one (`texts.folding`)."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from texts.folding import fold

MADE_UP = "row-"  # begins the id of a row whose file gives it none
NEAR = 0.8  # of 1: how alike a text and another writing of it are at least
SPELT_ALIKE = 0.6  # of 1: the same of words that stand for one another; `teh` and `the` have two thirds
WORD = re.compile(r"\w+")
Halves = tuple[Sequence[str], Sequence[str]]  # captions and references of a row


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(map(fold, texts)).encode()).hexdigest()


def row_id(split: str, photo: str, captions: Sequence[str], references: Sequence[str]) -> str:
    """The id of a row that has none: the same texts in the same split, in any order and however often, have the same.
    Its halves are those of the captions, with the photo's id if there is one, and of the references, so that a row is
    known by one of them when the other was mended."""
    halves = digest(split, photo, *in_order(captions)), digest(split, *in_order(references))
    return MADE_UP + "-".join(half[:16] for half in halves)


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


def in_order(texts: Iterable[str]) -> list[str]:
    """Each text once, folded, in an order of their own."""
    return sorted(set(map(fold, texts)))


def near(one: str, other: str) -> bool:
    """Whether a text is another writing of the other one: much the same, and where it has other words, these are spelt
    alike. `everyone had fun` and `everyone had a beer` are two texts, whatever both begin with."""
    one, other = fold(one).casefold(), fold(other).casefold()
    if not alike(one, other, NEAR):
        return False
    words, others = WORD.findall(one), WORD.findall(other)
    return all(
        alike(" ".join(words[start:end]), " ".join(others[its_start:its_end]), SPELT_ALIKE)
        for change, start, end, its_start, its_end in SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
        if change == "replace"
    )


def alike(one: str, other: str, least: float) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least and matcher.ratio() >= least


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
        found = next((other for other in free if near(stored[other], given[place])), None)
        if found is not None:
            matched.changed[place] = found
            del free[found]
    if matched.same and len(stored) == len(given):
        rest = [place for place in rest if place not in matched.changed]
        matched.changed |= dict(zip(rest, free, strict=False))
    return matched


def same_row(old_id: str, new_id: str, stored: Halves, given: Halves) -> bool:
    """Whether a row without ids is a stored one of which one half was mended: the other half is as it was, and the
    mended one has as many texts, each the same or another writing by `match_texts`."""
    kept = [old == new for old, new in zip(row_halves(old_id), row_halves(new_id), strict=True)]
    return any(kept) and all(
        same or len(old) == len(new) == len(match_texts(old, new).places)
        for same, old, new in zip(kept, stored, given, strict=True)
    )


def match_ranks(stored: Mapping[int, str], given: Mapping[int, str]) -> tuple[int, list[tuple[int, str, str | None]]]:
    """Hold a source's outputs by rank against the stored ones, whose place they take whole. Returns how many are the
    same, and (rank, old, new) of those that are not; new is None where the given ones end before."""
    same = {rank for rank, old in stored.items() if rank in given and fold(given[rank]) == fold(old)}
    return len(same), [(rank, old, given.get(rank)) for rank, old in sorted(stored.items()) if rank not in same]
