"""A small world to train on: what a caption names, its story speaks of."""

import json
import random
from pathlib import Path

NOUNS = ["dog", "boat", "kite", "cake", "band", "tree", "car", "lake"]
PLACES = ["beach", "park", "house", "street"]


def write_examples(file: Path, count: int, seed: int = 1) -> Path:
    draw = random.Random(seed)
    with file.open("w") as out:
        for number in range(count):
            noun, place = draw.choice(NOUNS), draw.choice(PLACES)
            row = {
                "id": f"e{number}",
                "source": f"a {noun} is at the {place}",
                "references": [f"We loved the {noun} so much .", f"The {place} was lovely ."][: 1 + number % 2],
                "album": f"a{number // 3}",
            }
            out.write(json.dumps(row) + "\n")
    return file
