"""Subwords or words by sentencepiece, with the normalisation that goes with them."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import sentencepiece

from modeling.config import TrainingConfig
from modeling.errors import CorpusError
from modeling.marks import BEGIN, CAPTION, END, MARKS, PAD, THEN, UNKNOWN
from modeling.text import PLACEHOLDERS, letters_only, normalize, split_marks

WORD = "\u2581"
SENTENCES = 200_000  # a larger sample changes a 4k vocabulary little and takes minutes


@dataclass(frozen=True)
class Normalisation:
    """What is done to a text before it is cut into tokens, and what they are."""

    tokens: str = "subword"
    lowercase: bool = True
    detokenize: bool = True
    letters_only: bool = False

    @classmethod
    def of(cls, config: TrainingConfig) -> Self:
        return cls(config.tokens, config.lowercase, config.detokenize, config.letters_only)

    def __call__(self, text: str) -> str:
        if self.letters_only:
            text = letters_only(text)
        text = normalize(text, lowercase=self.lowercase, detokenize=self.detokenize)
        return split_marks(text) if self.tokens == "word" else text


@dataclass(frozen=True)
class Tokenizer:
    """Text to ids and back. `model` is the sentencepiece model's bytes, as saved with a checkpoint."""

    FILES: ClassVar[tuple[str, ...]] = ("tokenizer.model",)
    model: bytes
    normalisation: Normalisation

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", sentencepiece.SentencePieceProcessor(model_proto=self.model))

    _pieces: Any = None

    @classmethod
    def train(cls, texts: Sequence[str], normalisation: Normalisation, *, vocabulary_size: int, seed: int) -> Self:
        """Learn a vocabulary of at most `vocabulary_size` subwords (unigram model, Kudo 2018) or of the most frequent
        words. Placeholders and the marks of this package stay whole."""
        if len(texts) > SENTENCES:
            texts = random.Random(seed).sample(texts, SENTENCES)
        sentences = [normalisation(text) for text in texts]
        kind: dict[str, Any] = {"model_type": "unigram", "character_coverage": 1.0, "unk_surface": ""}
        if normalisation.tokens == "word":
            kind = {"model_type": "word", "use_all_vocab": False, "unk_surface": ""}
        written = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter([sentence for sentence in sentences if sentence]),
                model_writer=written,
                vocab_size=vocabulary_size,
                hard_vocab_limit=False,
                user_defined_symbols=list(PLACEHOLDERS),
                control_symbols=list(MARKS),
                pad_id=PAD,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                num_threads=1,
                minloglevel=2,
                **kind,
            )
        except RuntimeError as error:
            raise CorpusError(
                f"sentencepiece cannot learn {vocabulary_size} {normalisation.tokens}s from these texts: {error}"
            ) from error
        return cls(written.getvalue(), normalisation)

    @classmethod
    def from_files(cls, contents: Mapping[str, bytes], normalisation: Normalisation) -> Self:
        """Raises RuntimeError where the content is not a model of sentencepiece."""
        return cls(contents[cls.FILES[0]], normalisation)

    def files(self) -> dict[str, bytes]:
        """What a checkpoint keeps, by name of the file."""
        return {self.FILES[0]: self.model}

    def __len__(self) -> int:
        return int(self._pieces.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Ids of the normalised text, the end token last: `[END]` alone where nothing is left of it."""
        return [*self._pieces.encode(self.normalisation(text)), END]

    def given(self, source: str, *, story: Sequence[str], others: Sequence[str], limit: int) -> list[int]:
        """Ids of what a model is given, the end token last: sources of the album's other photos, the sentences of the
        story so far, each with a mark behind it, and the source.

        Where `limit` tokens do not hold all, context is left out, the farthest first; the source stays whole.
        """
        ids = self.encode(source)
        context = [(CAPTION, text) for text in others] + [(THEN, text) for text in story]
        for mark, text in reversed(context):
            before = [*self.encode(text)[:-1], self.mark(mark)]
            if len(before) + len(ids) > limit:
                break
            ids = before + ids
        return ids

    def mark(self, name: str) -> int:
        """The id of one of `MARKS`, which `encode` gives to no text."""
        return int(self._pieces.piece_to_id(name))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Each token as sentencepiece writes it: a word begins with `WORD`."""
        return [str(self._pieces.id_to_piece(int(each))) for each in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids before the first end token, as the normalisation would leave it."""
        kept: list[int] = []
        for each in ids:
            if each == END:
                break
            kept.append(int(each))
        text = str(self._pieces.decode(kept)).strip()
        return normalize(text, lowercase=False) if self.normalisation.tokens == "word" else text
