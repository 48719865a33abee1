"""Who is given whose source: everybody another's, nobody their own. By numpy alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def derangement(albums: Sequence[Hashable], seed: int) -> NDArray[np.int64] | None:
    """For each example one of another album, each taken once; None where one album holds more than half of them.

    Albums and their examples are shuffled into a row, album by album, and the row is turned by a drawn number of
    places that is no less than the largest album from either end, so that nobody meets their own album.
    """
    members: dict[Hashable, list[int]] = {}
    for index, album in enumerate(albums):
        members.setdefault(album, []).append(index)
    largest, count = max(map(len, members.values())), len(albums)
    if 2 * largest > count:
        return None
    generator = np.random.default_rng(seed)
    order = list(members)
    row = np.concatenate([generator.permutation(members[order[each]]) for each in generator.permutation(len(order))])
    turned = np.roll(row, generator.integers(largest, count - largest + 1))
    taken = np.empty(count, dtype=np.int64)
    taken[row] = turned
    return taken


def within_albums(photos: Mapping[int, tuple[Hashable, Hashable]], seed: int) -> dict[int, int]:
    """For each example one of another photo of its album, from each example's (album, photo). Those of an album with
    one photo have none.

    The photos of an album change places by a cycle drawn through all of them, so that each photo is taken once and each
    other one is as likely. The n-th example of a photo takes the n-th one of the photo drawn for it, in turns where
    that has fewer: examples of one photo never stand in for each other.
    """
    albums: dict[Hashable, dict[Hashable, list[int]]] = {}
    for example, (album, photo) in photos.items():
        albums.setdefault(album, {}).setdefault(photo, []).append(example)
    generator, taken = np.random.default_rng(seed), dict[int, int]()
    for members in albums.values():
        if len(members) < 2:
            continue
        examples = list(members.values())
        cycle = generator.permutation(len(examples))
        for one, other in zip(cycle, np.roll(cycle, 1), strict=True):
            for place, example in enumerate(examples[one]):
                taken[example] = examples[other][place % len(examples[other])]
    return taken
