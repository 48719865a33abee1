"""The metrics of texts, of what a system wrote and of what people did. Torch is loaded by `bertscore_f1` alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modeling.errors import ScoringError
from modeling.metrics import of_kind
from modeling.metrics.metric import RESAMPLES, SEED, Need, Score, without_texts
from modeling.metrics.texts import Segment, TextMetric, Texts


def score_outputs(
    segments: Sequence[Segment],
    *,
    metrics: Iterable[str] | None = None,
    training_stories: Iterable[str] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
    bertscore_model: Path | None = None,
    reward: Path | None = None,
    reward_name: str = "",
    device: str = "auto",
    by_segment: bool = False,
    of: int | None = None,
) -> dict[str, Score]:
    """A score by metric, of those named or of all; one that is undefined is left out, as `reward` is where no folder of
    a reward model is given.

    With `by_segment` those that have it carry the value of each segment, in order, None where it is undefined, and
    their statistics and resamples. The mean of those is the value, but for `bleu` and `chrf`, whose values of a segment
    are sacrebleu's sentence scores and carry a signature of their own.

    `of` is how many sources there are to write for; where the segments are fewer, every score says of how many it is.
    `reward_name` is what the signature calls the reward model.
    Raises ScoringError without segments, for a segment without references, for an unknown metric, and for one that
    was named but has no reward model.
    """
    wanted = of_kind(TextMetric, metrics)
    if metrics is not None and reward is None and (bare := [m.name for m in wanted if Need.REWARD_MODEL in m.needs]):
        raise ScoringError(f"{bare[0]}: needs the folder of a reward model")
    if not segments:
        raise ScoringError("there are no outputs to score")
    if bare := [segment.id for segment in segments if not segment.references]:
        raise ScoringError(f"{bare[0]!r} has no reference to be scored against (and {len(bare) - 1} more)")
    of = len(segments) if of is None else of
    model, stories = bertscore_model, tuple(training_stories)
    texts = Texts(segments, stories, resamples, seed, of, by_segment, model, device, reward, reward_name)
    return _signed(texts, {metric.name: metric.score(texts) for metric in wanted})


def score_human(
    segments: Sequence[Segment],
    *,
    metrics: Iterable[str] | None = None,
    training_stories: Iterable[str] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
    reward: Path | None = None,
    reward_name: str = "",
    device: str = "auto",
    of: int | None = None,
) -> dict[str, Score]:
    """What the references themselves score on the same sources, whatever the segments' outputs are.

    By the metrics of texts alone one reference per source is scored, drawn by seed and id; by those that leave one out,
    each in turn. By the others a person would be compared with their own text, so that they are left out.
    """
    drawn = [
        replace(segment, output=random.Random(f"{seed}:{segment.id}").choice(segment.references))
        for segment in segments
        if segment.references
    ]
    if not drawn:
        return {}
    of = len(drawn) if of is None else of
    learned: dict[str, Any] = {"reward": reward, "reward_name": reward_name}
    texts = Texts(drawn, tuple(training_stories), resamples, seed, of, device=device, **learned)
    return _signed(texts, {metric.name: metric.score_people(texts) for metric in of_kind(TextMetric, metrics)})


def _signed(texts: Texts, scores: dict[str, Score | None]) -> dict[str, Score]:
    """Those that are defined, each with the part of the sources that it is of."""
    found = {metric: score for metric, score in scores.items() if score is not None}
    if len(texts.segments) < texts.of:
        found = {metric: {"sources": (len(texts.segments), texts.of)} | score for metric, score in found.items()}
    return found if texts.by_segment else {metric: without_texts(score) for metric, score in found.items()}
