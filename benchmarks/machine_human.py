"""Ten CPU-minutes on `machine_human`, one drawn machine sentence a reference: the source gain on test albums."""

import argparse
import random
import tempfile
from pathlib import Path

from benchmarks.common import print_result, read_jsonl, shared, write_jsonl
from benchmarks.learning import learn


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--set", nargs="*", default=["budget=600"])
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [example_file(split, Path(folder)) for split in ("train", "valid", "test")]
        table = learn(*files, settings=given.set, beside={})
    print_result(
        source_gain=table["model"]["source_gain"]["value"],
        source_gain_ci=table["model"]["source_gain"]["ci"],
        nll=table["model"]["nll"]["value"],
        unique=table["model"]["unique"]["value"],
        figure="source_gain >= 0.15",
    )


def example_file(split: str, folder: Path) -> Path:
    """One example a reference; its source is drawn, by a fixed seed, from what six systems wrote for the photo."""
    draw, examples = random.Random(1), []
    for row in read_jsonl(shared("machine_human", f"{split}.jsonl")):
        texts = [text for written in row["machine"].values() for text in written if text.strip()]
        for number, sentence in enumerate(row["human"]):
            name = f"{row['album']}-{row['photo']}-{number}"
            example = {"id": name, "source": draw.choice(texts), "references": [sentence], "album": row["album"]}
            examples.append(example)
    return write_jsonl(folder / f"{split}.jsonl", iter(examples))


if __name__ == "__main__":
    main()
