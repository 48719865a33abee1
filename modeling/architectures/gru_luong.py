"""GRU encoder and decoder with attention after the decoder's GRU (Luong, Pham and Manning 2015, "general" score).

Because attention does not feed back into the recurrence, the decoder's GRU runs over a whole target in one call and
attention over all of its positions is two matrix products.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from modeling.architectures.interface import EncoderDecoder, Memory
from modeling.config import TrainingConfig
from modeling.tokenization import PAD, UNKNOWN


class GruLuong(EncoderDecoder):
    """Embeddings are shared by source, target and output. L layers, H units, E the size of an embedding."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, hidden, layers = config.embedding_size, config.hidden_size, config.layers
        between = config.dropout if layers > 1 else 0.0
        self.word_dropout = config.word_dropout
        self.embedding = nn.Embedding(vocabulary, size, padding_idx=PAD)
        self.encoder = nn.GRU(size, hidden // 2, layers, batch_first=True, bidirectional=True, dropout=between)
        self.decoder = nn.GRU(size, hidden, layers, batch_first=True, dropout=between)
        self.bridge = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.combine = nn.Linear(2 * hidden, size)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.embedding.weight, std=size**-0.5)
        with torch.no_grad():
            self.embedding.weight[PAD].zero_()

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        packed = pack_padded_sequence(self._embed(source), lengths, batch_first=True, enforce_sorted=False)
        outputs, final = self.encoder(packed)
        values, _ = pad_packed_sequence(outputs, batch_first=True)
        values = self.dropout(values)
        layers, rows, half = final.shape[0] // 2, final.shape[1], final.shape[2]
        ends = final.view(layers, 2, rows, half).permute(2, 0, 1, 3).reshape(rows, layers, 2 * half)
        return Memory(values, self.key(values), source != PAD, torch.tanh(self.bridge(ends)))

    def hidden(self, inputs: Tensor, memory: Memory) -> Tensor:
        outputs, _ = self.decoder(self._embed(inputs), memory.start.transpose(0, 1).contiguous())
        return self._attend(self.dropout(outputs), memory)

    def step(self, tokens: Tensor, state: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """The state is (B, L, H)."""
        outputs, state = self.decoder(self._embed(tokens[:, None]), state.transpose(0, 1).contiguous())
        return self._attend(self.dropout(outputs), memory)[:, 0], state.transpose(0, 1)

    def logits(self, features: Tensor) -> Tensor:
        return F.linear(features, self.embedding.weight, self.bias)

    def attention(self, queries: Tensor, memory: Memory) -> Tensor:
        """queries (B, T, H) → weights (B, T, S) that sum to one over the real source tokens (equation 8, general)."""
        scores = torch.bmm(queries, memory.keys.transpose(1, 2))
        return scores.masked_fill(~memory.mask[:, None], float("-inf")).softmax(dim=-1)

    def _attend(self, queries: Tensor, memory: Memory) -> Tensor:
        """Attentional features (B, T, E): tanh of the combined context and state (equation 5)."""
        context = torch.bmm(self.attention(queries, memory), memory.values)
        return self.dropout(torch.tanh(self.combine(torch.cat([context, queries], dim=-1))))

    def _embed(self, tokens: Tensor) -> Tensor:
        if self.training and self.word_dropout:
            dropped = (torch.rand(tokens.shape, device=tokens.device) < self.word_dropout) & (tokens != PAD)
            tokens = tokens.masked_fill(dropped, UNKNOWN)
        return self.dropout(self.embedding(tokens))
