"""The 2018 reference's collapse, and what stands against it: how many different sentences a model writes.

`seed-lstm` is trained as the reference was, on captions paired with sentences by place, and `gru-luong` for the same
CPU time. On the synthetic samples, which anybody can make, it is trained on captions and sentences of the
same photo; on `caption_story`, where that is at hand, on the pairs of the file, which both are given.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import caption_story
from benchmarks.common import DATA, print_result, print_table, write_jsonl
from benchmarks.learning import GREEDY, segments
from modeling.config import load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics import score_outputs
from modeling.metrics.source_gain import score_checkpoint
from modeling.training import train
from samples.generate import generate

EXAMPLES = 6


class Files(NamedTuple):
    train: Path
    valid: Path
    test: Path


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--set", nargs="*", default=[], help="settings of both trainings, instead of the budgets")
    options.add_argument("--only", choices=("samples", "caption_story"))
    given = options.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only != "caption_story":
            by_place, by_photo = sample_files(folder / "positional", "positional"), sample_files(folder, "aligned")
            found["samples"] = compare(by_place, by_photo, folder / "samples", given.set or ["budget=60"], show=True)
        if given.only != "samples" and (DATA / "caption_story").exists():
            files = Files(*(caption_story.example_file(split, folder) for split in Files._fields))
            found["caption_story"] = compare(
                files, files, folder / "caption_story", given.set or ["budget=240"], show=False
            )
    print_result(**found)


def compare(seed_files: Files, our_files: Files, directory: Path, settings: list[str], *, show: bool) -> dict[str, Any]:
    """Train both, write for the test captions, print a table; with `show` some captions and what was written too."""
    examples = read_examples(our_files.test)
    seed = train_and_write(seed_files, examples, directory / "seed", "seed-lstm", settings)
    ours = train_and_write(our_files, examples, directory / "ours", "gru-luong", settings)
    rows: list[list[object]] = [["", "different", "most frequent", "source gain", "nll", "bleu", "CPU s"]]
    for name, each in (("seed-lstm", seed), ("gru-luong", ours)):
        gain = "{:.3f} [{:.3f}, {:.3f}]".format(each["source_gain"], *each["source_gain_ci"])
        figures = [each["different"], each["most_frequent"], gain, each["nll"], each["bleu"], round(each["seconds"])]
        rows.append([name, *figures])
    print(f"{directory.name}: {len(examples)} captions")
    print_table(rows)
    for example in examples[:: len(examples) // EXAMPLES][:EXAMPLES] if show else []:
        print(f"  {example.source}")
        print(f"    seed-lstm: {seed['texts'][example.id]}")
        print(f"    gru-luong: {ours['texts'][example.id]}")
    return {
        name: {key: value for key, value in each.items() if key != "texts"}
        for name, each in (("seed", seed), ("ours", ours))
    }


def train_and_write(
    files: Files, examples: list[Example], directory: Path, preset: str, settings: list[str]
) -> dict[str, Any]:
    config = load_preset(preset, settings)
    result = train(config, train_file=files.train, valid_file=files.valid, directory=directory)
    texts = {each.id: each.text for each in decode(result.checkpoint, examples, GREEDY)}
    counts = Counter(texts.values())
    scores = score_checkpoint(result.checkpoint, examples)
    gain = scores["source_gain"]
    return {
        "texts": texts,
        "different": len(counts),
        "most_frequent": counts.most_common(1)[0][1],
        "source_gain": gain["value"],
        "source_gain_ci": gain["ci"],
        "nll": scores["nll"]["value"],
        "bleu": score_outputs(segments(examples, texts), metrics=["bleu"])["bleu"]["value"],
        "seconds": result.seconds,
    }


def sample_files(folder: Path, pairing: str) -> Files:
    """The synthetic samples as examples, captions paired with the sentences on their photo or at their place."""
    folder.mkdir(parents=True, exist_ok=True)
    written = generate(folder / "vist")
    return Files(*(write_jsonl(folder / f"{split}.jsonl", paired(written[split], pairing)) for split in Files._fields))


def paired(files: dict[str, Path], pairing: str) -> Iterator[dict[str, Any]]:
    captions, sentences = (
        [row for rows in json.loads(files[role].read_text(encoding="utf-8"))["annotations"] for row in rows]
        for role in ("dii", "sis")
    )
    for number, caption in enumerate(captions):
        album = caption["album_id"]
        references = [
            row["text"]
            for row in sentences
            if row["album_id"] == album
            and (
                row["photo_flickr_id"] == caption["photo_flickr_id"]
                if pairing == "aligned"
                else row["worker_arranged_photo_order"] == number % 5
            )
        ]
        yield {"id": str(number), "source": caption["text"], "references": references, "album": album}


if __name__ == "__main__":
    main()
