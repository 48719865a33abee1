"""Target tokens a CPU-second of our training against the reference implementation's way, written out below.

The reference's way: batches of 64 in the order of the data, every source padded to 72 and every target to 77 tokens,
the decoder run one step at a time with attention and a full-vocabulary softmax at each. Same vocabulary, same units,
same optimizer, same pairs, one thread. All run in turns, and medians are compared. Ours is measured in float32 and,
where the CPU is not slow at it, with matrix products in bfloat16.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.caption_story import example_file
from benchmarks.common import print_result, print_table
from modeling.architectures import build
from modeling.batching import make_batch, plan_batches
from modeling.config import TrainingConfig, load_preset
from modeling.corpus import EncodedPair, encode_pairs, read_examples, texts
from modeling.devices import precision, slow_in_bfloat16
from modeling.tokenization import BEGIN, PAD, Normalisation, Tokenizer

BATCH, SOURCE_LENGTH, TARGET_LENGTH = 64, 72, 77
CPU = torch.device("cpu")
SIZES = ["embedding_size=256", "hidden_size=1024", "tied=true", "gradient_clip=1"]
FIGURES = {"gru-attention": 25, "gru-luong": 40}


class ReferenceWay(nn.Module):
    """A GRU encoder and a GRU decoder with additive attention (Bahdanau et al. 2015), one step a time."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__()
        size, units = config.embedding_size, config.hidden_size
        self.source_embedding = nn.Embedding(vocabulary, size)
        self.target_embedding = nn.Embedding(vocabulary, size)
        self.encoder = nn.GRU(size, units, batch_first=True)
        self.decoder = nn.GRU(size + units, units, batch_first=True)
        self.query, self.key, self.score = nn.Linear(units, units), nn.Linear(units, units), nn.Linear(units, 1)
        self.output = nn.Linear(units, vocabulary)

    def loss(self, source: Tensor, target: Tensor) -> Tensor:
        """source (64, 72), target (64, 77), both padded; mean over the batch of the masked loss of each step."""
        values, state = self.encoder(self.source_embedding(source))
        token, total = torch.full((len(source),), BEGIN), torch.zeros(())
        for position in range(target.shape[1]):
            scores = self.score(torch.tanh(self.query(state[0])[:, None] + self.key(values)))
            context = (scores.softmax(dim=1) * values).sum(dim=1)
            inputs = torch.cat([context, self.target_embedding(token)], dim=-1)[:, None]
            hidden, state = self.decoder(inputs, state)
            log_probs = F.log_softmax(self.output(hidden[:, 0]), dim=-1)
            losses = F.nll_loss(log_probs, target[:, position], reduction="none")
            total = total + (losses * (target[:, position] != PAD)).mean()
            token = target[:, position]
        return total / target.shape[1]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--set", nargs="*", default=["token_budget=4096"])
    given = options.parse_args()
    torch.set_num_threads(1)
    config = load_preset("seed-gru-attention", [*SIZES, *given.set])
    with tempfile.TemporaryDirectory() as folder:
        examples = read_examples(example_file("train", Path(folder)))
    tokenizer = Tokenizer.train(
        texts(examples), Normalisation.of(config), vocabulary_size=config.vocabulary_size, seed=1
    )
    limited = replace(config, max_source_length=SOURCE_LENGTH, max_target_length=TARGET_LENGTH)
    pairs, _ = encode_pairs(examples, tokenizer, limited)
    ways = {"reference": reference_way(pairs, config, len(tokenizer))}
    for family in FIGURES:
        for kind in ("fp32",) if slow_in_bfloat16(CPU) else ("fp32", "bf16"):
            ways[f"{family} {kind}"] = our_way(
                pairs, replace(config, architecture=family, precision=kind), len(tokenizer)
            )
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(given.rounds + 1):
        for way, steps in ways.items():
            rates[way].append(rate(steps, seconds=12.0 if way == "reference" else 6.0))
    medians = {way: statistics.median(each[1:]) for way, each in rates.items()}  # the first round warms up
    table: list[list[object]] = [["way of training", "target tokens per CPU-second", "ratio", "figure"]]
    for way, median in medians.items():
        figure = FIGURES.get(way.split()[0], "")
        table.append([way, f"{median:,.0f}", f"{median / medians['reference']:.1f}", figure and f"≥ {figure}"])
    print_table(table)
    print_result(
        **{way.replace(" ", "_"): median for way, median in medians.items()},
        vocabulary=len(tokenizer),
        rounds=given.rounds,
    )


def rate(steps: Iterator[int], *, seconds: float) -> float:
    start, tokens = time.process_time(), 0
    while (used := time.process_time() - start) < seconds:
        tokens += next(steps)
    return tokens / used


def our_way(pairs: list[EncodedPair], config: TrainingConfig, vocabulary: int) -> Iterator[int]:
    """Each step trains on a batch as `modeling.training` does; yields its real target tokens."""
    torch.manual_seed(1)
    model = build(config, vocabulary).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, fused=True)
    epoch = 0
    while True:
        for indices in plan_batches(pairs, token_budget=config.token_budget, seed=1, epoch=epoch):
            batch = make_batch([pairs[index] for index in indices], CPU)
            tokens = int((batch.targets != PAD).sum())
            optimizer.zero_grad(set_to_none=True)
            with precision(config.precision, CPU):
                loss = model(batch) / tokens
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()
            yield tokens
        epoch += 1


def reference_way(pairs: list[EncodedPair], config: TrainingConfig, vocabulary: int) -> Iterator[int]:
    torch.manual_seed(1)
    model = ReferenceWay(config, vocabulary).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, fused=True)
    order = np.random.default_rng(1).permutation(len(pairs))
    while True:
        for start in range(0, len(order) - BATCH, BATCH):
            chosen = [pairs[index] for index in order[start : start + BATCH]]
            source = padded([pair.source for pair in chosen], SOURCE_LENGTH)
            target = padded([pair.target for pair in chosen], TARGET_LENGTH)
            optimizer.zero_grad(set_to_none=True)
            model.loss(source, target).backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()
            yield int((target != PAD).sum())


def padded(rows: list[np.ndarray], length: int) -> Tensor:
    full = np.full((len(rows), length), PAD, dtype=np.int64)
    for place, row in zip(full, rows, strict=True):
        place[: len(row)] = row
    return torch.from_numpy(full)


if __name__ == "__main__":
    main()
