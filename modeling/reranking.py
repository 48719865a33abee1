"""Another order for a source's texts, and what of it each is ranked by then.

`source`: the cosine of text and source as a sentence encoder reads them.

`reward:FOLDER`: what a reward model gives the text for the source.

`pmi`: log p(text | source) - w · log p(text), the mean over the text's tokens and its end: the criterion of Li et al.
2016, equation 9; for w = 1 pointwise mutual information, as in Holtzman et al. 2021. p(text), how likely it is whatever
the source, is estimated token by token: the mean of its probabilities with sources of other albums in the source's
place. The story so far and the album around the source stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.architectures import Model
from modeling.batching import make_batch
from modeling.checkpoints import Checkpoint
from modeling.config import REWARD, DecodingConfig
from modeling.corpus import EncodedPair, Example, Tokens, encode_source
from modeling.devices import precision
from modeling.errors import DecodingError
from modeling.marks import END
from modeling.metrics.derangements import derangement
from modeling.reward import Reward
from modeling.search import Text
from modeling.sentence_encoder import sentence_encoder
from texts.folding import fold

OTHER_SOURCES = (1, 2, 3, 4)  # seeds of derangements, each of which gives a source one of another album

Rerank = Callable[[Example, Sequence[Text]], list[Text]]  # a source's texts, the best first, which is then their score


def reranking(config: DecodingConfig, model: Model, loaded: Checkpoint, sources: Sequence[Example]) -> Rerank:
    """What orders a source's texts. `sources` are all that are decoded: others' sources are taken from them.

    Raises DecodingError where most of them are of one album, ScoringError where the encoder is not at hand, and
    CheckpointError for a folder that holds no reward model.
    """
    if config.rerank.startswith(REWARD):
        folder = Path(config.rerank.removeprefix(REWARD))
        return by_reward(Reward.load(folder, next(model.parameters()).device, config.threads), loaded)
    if config.rerank == "source":
        return nearest_to_source(loaded, next(model.parameters()).device)
    if config.rerank == "pmi":
        return by_mutual_information(config, model, loaded, sources)
    return lambda source, texts: list(texts)


def nearest_to_source(loaded: Checkpoint, device: torch.device) -> Rerank:
    encoder = sentence_encoder(device=device)

    def rerank(source: Example, texts: Sequence[Text]) -> list[Text]:
        """Its texts and it alone make a batch, so that no other source changes their vectors."""
        vectors = encoder.embed([source.source, *(loaded.tokenizer.decode(text.tokens) for text in texts)])
        return ordered(texts, vectors[1:] @ vectors[0])

    return rerank


def by_reward(reward: Reward, loaded: Checkpoint) -> Rerank:
    def rerank(source: Example, texts: Sequence[Text]) -> list[Text]:
        """Its texts alone make a batch, as they do for `source`; a text without words comes last."""
        written = [loaded.tokenizer.decode(text.tokens) for text in texts]
        scores = reward.scores([(source.source, text) for text in written])
        return ordered(texts, np.where([bool(fold(text)) for text in written], scores, -np.inf))

    return rerank


def by_mutual_information(
    config: DecodingConfig, model: Model, loaded: Checkpoint, sources: Sequence[Example]
) -> Rerank:
    others = sources_of_other_albums(sources)
    device = next(model.parameters()).device

    def rerank(source: Example, texts: Sequence[Text]) -> list[Text]:
        given = [source, *(replace(source, source=other) for other in others[source.id])]
        encoded = [encode_source(each, loaded.tokenizer, loaded.config, cut=True) for each in given]
        with precision(config.precision, device):
            mine, *theirs = (token_log_probs(model, each, texts) for each in encoded)
        scores = []
        for place, log_probs in enumerate(mine):
            anyway = np.logaddexp.reduce([each[place] for each in theirs]) - np.log(len(theirs))
            scores.append(float(np.mean(log_probs - config.rerank_weight * anyway)))
        return ordered(texts, scores)

    return rerank


def sources_of_other_albums(sources: Sequence[Example]) -> dict[str, list[str]]:
    """By id, as many other sources as there are `OTHER_SOURCES`: a function of the sources and their order alone. One
    without an album stands alone. Raises DecodingError where an album holds more than half of them."""
    albums: list[Hashable] = [source.album or ("alone", source.id) for source in sources]
    found: Mapping[str, list[str]] = {source.id: [] for source in sources}
    for seed in OTHER_SOURCES:
        taken = derangement(albums, seed)
        if taken is None:
            raise DecodingError(
                f"rerank=pmi: compares {len(sources)} sources with those of other albums, but one album has more "
                "than half of them; decode more albums together, or use rerank=source"
            )
        for source, other in zip(sources, taken, strict=True):
            found[source.id].append(sources[other].source)
    return dict(found)


@torch.inference_mode()
def token_log_probs(model: Model, source: Tokens, texts: Sequence[Text]) -> list[NDArray[np.float64]]:
    """The log-probability in nats of each text's tokens and of its end, given the source."""
    targets = [np.array([*text.tokens, END], dtype=np.int32) for text in texts]
    pairs = [EncodedPair(source, target, 1.0, 0, 1) for target in targets]
    losses, rows = model.token_losses(make_batch(pairs, next(model.parameters()).device))
    values, places = -losses.double().cpu().numpy(), rows.cpu().numpy()
    return [values[places == row] for row in range(len(texts))]


def ordered(texts: Sequence[Text], scores: Sequence[float] | NDArray[np.floating]) -> list[Text]:
    """The highest score first; of equal ones, that which came first."""
    scored = [replace(text, score=float(score)) for text, score in zip(texts, scores, strict=True)]
    return sorted(scored, key=lambda text: -text.score)
