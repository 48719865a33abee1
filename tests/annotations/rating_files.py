"""Reading a file of ratings in tests, and what it says as plain counts."""

from collections import Counter
from pathlib import Path
from typing import Any

from annotations.campaigns.readers import RatingContent, rating_options, read_ratings

Scores = dict[tuple[str, str, str, str, str], list[float]]


def read(file: Path | list[Path], **options: Any) -> RatingContent:
    files = file if isinstance(file, list) else [file]
    return read_ratings(files, rating_options(options))


def scores(content: RatingContent) -> Scores:
    """By album, item, system, rater and criterion, the repeats in their order."""
    found: Scores = {}
    for screen in sorted(content.screens, key=lambda screen: screen.repeat):
        for criterion, by_system in screen.scores.items():
            for system, given in by_system.items():
                found.setdefault((*screen.place, system, screen.rater, criterion), []).append(float(given.value))
    return found


def choices(content: RatingContent) -> Counter[tuple[str, str, str]]:
    """How often a rater chose the first of two systems over the second; ties stand under `tie`."""
    found: Counter[tuple[str, str, str]] = Counter()
    for screen in content.screens:
        for given in screen.choices.values():
            one, other = screen.systems
            if given.value == "tie":
                found["tie", *sorted((one, other))] += 1  # type: ignore[index]
            else:
                found[screen.rater, str(given.value), other if given.value == one else one] += 1
    return found
