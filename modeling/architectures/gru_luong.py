"""GRU encoder and decoder with attention after the decoder's GRU (Luong, Pham and Manning 2015, "general" score).

Because attention does not feed back into the recurrence, the decoder's GRU runs over a whole target in one call and
attention over all of its positions is two matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_packed_sequence

from modeling.architectures.interface import EncoderDecoder, Memory
from modeling.architectures.recurrent import RecurrentState, Vocabulary, both_directions, repeated
from modeling.config import TrainingConfig
from modeling.tokenization import PAD


@dataclass(frozen=True)
class LuongMemory(Memory):
    """values (B, S, H) and keys (B, S, H) to attend to, first (B, L, H): the decoder's state before its first token."""

    values: Tensor
    keys: Tensor
    first: Tensor


class GruLuong(EncoderDecoder[LuongMemory, RecurrentState]):
    """L layers, H units; each direction of the encoder has half of them."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, hidden, layers = config.embedding_size, config.hidden_size, config.layers
        between = config.dropout if layers > 1 else 0.0
        self.vocabulary = Vocabulary(config, vocabulary, hidden)
        self.encoder = nn.GRU(size, hidden // 2, layers, batch_first=True, bidirectional=True, dropout=between)
        self.decoder = nn.GRU(size, hidden, layers, batch_first=True, dropout=between)
        self.bridge = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.combine = nn.Linear(2 * hidden, self.vocabulary.features)
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, source: Tensor, lengths: Tensor) -> LuongMemory:
        outputs, final = self.encoder(self.vocabulary.packed(source, lengths))
        values, _ = pad_packed_sequence(outputs, batch_first=True)
        values = self.dropout(values)
        return LuongMemory(source != PAD, values, self.key(values), torch.tanh(self.bridge(both_directions(final))))

    def hidden(self, inputs: Tensor, memory: LuongMemory) -> Tensor:
        return self._attend(self._queries(inputs, memory), memory)

    def start(self, memory: LuongMemory, texts: int) -> RecurrentState:
        return RecurrentState(repeated(memory.first, texts))

    def step(self, tokens: Tensor, state: RecurrentState, memory: LuongMemory) -> Tensor:
        """The state is (B, K, L, H)."""
        (before,) = state.tensors
        embedded = self.vocabulary.embed(tokens.reshape(-1, 1), self.vocabulary.target)
        outputs, after = self.decoder(embedded, before.flatten(0, 1).transpose(0, 1).contiguous())
        state.tensors = (after.transpose(0, 1).view_as(before),)
        return self._attend(self.dropout(outputs.view(*tokens.shape, -1)), memory)

    def logits(self, features: Tensor) -> Tensor:
        return self.vocabulary.logits(features)

    def attention(self, inputs: Tensor, memory: LuongMemory) -> Tensor:
        return self._weights(self._queries(inputs, memory), memory)[:, None]

    def _queries(self, inputs: Tensor, memory: LuongMemory) -> Tensor:
        first = memory.first.transpose(0, 1).contiguous()
        outputs, _ = self.decoder(self.vocabulary.embed(inputs, self.vocabulary.target), first)
        queries: Tensor = self.dropout(outputs)
        return queries

    def _weights(self, queries: Tensor, memory: LuongMemory) -> Tensor:
        """queries (B, T, H) → (B, T, S) that sum to one over the real source tokens (equation 8, general)."""
        scores = torch.bmm(queries, memory.keys.transpose(1, 2))
        return scores.masked_fill(~memory.mask[:, None], float("-inf")).softmax(dim=-1)

    def _attend(self, queries: Tensor, memory: LuongMemory) -> Tensor:
        """Attentional features (B, T, F): tanh of the combined context and state (equation 5)."""
        context = torch.bmm(self._weights(queries, memory), memory.values)
        features: Tensor = self.dropout(torch.tanh(self.combine(torch.cat([context, queries], dim=-1))))
        return features
