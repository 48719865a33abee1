"""LSTM encoder-decoder without attention (Sutskever, Vinyals and Le 2014): the encoder's last states are all that the
decoder knows of the source, which is read from its end where `reverse_source` says so."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modeling.architectures.interface import EncoderDecoder, Memory
from modeling.architectures.recurrent import RecurrentState, Vocabulary, repeated
from modeling.config import TrainingConfig
from modeling.tokenization import PAD

UNIFORM = 0.08


@dataclass(frozen=True)
class LstmMemory(Memory):
    """The encoder's last hidden state and cell, (B, L, H) each."""

    hidden: Tensor
    cell: Tensor


class LstmDecoder(EncoderDecoder[LstmMemory, RecurrentState]):
    """The decoding half, L layers of H units. Where features are smaller than H, a layer in between makes them so."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, hidden, layers = config.embedding_size, config.hidden_size, config.layers
        self.vocabulary = Vocabulary(config, vocabulary, hidden)
        self.between = config.dropout if layers > 1 else 0.0
        self.decoder = nn.LSTM(size, hidden, layers, batch_first=True, dropout=self.between)
        self.output = nn.Linear(hidden, self.vocabulary.features) if config.tied else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)

    def hidden(self, inputs: Tensor, memory: LstmMemory) -> Tensor:
        first = tuple(each.transpose(0, 1).contiguous() for each in (memory.hidden, memory.cell))
        outputs, _ = self.decoder(self.vocabulary.embed(inputs, self.vocabulary.target), first)
        return self._features(outputs)

    def start(self, memory: LstmMemory, texts: int) -> RecurrentState:
        return RecurrentState(repeated(memory.hidden, texts), repeated(memory.cell, texts))

    def step(self, tokens: Tensor, state: RecurrentState, memory: LstmMemory) -> Tensor:
        """The state is the hidden state and the cell, (B, K, L, H) each."""
        before = tuple(each.flatten(0, 1).transpose(0, 1).contiguous() for each in state.tensors)
        embedded = self.vocabulary.embed(tokens.reshape(-1, 1), self.vocabulary.target)
        outputs, after = self.decoder(embedded, before)
        state.tensors = tuple(each.transpose(0, 1).view_as(old) for each, old in zip(after, state.tensors, strict=True))
        return self._features(outputs.view(*tokens.shape, -1))

    def logits(self, features: Tensor) -> Tensor:
        return self.vocabulary.logits(features)

    def _features(self, outputs: Tensor) -> Tensor:
        features: Tensor = self.output(self.dropout(outputs))
        return features


class Lstm(LstmDecoder):
    """Weights begin uniform in ±0.08 (section 3.4)."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, hidden, layers = config.embedding_size, config.hidden_size, config.layers
        self.reverse_source = config.reverse_source
        self.encoder = nn.LSTM(size, hidden, layers, batch_first=True, dropout=self.between)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -UNIFORM, UNIFORM)

    def encode(self, source: Tensor, lengths: Tensor) -> LstmMemory:
        given = reverse(source, lengths) if self.reverse_source else source
        _, (hidden, cell) = self.encoder(self.vocabulary.packed(given, lengths))
        return LstmMemory(source != PAD, hidden.transpose(0, 1), cell.transpose(0, 1))


def reverse(source: Tensor, lengths: Tensor) -> Tensor:
    """Each row's real tokens in the opposite order, its padding where it was (section 3.3)."""
    places = lengths.to(source.device)[:, None] - 1 - torch.arange(source.shape[1], device=source.device)
    return torch.where(places >= 0, source.gather(1, places.clamp(min=0)), PAD)
