"""What a reward model sees of a source and a text: what a frozen model makes of them, and a few counts.

Texts pass `modeling.text.normalize` first, in training and in use: nothing is learned from how they are typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.bases import weights_sha256
from modeling.batching import make_batch
from modeling.checkpoints import WEIGHTS, load_checkpoint, read_manifest
from modeling.corpus import EncodedPair, Example, encode_source, no_source
from modeling.devices import cpu_threads
from modeling.errors import CheckpointError, ConfigError, CorpusError
from modeling.marks import END
from modeling.sentence_encoder import packaged_encoder, sentence_encoder
from modeling.text import normalize

Floats = NDArray[np.float64]
Pair = tuple[str, str]  # a source, empty where there is none, and a text
Report = Callable[[float], None]

CHUNK = 512  # texts between two reports
SUBWORDS = 256  # of a text that are read: as many as MiniLM was trained for
PAIRS = 64  # that a checkpoint reads side by side
SURFACE = ("words", "word_length", "source_in_text", "text_in_source", "repeated_bigrams")


class Features(Protocol):
    """`identity` says what computes them, in JSON's types; `blocks` how many columns each kind of feature has."""

    identity: dict[str, Any]
    blocks: tuple[int, ...]

    def __call__(self, pairs: Sequence[Pair], report: Report = ...) -> Floats:
        """(pairs, sum of blocks)."""


def no_report(share: float) -> None:
    """Nobody waits."""


@dataclass
class EmbeddingFeatures:
    """The sentence encoder's vectors of source and text, their product and the size of their difference, as for pairs
    of sentences in Conneau et al. 2017, section 3.1; without a source only the text's."""

    folder: Path | None = None
    device: torch.device | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        folder = self.folder or packaged_encoder()
        self.identity: dict[str, Any] = {"encoder": str(self.folder or ""), "sha256": encoder_sha256(folder)}
        self.encoder = sentence_encoder(folder, self.device)
        size = int(self.encoder.model.config.hidden_size)
        self.blocks: tuple[int, ...] = (size, size, size, size, len(SURFACE))

    def __call__(self, pairs: Sequence[Pair], report: Report = no_report) -> Floats:
        normal = [(normalize(source), normalize(text)) for source, text in pairs]
        places = {text: place for place, text in enumerate(dict.fromkeys(text for pair in normal for text in pair))}
        texts, parts = list(places), []
        with cpu_threads(self.threads):
            for start in range(0, len(texts), CHUNK):
                parts.append(self.encoder.embed(texts[start : start + CHUNK], SUBWORDS))
                report(min(1.0, (start + CHUNK) / len(texts)))
        vectors = np.concatenate(parts).astype(np.float64)
        there = np.array([[bool(source)] for source, _ in normal])
        sources = vectors[[places[source] for source, _ in normal]] * there
        written = vectors[[places[text] for _, text in normal]]
        surfaces = np.array([surface(*pair) for pair in normal])
        return np.hstack([sources, written, sources * written, np.abs(sources - written) * there, surfaces])


@dataclass
class StateFeatures:
    """The mean of a checkpoint's decoder states over a text's tokens and its end, given the source: what stands right
    before the projection onto the vocabulary. The context around the source is not given."""

    checkpoint: Path
    device: torch.device | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        device = self.device or torch.device("cpu")
        self.loaded = load_checkpoint(self.checkpoint)
        self.model = self.loaded.model(device)
        self.identity: dict[str, Any] = {"states": str(self.checkpoint), "sha256": checkpoint_sha256(self.checkpoint)}
        self.blocks: tuple[int, ...] = (self._states([("", "a")]).shape[1], len(SURFACE))

    def __call__(self, pairs: Sequence[Pair], report: Report = no_report) -> Floats:
        normal = [(normalize(source), normalize(text)) for source, text in pairs]
        found: Floats = np.zeros((len(normal), self.blocks[0]))
        order = sorted(range(len(normal)), key=lambda place: len(normal[place][1]))
        with cpu_threads(self.threads):
            for start in range(0, len(order), PAIRS):
                rows = order[start : start + PAIRS]
                found[rows] = self._states([normal[row] for row in rows])
                report(min(1.0, (start + PAIRS) / len(order)))
        return np.hstack([found, np.array([surface(*pair) for pair in normal])])

    @torch.inference_mode()
    def _states(self, pairs: Sequence[Pair]) -> Floats:
        batch = make_batch([self._encoded(*pair) for pair in pairs], next(self.model.parameters()).device)
        hidden = self.model.hidden(batch.inputs, self.model.encode(batch.source, batch.source_lengths))
        sums = torch.zeros(len(pairs), hidden.shape[-1], device=hidden.device, dtype=torch.float32)
        sums.index_add_(0, batch.rows, hidden[batch.rows, batch.positions].float())
        return (sums / torch.bincount(batch.rows, minlength=len(pairs))[:, None]).double().cpu().numpy()

    def _encoded(self, source: str, text: str) -> EncodedPair:
        """Both cut to what the model reads; a source without words is withheld."""
        config, tokenizer = self.loaded.config, self.loaded.tokenizer
        try:
            given = encode_source(Example("pair", source), tokenizer, config, cut=True)
        except CorpusError:
            given = no_source(tokenizer, config)
        ids = [each for each in tokenizer.encode(text) if each != END][: config.max_target_length - 1]
        return EncodedPair(given, np.array([*ids, END], dtype=np.int32), 1.0, 0, 1)


def surface(source: str, text: str) -> tuple[float, ...]:
    """Of normalised texts, as `SURFACE` names them: log(1 + words), letters a word, the share of the source's words
    that the text has, the share of the text's words that the source has, the share of bigrams that came before."""
    words, given = text.split(), set(source.split())
    bigrams = list(pairwise(words))
    return (
        float(np.log1p(len(words))),
        sum(map(len, words)) / max(1, len(words)),
        len(given & set(words)) / max(1, len(given)),
        sum(word in given for word in words) / max(1, len(words)),
        1 - len(set(bigrams)) / len(bigrams) if bigrams else 0.0,
    )


def encoder_sha256(folder: Path) -> str:
    """Raises ConfigError for a folder without weights in safetensors."""
    try:
        return weights_sha256(folder)
    except (ConfigError, OSError) as error:
        raise ConfigError(f"{folder}: the encoder has no weights in safetensors") from error


def checkpoint_sha256(folder: Path) -> str:
    return str(read_manifest(folder)["files"][WEIGHTS])


def features_of(
    encoder: str, states: str, *, device: torch.device | None = None, threads: int = 1, sha256: str = ""
) -> Features:
    """Those of a checkpoint's `states` where there is one, else of an `encoder`, by default the packaged one.

    With `sha256`, raises CheckpointError before anything is loaded where its weights have another.
    """
    if sha256:
        found = checkpoint_sha256(Path(states)) if states else encoder_sha256(Path(encoder or packaged_encoder()))
        if found != sha256:
            raise CheckpointError(
                f"{states or encoder or 'the packaged sentence encoder'}: the SHA-256 of its weights is {found[:12]}…, "
                f"but the reward model was fitted on {sha256[:12]}…"
            )
    if states:
        return StateFeatures(Path(states), device, threads)
    return EmbeddingFeatures(Path(encoder) if encoder else None, device, threads)
