"""Generations as rows, whose runs nobody did: a test says how far one is, and how raters found its model."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from modeling.config import load_preset
from modeling.guarding import Guarding, Measured
from tests.annotations.feedback import feedback_campaign, rate
from tests.factories import MetricFactory, make_campaign
from workers.generations.asked import Asked
from workers.generations.steps import STEPS
from workers.models import Checkpoint, Generation, RewardModel, Run

DONE = "campaign"
TEXTS: Mapping[str, Callable[[int], str]] = {
    "first": lambda n: f"there was thing {n}",
    "second": lambda n: f"we loved thing {n} so much",
}
JUDGES = {"first": 0.11, "second": 0.2, "human": 0.5}


def opened(
    name: str = "second", before: str = "first", captions: int = 8, criterion: str = "human_likeness"
) -> models.Campaign:
    """The open campaign of a generation."""
    texts = {before: TEXTS["first"], name: TEXTS["second"]}
    asked = {"criteria": [criterion], "primary": [name, before, criterion]}
    return make_campaign(captions=captions, texts=texts, name=name, overlap=4, **asked).campaign


def rated(campaign: models.Campaign, **scores: float) -> models.Campaign:
    """Four raters give each system about its score, and the campaign is closed."""

    def says(shift: int) -> Any:
        def answer(by: Mapping[str, str], caption: str) -> dict[str, float]:
            number = int(caption.rsplit(" ", 1)[1])
            return {
                text: scores[system] + (number * (5 + place) + shift * (3 + place)) % 11
                for place, (system, text) in enumerate(sorted(by.items()))
            }

        return answer

    rate(campaign, says(0), says(2), says(5), says(9))
    campaign_close(campaign=campaign)
    campaign.refresh_from_db()
    return campaign


def generation_of(campaign: models.Campaign | None = None, to: str = DONE, **fields: Any) -> Generation:
    """The generation of a campaign, with a run of each step that is done as far as `to`; `state` is that of its run."""
    campaign = campaign or opened()
    name, before, _ = campaign.primary
    state, message = fields.pop("state", "done"), fields.pop("message", "")
    taught = models.Campaign.objects.filter(name="liked").first() or feedback_campaign(captions=2, name="liked")
    asked = Asked(
        campaigns=[taught.name], feedback={}, preset="tiny", likeness=[], training=[], reward=True, best_of=1,
        decoding=[], campaign="", queue="cpu",
    )  # fmt: skip
    systems = {each.name: each for each in models.System.objects.filter(name__in=[name, before])}
    values = {"dataset": campaign.dataset, "before": systems[before], "config": asked.to_dict()}
    generation = Generation.objects.create(name=name, **values | fields)
    written = {entry.system.name: entry.decoding for entry in campaign.entries.select_related("system", "decoding")}
    built = models.FeedbackSet.objects.create(
        name=name, dataset=campaign.dataset, sha256="0" * 64, counts={"kinds": {}, "weights": {}, "flip_rates": []},
        settings={"criteria": [], "beta": 1.0, "admit_pasted": False},
    )  # fmt: skip
    built.campaigns.add(taught)
    trained = {"dataset": campaign.dataset.name, "preset": "tiny", "training": load_preset("tiny").to_dict()}
    links: dict[str, dict[str, Any]] = {
        "feedback": {"feedback_set": built},
        "reward": {"feedback_set": built},
        "train": {"feedback_set": built, "system": systems[name], "config": trained},
        "decode_before": {"system": systems[before], "result": {"decoding": written[before].pk}},
        "decode": {"system": systems[name], "result": {"decoding": written[name].pk}},
        "score": {"result": {"scores": {"human": {"embedding_indistinguishable": cell("human")}}}},
        "campaign": {"campaign": campaign},
    }
    kinds = {"decode_before": "decode"}  # of runs whose step is called otherwise
    names = [each.step.value for each in STEPS]
    for step in names[: names.index(to) + 1]:
        ended = state if step == to else "done"
        run = Run.objects.create(
            kind=kinds.get(step, step), step=step, generation=generation, state=ended, dataset=campaign.dataset,
            fraction=1.0 if ended == "done" else 0.4, message=message if step == to else f"{step} is done",
            finished_at=None if ended in ("queued", "running") else timezone.now(),
            heartbeat_at=timezone.now() if ended == "running" else None,
            **links[step] if ended == "done" or step == "train" else {},
        )  # fmt: skip
        if ended == "done":
            after(run, written)
    if to == DONE and state == "done":
        Generation.objects.filter(pk=generation.pk).update(completed_at=timezone.now())
        generation.refresh_from_db()
    return generation


def cell(system: str) -> dict[str, Any]:
    value = JUDGES[system]
    return {"value": value, "ci": [value - 0.05, value + 0.05], "signature": "judge|v:1"}


def after(run: Run, written: Mapping[str, models.Decoding]) -> None:
    """What a run that is done leaves beside its row."""
    files = {"directory": "-", "sha256": "0" * 64, "size_bytes": 1}
    generation = Generation.objects.get(runs=run)
    if run.step == "reward":
        side = {"value": 0.7, "ci": None, "count": 40, "ceiling": None}
        agreement = {"groups": 12, "raters": 3, "pairwise_accuracy": side, "spearman": side, "notes": []}
        of_set = {"feedback_set": run.feedback_set, "dataset": run.dataset, "agreement": agreement}
        RewardModel.objects.create(name=generation.name, run=run, **of_set, **files)
    if run.step == "train":
        nll = Measured("nll", 2.0, 2.05, (1.9, 2.1), (1.95, 2.15), (0.03, 0.07))
        metrics = {"guarding": Guarding(20, [nll]).to_dict()}
        Checkpoint.objects.create(run=run, system_id=run.system_id, metrics=metrics, **files)
    if run.step == "score":
        MetricFactory(name="embedding_indistinguishable", level="corpus")
        MetricFactory(name="unique", level="corpus")
        for name, judged in ((generation.before.name, "first"), (generation.name, "second")):
            value, (low, high), signature = cell(judged).values()
            values = {"value": value, "ci_low": low, "ci_high": high, "signature": signature}
            models.Score.objects.create(decoding=written[name], metric_id="embedding_indistinguishable", **values)
            models.Score.objects.create(decoding=written[name], metric_id="unique", value=40, signature="unique|v:1")
