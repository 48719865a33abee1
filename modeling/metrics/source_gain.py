"""Does a model look at its source at all? Its loss on the references with the true sources, and with others'."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.checkpoints import load_checkpoint
from modeling.corpus import Example, Tokens, encode_pairs, encode_source
from modeling.devices import cpu_threads, pick_device
from modeling.errors import ScoringError
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.losses import pair_losses
from modeling.metrics.outputs import RESAMPLES, SEED
from modeling.metrics.retrieval import CANDIDATES, retrieval_hits
from modeling.progress import OnProgress, Progress, no_progress
from texts.folding import SIGNATURE

DERANGEMENTS = (1, 2, 3, 4, 5)  # seeds


def score_checkpoint(
    checkpoint: Path,
    examples: Sequence[Example],
    *,
    device: str = "auto",
    threads: int = 1,
    on_progress: OnProgress = no_progress,
) -> dict[str, dict[str, Any]]:
    """`nll`, `source_gain` and `retrieval_accuracy` as `{"value", "ci", "signature"}`, the first two in nats a
    white-space word of reference.

    `nll` is the loss of the references with their true sources. `source_gain` is that loss with the sources deranged
    across albums, the mean of five fixed derangements, minus `nll`; it is left out where every derangement would put
    a source of the same album somewhere. `retrieval_accuracy` is how often the true source among ten makes a reference
    the most probable (see `modeling.metrics.retrieval`), left out without nine sources of other albums. Intervals are
    bootstrapped over albums. Raises CheckpointError, and ScoringError where no pair can be scored.
    """
    loaded = load_checkpoint(checkpoint)
    where = pick_device(device)
    pairs, left_out = encode_pairs(examples, loaded.tokenizer, loaded.config)
    if not pairs:
        raise ScoringError(f"no pair can be scored; the first: {left_out[0] if left_out else 'there are none'}")
    scored = sorted({pair.example for pair in pairs})
    words = np.array([pair.words for pair in pairs], dtype=float)
    albums: list[Hashable] = [examples[index].album or ("alone", index) for index in scored]
    album_of = dict(zip(scored, albums, strict=True))
    groups = [album_of[pair.example] for pair in pairs]
    swapped = [derangement(albums, seed) for seed in DERANGEMENTS]
    sources = {pair.example: pair.source for pair in pairs}

    def given_source(example: int, other: int) -> Tokens:
        """The other's source for the example, whose story so far stays its own."""
        if not loaded.config.story_sentences:
            return sources[other]
        return encode_source(replace(examples[example], source=examples[other].source), loaded.tokenizer, loaded.config)

    rounds: list[dict[int, int]] = [{index: index for index in scored}]
    rounds += [{scored[a]: scored[b] for a, b in enumerate(order)} for order in swapped if order is not None]
    model, losses = loaded.model(where), []
    with cpu_threads(threads):
        for number, taken in enumerate(rounds):
            on_progress(Progress(number, len(rounds), number / len(rounds), message="source gain"))
            given = [replace(pair, source=given_source(pair.example, taken[pair.example])) for pair in pairs]
            losses.append(pair_losses(model, given, where))
        found = retrieval_hits(model, pairs, album_of, given_source, where)
    settings = f"unit:nats_per_word|{SIGNATURE}|pairs:{len(pairs)}|left_out:{len(left_out)}"
    version = f"torch:{torch.__version__}"
    scores = {"nll": (losses[0], words, groups, f"nll|{settings}|{version}")}
    if len(losses) > 1:
        gains = np.mean(losses[1:], axis=0) - losses[0]
        signature = f"source_gain|{settings}|derangements:{len(losses) - 1}|{version}"
        scores["source_gain"] = (gains, words, groups, signature)
    if found is not None:
        drawn, hits = found
        signature = f"retrieval_accuracy|of:{CANDIDATES}|{SIGNATURE}|pairs:{len(drawn)}of{len(pairs)}"
        signature += f"|left_out:{len(left_out)}"
        of_drawn = [groups[index] for index in drawn]
        scores["retrieval_accuracy"] = (hits, np.ones(len(drawn)), of_drawn, f"{signature}|{version}")
    return {
        metric: {
            "value": float(tops.sum() / bottoms.sum()),
            "ci": ratio_interval(tops, bottoms, of_albums, resamples=RESAMPLES, seed=SEED),
            "signature": signature,
        }
        for metric, (tops, bottoms, of_albums, signature) in scores.items()
    }


def derangement(albums: Sequence[Hashable], seed: int) -> NDArray[np.int64] | None:
    """For each example one of another album, each taken once; None where one album holds more than half of them.

    Albums and their examples are shuffled into a row, album by album, and the row is turned by a drawn number of
    places that is no less than the largest album from either end, so that nobody meets their own album.
    """
    members: dict[Hashable, list[int]] = {}
    for index, album in enumerate(albums):
        members.setdefault(album, []).append(index)
    largest, count = max(map(len, members.values())), len(albums)
    if 2 * largest > count:
        return None
    generator = np.random.default_rng(seed)
    order = list(members)
    row = np.concatenate([generator.permutation(members[order[each]]) for each in generator.permutation(len(order))])
    turned = np.roll(row, generator.integers(largest, count - largest + 1))
    taken = np.empty(count, dtype=np.int64)
    taken[row] = turned
    return taken
