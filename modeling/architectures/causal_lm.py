"""A decoder-only model of the Llama kind (Touvron et al. 2023) behind our interface: the prompt is the source, and what
follows it the text.

Root-mean-square norms, rotary positions (Su et al. 2021), attention whose keys and values several query heads share
(Ainslie et al. 2023), and a gated feed-forward layer (Shazeer 2020). Queries, keys and values come from one matrix, and
so do gate and input, since fewer and larger products are faster.

The prompt's keys and values are the memory: they are computed once, for all texts of a source. In training all
references of a source stand behind it in one row, each at the positions behind the source and blind to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.batching import Batch
from modeling.causal_tokens import CausalTokenizer
from modeling.config import TrainingConfig
from modeling.llama import read_weights
from modeling.lora import Adaptable
from modeling.tokenization import PAD, Tokenizer

ROOM = 16  # positions by which a cache grows
PIECE = 256  # tokens of prompts that a CPU reads together
NOTHING = float("-inf")


@dataclass(frozen=True)
class Shape:
    """What a model of the library says of itself, as far as it matters here. `frequencies` (D / 2) are those of the
    rotary positions, whose sines and cosines are multiplied by `scaling`."""

    vocabulary: int
    size: int
    layers: int
    heads: int
    groups: int
    head_size: int
    forward_size: int
    epsilon: float
    biased: bool
    output_biased: bool
    tied: bool
    frequencies: tuple[float, ...]
    scaling: float


@dataclass(frozen=True)
class PromptMemory(Memory):
    """keys and values: of each layer, (B, G, S, D); positions (B): how many tokens each prompt has."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    positions: Tensor


class CausalState(State):
    """Keys and values of K texts begun for each source: of each layer (2, B · K, G, room, D), `length` of it used."""

    def __init__(self, memory: PromptMemory, texts: int) -> None:
        count, groups, _, size = memory.keys[0].shape
        self.texts, self.length = texts, 0
        self.cache = [key.new_empty(2, count * texts, groups, ROOM, size) for key in memory.keys]
        self.positions = memory.positions

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Take in keys and values (B · K, G, D) of the current position; those of all positions (B · K, G, T, D)."""
        cache = self.cache[layer]
        if self.length == cache.shape[3]:
            cache = self.cache[layer] = F.pad(cache, (0, 0, 0, ROOM))
        cache[0, :, :, self.length], cache[1, :, :, self.length] = keys, values
        return cache[0, :, :, : self.length + 1], cache[1, :, :, : self.length + 1]

    def reorder(self, parents: Tensor) -> None:
        first = self.texts * torch.arange(len(parents), device=parents.device)
        self._take((first[:, None] + parents).flatten())
        self.texts = parents.shape[1]

    def keep(self, sources: Tensor) -> None:
        self._take((self.texts * sources[:, None] + torch.arange(self.texts, device=sources.device)).flatten())
        self.positions = self.positions[sources]

    def _take(self, rows: Tensor) -> None:
        self.cache = [cache[:, rows] for cache in self.cache]


class Layer(nn.Module):
    """Attention and feed-forward, each behind its norm and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        queries, keys = shape.heads * shape.head_size, shape.groups * shape.head_size
        self.attention_norm = nn.RMSNorm(shape.size, shape.epsilon)
        self.query_key_value = nn.Linear(shape.size, queries + 2 * keys, bias=shape.biased)
        self.output = nn.Linear(queries, shape.size, bias=shape.output_biased)
        self.forward_norm = nn.RMSNorm(shape.size, shape.epsilon)
        self.gate_input = nn.Linear(shape.size, 2 * shape.forward_size, bias=False)
        self.down = nn.Linear(shape.forward_size, shape.size, bias=False)

    def projected(self, features: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """features (B, T, F) → queries (B, H, T, D), keys and values (B, G, T, D), the first two rotated."""
        shape = self.shape
        both = self.query_key_value(self.attention_norm(features)).unflatten(-1, (-1, shape.head_size)).transpose(1, 2)
        rotated, values = both.split([shape.heads + shape.groups, shape.groups], dim=1)
        rotated = rotate(rotated, rotation)
        return rotated[:, : shape.heads], rotated[:, shape.heads :], values

    def finished(self, features: Tensor, attended: Tensor) -> Tensor:
        """features (B, T, F) and what was attended to (B, H, T, D) → features (B, T, F)."""
        features = features + self.output(attended.transpose(1, 2).flatten(2))
        gate, inputs = self.gate_input(self.forward_norm(features)).chunk(2, dim=-1)
        return features + self.down(F.silu(gate) * inputs)


def own_precision(method: Any) -> Any:
    """The method computes in the precision of its weights, whatever its caller asks of others."""

    @wraps(method)
    def computed(self: CausalLm, *args: Any, **options: Any) -> Any:
        with torch.autocast(self.embedding.weight.device.type, enabled=False):
            return method(self, *args, **options)

    return computed


class CausalLm(Adaptable, EncoderDecoder[PromptMemory, CausalState]):
    """The model that the tokenizer's description tells of; of random weights until others are loaded."""

    packs = True

    def __init__(self, config: TrainingConfig, tokenizer: Tokenizer) -> None:
        super().__init__(config, len(tokenizer))
        if not isinstance(tokenizer, CausalTokenizer):
            raise TypeError(f"a decoder-only model needs its own tokenizer, not a {type(tokenizer).__name__}")
        self.shape = Shape(**{**tokenizer.shape, "frequencies": tuple(tokenizer.shape["frequencies"])})
        self.embedding = nn.Embedding(self.shape.vocabulary, self.shape.size)
        self.layers: Sequence[Layer] = nn.ModuleList(Layer(self.shape) for _ in range(self.shape.layers))  # type: ignore[assignment]
        self.norm = nn.RMSNorm(self.shape.size, self.shape.epsilon)
        self.projection = None if self.shape.tied else nn.Linear(self.shape.size, self.shape.vocabulary, bias=False)
        self.register_buffer("frequencies", torch.tensor(self.shape.frequencies), persistent=False)
        self.tokenizer = tokenizer
        self.adapt(config, without=self.projection)

    frequencies: Tensor

    def compute_in(self, precision: str) -> None:
        frequencies = self.frequencies
        self.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        self.frequencies = frequencies  # positions in bfloat16 would run into each other

    @own_precision
    def encode(self, source: Tensor, lengths: Tensor) -> PromptMemory:
        """On a CPU a few prompts at a time: those of like lengths, where they are neighbours, then pad little, and what
        is at work stays in caches."""
        mask, width = source != PAD, source.shape[1]
        rows = _cut(lengths.tolist()) if source.device.type == "cpu" else [slice(0, len(source))]
        pieces = [self._prompts(source[each, : int(lengths[each].max())]) for each in rows]
        both = [
            torch.cat([F.pad(each, (0, 0, 0, width - each.shape[2])) for each in parts])
            for parts in zip(*pieces, strict=True)
        ]
        layers = len(self.layers)
        return PromptMemory(mask, tuple(both[:layers]), tuple(both[layers:]), mask.sum(dim=1))

    def _prompts(self, source: Tensor) -> list[Tensor]:
        """Of prompts (B, S) each layer's keys, then each layer's values: (B, G, S, D)."""
        features = self.embedding(source)
        rotation = self.rotation(torch.arange(source.shape[1], device=source.device)[None], features.dtype)
        keys, values = [], []
        for layer in self.layers:
            query, key, value = layer.projected(features, rotation)
            features = layer.finished(features, attend(query, key, value, causal=True))
            keys.append(key)
            values.append(value)
        return keys + values

    @own_precision
    def hidden(self, inputs: Tensor, memory: PromptMemory) -> Tensor:
        features, _ = self._behind(inputs, memory, weights=False)
        return features

    @own_precision
    def attention(self, inputs: Tensor, memory: PromptMemory) -> Tensor:
        """Of all layers' heads, layer by layer, over the prompt without its first token, on which heads rest that look
        for nothing (Xiao et al. 2024); what is left adds up to one."""
        _, weights = self._behind(inputs, memory, weights=True)
        over = torch.cat(weights, dim=1)[..., : memory.mask.shape[1]].float()
        over[..., 0] = 0.0
        return over / over.sum(dim=-1, keepdim=True).clamp(min=1e-9)

    def attention_layers(self, config: TrainingConfig) -> int:
        return self.shape.layers

    def _behind(self, inputs: Tensor, memory: PromptMemory, *, weights: bool) -> tuple[Tensor, list[Tensor]]:
        """Features of inputs (B, T) behind the memory's prompts and, if asked for, what each layer attends to: weights
        (B, H, T, S + T) over prompt and inputs."""
        count, longest = inputs.shape
        features = self.embedding(inputs)
        places = torch.arange(longest, device=inputs.device)
        rotation = self.rotation(memory.positions[:, None] + places, features.dtype)
        own = (places[:, None] >= places).expand(count, -1, -1)
        mask = torch.cat([memory.mask[:, None].expand(-1, longest, -1), own], dim=2)[:, None]
        found = []
        for layer, prompt_keys, prompt_values in zip(self.layers, memory.keys, memory.values, strict=True):
            query, key, value = layer.projected(features, rotation)
            key, value = torch.cat([prompt_keys, key], dim=2), torch.cat([prompt_values, value], dim=2)
            if weights:
                found.append(attention_weights(query, key, mask))
            features = layer.finished(features, attend(query, key, value, mask=mask))
        return features, found

    def start(self, memory: PromptMemory, texts: int) -> CausalState:
        return CausalState(memory, texts)

    @own_precision
    def step(self, tokens: Tensor, state: CausalState, memory: PromptMemory) -> Tensor:
        count, texts = tokens.shape
        shape = self.shape
        features = self.embedding(tokens.reshape(-1, 1))
        positions = (state.positions + state.length).repeat_interleave(texts)
        rotation = self.rotation(positions[:, None], features.dtype)
        hidden = (~memory.mask)[:, None, None]
        for number, layer in enumerate(self.layers):
            query, key, value = layer.projected(features, rotation)
            keys, values = state.extend(number, key[:, :, 0], value[:, :, 0])
            grouped = query.view(count, texts, shape.groups, -1, shape.head_size) * shape.head_size**-0.5
            over_prompt = grouped.transpose(1, 2).flatten(2, 3) @ memory.keys[number].transpose(2, 3)
            over_prompt = (
                over_prompt.masked_fill(hidden, NOTHING).unflatten(2, (texts, -1)).transpose(1, 2).flatten(0, 1)
            )
            scores = torch.cat([over_prompt, grouped.flatten(0, 1) @ keys.transpose(2, 3)], dim=-1)
            weights = scores.float().softmax(dim=-1).to(scores.dtype)
            of_prompt, of_own = weights.split([memory.mask.shape[1], keys.shape[2]], dim=-1)
            attended = of_prompt.unflatten(0, (count, texts)).transpose(1, 2).flatten(2, 3) @ memory.values[number]
            attended = attended.unflatten(2, (texts, -1)).transpose(1, 2).flatten(0, 1) + of_own @ values
            features = layer.finished(features, attended.flatten(1, 2)[:, :, None])
        state.length += 1
        return features.view(count, texts, -1)

    @own_precision
    def logits(self, features: Tensor) -> Tensor:
        weight = self.embedding.weight if self.projection is None else self.projection.weight
        return F.linear(self.norm(features), weight)

    @own_precision
    def token_losses(self, batch: Batch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        rows = packed(batch)
        features = self.embedding(rows.tokens)
        rotation = self.rotation(rows.positions, features.dtype)
        for layer in self.layers:
            query, key, value = layer.projected(features, rotation)
            features = layer.finished(features, attend(query, key, value, mask=rows.mask))
        logits = self.logits(features[rows.predicting])
        return F.cross_entropy(logits.float(), rows.targets, reduction="none", label_smoothing=label_smoothing), rows.of

    def rotation(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, T, D) of positions (B, T)."""
        angles = (positions[..., None].float() * self.frequencies).repeat(1, 1, 2)[:, None]
        return (angles.cos() * self.shape.scaling).to(dtype), (angles.sin() * self.shape.scaling).to(dtype)

    def begin_from(self, base: Path) -> None:
        """Take the weights of the model at `base`; adapters begin with adding nothing."""
        self.take(read_weights(base, self.tokenizer))


@dataclass(frozen=True)
class Packed:
    """G rows of a prompt and all its references, L tokens the longest.

    tokens and positions (G, L), mask (G, 1, L, L): true where a row's token attends to a column's; `predicting`, the
    (row, place) of each token behind which a target of a reference is to be predicted; `targets` (N) those; `of` (N),
    the batch's row each belongs to.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    predicting: tuple[Tensor, Tensor]
    targets: Tensor
    of: Tensor


def packed(batch: Batch) -> Packed:
    """Neighbouring rows of one source as one row: the source once, each reference behind it."""
    device, (of, place) = batch.source.device, (batch.rows, batch.positions)
    source_lengths = batch.source_lengths.to(device)
    lengths = (batch.targets != PAD).sum(dim=1)
    groups, first = torch.unique_consecutive(batch.groups, return_counts=True)
    starts = first.cumsum(dim=0) - first  # the row of the batch whose source a packed row has
    before = lengths.cumsum(dim=0) - lengths
    row = torch.repeat_interleave(torch.arange(len(groups), device=device), first)
    offset = source_lengths + before - before[starts][row]  # where a reference begins in its packed row
    longest = int((offset + lengths).max())
    count = len(groups)
    tokens = torch.full((count, longest), PAD, device=device)
    positions = torch.zeros_like(tokens)
    segments = torch.full_like(tokens, -1)
    width = batch.source.shape[1]
    columns = torch.arange(longest, device=device)
    of_source = columns < source_lengths[starts][:, None]
    tokens[:, :width] = batch.source[starts]
    tokens.masked_fill_(~of_source, PAD)
    segments.masked_fill_(of_source, 0)
    positions.copy_(columns.expand_as(positions) * of_source)
    to = row[of], offset[of] + place
    tokens[to] = batch.inputs[of, place]
    positions[to] = source_lengths[of] + place
    segments[to] = of + 1
    same = segments[:, :, None] == segments[:, None]
    mask = (columns[:, None] >= columns) & (same | of_source[:, None])
    return Packed(tokens, positions, mask[:, None], to, batch.targets[of, place], of)


def _cut(lengths: list[int]) -> list[slice]:
    """Rows of these lengths in order, in pieces of at most `PIECE` tokens, padding included, or of one row."""
    found, start, longest = [], 0, 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if row > start and (row + 1 - start) * longest > PIECE:
            found.append(slice(start, row))
            start, longest = row, length
    return [*found, slice(start, len(lengths))]


def rotate(features: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """features (B, H, T, D), of which dimension i and i + D / 2 turn together."""
    first, second = features.chunk(2, dim=-1)
    cosines, sines = rotation
    return features * cosines + torch.cat([-second, first], dim=-1) * sines


def attend(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """query (B, H, T, D), key and value (B, G, S, D), mask (B, 1, T, S) → (B, H, T, D)."""
    shared = query.shape[1] // key.shape[1]
    key, value = (each.repeat_interleave(shared, dim=1) for each in (key, value))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)


def attention_weights(query: Tensor, key: Tensor, mask: Tensor) -> Tensor:
    """query (B, H, T, D), key (B, G, S, D), mask (B, 1, T, S) → (B, H, T, S)."""
    key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
    scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    return scores.float().masked_fill(~mask, NOTHING).softmax(dim=-1)
