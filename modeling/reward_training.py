"""From a feedback file to a reward model on disk: features, penalty, head, and how far it agrees with raters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modeling.config import RewardConfig
from modeling.corpus import fingerprint
from modeling.devices import cpu_threads, pick_device
from modeling.errors import CorpusError
from modeling.feedback_rows import Row, read_feedback
from modeling.progress import OnProgress, Progress, no_progress
from modeling.reward import Reward
from modeling.reward_agreement import Agreement, Figures, figures, held_out_rewards
from modeling.reward_features import features_of
from modeling.reward_fitting import GRID, KINDS, CrossFits, Judged, Space, deal, fit, kind_name, spelled

EMBEDDING, FITTING = 0.5, 0.95  # shares of the work that are done by then


@dataclass(frozen=True)
class RewardResult:
    folder: Path
    reward: Reward
    figures: Figures


def train_reward(
    config: RewardConfig, *, feedback: Path, folder: Path, on_progress: OnProgress = no_progress
) -> RewardResult:
    """Fit a reward model on the rows of a feedback file and write it as `folder`, which must not exist.

    Raises CorpusError for a file that teaches nothing or has too few sources to hold some out, CheckpointError where
    the folder exists.
    """
    Reward.check_free(folder)
    reward, found = reward_of(read_feedback(feedback), config, fingerprint(feedback), on_progress)
    reward.save(folder)
    return RewardResult(folder, reward, found)


def reward_of(
    rows: Sequence[Row], config: RewardConfig, data_sha256: str, on_progress: OnProgress = no_progress
) -> tuple[Reward, Figures]:
    judged = Judged.of(rows)
    groups = len(np.unique(judged.groups))
    if groups < config.folds:
        raise CorpusError(
            f"the feedback is of {groups} albums or sources, too few to hold out one in {config.folds}; collect more, "
            "or set folds to less"
        )

    def report(share: float, message: str) -> None:
        on_progress(Progress(0, None, share, message=message))

    features = features_of(config.encoder, config.states, device=pick_device(config.device), threads=config.threads)
    seen = features(judged.texts, lambda share: report(share * EMBEDDING, "reading texts"))
    with cpu_threads(config.threads):
        space = Space(seen, features.blocks)
        rewards, of_rater = held_out_rewards(
            space,
            judged,
            folds=config.folds,
            seed=config.seed,
            l2=config.l2,
            report=lambda share: report(EMBEDDING + share * (FITTING - EMBEDDING), "fitting"),
        )
        found = figures(judged, rewards, of_rater, seed=config.seed)
        judgements = judged.judgements()
        folds = deal(judged.groups, config.folds, config.seed)
        l2 = config.l2 or CrossFits(space, judgements, folds).l2()
        weights = space.weights(fit(space, judgements, l2).coefficients)
    report(1.0, "fitted")
    about: dict[str, Any] = {
        "config": config.to_dict(),
        "data_sha256": data_sha256,
        "learned_from": {
            "rows": dict(Counter(map(kind_name, judged.rows))),
            "judgements": {
                KINDS[kind]: int(count) for kind, count in enumerate(np.bincount(judgements.kinds, minlength=3))
            },
            "texts": len(judged.texts),
            "skipped": dict(judged.skipped),
        },
        "l2": l2,
        "l2_grid": [config.l2] if config.l2 else list(GRID),
        "agreement": found.to_dict(),
    }
    return Reward(features, weights, space.mean, space.scale, about), found


def in_words(result: RewardResult) -> list[str]:
    """Lines for a terminal."""
    about, found = result.reward.about, result.figures
    learned = about["learned_from"]
    rows = ", ".join(f"{count} {kind} rows" for kind, count in learned["rows"].items())
    lines = [
        f"{result.folder}: fitted on {rows} ({learned['texts']} texts, {found.groups} albums or sources, "
        f"{found.raters} raters), l2={about['l2']:g}"
    ]
    if learned["skipped"]:
        lines.append(f"left out: {spelled(learned['skipped'])}")
    lines.append("agreement with raters and on sources that were held out, [95 % intervals]:")
    for name, each in (("pairwise accuracy", found.pairwise_accuracy), ("Spearman", found.spearman)):
        lines.append(f"  {name}: {shown(each)}")
    return [*lines, *(f"  note: {note}" for note in found.notes)]


def shown(each: Agreement) -> str:
    if each.value is None:
        return "not defined"
    text = f"{with_interval(each.value, each.ci)} of {each.count:,}"
    if each.ceiling is None:
        return f"{text}; no ceiling, as no two raters judged the same"
    ceiling, beside = with_interval(each.ceiling, each.ceiling_ci), with_interval(each.beside, each.beside_ci)
    return f"{text}; on the {each.ceiling_count:,} that others judged too, reward {beside}, raters' ceiling {ceiling}"


def with_interval(value: float | None, ci: tuple[float, float] | None) -> str:
    if value is None:
        return "not defined"
    return f"{value:.3f}" + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")
