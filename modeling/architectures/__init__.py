"""Model families behind one interface, one file each."""

from __future__ import annotations

from typing import Any

from modeling.architectures.bilstm import BiLstm
from modeling.architectures.gru_attention import GruAttention
from modeling.architectures.gru_luong import GruLuong
from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.architectures.lstm import Lstm
from modeling.architectures.transformer import Transformer
from modeling.config import TrainingConfig

__all__ = ["FAMILIES", "Memory", "Model", "State", "build"]

Model = EncoderDecoder[Any, Any]
FAMILIES: dict[str, type[Model]] = {
    "lstm": Lstm,
    "bilstm": BiLstm,
    "gru-attention": GruAttention,
    "gru-luong": GruLuong,
    "transformer": Transformer,
}


def build(config: TrainingConfig, vocabulary: int) -> Model:
    """An untrained model of the configured family for a vocabulary of that many tokens."""
    return FAMILIES[config.architecture](config, vocabulary)
