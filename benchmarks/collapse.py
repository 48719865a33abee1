"""The 2018 reference's collapse, and what stands against it: how many different sentences a model writes.

`seed-lstm` is trained as the reference was, on captions paired with sentences by place, and `gru-luong` for the same
CPU time. Both write greedily, as the reference did, and by sampling with the defaults, with the weights of their best
look. On the synthetic samples, which anybody can make, `gru-luong` is trained on captions and sentences of the same
photo; on `caption_story`, where that is at hand, both are given the pairs of the file.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import caption_story
from benchmarks.common import DATA, print_result, print_table, write_jsonl
from benchmarks.learning import GREEDY, segments
from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.outputs import score_outputs
from modeling.training import train
from samples.generate import generate

EXAMPLES = 8  # drawn by SEED
SEED = 1
METHODS = {"greedy": GREEDY, "sampled": DecodingConfig()}
TEXT_METRICS = ("bleu", "copy_rate", "nonword_rate", "caption_recall")


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
            found["samples"] = compare(by_place, by_photo, folder / "samples", given.set or ["budget=60"])
        if given.only != "samples" and (DATA / "caption_story").exists():
            files = Files(*(caption_story.example_file(split, folder) for split in Files._fields))
            found["caption_story"] = compare(files, files, folder / "caption_story", given.set or ["budget=240"])
    print_result(**found)


def compare(seed_files: Files, our_files: Files, directory: Path, settings: list[str]) -> dict[str, Any]:
    """Train both, write for the test captions, print a table, and for some captions what was written."""
    examples = read_examples(our_files.test)
    arms = {
        "seed-lstm": train_and_write(seed_files, examples, directory / "seed", "seed-lstm", settings),
        "gru-luong": train_and_write(our_files, examples, directory / "ours", "gru-luong", settings),
    }
    print(f"{directory.name}: {len(examples)} captions")
    rows: list[list[object]] = [["", "nll", "source gain", "steps", "planned", "best", "CPU s"]]
    for name, arm in arms.items():
        figures = [arm[key] for key in ("steps", "planned_steps", "best_step")]
        rows.append([name, *(interval(arm[metric]) for metric in ("nll", "source_gain")), *figures, arm["seconds"]])
    print_table(rows)
    rows = [["", "", "different", "most frequent", *TEXT_METRICS]]
    rows += [
        [name, method, *(arm[method][key] for key in ("different", "most_frequent", *TEXT_METRICS))]
        for name, arm in arms.items()
        for method in METHODS
    ]
    print_table(rows)
    for example in random.Random(SEED).sample(examples, EXAMPLES):
        print(f"  {example.source}")
        for name, arm in arms.items():
            for method in METHODS:
                print(f"    {name}, {method}: {arm['texts'][method][example.id]}")
    return {name: {key: value for key, value in arm.items() if key != "texts"} for name, arm in arms.items()}


def train_and_write(
    files: Files, examples: list[Example], directory: Path, preset: str, settings: list[str]
) -> dict[str, Any]:
    """What was written by method, and the scores of it and of the checkpoint, whose loss and gain are of its best
    look."""
    config = load_preset(preset, settings)
    result = train(config, train_file=files.train, valid_file=files.valid, directory=directory)
    looks = load_checkpoint(result.checkpoint).values["state"]["history"]
    scores = score_checkpoint(result.checkpoint, examples)
    stories = [text for example in read_examples(files.train) for text in example.references]
    texts = {
        name: {text.id: text.text for text in decode(result.checkpoint, examples, method)}
        for name, method in METHODS.items()
    }
    return {
        "texts": texts,
        **{metric: {key: scores[metric][key] for key in ("value", "ci")} for metric in ("nll", "source_gain")},
        "steps": result.steps,
        "planned_steps": result.planned_steps,
        "best_step": min(looks, key=lambda look: look["valid_nll"])["step"],
        "ended_by": result.ended_by,
        "seconds": round(result.seconds),
        **{name: figures(examples, written, stories) for name, written in texts.items()},
    }


def figures(examples: list[Example], texts: dict[str, str], stories: list[str]) -> dict[str, Any]:
    """How many texts differ, how often the most frequent one stands there, and what it does in some metrics."""
    counts = Counter(texts.values())
    scores = score_outputs(segments(examples, texts), metrics=TEXT_METRICS, training_stories=stories)
    return {
        "different": len(counts),
        "most_frequent": counts.most_common(1)[0][1],
        **{metric: scores[metric]["value"] for metric in TEXT_METRICS},
    }


def interval(score: dict[str, Any]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(score["value"], *score["ci"])


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
