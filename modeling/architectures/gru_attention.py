"""GRU encoder and decoder with attention before each step of the decoder (Bahdanau, Cho and Bengio 2015).

The context is an input of the recurrence, so that a target can only be gone through step by step. What does not depend
on the step is taken out of the loop: keys, and the embedded tokens' share of the gates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_packed_sequence

from modeling.architectures.interface import EncoderDecoder, Memory
from modeling.architectures.recurrent import RecurrentState, Vocabulary, repeated
from modeling.config import TrainingConfig
from modeling.tokenization import PAD


@dataclass(frozen=True)
class BahdanauMemory(Memory):
    """values (B, S, H) and keys (B, S, H) to attend to, first (B, H): the encoder's last state."""

    values: Tensor
    keys: Tensor
    first: Tensor


class GruAttention(EncoderDecoder[BahdanauMemory, RecurrentState]):
    """One layer, H units on either side; the encoder reads in one direction, as the 2018 reference's does."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, hidden = config.embedding_size, config.hidden_size
        self.vocabulary = Vocabulary(config, vocabulary, hidden)
        self.encoder = nn.GRU(size, hidden, batch_first=True)
        self.key, self.query = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.cell = nn.GRUCell(size + hidden, hidden)
        self.output = nn.Linear(hidden, self.vocabulary.features) if config.tied else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.size = size

    def encode(self, source: Tensor, lengths: Tensor) -> BahdanauMemory:
        outputs, final = self.encoder(self.vocabulary.packed(source, lengths))
        values, _ = pad_packed_sequence(outputs, batch_first=True)
        values = self.dropout(values)
        return BahdanauMemory(source != PAD, values, self.key(values), final[0])

    def hidden(self, inputs: Tensor, memory: BahdanauMemory) -> Tensor:
        states, _ = self._run(inputs, memory)
        return self._features(states)

    def attention(self, inputs: Tensor, memory: BahdanauMemory) -> Tensor:
        _, weights = self._run(inputs, memory)
        return weights[:, None]

    def start(self, memory: BahdanauMemory, texts: int) -> RecurrentState:
        return RecurrentState(repeated(memory.first, texts))

    def step(self, tokens: Tensor, state: RecurrentState, memory: BahdanauMemory) -> Tensor:
        """The state is (B, K, H)."""
        (before,) = state.tensors
        gates = self._token_gates(self.vocabulary.embed(tokens, self.vocabulary.target))
        after, _ = self._move(before, gates, memory)
        state.tensors = (after,)
        return self._features(after)

    def logits(self, features: Tensor) -> Tensor:
        return self.vocabulary.logits(features)

    def _run(self, inputs: Tensor, memory: BahdanauMemory) -> tuple[Tensor, Tensor]:
        """Inputs (B, T) → states (B, T, H) and attention weights (B, T, S)."""
        gates = self._token_gates(self.vocabulary.embed(inputs, self.vocabulary.target))
        state, states, weights = memory.first[:, None], [], []
        for position in gates.split(1, dim=1):
            state, attended = self._move(state, position, memory)
            states.append(state)
            weights.append(attended)
        return torch.cat(states, dim=1), torch.cat(weights, dim=1)

    def _token_gates(self, embedded: Tensor) -> Tensor:
        """The embedded tokens' share of reset, update and new gate: (…, E) → (…, 3 H)."""
        return F.linear(embedded, self.cell.weight_ih[:, : self.size], self.cell.bias_ih)

    def _move(self, state: Tensor, token_gates: Tensor, memory: BahdanauMemory) -> tuple[Tensor, Tensor]:
        """K states of B sources (B, K, H), one step on; and their weights (B, K, S), each row summing to one.

        Scores are v · tanh(W s + U h) (appendix A.1.2); the gates are those of `torch.nn.GRUCell`.
        """
        scores = self.score(torch.tanh(self.query(state)[:, :, None] + memory.keys[:, None]))[..., 0]
        weights = scores.masked_fill(~memory.mask[:, None], float("-inf")).softmax(dim=-1)
        context = torch.bmm(weights, memory.values)
        given = token_gates + F.linear(context, self.cell.weight_ih[:, self.size :])
        reset_in, update_in, new_in = given.chunk(3, dim=-1)
        reset_state, update_state, new_state = F.linear(state, self.cell.weight_hh, self.cell.bias_hh).chunk(3, dim=-1)
        reset, update = torch.sigmoid(reset_in + reset_state), torch.sigmoid(update_in + update_state)
        new = torch.tanh(new_in + reset * new_state)
        return new + update * (state - new), weights

    def _features(self, states: Tensor) -> Tensor:
        features: Tensor = self.output(self.dropout(states))
        return features
