"""What a training reads: its examples, the vocabulary, and the pairs made of both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modeling.architectures import read_tokenizer
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair, Example, Tokens, deduplicate, encode_pairs, no_source, read_examples, texts
from modeling.denoising import corrupt, restorations, withhold, word_starts
from modeling.errors import CorpusError
from modeling.tokenization import Normalisation, Tokenizer
from modeling.validation import draw_pairs


@dataclass(frozen=True)
class Examples:
    """Those of the two files; `validation` is empty without the second."""

    training: list[Example]
    validation: list[Example]

    @classmethod
    def read(cls, config: TrainingConfig, train_file: Path, valid_file: Path | None) -> Examples:
        training = read_examples(train_file)
        if config.deduplicate:
            training = deduplicate(training, Normalisation.of(config))
        return cls(training, read_examples(valid_file) if valid_file else [])

    def new_tokenizer(self, config: TrainingConfig) -> Tokenizer:
        """The pretrained model's, or one learnt from the training's texts."""
        if config.model_path:
            return read_tokenizer(config)
        return Tokenizer.train(
            texts(self.training),
            Normalisation.of(config),
            vocabulary_size=config.vocabulary_size,
            seed=config.seed,
        )


@dataclass(frozen=True)
class Material:
    """`pairs` to train on, `restorations` to begin with where there is denoising, and the `valid_pairs` of a look.

    `left_out` says why each pair that is not among them was left out.
    """

    config: TrainingConfig
    pairs: list[EncodedPair]
    valid_pairs: list[EncodedPair]
    left_out: list[str]
    nothing: Tokens
    restorations: list[EncodedPair] = field(default_factory=list)
    word_starts: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))

    @classmethod
    def of(cls, examples: Examples, tokenizer: Tokenizer, config: TrainingConfig) -> Material:
        """Raises CorpusError where no pair is left to train on."""
        pairs, left_out = encode_pairs(examples.training, tokenizer, config)
        if not pairs:
            raise CorpusError(f"no pair is left to train on; the first: {left_out[0]}")
        valid = validation_pairs(examples, tokenizer, config)
        nothing = no_source(tokenizer, config)
        if not config.denoising:
            return cls(config, pairs, valid, left_out, nothing)
        restored = restorations(examples.training, tokenizer, config)
        return cls(config, pairs, valid, left_out, nothing, restored, word_starts(tokenizer))

    def looking_at(self, examples: Examples, tokenizer: Tokenizer, config: TrainingConfig) -> Material:
        """The same with as many validation pairs as the config says now."""
        return replace(self, config=config, valid_pairs=validation_pairs(examples, tokenizer, config))

    def noised(self, batches: list[list[EncodedPair]], step: int, *, restoring: bool) -> list[list[EncodedPair]]:
        """The step's batches with what the model is to do without: words while sentences are restored, else sources."""
        generator = np.random.default_rng([self.config.seed, step])
        if restoring:
            return [corrupt(each, self.word_starts, self.config.denoising_drop, generator) for each in batches]
        if self.config.source_dropout:
            return [withhold(each, self.nothing, self.config.source_dropout, generator) for each in batches]
        return batches


def validation_pairs(examples: Examples, tokenizer: Tokenizer, config: TrainingConfig) -> list[EncodedPair]:
    pairs, _ = encode_pairs(examples.validation, tokenizer, config)
    return draw_pairs(pairs, config.valid_pairs, config.seed)
