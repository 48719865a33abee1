"""Feedback sets that reward models are fitted on, and their rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from annotations import models
from tests.annotations.feedback import built, feedback_campaign, rate
from workers.models import RewardModel, Run

RUNS = "/runs/"
TEXTS = {"plain": lambda n: f"there is thing {n}"}


def rated_set(name: str = "liked", captions: int = 6, **spec: Any) -> models.FeedbackSet:
    """Three raters like what people wrote better, each a little otherwise."""
    campaign = feedback_campaign(captions=captions, texts=TEXTS, name=f"rated for {name}", **spec)

    def says(shift: int) -> Any:
        def scores(by: Any, caption: str) -> dict[str, int]:
            turn = int(caption.rsplit(" ", 1)[1]) * 7 % 20
            return {text: (70 if system == "human" else 30) + (turn + shift) % 20 for system, text in by.items()}

        return scores

    rate(campaign, says(0), says(5), says(11))
    return built(campaign, name=name)


def folder_of(run: Run) -> Path:
    return Path(settings.RUNS_DIR) / str(run.public_id)


def fit(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    call_command("fit_reward", *words, "--set", "folds=3", "--wait", "--json")
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def made_row(feedback_set: models.FeedbackSet, name: str = "warm", **fields: Any) -> RewardModel:
    """A row whose files nobody reads."""
    side = {"value": 0.7, "ci": [0.6, 0.8], "count": 40, "ceiling": 0.65, "ceiling_ci": [0.55, 0.75]}
    side |= {"ceiling_count": 30, "beside": 0.72, "beside_ci": [0.61, 0.83]}
    figures = {
        "groups": 12,
        "raters": 3,
        "pairwise_accuracy": side,
        "spearman": side | {"value": 0.25, "ceiling": None},
    }
    run = Run.objects.create(
        kind="reward", state="done", dataset=feedback_set.dataset, feedback_set=feedback_set, config={"name": name},
        finished_at=feedback_set.created_at,
    )  # fmt: skip
    values = {"directory": "none", "sha256": "0" * 64, "size_bytes": 1, "agreement": figures | {"notes": ["few pairs"]}}
    return RewardModel.objects.create(
        name=name, run=run, feedback_set=feedback_set, dataset=feedback_set.dataset, **values | fields
    )
