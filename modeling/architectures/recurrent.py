"""What the recurrent families share: embeddings with the output layer, and a state that is a few vectors per text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from modeling.architectures.interface import State
from modeling.config import TrainingConfig
from modeling.tokenization import PAD, UNKNOWN


class Vocabulary(nn.Module):
    """Embeddings of source and target tokens, and the projection of features onto them. E the size of an embedding.

    Tied, one matrix serves all three (Press and Wolf 2017), and features are of size E; else there are three, and
    features are of size H.
    """

    def __init__(self, config: TrainingConfig, vocabulary: int, hidden: int) -> None:
        super().__init__()
        size = config.embedding_size
        self.word_dropout = config.word_dropout
        self.dropout = nn.Dropout(config.dropout)
        self.tied = config.tied
        self.features = size if config.tied else hidden
        self.target = embedding(vocabulary, size)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        if not config.tied:
            self.untied_source = embedding(vocabulary, size)
            self.untied_weight = nn.Parameter(torch.empty(vocabulary, hidden))
            nn.init.normal_(self.untied_weight, std=hidden**-0.5)

    @property
    def source(self) -> nn.Embedding:
        return self.target if self.tied else self.untied_source

    def embed(self, tokens: Tensor, table: nn.Embedding) -> Tensor:
        """Tokens (…) → (…, E), in training with some of the tokens made unknown and some units dropped."""
        if self.training and self.word_dropout:
            dropped = (torch.rand(tokens.shape, device=tokens.device) < self.word_dropout) & (tokens != PAD)
            tokens = tokens.masked_fill(dropped, UNKNOWN)
        embedded: Tensor = self.dropout(table(tokens))
        return embedded

    def packed(self, source: Tensor, lengths: Tensor) -> PackedSequence:
        """Embedded sources without their padding."""
        return pack_padded_sequence(self.embed(source, self.source), lengths, batch_first=True, enforce_sorted=False)

    def logits(self, features: Tensor) -> Tensor:
        return F.linear(features, self.target.weight if self.tied else self.untied_weight, self.bias)


def embedding(vocabulary: int, size: int) -> nn.Embedding:
    """A table (vocabulary, size) of unit rows on average, that of padding being zero and staying so."""
    table = nn.Embedding(vocabulary, size, padding_idx=PAD)
    nn.init.normal_(table.weight, std=size**-0.5)
    with torch.no_grad():
        table.weight[PAD].zero_()
    return table


class RecurrentState(State):
    """Tensors (B, K, …), a vector or a stack of them for each text."""

    def __init__(self, *tensors: Tensor) -> None:
        self.tensors = tensors

    def reorder(self, parents: Tensor) -> None:
        source = torch.arange(len(parents), device=parents.device)[:, None]
        self.tensors = tuple(tensor[source, parents] for tensor in self.tensors)

    def keep(self, sources: Tensor) -> None:
        self.tensors = tuple(tensor[sources] for tensor in self.tensors)


def repeated(start: Tensor, texts: int) -> Tensor:
    """(B, …) → (B, K, …), the same for each of a source's texts."""
    return start[:, None].expand(len(start), texts, *start.shape[1:])


def both_directions(final: Tensor) -> Tensor:
    """The last states of a bidirectional encoder (2 L, B, H / 2) → (B, L, H), its directions side by side."""
    layers, rows, half = final.shape[0] // 2, final.shape[1], final.shape[2]
    return final.view(layers, 2, rows, half).permute(2, 0, 1, 3).reshape(rows, layers, 2 * half)
