"""Transformer (Vaswani et al. 2017) with layer normalisation before each sublayer (Xiong et al. 2020) and sinusoidal
positions; embeddings are tied, scaled by the root of their size.

While decoding, keys and values of the source are computed once a source and serve all of its texts. Those of the texts
are only ever appended: at position t each of a source's K texts gets a slot, and an ancestry mask says which slots are
a text's own past, so that a beam search copies no cache when texts change places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.architectures.recurrent import embedding
from modeling.config import TrainingConfig
from modeling.tokenization import PAD, UNKNOWN

Layer = TypeVar("Layer", "EncoderLayer", "DecoderLayer")

FIRST_CAPACITY = 16  # positions of a cache; doubled when they are used up
POSITIONS = 512  # with a sinusoid at hand; more are made when they are asked for


@dataclass(frozen=True)
class TransformerMemory(Memory):
    """The source's keys and values for each of the decoder's L layers: L tensors (B, A, S, E / A), A the heads."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]


class TransformerState(State):
    """The texts' own keys beside their values, `used` slots of the second axis: (B, slots, 2 E) for each of L layers.

    ancestry (B, K, slots) is true where a slot is a text's own past; with one text per source every slot is.
    """

    def __init__(self, layers: int, texts: int) -> None:
        self.texts, self.used, self.position = texts, 0, 0
        self.caches: list[Tensor] = [torch.empty(0)] * layers
        self.ancestry: Tensor | None = None

    def append(self, layer: int, new: Tensor) -> Tensor:
        """Put a layer's keys and values (B, K, 2 E) into the next slots; all of them so far (B, slots in use, 2 E)."""
        wanted = self.used + self.texts
        cache = self.caches[layer]
        if cache.dim() < 3 or wanted > cache.shape[1]:
            cache = new.new_empty(len(new), max(2 * self.used, FIRST_CAPACITY * self.texts), new.shape[2])
            if self.used:
                cache[:, : self.used] = self.caches[layer][:, : self.used]
            self.caches[layer] = cache
        cache[:, self.used : wanted] = new
        return cache[:, :wanted]

    def mask(self, rows: int, device: torch.device) -> Tensor | None:
        """(B, 1, K, slots) for the next slots and those in use, B = `rows`; None where every slot counts."""
        if self.texts == 1 and self.ancestry is None:
            return None
        own = torch.eye(self.texts, dtype=torch.bool, device=device).expand(rows, -1, -1)
        self.ancestry = own if self.ancestry is None else torch.cat([self.ancestry, own], dim=2)
        return self.ancestry[:, None]

    def reorder(self, parents: Tensor) -> None:
        if parents.shape[1] > 1 and self.ancestry is None:
            self.ancestry = torch.ones(len(parents), self.texts, self.used, dtype=torch.bool, device=parents.device)
        self.texts = parents.shape[1]
        if self.ancestry is not None:
            self.ancestry = self.ancestry.gather(1, parents[..., None].expand(-1, -1, self.used))

    def keep(self, sources: Tensor) -> None:
        self.caches = [cache[sources] for cache in self.caches]
        if self.ancestry is not None:
            self.ancestry = self.ancestry[sources]


class Transformer(EncoderDecoder[TransformerMemory, TransformerState]):
    """L layers on either side, embeddings and features of size E, A attention heads."""

    positions: Tensor

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size = config.embedding_size
        self.size, self.word_dropout = size, config.word_dropout
        self.dropout = nn.Dropout(config.dropout)
        self.embedding = embedding(vocabulary, size)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.encoder: Sequence[EncoderLayer] = layers(EncoderLayer, config)
        self.decoder: Sequence[DecoderLayer] = layers(DecoderLayer, config)
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.register_buffer("positions", sinusoids(POSITIONS, size), persistent=False)

    def encode(self, source: Tensor, lengths: Tensor) -> TransformerMemory:
        mask = source != PAD
        states = self._embed(source, 0)
        for layer in self.encoder:
            states = layer(states, mask[:, None, None])
        states = self.encoder_norm(states)
        keys, values = zip(*(layer.attended.keys_and_values(states) for layer in self.decoder), strict=True)
        return TransformerMemory(mask, keys, values)

    def hidden(self, inputs: Tensor, memory: TransformerMemory) -> Tensor:
        states = self._embed(inputs, 0)
        for layer, keys, values in zip(self.decoder, memory.keys, memory.values, strict=True):
            states = layer(states, keys, values, memory.mask[:, None, None])
        features: Tensor = self.decoder_norm(states)
        return features

    def start(self, memory: TransformerMemory, texts: int) -> TransformerState:
        return TransformerState(len(self.decoder), texts)

    def step(self, tokens: Tensor, state: TransformerState, memory: TransformerMemory) -> Tensor:
        states = self._embed(tokens, state.position, same_position=True)
        past, source = state.mask(len(tokens), tokens.device), memory.mask[:, None, None]
        for number, layer in enumerate(self.decoder):
            states = layer.step(states, state, number, past, memory.keys[number], memory.values[number], source)
        state.used += state.texts
        state.position += 1
        features: Tensor = self.decoder_norm(states)
        return features

    def logits(self, features: Tensor) -> Tensor:
        return F.linear(features, self.embedding.weight, self.bias)

    def attention(self, inputs: Tensor, memory: TransformerMemory) -> Tensor:
        """The weights of all layers' heads over the source, layer by layer."""
        states, found = self._embed(inputs, 0), []
        for layer, keys, values in zip(self.decoder, memory.keys, memory.values, strict=True):
            queries = layer.attended.queries(layer.attended_norm(layer.look_back(states)))
            scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1])
            found.append(scores.masked_fill(~memory.mask[:, None, None], float("-inf")).softmax(dim=-1))
            states = layer(states, keys, values, memory.mask[:, None, None])
        return torch.cat(found, dim=1)

    def _embed(self, tokens: Tensor, first: int, *, same_position: bool = False) -> Tensor:
        """Tokens (B, T) → (B, T, E), the first token at position `first`, the others behind it or at the same one."""
        if self.training and self.word_dropout:
            dropped = (torch.rand(tokens.shape, device=tokens.device) < self.word_dropout) & (tokens != PAD)
            tokens = tokens.masked_fill(dropped, UNKNOWN)
        count = 1 if same_position else tokens.shape[1]
        if first + count > len(self.positions):
            self.positions = sinusoids(2 * (first + count), self.size).to(self.embedding.weight)
        embedded = self.embedding(tokens) * math.sqrt(self.size) + self.positions[first : first + count]
        states: Tensor = self.dropout(embedded)
        return states


class Attention(nn.Module):
    """Scaled dot-product attention with A heads (section 3.2)."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.heads = config.heads
        self.query, self.key_value, self.output = (
            nn.Linear(size, size),
            nn.Linear(size, 2 * size),
            nn.Linear(size, size),
        )
        for layer in (self.query, self.key_value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def queries(self, states: Tensor) -> Tensor:
        """(B, T, E) → (B, A, T, E / A)."""
        return self._heads(self.query(states))

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, E) → twice (B, A, S, E / A)."""
        return self.split(self.key_value(states))

    def split(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """Keys beside values (B, S, 2 E) → twice (B, A, S, E / A)."""
        keys, values = both.chunk(2, dim=-1)
        return self._heads(keys), self._heads(values)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, *, causal: bool = False
    ) -> Tensor:
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal)
        projected: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return projected

    def _heads(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Sequential):
    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(
            nn.Linear(config.embedding_size, config.feedforward_size),
            nn.ReLU(),
            nn.Linear(config.feedforward_size, config.embedding_size),
        )

    @property
    def linears(self) -> tuple[nn.Linear, nn.Linear]:
        return cast(nn.Linear, self[0]), cast(nn.Linear, self[2])


class EncoderLayer(nn.Module):
    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.own_norm, self.forward_norm = nn.LayerNorm(config.embedding_size), nn.LayerNorm(config.embedding_size)
        self.own, self.feed_forward = Attention(config), FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        normed = self.own_norm(states)
        states = states + self.dropout(self.own(self.own.queries(normed), *self.own.keys_and_values(normed), mask))
        result: Tensor = states + self.dropout(self.feed_forward(self.forward_norm(states)))
        return result


class DecoderLayer(nn.Module):
    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.own_norm, self.attended_norm = nn.LayerNorm(config.embedding_size), nn.LayerNorm(config.embedding_size)
        self.forward_norm = nn.LayerNorm(config.embedding_size)
        self.own, self.attended, self.feed_forward = Attention(config), Attention(config), FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Target states (B, T, E) and the source's keys and values; no position sees a later one."""
        return self._look_at_source(self.look_back(states), keys, values, mask)

    def look_back(self, states: Tensor) -> Tensor:
        normed = self.own_norm(states)
        own = self.own(self.own.queries(normed), *self.own.keys_and_values(normed), None, causal=True)
        result: Tensor = states + self.dropout(own)
        return result

    def step(
        self,
        states: Tensor,
        state: TransformerState,
        number: int,
        past: Tensor | None,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """One position of `forward` for K texts per source, states (B, K, E), as the decoder's layer of that number."""
        normed = self.own_norm(states)
        own = self.own.split(state.append(number, self.own.key_value(normed)))
        states = states + self.own(self.own.queries(normed), *own, past)
        return self._look_at_source(states, keys, values, mask)

    def _look_at_source(self, states: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        queries = self.attended.queries(self.attended_norm(states))
        states = states + self.dropout(self.attended(queries, keys, values, mask))
        result: Tensor = states + self.dropout(self.feed_forward(self.forward_norm(states)))
        return result


def layers(kind: type[Layer], config: TrainingConfig) -> Sequence[Layer]:
    """As a `ModuleList`, which is what registers their parameters."""
    return cast(Sequence[Layer], nn.ModuleList(kind(config) for _ in range(config.layers)))


def sinusoids(length: int, size: int) -> Tensor:
    """(length, size): sines of all frequencies in the first half, cosines in the second (section 3.5, rearranged)."""
    frequencies = 10000.0 ** (-2 * torch.arange((size + 1) // 2, dtype=torch.float64) / size)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()[:, : size // 2]], dim=1).float()
