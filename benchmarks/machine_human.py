"""Fifteen CPU-minutes on `machine_human`, from what the system `arel` wrote for a photo to what people wrote for it.

Two trainings of the same budget: the preset as it is (`plain`), and `looking`, which is the answer to models that do
not look at their source. Reported are source gain and loss on the test albums, the difference of the two trainings'
losses, and how many different texts each writes greedily for the test photos, beside how many sources those have.
"""

import argparse
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.common import print_result, read_jsonl, shared, write_jsonl
from benchmarks.learning import GREEDY, learn, loss_difference
from modeling.config import load_preset
from modeling.corpus import Example
from modeling.decoding import decode

SYSTEM = "arel"
ARMS: dict[str, list[str]] = {"plain": ["precision=bf16"], "looking": ["precision=bf16", "denoising=0.3"]}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--set", nargs="*", default=["budget=900"], help="settings of both trainings")
    options.add_argument("--directory", type=Path, help="keep the trainings there, and go on with those that are there")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = given.directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        files = [example_file(split, folder) for split in ("train", "valid", "test")]
        configs = {arm: load_preset("gru-luong", [*settings, *given.set]) for arm, settings in ARMS.items()}
        table = learn(*files, configs=configs, directory=folder, beside={})
        photos = test_photos()
        sources = len({photo.source for photo in photos})
        different = {arm: len({each.text for each in decode(folder / arm / "final", photos, GREEDY)}) for arm in ARMS}
        difference = loss_difference(folder / "looking" / "final", folder / "plain" / "final", files[2])
    for arm, count in different.items():
        print(f"{arm}: {count} different texts for {len(photos)} photos of {sources} different sources")
    print("loss of looking minus that of plain, nats a word: {:.3f} [{:.3f}, {:.3f}]".format(*difference))
    print_result(
        source_gain=table["looking"]["source_gain"]["value"],
        source_gain_ci=table["looking"]["source_gain"]["ci"],
        plain_source_gain=table["plain"]["source_gain"]["value"],
        nll=table["looking"]["nll"]["value"],
        plain_nll=table["plain"]["nll"]["value"],
        nll_difference=difference,
        share_of_different={arm: count / sources for arm, count in different.items()},
        figure="source_gain >= 0.20, nll not worse than plain, >= 60 % of the different sources",
    )


def example_file(split: str, folder: Path) -> Path:
    """One example a reference; its source is drawn, by a fixed seed, from what the system wrote for the photo."""
    draw, examples = random.Random(1), []
    for row in read_jsonl(shared("machine_human", f"{split}.jsonl")):
        texts = [text for text in row["machine"].get(SYSTEM, []) if text.strip()]
        for number, sentence in enumerate(row["human"] if texts else []):
            name = f"{row['album']}-{row['photo']}-{number}"
            example = {"id": name, "source": draw.choice(texts), "references": [sentence], "album": row["album"]}
            examples.append(example)
    return write_jsonl(folder / f"{split}.jsonl", iter(examples))


def test_photos() -> list[Example]:
    """The test photos, each with the first text that the system wrote for it."""
    rows = read_jsonl(shared("machine_human", "test.jsonl"))
    return [Example(f"{row['album']}-{row['photo']}", row["machine"][SYSTEM][0]) for row in rows]


if __name__ == "__main__":
    main()
