"""A small pretrained model and one from scratch on `machine_human`, from the system `arel`'s sentences to people's.

All references of a photo stand beside its source; `gru-luong` has every system's sentences as sources, since a model
from scratch needs them. Each arm is trained on one thread, by its CPU seconds or with `--steps` by so many steps, which
another machine repeats. Reported are its loss and source gain on the test albums, across and within them, and of one
sampled text a photo, at the family's own temperature: variety, words that nobody writes, copies, what is taken up of
the source, and both judges; greedy texts and the nearest of eight samples to the source beside, by `--way`.

Scoring a pretrained model's checkpoint takes as long as training it here; `--no-checkpoints` leaves it out.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.common import print_result, read_jsonl, shared, write_jsonl
from benchmarks.learning import segments, show
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics import score_human, score_outputs
from modeling.metrics.baselines import random_stories
from modeling.metrics.indistinguishable import JUDGES, score_indistinguishable
from modeling.metrics.source_gain import score_checkpoint
from modeling.training import train

SYSTEM, EVERY = "arel", "*"
ARMS: dict[str, tuple[str, str, list[str]]] = {  # preset, systems whose sentences are sources, settings
    "smollm2-full": ("smollm2-full", SYSTEM, ["budget=900"]),
    "smollm2-full-album": ("smollm2-full", SYSTEM, ["budget=900", "context=album"]),
    "smollm2": ("smollm2", SYSTEM, ["budget=200"]),
    "gru-luong": ("gru-luong", EVERY, ["budget=900"]),
}
WAYS = {
    "sampled": DecodingConfig(engine="torch"),
    "greedy": DecodingConfig(method="greedy"),
    "reranked": DecodingConfig(engine="torch", samples=8, rerank="source", keep=1),
}
METRICS = ("unique", "top_share", "nonword_rate", "copy_rate", "caption_recall", "repetition", "distinct_2")
READ = 40  # sampled texts to read, drawn by a fixed seed


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--arm", nargs="*", choices=list(ARMS), default=list(ARMS))
    options.add_argument("--way", nargs="*", choices=list(WAYS), default=["sampled"])
    options.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of every training")
    options.add_argument("--steps", type=int, help="train so many steps in place of so many seconds")
    options.add_argument("--model", help="folder or GGUF file that the pretrained arms begin from; default: smollm2")
    options.add_argument("--no-checkpoints", action="store_true", help="score texts alone")
    options.add_argument("--directory", type=Path, help="keep the trainings there, and go on with those that are there")
    options.add_argument("--examples", type=Path, help=f"JSON file for {READ} sampled texts of each arm")
    given = options.parse_args()
    limit = [f"max_steps={given.steps}"] if given.steps else []
    table: dict[str, dict[str, Any]] = {}
    texts: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:
        folder = given.directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        valid, test = (example_file(split, SYSTEM, folder) for split in ("valid", "test"))
        photos = first_of_each_photo(read_examples(test))
        stories = [text for row in read_jsonl(shared("machine_human", "train.jsonl")) for text in row["human"]]
        for arm in given.arm:
            preset, source, settings = ARMS[arm]
            model = [f"model_path={given.model}"] if given.model and preset.startswith("smollm2") else []
            config = load_preset(preset, [*settings, *limit, *model, *given.set])
            data = example_file("train", source, folder)
            result = train(config, train_file=data, valid_file=valid, directory=folder / arm)
            print(
                f"{arm}: {result.steps:,} of {result.planned_steps:,} planned steps in {result.seconds:.0f} CPU s, "
                f"{result.precision}, ended by {result.ended_by}"
            )
            for way in given.way:
                written = decode(result.checkpoint, photos, WAYS[way])
                texts[f"{arm}, {way}"] = {each.id: each.text for each in written}
            if not given.no_checkpoints:
                table[f"{arm}, {given.way[0]}"] = score_checkpoint(result.checkpoint, read_examples(test))
    for name, its in texts.items():
        scores = score_outputs(segments(photos, its), metrics=METRICS, training_stories=stories)
        table[name] = table.get(name, {}) | scores
    sources = segments(photos, {each.id: each.source for each in photos})
    table["human"] = score_human(sources, metrics=METRICS, training_stories=stories)
    judged = {name: segments(photos, its) for name, its in texts.items()}
    judged["random_story"] = segments(photos, random_stories([each.id for each in photos], stories, seed=1))
    for name, scores in score_indistinguishable(judged, metrics=JUDGES).items():
        defined = {metric: score for metric, score in scores.items() if score["value"] is not None}
        table[name] = table.get(name, {}) | defined
    show(table)
    if given.examples:
        read = random.Random(14).sample([each.id for each in photos], READ)
        drawn = {name: [its[each] for each in read] for name, its in texts.items()}
        given.examples.write_text(json.dumps(drawn, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print_result(**{name: {metric: score["value"] for metric, score in its.items()} for name, its in table.items()})


def example_file(split: str, system: str, folder: Path) -> Path:
    """One example a photo and different text of the system, or of every one, with all that people wrote for it."""
    name = f"{split}-{'every' if system == EVERY else system}.jsonl"
    return write_jsonl(folder / name, examples(split, system))


def examples(split: str, system: str) -> Iterator[dict[str, Any]]:
    for row in read_jsonl(shared("machine_human", f"{split}.jsonl")):
        lists = row["machine"].values() if system == EVERY else [row["machine"].get(system, [])]
        different = dict.fromkeys(text for texts in lists for text in texts if text.strip())
        for number, text in enumerate(different if row["human"] else ()):
            place = {"album": row["album"], "photo": row["photo"]}
            name = f"{row['album']}-{row['photo']}-{number}"
            yield {"id": name, "source": text, "references": row["human"], **place}


def first_of_each_photo(given: list[Example]) -> list[Example]:
    found: dict[tuple[str | None, str | None], Example] = {}
    for example in given:
        found.setdefault((example.album, example.photo), example)
    return list(found.values())


if __name__ == "__main__":
    main()
