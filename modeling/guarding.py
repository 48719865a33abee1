"""Whether a model that learned from feedback has paid for what it learned: measured before and after, on validation
examples.

What raters like can be written without looking at the source, in one sentence for all, or in words that are none: each
of these shows in a figure that the feedback does not ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example
from modeling.decoding import decode
from modeling.devices import pick_device
from modeling.metrics import METRICS
from modeling.metrics.baselines import random_stories
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.indistinguishable import score_indistinguishable
from modeling.metrics.intervals import Interval, difference_interval, resampled_ratios
from modeling.metrics.metric import RESAMPLES, SEED, Need, Score
from modeling.metrics.outputs import score_outputs
from modeling.metrics.texts import Segment, album_of, with_words
from modeling.progress import OnProgress, Progress, no_progress
from modeling.validation import draw_examples

OF_CHECKPOINT = ("nll", "source_gain")
OF_TEXTS = ("unique", "nonword_rate", "repetition")
JUDGE = "embedding_indistinguishable"
LENGTH, REWARD = "length", "reward"
LABELS = {
    "nll": "NLL of human texts, nats a word",
    "source_gain": "source gain, nats a word",
    "unique": "different texts",
    "nonword_rate": "texts with a non-word",
    "repetition": "repeated bigrams",
    JUDGE: "indistinguishable from human texts",
    LENGTH: "words a text",
    REWARD: "reward",
}
SOURCES = 500  # that texts are sampled for, at most
FEWER = 0.5  # of the different texts there were: from there on a model has collapsed

Reward = Callable[[Sequence[tuple[str, str]]], Iterable[float]]  # how good each (source, text) is


@dataclass(frozen=True)
class Measured:
    """A figure before and after, and the difference, with 95 % intervals over albums: None where a resample would not
    estimate the figure. That of the difference is of both models on the same resamples. `problem` says what is wrong
    with the change, "" where nothing is."""

    name: str
    before: float
    after: float
    before_ci: Interval | None = None
    after_ci: Interval | None = None
    difference_ci: Interval | None = None
    problem: str = ""

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def label(self) -> str:
        return LABELS.get(self.name, self.name)


@dataclass(frozen=True)
class Guarding:
    """All figures; the model is worse where one of them has changed too much. `sources` is how many texts were sampled
    for."""

    sources: int
    figures: list[Measured]

    @property
    def worse(self) -> list[str]:
        """Why, in words."""
        return [each.problem for each in self.figures if each.problem]

    def to_dict(self) -> dict[str, Any]:
        figures = [asdict(each) | {"label": each.label, "difference": each.difference} for each in self.figures]
        return {"sources": self.sources, "figures": figures, "worse": self.worse}


def reward_of(config: TrainingConfig) -> Reward | None:
    """The reward model that a training's settings name, ready to judge texts."""
    if not config.reward:
        return None
    from modeling.reward import Reward as RewardModel  # loads an encoder

    return RewardModel.load(config.reward, pick_device(config.device), config.threads).scores


def guard(
    before: Path,
    after: Path,
    examples: Sequence[Example],
    config: TrainingConfig,
    *,
    training_stories: Sequence[str] = (),
    reward: Reward | None = None,
    on_progress: OnProgress = no_progress,
) -> Guarding:
    """Of two checkpoints on the same examples, within the limits of the config. A text a source is sampled, as each
    model's family is by default. A figure that is undefined for one of the two is left out.

    Raises CheckpointError, and ScoringError or DecodingError where nothing can be scored or written.
    """
    drawn = draw_examples([each for each in examples if with_words(each.references)], SOURCES, seed=1)
    machine: dict[str, Any] = {"device": config.device, "threads": config.threads}
    scores, written = dict[str, dict[str, Score]](), dict[str, list[Segment]]()
    for number, (side, checkpoint) in enumerate({"before": before, "after": after}.items()):
        on_progress(Progress(0, None, number / 2, message=f"comparing with the model {side}"))
        scores[side] = score_checkpoint(checkpoint, drawn, metrics=OF_CHECKPOINT, resampled=True, **machine)
        texts = {each.id: each.text for each in decode(checkpoint, drawn, DecodingConfig(**machine))}
        of_examples = [each for each in drawn if each.id in texts]
        written[side] = [Segment(e.id, texts[e.id], e.references, e.album, e.source) for e in of_examples]
        scores[side] |= _scores(written[side], training_stories, reward)
    if training_stories:
        sources = {each.id: each for segments in written.values() for each in segments}
        stories = random_stories(list(sources), training_stories, seed=1)
        systems = written | {"random_story": [replace(each, output=stories[each.id]) for each in sources.values()]}
        judged = score_indistinguishable(systems, metrics=[JUDGE], resampled=True)
        scores = {side: scores[side] | judged[side] for side in scores}
    old, new = scores["before"], scores["after"]
    there = [name for name in old if name in new and old[name]["value"] is not None and new[name]["value"] is not None]
    return Guarding(len(drawn), [_measured(name, old[name], new[name], config) for name in there])


def _scores(segments: Sequence[Segment], training_stories: Sequence[str], reward: Reward | None) -> dict[str, Score]:
    named = of_texts(training_stories)
    scores = score_outputs(segments, metrics=named, training_stories=training_stories, by_segment=True)
    scores[LENGTH] = _mean([len(each.output.split()) for each in segments], segments)
    if reward:
        scores[REWARD] = _mean(list(reward([(each.source or "", each.output) for each in segments])), segments)
    return scores


def _mean(values: Sequence[float], segments: Sequence[Segment]) -> Score:
    """Of values of the segments, with an interval over albums."""
    albums, ones = [album_of(each) for each in segments], [1.0] * len(values)
    resampled = resampled_ratios(values, ones, albums, resamples=RESAMPLES, seed=SEED)
    return {"value": fmean(values), "ci": resampled.interval if resampled else None, "resampled": resampled}


def _measured(name: str, before: Score, after: Score, config: TrainingConfig) -> Measured:
    values = float(before["value"]), float(after["value"])
    difference_ci = difference_interval(before.get("resampled"), after.get("resampled"))
    problem = _problem(name, *values, config)
    return Measured(name, *values, before["ci"], after["ci"], difference_ci=difference_ci, problem=problem)


def of_texts(training_stories: Sequence[str]) -> list[str]:
    return [name for name in OF_TEXTS if training_stories or Need.TRAINING_STORIES not in METRICS[name].needs]


def _problem(name: str, before: float, after: float, config: TrainingConfig) -> str:
    rise = after - before
    if name == "unique" and after < FEWER * before:
        return f"different texts fell from {before:.0f} to {after:.0f}, to less than half"
    if name == "nll" and rise > config.max_nll_rise:
        return f"the NLL of human texts rose by {rise:.3f} nats a word, more than {config.max_nll_rise:g}"
    if name == "source_gain" and -rise > config.max_gain_fall:
        return f"the source gain fell by {-rise:.3f} nats a word, more than {config.max_gain_fall:g}"
    if name == LENGTH and abs(rise) > config.max_length_change * before:
        return f"texts went from {before:.1f} to {after:.1f} words, by more than {config.max_length_change:.0%}"
    if name in ("nonword_rate", "repetition") and rise > config.max_flaw_rise:
        what = "share of texts with a non-word" if name == "nonword_rate" else "share of repeated bigrams"
        return f"the {what} rose from {before:.3f} to {after:.3f}, by more than {config.max_flaw_rise:g}"
    return ""
