"""Sentences to be restored: the warm-up in which a model learns both kinds of text before it turns one into the other.

Captions and stories lose some of their words and are to be written whole, each behind the mark of its kind. What is
lost is drawn anew for every batch. A denoising autoencoder (Vincent et al. 2008) with word drop as noise (Lample et al.
2018, section 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from modeling.batching import same_source
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair, Example, Tokens, encode_text
from modeling.errors import CorpusError
from modeling.marks import CAPTION, STORY
from modeling.tokenization import UNKNOWN, WORD, Tokenizer


def restorations(examples: Sequence[Example], tokenizer: Tokenizer, config: TrainingConfig) -> list[EncodedPair]:
    """Each different source and reference as a pair of its marked self and itself; too long ones are left out."""
    found: dict[tuple[str, str], EncodedPair] = {}
    for index, example in enumerate(examples):
        texts = [(CAPTION, example.source), *((STORY, reference) for reference in example.references)]
        for mark, text in texts:
            if (mark, text) in found:
                continue
            try:
                ids = encode_text(text, tokenizer, min(config.max_source_length, config.max_target_length), mark)
            except CorpusError:
                continue
            marked = np.concatenate([np.array([tokenizer.mark(mark)], dtype=np.int32), ids])
            found[mark, text] = EncodedPair(marked, ids, 1.0, index, len(text.split()))
    return list(found.values())


def word_starts(tokenizer: Tokenizer) -> np.ndarray:
    """For each id of the vocabulary, whether a word begins with it. In a vocabulary of words the unknown is one."""
    starts = np.array([piece.startswith(WORD) for piece in tokenizer.pieces(range(len(tokenizer)))])
    starts[UNKNOWN] = tokenizer.normalisation.tokens == "word"
    return starts


def corrupt(
    pairs: Sequence[EncodedPair], starts: np.ndarray, share: float, generator: np.random.Generator
) -> list[EncodedPair]:
    """The pairs with a share of their sources' words dropped, though never all of them."""
    return [replace(pair, source=_dropped(pair.source, starts, share, generator)) for pair in pairs]


def withhold(
    pairs: Sequence[EncodedPair], nothing: Tokens, share: float, generator: np.random.Generator
) -> list[EncodedPair]:
    """The pairs with a share of their sources replaced by `nothing`: neighbours of one source all or none."""
    runs = np.cumsum([False, *(not same_source(before, pair) for before, pair in pairwise(pairs))])
    withheld = generator.random(len(pairs))[runs] < share
    return [replace(pair, source=nothing) if each else pair for pair, each in zip(pairs, withheld, strict=True)]


def _dropped(source: Tokens, starts: np.ndarray, share: float, generator: np.random.Generator) -> Tokens:
    """`source` is its mark, its words and the end token."""
    body = source[1:-1]
    words = np.cumsum(starts[body])
    words -= words[0]
    kept = generator.random(words[-1] + 1) >= share
    if not kept.any():
        kept[generator.integers(len(kept))] = True
    return np.concatenate([source[:1], body[kept[words]], source[-1:]])
