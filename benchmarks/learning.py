"""Train with a budget, decode the test set greedily, score: what the figures of learning share."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import print_table
from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example, encode_pairs, read_examples
from modeling.decoding import decode
from modeling.metrics import Segment, score_human, score_outputs
from modeling.metrics.baselines import random_stories
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.losses import pair_losses
from modeling.metrics.outputs import RESAMPLES, SEED
from modeling.metrics.source_gain import score_checkpoint
from modeling.training import train

CPU = torch.device("cpu")
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


def loss_difference(one: Path, other: Path, test_file: Path) -> tuple[float, float, float]:
    """Loss of one checkpoint minus that of another on the same references, nats a white-space word, and its interval
    over albums. Both have left out the same pairs, or a ValueError is raised."""
    examples, losses, words, groups = read_examples(test_file), [], [], []
    for checkpoint in (one, other):
        loaded = load_checkpoint(checkpoint)
        pairs, _ = encode_pairs(examples, loaded.tokenizer, loaded.config)
        losses.append(pair_losses(loaded.model(CPU), pairs, CPU))
        words.append([pair.words for pair in pairs])
        groups.append([examples[pair.example].album for pair in pairs])
    if words[0] != words[1]:
        raise ValueError(f"{one} and {other} do not score the same pairs")
    nats = losses[0] - losses[1]
    low, high = ratio_interval(nats, words[0], groups[0], resamples=RESAMPLES, seed=SEED) or (math.nan, math.nan)
    return float(nats.sum() / sum(words[0])), low, high


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
