"""Target tokens a CPU-second of our training against the reference implementation's way, written out below.

The reference's way: batches of 64 in the order of the data, every source padded to 72 and every target to 77 tokens,
the decoder run one step at a time with attention and a full-vocabulary softmax at each. Same vocabulary, same units,
same optimizer, same pairs, one thread. Both run in turns, and medians are compared.
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
from modeling.tokenization import BEGIN, PAD, Normalisation, Tokenizer

BATCH, SOURCE_LENGTH, TARGET_LENGTH = 64, 72, 77
CPU = torch.device("cpu")


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
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--set", nargs="*", default=[])
    given = options.parse_args()
    torch.set_num_threads(1)
    config = load_preset("gru-luong", given.set)
    with tempfile.TemporaryDirectory() as folder:
        examples = read_examples(example_file("train", Path(folder)))
    tokenizer = Tokenizer.train(
        texts(examples), Normalisation.of(config), vocabulary_size=config.vocabulary_size, seed=1
    )
    limited = replace(config, max_source_length=SOURCE_LENGTH, max_target_length=TARGET_LENGTH)
    pairs, _ = encode_pairs(examples, tokenizer, limited)
    ours, theirs = our_way(pairs, config, len(tokenizer)), reference_way(pairs, config, len(tokenizer))
    rates: dict[str, list[float]] = {"ours": [], "reference": []}
    for _ in range(given.rounds + 1):
        rates["ours"].append(rate(ours, seconds=4.0))
        rates["reference"].append(rate(theirs, seconds=8.0))
    mine, other = (statistics.median(each[1:]) for each in rates.values())  # the first round warms up
    print_table(
        [
            ["way of training", "target tokens a CPU-second"],
            ["ours", f"{mine:,.0f}"],
            ["the reference's", f"{other:,.0f}"],
            ["ratio (figure: ≥ 20)", f"{mine / other:.1f}"],
        ]
    )
    print_result(ours=mine, reference=other, ratio=mine / other, rounds=given.rounds)


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
            optimizer.zero_grad(set_to_none=True)
            (model(batch) / (batch.targets != PAD).sum()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()
            yield int((batch.targets != PAD).sum())
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
