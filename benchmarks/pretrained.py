"""Models that begin pretrained and models from scratch, on `machine_human`: the same data, read by the same measures.

What the system `arel` wrote for a photo is the source, what people wrote are the references; albums are split as
given. Each arm is trained for CPU seconds, or with `--steps` for as many steps, which repeats a training on another
machine. On the test albums its loss and source gain are measured, and one text per photo is read: a nucleus sample as
its family is sampled, the nearest to the source of eight samples (of a pretrained model from all of its distribution),
and the greedy one. People's own texts have a row of their own. Copies are of training sentences, and judges say 0.5 of
what they cannot tell from people's.

Trainings in `--directory` are gone on with, or used as they are. Texts and scores in `--texts` are taken from there, so
that one machine may write them (`--write-only`) and another one judge them.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import print_result, print_table, read_jsonl, write_jsonl
from benchmarks.learning import segments
from benchmarks.machine_human import example_file
from modeling.config import DecodingConfig, TrainingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics import of_kind
from modeling.metrics.baselines import random_stories
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.indistinguishable import HUMAN, judged_people, score_indistinguishable
from modeling.metrics.judge_metric import JudgeMetric
from modeling.metrics.outputs import score_human, score_outputs
from modeling.training import train

LOOKING = ("dropout=0.2", "token_budget=512", "word_dropout=0.1")


@dataclass(frozen=True)
class Arm:
    """`budget` in CPU seconds. With `every_system` it learns from what every system wrote, not `arel` alone."""

    preset: str
    budget: int
    settings: tuple[str, ...] = ()
    every_system: bool = False


ARMS = {
    "smollm2-full": Arm("smollm2-full", 900),
    "smollm2-full-album": Arm("smollm2-full", 900, ("context=album",)),
    "smollm2": Arm("smollm2", 200),
    "smollm2-full-every": Arm("smollm2-full", 900, every_system=True),
    "smollm2-full-album-every": Arm("smollm2-full", 900, ("context=album",), every_system=True),
    "gru-luong": Arm("gru-luong", 900, every_system=True),
    "gru-luong-arel": Arm("gru-luong", 900),
    "looking": Arm("gru-luong", 900, LOOKING),
}
USUAL = ("smollm2-full", "smollm2-full-album", "smollm2", "gru-luong")
KINDS = ("nucleus", "reranked", "greedy")
OF_TEXTS = ("unique", "top_share", "nonword_rate", "copy_rate", "caption_recall", "repetition")
JUDGES = [metric.name for metric in of_kind(JudgeMetric)]
OF_MODEL = ("nll", "source_gain", "source_gain_within_album", "retrieval_accuracy")
EXAMPLES, SEED = 40, 1
FIGURES = (
    "smollm2-full: nll <= 4.25, source_gain >= 0.20; with the album >= 0.30",
    "smollm2-full, nucleus: cnn >= 0.42, embedding >= 0.45, copies <= 0.01, non-words within 0.01 of people's",
    "smollm2-full, reranked: different >= 95 % of the photos, caption_recall >= 0.20, judges >= 0.35",
    "smollm2: nll <= 4.6; gru-luong: nll <= 5.72, nucleus: non-words <= 0.02",
)


@dataclass(frozen=True)
class Written:
    """What came of an arm: `told` are its steps, seconds and OF_MODEL; texts by kind and by the photo's id."""

    told: dict[str, Any]
    texts: dict[str, dict[str, str]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--arm", nargs="*", choices=list(ARMS), default=USUAL)
    options.add_argument("--set", nargs="*", default=[], help="settings of all trainings")
    options.add_argument("--steps", type=int, help="of every training, instead of its CPU seconds")
    options.add_argument("--draw", type=int, default=SEED, help="seed of the sampled texts (with other --texts)")
    options.add_argument("--base", help="folder or GGUF file of the pretrained model, instead of the one fetched")
    options.add_argument("--directory", type=Path, help="keep the trainings there, and go on with those that are there")
    options.add_argument("--texts", type=Path, help="keep texts and scores there, and take those that are there")
    options.add_argument("--write-only", action="store_true", help="judge nothing")
    options.add_argument("--examples", type=Path, help=f"write {EXAMPLES} sampled texts of each arm there")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = given.directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        texts = given.texts or folder / "texts"
        for each in (folder, texts):
            each.mkdir(parents=True, exist_ok=True)
        train_file, test = example_file("train", folder), read_examples(example_file("test", folder))
        photos = list({(each.album, each.photo): each for each in reversed(test)}.values())[::-1]
        stories = [text for example in read_examples(train_file) for text in example.references]
        written = {}
        for name in given.arm:
            config = config_of(ARMS[name], given.set, given.steps, given.base)
            written[name] = read_written(name, texts) or write(
                name, config, folder, texts, test, photos, draw=given.draw
            )
            show_model(name, written[name].told)
    if given.examples:
        given.examples.write_text("\n".join(drawn(written, photos)) + "\n", encoding="utf-8")
    if given.write_only:
        return
    systems = {f"{name}, {kind}": its for name, each in written.items() for kind, its in each.texts.items()}
    scores = score_texts(systems, photos, stories)
    sources = len({photo.source for photo in photos})
    print(f"{len(photos)} photos of {sources} different sources")
    print_table([["", *OF_TEXTS, *JUDGES], *([name, *map(cell, its.values())] for name, its in scores.items())])
    print_result(
        models={name: each.told for name, each in written.items()},
        texts={name: {metric: score["value"] for metric, score in its.items()} for name, its in scores.items()},
        photos=len(photos),
        different_sources=sources,
        figures=FIGURES,
    )


def config_of(arm: Arm, settings: Sequence[str], steps: int | None, base: str | None) -> TrainingConfig:
    limit = f"max_steps={steps}" if steps else f"budget={arm.budget}"
    config = load_preset(arm.preset, [*arm.settings, limit, *settings])
    if base and config.model_path:
        return load_preset(arm.preset, [*arm.settings, limit, f"model_path={base}", *settings])
    return config


def decodings(*, pretrained: bool, seed: int) -> dict[str, DecodingConfig]:
    """By KINDS."""
    top_p = 1.0 if pretrained else 0.0
    return {
        "nucleus": DecodingConfig(method="nucleus", seed=seed),
        "reranked": DecodingConfig(method="nucleus", samples=8, rerank="source", keep=1, top_p=top_p, seed=seed),
        "greedy": DecodingConfig(method="greedy"),
    }


def write(
    name: str,
    config: TrainingConfig,
    folder: Path,
    texts: Path,
    test: Sequence[Example],
    photos: Sequence[Example],
    *,
    draw: int,
) -> Written:
    """Train, score and decode an arm, and keep what came of it in the folder `texts`."""
    files = {
        split: example_file(split, folder, every_system=ARMS[name].every_system and split == "train")
        for split in ("train", "valid")
    }
    result = train(config, train_file=files["train"], valid_file=files["valid"], directory=folder / name)
    scores = score_checkpoint(result.checkpoint, test)
    told = {
        **{"steps": result.steps, "planned_steps": result.planned_steps, "ended_by": result.ended_by},
        **{"seconds": result.seconds, "precision": result.precision, "sha256": result.sha256},
        **{metric: scores[metric]["value"] for metric in OF_MODEL if metric in scores},
        **{f"{metric}_ci": scores[metric]["ci"] for metric in OF_MODEL if metric in scores},
    }
    for kind, decoding in decodings(pretrained=bool(config.model_path), seed=draw).items():
        rows = ({"id": each.id, "text": each.text} for each in decode(result.checkpoint, photos, decoding))
        write_jsonl(texts / f"{name}-{kind}.jsonl", rows)
    (texts / f"{name}.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
    written = read_written(name, texts)
    if written is None:
        raise OSError(f"{texts}: what was written of {name} is gone")
    return written


def read_written(name: str, texts: Path) -> Written | None:
    """What the folder has of an arm, once it is whole."""
    told = texts / f"{name}.json"
    if not told.exists():
        return None
    kinds = {
        kind: {row["id"]: row["text"] for row in read_jsonl(texts / f"{name}-{kind}.jsonl") if not row.get("rank")}
        for kind in KINDS
    }
    return Written(json.loads(told.read_text(encoding="utf-8")), kinds)


def score_texts(
    systems: dict[str, dict[str, str]], photos: Sequence[Example], stories: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """OF_TEXTS and JUDGES of each system, of the source itself, of random training stories, and of people."""
    systems = {
        **systems,
        "caption": {photo.id: photo.source for photo in photos},
        "random_story": random_stories([photo.id for photo in photos], stories, seed=SEED),
    }
    given = {name: segments(photos, texts) for name, texts in systems.items()}
    options: dict[str, Any] = {"metrics": OF_TEXTS, "training_stories": stories}
    table = {name: score_outputs(its, **options) for name, its in given.items()}
    table[HUMAN] = score_human(given["caption"], **options)
    judged = score_indistinguishable(given)
    judged[HUMAN] = judged_people(judged)
    return {
        name: {metric: (its | judged[name]).get(metric, {"value": None}) for metric in (*OF_TEXTS, *JUDGES)}
        for name, its in table.items()
    }


def cell(score: dict[str, Any]) -> str:
    return "none" if score["value"] is None else f"{score['value']:.3f}"


def show_model(name: str, told: dict[str, Any]) -> None:
    shown = [f"{metric} {told[metric]:.3f} [{{:.3f}}, {{:.3f}}]" for metric in OF_MODEL if metric in told]
    intervals = [limit for metric in OF_MODEL if metric in told for limit in told[f"{metric}_ci"] or (0, 0)]
    steps = f"{told['steps']:,} of {told['planned_steps']:,} steps (ended by {told['ended_by']})"
    print(f"{name}: {steps} in {told['seconds']:.0f} s, {told['precision']};", ", ".join(shown).format(*intervals))


def drawn(written: dict[str, Written], photos: Sequence[Example]) -> Iterator[str]:
    """The same photos for all arms: source, and what each wrote for it by nucleus."""
    chosen = random.Random(SEED).sample(list(photos), min(EXAMPLES, len(photos)))
    for name, each in written.items():
        yield f"# {name}"
        for photo in chosen:
            yield f"{photo.source}\t{each.texts['nucleus'][photo.id]}"


if __name__ == "__main__":
    main()
