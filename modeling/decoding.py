"""Decoding: greedy, and nucleus sampling (Holtzman et al. 2020), in batches.

Every draw is seeded by (seed, id of the source, sample), so that neither the batch a source is in nor its neighbours
change what is written for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from modeling.architectures import EncoderDecoder
from modeling.batching import source_batch
from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig
from modeling.corpus import Tokens, encode_text
from modeling.devices import cpu_threads, pick_device
from modeling.errors import CorpusError, DecodingError
from modeling.progress import OnProgress, Progress, no_progress
from modeling.tokenization import BEGIN, END, PAD, UNKNOWN

NEVER_WRITTEN = (PAD, UNKNOWN, BEGIN)


@dataclass(frozen=True)
class Decoded:
    """One text for a source. `logprob`: nats, summed over its tokens under the model's own distribution."""

    id: str
    rank: int
    text: str
    logprob: float


def decode(
    checkpoint: Path,
    sources: Sequence[tuple[str, str]],
    config: DecodingConfig,
    *,
    on_progress: OnProgress = no_progress,
) -> Iterator[Decoded]:
    """Texts for (id, text) sources, in their order, the likeliest of a source's samples first.

    Raises CheckpointError, and DecodingError naming every source that is empty or too long, before the first text.
    """
    device = pick_device(config.device)
    loaded = load_checkpoint(checkpoint)
    encoded: list[Tokens] = []
    refused: list[str] = []
    for name, text in sources:
        try:
            encoded.append(encode_text(text, loaded.tokenizer, loaded.config.max_source_length, f"source {name!r}"))
        except CorpusError as error:
            refused.append(str(error))
    if refused:
        more = f" (and {len(refused) - 5} more)" if len(refused) > 5 else ""
        raise DecodingError("; ".join(refused[:5]) + more)
    model = loaded.model(device)
    width = max(1, config.batch // config.samples)
    for start in range(0, len(sources), width):
        names = [name for name, _ in sources[start : start + width]]
        with cpu_threads(config.threads):
            written = decode_batch(model, encoded[start : start + width], names, config, device)
        for name, samples in zip(names, written, strict=True):
            ranked = sorted(samples, key=lambda sample: -sample[1])
            for rank, (tokens, logprob) in enumerate(ranked):
                yield Decoded(name, rank, loaded.tokenizer.decode(tokens), logprob)
        done = min(start + width, len(sources))
        on_progress(Progress(done, len(sources), done / len(sources), message=f"decoded {done:,}"))


@torch.no_grad()
def decode_batch(
    model: EncoderDecoder, sources: Sequence[Tokens], names: Sequence[str], config: DecodingConfig, device: torch.device
) -> list[list[tuple[list[int], float]]]:
    """For each source its samples as (token ids, log-probability)."""
    samples = config.samples
    memory = model.encode(*source_batch(sources, device))
    memory = memory.map(lambda tensor: tensor.repeat_interleave(samples, dim=0))
    rows = len(sources) * samples
    draws = uniform_draws(names, config, device)
    tokens = torch.full((rows,), BEGIN, device=device)
    state, alive = memory.start, torch.arange(rows, device=device)
    written: list[list[int]] = [[] for _ in range(rows)]
    logprobs = torch.zeros(rows, dtype=torch.float64, device=device)
    for position in range(config.max_length):
        features, state = model.step(tokens, state, memory)
        logits = model.logits(features)
        logits[:, list(NEVER_WRITTEN)] = float("-inf")
        if position == 0:
            logits[:, END] = float("-inf")  # an empty text is no answer
        log_probs = logits.log_softmax(dim=-1)
        if config.method == "greedy":
            tokens = log_probs.argmax(dim=-1)
        else:
            tokens = nucleus_pick(logits / config.temperature, config.top_p, draws[alive, position])
        logprobs[alive] += log_probs.gather(1, tokens[:, None])[:, 0].double()
        for row, token in zip(alive.tolist(), tokens.tolist(), strict=True):
            if token != END:
                written[row].append(token)
        going_on = tokens != END
        if not bool(going_on.all()):
            alive, tokens, state = alive[going_on], tokens[going_on], state[going_on]
            if not len(alive):
                break
            memory = memory.map(lambda tensor, kept=going_on: tensor[kept])  # type: ignore[misc]
    found = list(zip(written, logprobs.tolist(), strict=True))
    return [found[start : start + samples] for start in range(0, rows, samples)]


def nucleus_pick(logits: Tensor, top_p: float, draws: Tensor) -> Tensor:
    """Draw from the smallest set of tokens whose probability reaches `top_p`: logits (B, V), draws (B) in [0, 1) → (B).

    The draw is inverted through the cumulative probability of the tokens, likeliest first.
    """
    probabilities, order = logits.softmax(dim=-1).sort(dim=-1, descending=True, stable=True)
    cumulative = probabilities.double().cumsum(dim=-1)
    before = cumulative - probabilities
    kept = before < top_p
    mass = torch.where(kept, probabilities.double(), 0.0).sum(dim=-1)
    places = (cumulative <= (draws * mass)[:, None]).sum(dim=-1)
    places = torch.minimum(places, kept.sum(dim=-1) - 1)
    return order.gather(1, places[:, None])[:, 0]


def uniform_draws(names: Sequence[str], config: DecodingConfig, device: torch.device) -> Tensor:
    """(sources × samples, max_length) in [0, 1), each row a function of (seed, source's id, sample)."""
    rows = []
    for name in names:
        for sample in range(config.samples):
            digest = hashlib.sha256(f"{config.seed}\0{name}\0{sample}".encode()).digest()
            rows.append(np.random.default_rng(list(digest)).random(config.max_length))
    return torch.from_numpy(np.stack(rows)).to(device)
