"""Subwords by sentencepiece, with the normalisation that goes with them."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sentencepiece

from modeling.errors import CorpusError
from modeling.text import PLACEHOLDERS, normalize

PAD, UNKNOWN, BEGIN, END = 0, 1, 2, 3
SENTENCES = 200_000  # a larger sample changes a 4k vocabulary little and takes minutes


@dataclass(frozen=True)
class Tokenizer:
    """Text to ids and back. `model` is the sentencepiece model's bytes, as saved with a checkpoint."""

    model: bytes
    lowercase: bool
    detokenize: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", sentencepiece.SentencePieceProcessor(model_proto=self.model))

    _pieces: Any = None

    @classmethod
    def train(cls, texts: Sequence[str], *, vocabulary_size: int, lowercase: bool, detokenize: bool, seed: int) -> Self:
        """Learn a unigram vocabulary (Kudo 2018) of at most `vocabulary_size` pieces; placeholders stay whole."""
        if len(texts) > SENTENCES:
            texts = random.Random(seed).sample(texts, SENTENCES)
        sentences = [normalize(text, lowercase=lowercase, detokenize=detokenize) for text in texts]
        written = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter([sentence for sentence in sentences if sentence]),
                model_writer=written,
                vocab_size=vocabulary_size,
                hard_vocab_limit=False,
                character_coverage=1.0,
                user_defined_symbols=list(PLACEHOLDERS),
                pad_id=PAD,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                unk_surface="",
                num_threads=1,
                minloglevel=2,
            )
        except RuntimeError as error:
            raise CorpusError(
                f"sentencepiece cannot learn {vocabulary_size} pieces from these texts: {error}"
            ) from error
        return cls(written.getvalue(), lowercase, detokenize)

    def __len__(self) -> int:
        return int(self._pieces.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Ids of the normalised text, the end token last: `[END]` alone where nothing is left of it."""
        normalized = normalize(text, lowercase=self.lowercase, detokenize=self.detokenize)
        return [*self._pieces.encode(normalized), END]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids before the first end token."""
        kept: list[int] = []
        for each in ids:
            if each == END:
                break
            kept.append(int(each))
        return str(self._pieces.decode(kept)).strip()
