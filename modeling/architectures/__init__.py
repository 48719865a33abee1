"""Model families behind one interface, one file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modeling.architectures.bilstm import BiLstm
from modeling.architectures.gru_attention import GruAttention
from modeling.architectures.gru_luong import GruLuong
from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.architectures.lstm import Lstm
from modeling.architectures.transformer import Transformer
from modeling.config import PRETRAINED, TrainingConfig
from modeling.tokenization import Tokenizer

__all__ = ["FAMILIES", "Memory", "Model", "State", "begin", "build", "build_for", "tokenizer_kind"]

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


def tokenizer_kind(config: TrainingConfig) -> type[Tokenizer]:
    if config.architecture != PRETRAINED:
        return Tokenizer
    from modeling.pretrained import PretrainedTokenizer

    return PretrainedTokenizer


def build_for(config: TrainingConfig, tokenizer: Tokenizer) -> Model:
    """A model of the configured family for the tokenizer's vocabulary, of random weights."""
    if config.architecture != PRETRAINED:
        return build(config, len(tokenizer))
    from modeling.architectures.pretrained import Pretrained

    return Pretrained(config, tokenizer)


def begin(config: TrainingConfig, tokenizer: Tokenizer) -> Model:
    """What a training begins with: a pretrained model's weights are those of its folder, others' random.

    Raises ConfigError where the folder has no weights.
    """
    if config.architecture != PRETRAINED:
        return build(config, len(tokenizer))
    from modeling.architectures.pretrained import Pretrained

    model = Pretrained(config, tokenizer)
    model.begin_from(Path(config.model_path))
    return model
