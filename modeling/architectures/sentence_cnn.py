"""Convolutional sentence classifier (Kim 2014): filters over word embeddings, their maxima over time, one output layer.

A window may reach beyond either end of its sentence, into zeros, as long as it holds a word of it: a sentence shorter
than the widest filter has windows too. Windows in padding alone never count.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modeling.config import SentenceCnnConfig

WIDTHS = (3, 4, 5)  # words a filter sees
PAD, UNKNOWN = 0, 1


class SentenceCnn(nn.Module):
    """V words with embeddings of D units, F filters of each width, C classes."""

    def __init__(self, config: SentenceCnnConfig, vectors: Tensor, classes: int = 2) -> None:
        """`vectors` (V, D) is where embeddings begin; the row of PAD counts as zeros."""
        super().__init__()
        vectors = vectors.clone()
        vectors[PAD] = 0
        learning = {"static": [False], "two-channel": [False, True]}.get(config.embeddings, [True])
        self.channels = nn.ModuleList(
            nn.Embedding.from_pretrained(vectors.clone(), freeze=not learns, padding_idx=PAD) for learns in learning
        )
        size = vectors.shape[1]
        self.filters = nn.ModuleList(nn.Conv1d(size, config.filters, width, padding=width - 1) for width in WIDTHS)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(len(WIDTHS) * config.filters, classes)
        self.max_norm = config.max_norm

    def forward(self, words: Tensor) -> Tensor:
        """words (B, T), padded with PAD behind the end → scores of the classes (B, C), not normalised."""
        return self.output(self.dropout(self.features(words)))

    def features(self, words: Tensor) -> Tensor:
        """Maxima over time of every filter (B, 3F) (equations 2 to 4); zero for a sentence without words.

        A filter is applied to each channel and the results are added, which is to apply it to the channels' sum.
        """
        embedded = torch.stack([channel(words) for channel in self.channels]).sum(0).transpose(1, 2)
        lengths = (words != PAD).sum(1, keepdim=True)
        pooled = []
        for width, convolution in zip(WIDTHS, self.filters, strict=True):
            windows = F.relu(convolution(embedded))
            last = torch.where(lengths > 0, lengths + width - 1, 0)
            real = torch.arange(windows.shape[2], device=words.device) < last
            pooled.append((windows * real[:, None]).amax(2))
        return torch.cat(pooled, 1)

    @torch.no_grad()
    def constrain(self) -> None:
        """Shorten each weight vector of the output layer to at most `max_norm`; to be called after every step."""
        self.output.weight.copy_(torch.renorm(self.output.weight, p=2, dim=0, maxnorm=self.max_norm))
