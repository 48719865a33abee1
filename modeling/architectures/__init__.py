"""Model families behind one interface, one file each."""

from __future__ import annotations

from typing import Any

from modeling.architectures.bilstm import BiLstm
from modeling.architectures.gru_attention import GruAttention
from modeling.architectures.gru_luong import GruLuong
from modeling.architectures.interface import EncoderDecoder, Memory, State
from modeling.architectures.lstm import Lstm
from modeling.architectures.transformer import Transformer
from modeling.bases import find_base
from modeling.config import CAUSAL, PRETRAINED, TrainingConfig
from modeling.tokenization import Normalisation, Tokenizer

__all__ = [
    "FAMILIES",
    "Memory",
    "Model",
    "State",
    "begin",
    "build",
    "build_for",
    "make_ready",
    "read_tokenizer",
    "tokenizer_kind",
]

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


# What pretrained families need is imported where it is used: the transformers library takes seconds to load.


def tokenizer_kind(config: TrainingConfig) -> type[Tokenizer]:
    """The class of the tokenizer that a checkpoint of this configuration holds."""
    if config.architecture == PRETRAINED:
        from modeling.pretrained import PretrainedTokenizer

        return PretrainedTokenizer
    if config.architecture == CAUSAL:
        from modeling.causal_tokens import CausalTokenizer

        return CausalTokenizer
    return Tokenizer


def read_tokenizer(config: TrainingConfig) -> Tokenizer:
    """The tokenizer of the pretrained model that a training begins from. Raises ConfigError where it cannot be read."""
    base, normalisation = find_base(config.model_path), Normalisation.of(config)
    if config.architecture == CAUSAL:
        from modeling.llama import read_tokenizer

        return read_tokenizer(base, normalisation)
    from modeling.pretrained import PretrainedTokenizer

    return PretrainedTokenizer.read(base, normalisation)


def make_ready(config: TrainingConfig) -> None:
    """Turn the pretrained model into what is quick to read, where that was not done yet and takes a while."""
    if config.architecture == CAUSAL:
        from modeling.llama import readable

        readable(find_base(config.model_path))


def build_for(config: TrainingConfig, tokenizer: Tokenizer) -> Model:
    """A model of the configured family for the tokenizer's vocabulary, of random weights; where only adapters are
    learned, of its pretrained ones. Raises ConfigError where those are not there, CheckpointError where they are
    others."""
    if config.lora_rank:
        return begin(config, tokenizer)
    return _untrained(config, tokenizer)


def begin(config: TrainingConfig, tokenizer: Tokenizer) -> Model:
    """What a training begins with: a pretrained model's weights are those of its file or folder, others' random.

    Raises ConfigError where there are no weights, CheckpointError where they are not the tokenizer's model's.
    """
    model = _untrained(config, tokenizer)
    if config.model_path:
        model.begin_from(find_base(config.model_path))
    return model


def _untrained(config: TrainingConfig, tokenizer: Tokenizer) -> Model:
    if config.architecture == PRETRAINED:
        from modeling.architectures.pretrained import Pretrained

        return Pretrained(config, tokenizer)
    if config.architecture == CAUSAL:
        from modeling.architectures.causal_lm import CausalLm

        return CausalLm(config, tokenizer)
    return build(config, len(tokenizer))
