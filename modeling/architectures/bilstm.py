"""LSTM encoder-decoder without attention whose encoder reads in both directions (Schuster and Paliwal 1997)."""

from __future__ import annotations

from torch import Tensor, nn

from modeling.architectures.lstm import LstmDecoder, LstmMemory
from modeling.architectures.recurrent import both_directions
from modeling.config import TrainingConfig
from modeling.tokenization import PAD


class BiLstm(LstmDecoder):
    """Each direction of the encoder has half of the decoder's units; their last states, side by side, are its first."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        size, half, layers = config.embedding_size, config.hidden_size // 2, config.layers
        self.encoder = nn.LSTM(size, half, layers, batch_first=True, bidirectional=True, dropout=self.between)

    def encode(self, source: Tensor, lengths: Tensor) -> LstmMemory:
        _, (hidden, cell) = self.encoder(self.vocabulary.packed(source, lengths))
        return LstmMemory(source != PAD, both_directions(hidden), both_directions(cell))
