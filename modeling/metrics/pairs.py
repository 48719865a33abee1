"""What a checkpoint's model thinks of pairs of source and reference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.architectures import Model
from modeling.batching import make_batch, plan_batches
from modeling.checkpoints import Checkpoint
from modeling.corpus import EncodedPair, Example, Tokens, encode_pairs, encode_source, with_others
from modeling.errors import ScoringError
from modeling.metrics.intervals import resampled_ratios
from modeling.metrics.metric import RESAMPLES, SEED, Score
from texts.folding import SIGNATURE

TOKEN_BUDGET = 4096


class Pairs:
    """A checkpoint and the pairs (P) of the examples' sources and references, in nats a pair and `words` a reference.

    Small albums are deranged alike by several seeds, and nothing is computed twice.
    """

    def __init__(self, loaded: Checkpoint, examples: Sequence[Example], device: torch.device) -> None:
        self.pairs, left_out = encode_pairs(examples, loaded.tokenizer, loaded.config)
        if not self.pairs:
            raise ScoringError(f"no pair can be scored; the first: {left_out[0] if left_out else 'there are none'}")
        self.left_out, self.device, self.model = len(left_out), device, loaded.model(device)
        self.looks: list[dict[str, float]] = loaded.values["state"]["history"]
        self.words = np.array([pair.words for pair in self.pairs], dtype=float)
        self.photos = {index: photo_of(index, examples[index]) for index in sorted({p.example for p in self.pairs})}
        self.sources = Sources(examples, self.pairs, loaded)
        self.known: dict[tuple[int, int], float] = {}  # (place of the pair, example whose source is given)

    @property
    def true(self) -> NDArray[np.float64]:
        """Nats (P) with the true sources."""
        return self.losses({index: index for index in self.photos})

    def losses(self, taken: Mapping[int, int]) -> NDArray[np.float64]:
        """Nats (P) with the sources of the examples taken; NaN for the pairs of one for which none is."""
        wanted = [(place, taken[pair.example]) for place, pair in enumerate(self.pairs) if pair.example in taken]
        new = [key for key in wanted if key not in self.known]
        if new:
            asked = [replace(self.pairs[place], source=self.source_for(place, other)) for place, other in new]
            self.known |= zip(new, pair_losses(self.model, asked, self.device).tolist(), strict=True)
        found = np.full(len(self.pairs), np.nan)
        for key in wanted:
            found[key[0]] = self.known[key]
        return found

    def losses_beside(self, places: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Nats (Q, K) of pairs, by their places (Q), with the sources of K examples each (Q, K)."""
        wanted = [(place, each) for place, row in zip(places, others.tolist(), strict=True) for each in row]
        asked = [  # numbered anew, for the pairs of one example have one source elsewhere, and here several
            replace(self.pairs[place], source=self.source_for(place, each), example=number)
            for number, (place, each) in enumerate(wanted)
        ]
        return pair_losses(self.model, asked, self.device).reshape(others.shape)

    def source_for(self, place: int, other: int) -> Tokens:
        return self.sources.of_album(self.pairs[place].example, other)

    def score(
        self,
        head: str,
        places: Sequence[int] | NDArray[np.int64],
        tops: NDArray[np.float64],
        bottoms: NDArray[np.float64],
        *more: str,
        counted: str = "",
    ) -> Score:
        """The sum of tops over that of bottoms, of the pairs at those places, with an interval over albums. `head` and
        `more` are parts of the signature."""
        whole = len(self.pairs)
        counted = counted or (f"{len(places)}of{whole}" if len(places) < whole else f"{whole}")
        albums = [self.photos[self.pairs[place].example][0] for place in places]
        parts = [head, SIGNATURE, f"pairs:{counted}", f"left_out:{self.left_out}", *more]
        resampled = resampled_ratios(tops, bottoms, albums, resamples=RESAMPLES, seed=SEED)
        return {
            "value": float(tops.sum() / bottoms.sum()),
            "ci": resampled.interval if resampled else None,
            "signature": "|".join([*parts, self.weights_said, f"torch:{torch.__version__}"]),
            "resampled": resampled,
        }

    @property
    def weights_said(self) -> str:
        """Which weights the checkpoint decodes with."""
        if not self.looks:
            return "weights:last, no validation pairs"
        return f"weights:best at step {min(self.looks, key=lambda look: look['valid_nll'])['step']:.0f}"


def photo_of(index: int, example: Example) -> tuple[Hashable, Hashable]:
    """An example's album and its photo there. Without an album it stands alone; without a photo, its source does for
    one, as in `modeling.corpus.with_others`."""
    return example.album or ("alone", index), example.photo or example.source


class Sources:
    """What the model is given for an example when another one's source stands in for its own. Encoded once, so that
    the references of an example share one array."""

    def __init__(self, examples: Sequence[Example], pairs: Sequence[EncodedPair], loaded: Checkpoint) -> None:
        self.loaded = loaded
        self.examples = with_others(list(examples)) if loaded.config.album_context else examples
        self.encoded: dict[tuple[int, int], Tokens] = {(pair.example, pair.example): pair.source for pair in pairs}

    def of_album(self, example: int, other: int) -> Tokens:
        """The other's source, and the captions around it, behind the example's own story so far."""
        key = (example if self.loaded.config.story_sentences else other), other
        if key not in self.encoded:
            mine, theirs = self.examples[example], self.examples[other]
            given = replace(mine, source=theirs.source, others=theirs.others)
            self.encoded[key] = encode_source(given, self.loaded.tokenizer, self.loaded.config)
        return self.encoded[key]


@torch.no_grad()
def pair_losses(model: Model, pairs: Sequence[EncodedPair], device: torch.device) -> NDArray[np.float64]:
    """Nats of each pair's whole target: minus its log-probability given the source."""
    found = np.zeros(len(pairs))
    for indices in plan_batches(pairs, token_budget=TOKEN_BUDGET, packs=model.packs):
        losses, rows = model.token_losses(make_batch([pairs[index] for index in indices], device))
        found[indices] = np.bincount(rows.cpu().numpy(), losses.double().cpu().numpy(), len(indices))
    return found
