"""Another order for a source's texts: those come first that are likely because of the source, not anyway.

log p(text | source) - weight · log p(text), the maximum mutual information criterion with a language model (Li et al.
2016, equation 9), over n-best lists. p(text) is the model's own without a source, which it must have learned to do
without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modeling.architectures import Model
from modeling.checkpoints import Checkpoint
from modeling.corpus import EncodedPair, no_source
from modeling.errors import DecodingError
from modeling.marks import END
from modeling.metrics.losses import pair_losses
from modeling.search import Text


def check_rerankable(loaded: Checkpoint) -> None:
    """Raises DecodingError for a model that was always given a source."""
    if not loaded.config.source_dropout:
        raise DecodingError(
            "rerank: this model was trained with source_dropout=0 and does not know how likely a text is without a "
            "source; train one with, for example, source_dropout=0.1"
        )


def reranked(model: Model, loaded: Checkpoint, found: Sequence[Sequence[Text]], weight: float) -> list[list[Text]]:
    """Each source's texts, the best by the criterion first, which is then their score."""
    nothing = no_source(loaded.tokenizer, loaded.config)
    flat = [text for texts in found for text in texts]
    targets = [np.array([*text.tokens, END], dtype=np.int32) for text in flat]
    pairs = [EncodedPair(nothing, target, 1.0, place, 1) for place, target in enumerate(targets)]
    losses = iter(pair_losses(model, pairs, next(model.parameters()).device))
    scored = [[replace(text, score=text.logprob + weight * float(next(losses))) for text in texts] for texts in found]
    return [sorted(texts, key=lambda text: -text.score) for texts in scored]
