"""Train with a budget, decode the test set greedily, score: what the figures of learning share."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import print_table
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.metrics import Segment, score_human, score_outputs
from modeling.metrics.baselines import random_stories
from modeling.metrics.source_gain import score_checkpoint
from modeling.training import train

GREEDY = DecodingConfig(method="greedy")


def learn(
    train_file: Path, valid_file: Path, test_file: Path, *, settings: Sequence[str], beside: dict[str, dict[str, str]]
) -> dict[str, dict[str, Any]]:
    """Scores of the model, of the source itself, of random training stories and of the texts `beside`, by system."""
    config = load_preset("gru-luong", settings)
    examples = read_examples(test_file)
    stories = [text for example in read_examples(train_file) for text in example.references]
    with tempfile.TemporaryDirectory() as folder:
        result = train(config, train_file=train_file, valid_file=valid_file, directory=Path(folder))
        model = {each.id: each.text for each in decode(result.checkpoint, examples, GREEDY)}
        of_checkpoint = score_checkpoint(result.checkpoint, examples)
    systems = {
        "model": model,
        **beside,
        "caption": {example.id: example.source for example in examples},
        "random_story": random_stories([example.id for example in examples], stories, seed=1),
    }
    table = {
        name: score_outputs(segments(examples, texts), training_stories=stories) for name, texts in systems.items()
    }
    table["human"] = score_human(segments(examples, systems["caption"]), training_stories=stories)
    table["model"] |= of_checkpoint
    show(table)
    print(f"{result.steps:,} steps in {result.seconds:.0f} CPU s; settings: {' '.join(settings)}")
    for example in examples[:8]:
        print(f"  {example.source}\n    → {model[example.id]}\n    · {example.references[0]}")
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
