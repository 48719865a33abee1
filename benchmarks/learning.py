"""Train with a budget, decode the test set greedily, score: what the figures of learning share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import print_table
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics.baselines import random_stories
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment
from modeling.training import train

GREEDY = DecodingConfig(method="greedy")


def learn(
    train_file: Path,
    valid_file: Path,
    test_file: Path,
    *,
    configs: dict[str, TrainingConfig],
    directory: Path,
    beside: dict[str, dict[str, str]],
) -> dict[str, dict[str, Any]]:
    """Scores by system: of a model for each config, which is left in `directory` under its name, of the source itself,
    of random training stories, of the texts `beside` and of people."""
    examples = read_examples(test_file)
    stories = [text for example in read_examples(train_file) for text in example.references]
    systems: dict[str, dict[str, str]] = {}
    of_checkpoints: dict[str, dict[str, Any]] = {}
    for name, config in configs.items():
        result = train(config, train_file=train_file, valid_file=valid_file, directory=directory / name)
        systems[name] = {each.id: each.text for each in decode(result.checkpoint, examples, GREEDY)}
        of_checkpoints[name] = score_checkpoint(result.checkpoint, examples)
        print(f"{name}: {result.steps:,} steps in {result.seconds:.0f} CPU s")
    systems |= {
        **beside,
        "caption": {example.id: example.source for example in examples},
        "random_story": random_stories([example.id for example in examples], stories, seed=1),
    }
    table = {
        name: score_outputs(segments(examples, texts), training_stories=stories) for name, texts in systems.items()
    }
    table["human"] = score_human(segments(examples, systems["caption"]), training_stories=stories)
    for name, scores in of_checkpoints.items():
        table[name] |= scores
    show(table)
    for example in examples[:8]:
        print(f"  {example.source}")
        for name in configs:
            print(f"    {name}: {systems[name][example.id]}")
        print(f"    human: {example.references[0]}")
    return table


def segments(examples: Sequence[Example], texts: dict[str, str]) -> list[Segment]:
    return [Segment(each.id, texts[each.id], each.references, each.album, each.source) for each in examples]


def show(table: dict[str, dict[str, Any]]) -> None:
    metrics = list(dict.fromkeys(metric for scores in table.values() for metric in scores))
    rows: list[list[object]] = [["", *table]]
    for metric in metrics:
        row: list[object] = [metric]
        for scores in table.values():
            score = scores.get(metric)
            interval = f" [{score['ci'][0]:.3f}, {score['ci'][1]:.3f}]" if score and score["ci"] else ""
            row.append(f"{score['value']:.3f}{interval}" if score else "")
        rows.append(row)
    print_table(rows)
