"""What a model looked at while it wrote: the attention of each piece of a text to the pieces of its source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from modeling.architectures import Model
from modeling.batching import source_batch
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.config import ARCHITECTURES, BEGINS_PRETRAINED, WITHOUT_ATTENTION, DecodingConfig
from modeling.corpus import Example
from modeling.decoding import decode_batch, encode_sources
from modeling.devices import cpu_threads, pick_device
from modeling.errors import AttentionError, DecodingError
from modeling.heatmap import AttentionMap
from modeling.marks import MARKS
from modeling.tokenization import BEGIN, END, UNKNOWN, WORD, Tokenizer

GREEDY = DecodingConfig(method="greedy")
DIGITS = 6  # of a weight


def attention_maps(
    checkpoint: Path,
    texts: Sequence[tuple[Example, str | None]],
    *,
    head: int | None = None,
    device: str = "auto",
    threads: int = 1,
) -> list[AttentionMap | None]:
    """A map for each source and what was written for it; where that is None, what the model writes greedily. A source
    without words has None in its place.

    `head` counts a Transformer's heads from 1, layer by layer; without it the map is the mean over those of the last
    layer. Raises CheckpointError; DecodingError for a single source without words; AttentionError where the model
    attends to nothing or has no such head.
    """
    loaded = load_checkpoint(checkpoint)
    model = loaded.model(pick_device(device))
    maps: list[AttentionMap | None] = []
    with cpu_threads(threads):
        for source, written in texts:
            try:
                maps.append(attention_map(loaded, model, source, written, head))
            except DecodingError:
                if len(texts) == 1:
                    raise
                maps.append(None)
    return maps


@torch.inference_mode()
def attention_map(
    loaded: Checkpoint, model: Model, example: Example, written: str | None, head: int | None = None
) -> AttentionMap:
    """See `attention_maps`. The row of a piece holds the weights with which it was chosen."""
    if loaded.config.architecture in WITHOUT_ATTENTION:
        raise _attends_to_nothing(loaded)
    device, tokenizer = next(model.parameters()).device, loaded.tokenizer
    (source,) = encode_sources(loaded, [example])
    if written is None:
        ((text, *_),) = decode_batch(model, [source], [example.id], GREEDY)
        target = [*text.tokens, END]
    else:
        target = tokenizer.encode(written)
    inputs = torch.tensor([[BEGIN, *target[:-1]]], device=device)
    weights = model.attention(inputs, model.encode(*source_batch([source], device)))
    if weights is None:
        raise _attends_to_nothing(loaded)
    rows = [
        [round(weight, DIGITS) for weight in row]
        for row in _chosen(weights[0], head, model.attention_layers(loaded.config))
    ]
    return AttentionMap(readable(source.tolist(), tokenizer), readable(target, tokenizer), rows)


def readable(ids: Sequence[int], tokenizer: Tokenizer) -> list[str]:
    """Tokens as a person reads them: a dot leads what goes on with a word, brackets hold what is no text."""
    return [_readable(token, piece) for token, piece in zip(ids, tokenizer.pieces(ids), strict=True)]


def _readable(token: int, piece: str) -> str:
    special = {END: "(end)", UNKNOWN: "(unknown)"}.get(token) or (f"({piece[1:-1]})" if piece in MARKS else "")
    if special:
        return special
    if piece.startswith(WORD):
        return piece.removeprefix(WORD) or "␣"
    return f"·{piece}" if piece[:1].isalnum() else piece


def _chosen(weights: Tensor, head: int | None, layers: int) -> list[list[float]]:
    """Weights (A, T, S) of all heads → (T, S) of one, or the mean over the last layer's."""
    heads = len(weights)
    if head is None:
        mean: list[list[float]] = weights[-max(1, heads // layers) :].double().mean(dim=0).tolist()
        return mean
    if not 1 <= head <= heads:
        raise AttentionError(
            f"head={head}: must be a whole number from 1 to {heads}, counting the heads of {layers} layers in order"
        )
    one: list[list[float]] = weights[head - 1].double().tolist()
    return one


def _attends_to_nothing(loaded: Checkpoint) -> AttentionError:
    attentive = ", ".join(name for name in (*ARCHITECTURES, *BEGINS_PRETRAINED) if name not in WITHOUT_ATTENTION)
    return AttentionError(
        f"architecture={loaded.config.architecture}: has no attention to draw; architectures with attention: "
        f"{attentive}"
    )
