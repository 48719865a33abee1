"""Texts made worse on purpose, to see whether raters notice: of each sentence its words shuffled or its end cut off, or
the text of another source."""

import itertools
import random
from collections.abc import Callable

from texts.stories import story_lines

LEAST_WORDS = 5  # with fewer it would hardly show
ENDS = ".!?…\"'”’)"


def shuffled(words: list[str], draw: random.Random) -> list[str]:
    """No word stays beside the one that followed it, if that can be had in a few tries; the order is another one."""
    followed = set(itertools.pairwise(words))
    best, kept = words, len(words)
    for _ in range(20):
        order = draw.sample(words, len(words))
        still = sum(pair in followed for pair in itertools.pairwise(order))
        if order != words and still < kept:
            best, kept = order, still
        if not kept:
            break
    return best


def cut(words: list[str], draw: random.Random) -> list[str]:
    """The first half."""
    return words[: len(words) // 2]


DEGRADATIONS: dict[str, Callable[[list[str], random.Random], list[str]] | None] = {
    "word_order": shuffled,
    "truncation": cut,
    "swapped_source": None,
}


def degraded(text: str, degradation: str, draw: random.Random, other: str = "") -> str | None:
    """The text made worse, with its capital and its full stop where they belong; None where it is too short or would
    stay as it is. `other` is a text of another source. Lines are degraded one by one, so that each stays at its photo.
    """
    make = DEGRADATIONS[degradation]
    if make is None:
        fits = len(story_lines(other)) == len(story_lines(text))
        return other if other and other != text and fits else None
    lines = [worse_line(line, make, draw) for line in story_lines(text)]
    if any(line is None for line in lines):
        return None
    made = "\n".join(line for line in lines if line)
    return made if made != text else None


def worse_line(line: str, make: Callable[[list[str], random.Random], list[str]], draw: random.Random) -> str | None:
    body = line.rstrip(ENDS)
    words = body.split()
    if len(words) < LEAST_WORDS:
        return None
    first = words[0] if words[0] == "I" or words[0][1:] != words[0][1:].lower() else words[0][0].lower() + words[0][1:]
    made = make([first, *words[1:]], draw)
    return made[0][0].upper() + made[0][1:] + " ".join(["", *made[1:]]) + line[len(body) :]
