"""Four CPU-minutes on `caption_story`: different greedy outputs for the 500 test captions, and the source gain.

The captions come without albums, so that each stands alone in intervals and derangements.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.common import print_result, read_jsonl, shared, write_jsonl
from benchmarks.learning import learn
from modeling.config import load_preset


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--set", nargs="*", default=["budget=240"])
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [example_file(split, Path(folder)) for split in ("train", "valid", "test")]
        lstm = {str(row["id"]): row["seed_lstm"] for row in read_jsonl(shared("caption_story", "test.jsonl"))}
        configs = {"model": load_preset("gru-luong", given.set)}
        table = learn(*files, configs=configs, directory=Path(folder), beside={"seed_lstm": lstm})
    print_result(
        unique=table["model"]["unique"]["value"],
        source_gain=table["model"]["source_gain"]["value"],
        source_gain_ci=table["model"]["source_gain"]["ci"],
        nll=table["model"]["nll"]["value"],
        seed_lstm_unique=table["seed_lstm"]["unique"]["value"],
        figure="unique >= 150 with source_gain >= 0.03",
    )


def example_file(split: str, folder: Path) -> Path:
    rows = read_jsonl(shared("caption_story", f"{split}.jsonl"))
    examples = ({"id": str(row["id"]), "source": row["caption"], "references": [row["story"]]} for row in rows)
    return write_jsonl(folder / f"{split}.jsonl", examples)


if __name__ == "__main__":
    main()
