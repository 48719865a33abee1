"""Model families behind one interface, one file each."""

from __future__ import annotations

from modeling.architectures.gru_luong import GruLuong
from modeling.architectures.interface import EncoderDecoder
from modeling.config import TrainingConfig

FAMILIES: dict[str, type[EncoderDecoder]] = {"gru-luong": GruLuong}


def build(config: TrainingConfig, vocabulary: int) -> EncoderDecoder:
    """An untrained model of the configured family for a vocabulary of that many tokens."""
    return FAMILIES[config.architecture](config, vocabulary)
