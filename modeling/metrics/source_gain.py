"""Does a model look at its source at all? Its loss on the references with the true sources, and with others'."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.architectures import Model
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.corpus import EncodedPair, Example, Tokens, encode_pairs, encode_source, with_others
from modeling.devices import cpu_threads, pick_device
from modeling.errors import ScoringError
from modeling.metrics.derangements import derangement, within_albums
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.losses import pair_losses
from modeling.metrics.outputs import RESAMPLES, SEED
from modeling.metrics.retrieval import CANDIDATES, retrieval_hits
from modeling.progress import OnProgress, Progress, no_progress
from texts.folding import SIGNATURE

DERANGEMENTS = (1, 2, 3, 4, 5)  # seeds

NO_LOOK = (
    "trained without validation pairs, so that nll and source gain are of its last weights, which may be overfitted"
)


def score_checkpoint(
    checkpoint: Path,
    examples: Sequence[Example],
    *,
    device: str = "auto",
    threads: int = 1,
    on_progress: OnProgress = no_progress,
) -> dict[str, dict[str, Any]]:
    """CHECKPOINT_METRICS as `{"value", "ci", "signature"}`, all but the last in nats a white-space word of reference.

    `nll` is the loss of the references with their true sources. `source_gain` is that loss with the sources deranged
    across albums, the mean of five fixed derangements, minus `nll`; it is left out where every derangement would put
    a source of the same album somewhere. `source_gain_within_album` is the same with the sources deranged among the
    photos of each album, of the pairs whose album has two photos or more, which its signature counts: what a model
    knows of this photo rather than of the day. The story so far stays the example's own in both; a model that is given
    the album's other captions has another album's in the first, and in the second the captions of its own album, of
    which another is said to be the photo's.

    `retrieval_accuracy` is how often the true source among ten makes a reference the most probable (see
    `modeling.metrics.retrieval`), left out without nine sources of other albums. All are of the weights to decode with,
    those of the best look at validation pairs, and the signature says which these are; where there was no look, `nll`
    has the key "note", which says so in words. Intervals are bootstrapped over albums. Raises CheckpointError, and
    ScoringError where no pair can be scored.
    """
    loaded = load_checkpoint(checkpoint)
    where = pick_device(device)
    pairs, left_out = encode_pairs(examples, loaded.tokenizer, loaded.config)
    if not pairs:
        raise ScoringError(f"no pair can be scored; the first: {left_out[0] if left_out else 'there are none'}")
    scored = sorted({pair.example for pair in pairs})
    photos = {index: photo_of(index, examples[index]) for index in scored}
    words = np.array([pair.words for pair in pairs], dtype=float)
    groups = [photos[pair.example][0] for pair in pairs]
    across = [derangement([photos[index][0] for index in scored], seed) for seed in DERANGEMENTS]
    rounds: list[tuple[str, dict[int, int]]] = [("nll", {index: index for index in scored})]
    rounds += [("source_gain", _taken(scored, order)) for order in across if order is not None]
    rounds += [("source_gain_within_album", taken) for seed in DERANGEMENTS if (taken := within_albums(photos, seed))]
    with cpu_threads(threads):
        sources = _Sources(examples, pairs, loaded)
        losses = _Losses(loaded.model(where), pairs, sources, where)
        by_metric: dict[str, list[NDArray[np.float64]]] = {}
        for number, (metric, taken) in enumerate(rounds):
            on_progress(Progress(number, len(rounds), number / len(rounds), message=metric.replace("_", " ")))
            by_metric.setdefault(metric, []).append(losses.given(taken))
        found = retrieval_hits(
            losses.model, pairs, {index: photos[index][0] for index in scored}, sources.of_album, where
        )
    unit, version = f"unit:nats_per_word|{SIGNATURE}", f"{weights_said(loaded)}|torch:{torch.__version__}"
    (true,) = by_metric.pop("nll")
    out = f"left_out:{len(left_out)}"
    scores = {"nll": (true, words, groups, f"nll|{unit}|pairs:{len(pairs)}|{out}|{version}")}
    for metric, theirs in by_metric.items():
        part = np.flatnonzero(np.isfinite(theirs[0]))
        count = f"{len(part)}of{len(pairs)}" if len(part) < len(pairs) else f"{len(pairs)}"
        signature = f"{metric}|{unit}|pairs:{count}|{out}|derangements:{len(theirs)}|{version}"
        gains = np.mean(theirs, axis=0) - true
        scores[metric] = (gains[part], words[part], [groups[each] for each in part], signature)
    if found is not None:
        drawn, hits = found
        signature = f"retrieval_accuracy|of:{CANDIDATES}|{SIGNATURE}|pairs:{len(drawn)}of{len(pairs)}|{out}|{version}"
        scores["retrieval_accuracy"] = (hits, np.ones(len(drawn)), [groups[index] for index in drawn], signature)
    table: dict[str, dict[str, Any]] = {
        metric: {
            "value": float(tops.sum() / bottoms.sum()),
            "ci": ratio_interval(tops, bottoms, of_albums, resamples=RESAMPLES, seed=SEED),
            "signature": signature,
        }
        for metric, (tops, bottoms, of_albums, signature) in scores.items()
    }
    if not looks_of(loaded):
        table["nll"]["note"] = NO_LOOK
    return table


def weights_said(loaded: Checkpoint) -> str:
    """Which weights a checkpoint decodes with, as its scores' signatures have it."""
    if not (looks := looks_of(loaded)):
        return "weights:last, no validation pairs"
    return f"weights:best at step {min(looks, key=lambda look: look['valid_nll'])['step']:.0f}"


def looks_of(loaded: Checkpoint) -> list[dict[str, float]]:
    """The looks at validation pairs in a checkpoint's training."""
    looks: list[dict[str, float]] = loaded.values["state"]["history"]
    return looks


def photo_of(index: int, example: Example) -> tuple[Hashable, Hashable]:
    """An example's album and its photo there. Without an album it stands alone; without a photo, its source does for
    one, as in `modeling.corpus.with_others`."""
    return example.album or ("alone", index), example.photo or example.source


def _taken(examples: Sequence[int], order: NDArray[np.int64]) -> dict[int, int]:
    return {examples[one]: examples[other] for one, other in enumerate(order)}


class _Sources:
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


@dataclass
class _Losses:
    """Nats of each pair (P), by whose source stands in for its example's: small albums are deranged alike by several
    seeds, and nothing is computed twice."""

    model: Model
    pairs: Sequence[EncodedPair]
    sources: _Sources
    device: torch.device
    known: dict[tuple[int, int], float] = field(default_factory=dict)  # (place of the pair, other example)

    def given(self, taken: Mapping[int, int]) -> NDArray[np.float64]:
        """NaN for the pairs of an example for which none is taken."""
        wanted = [(place, taken[pair.example]) for place, pair in enumerate(self.pairs) if pair.example in taken]
        new = [key for key in wanted if key not in self.known]
        asked = [
            replace(self.pairs[place], source=self.sources.of_album(self.pairs[place].example, other))
            for place, other in new
        ]
        if asked:
            self.known |= zip(new, pair_losses(self.model, asked, self.device).tolist(), strict=True)
        found = np.full(len(self.pairs), np.nan)
        for key in wanted:
            found[key[0]] = self.known[key]
        return found
