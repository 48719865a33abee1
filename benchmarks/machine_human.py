"""Fifteen CPU-minutes on `machine_human`, from what the system `arel` wrote for a photo to what people wrote for it.

Three trainings of the same budget: the preset as it is (`plain`); `looking`, the answer to models that do not look at
their source, with smaller batches, less dropout and now and then a word of the source left out; and `denoising`, the
same with the first fifth of the time spent on putting words back into texts. Reported are source gain and loss on the
test albums, the differences of the losses, and how many different texts each writes greedily for the test photos,
beside how many different sources those have.
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
LOOKING = ["dropout=0.2", "token_budget=512", "word_dropout=0.1"]
ARMS: dict[str, list[str]] = {"plain": [], "looking": LOOKING, "denoising": [*LOOKING, "denoising=0.2"]}


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
        plain, test = folder / "plain" / "final", files[2]
        differences = {arm: loss_difference(folder / arm / "final", plain, test) for arm in ARMS if arm != "plain"}
    for arm, count in different.items():
        print(f"{arm}: {count} different texts for {len(photos)} photos of {sources} different sources")
    for arm, difference in differences.items():
        print(f"loss of {arm} minus that of plain, nats a word: {{:.3f}} [{{:.3f}}, {{:.3f}}]".format(*difference))
    print_result(
        source_gain={arm: table[arm]["source_gain"]["value"] for arm in ARMS},
        source_gain_ci={arm: table[arm]["source_gain"]["ci"] for arm in ARMS},
        source_gain_within_album={arm: table[arm]["source_gain_within_album"]["value"] for arm in ARMS},
        nll={arm: table[arm]["nll"]["value"] for arm in ARMS},
        nll_difference=differences,
        share_of_different={arm: count / sources for arm, count in different.items()},
        figure="looking: source_gain >= 0.20, nll not worse than plain, >= 60 % of the different sources",
    )


def example_file(split: str, folder: Path) -> Path:
    """One example a reference; its source is drawn, by a fixed seed, from what the system wrote for the photo."""
    draw, examples = random.Random(1), []
    for row in read_jsonl(shared("machine_human", f"{split}.jsonl")):
        texts = [text for text in row["machine"].get(SYSTEM, []) if text.strip()]
        for number, sentence in enumerate(row["human"] if texts else []):
            name = f"{row['album']}-{row['photo']}-{number}"
            example = {"id": name, "source": draw.choice(texts), "references": [sentence]}
            examples.append({**example, "album": row["album"], "photo": row["photo"]})
    return write_jsonl(folder / f"{split}.jsonl", iter(examples))


def test_photos() -> list[Example]:
    """The test photos, each with the first text that the system wrote for it."""
    rows = read_jsonl(shared("machine_human", "test.jsonl"))
    return [Example(f"{row['album']}-{row['photo']}", row["machine"][SYSTEM][0]) for row in rows]


if __name__ == "__main__":
    main()
