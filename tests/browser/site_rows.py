"""Rows for every page of the researcher's site, which `manage.py shell` makes in the new database of a site."""

import json
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from annotations import models
from storyblender_site.site.guides import GUIDES
from tests.browser import feedback_rows
from tests.workers.generation_rows import generation_of, opened, rated
from workers.listeners import listener_beat
from workers.models import Run

LAUNCHED = ("train", "decode", "attention", "score", "feedback", "reward", "fetch", "generation")
ALONE = (
    "start", "settings", "password_change", "workers", "audit", "datasets", "feedback_sets", "systems", "checkpoints",
    "reward_models", "generations", "campaigns", "reports", "runs", "campaign_new", "compare", "people",
    "search", "systems_all", "outputs_compare", "runs_compare",
)  # fmt: skip
IMPORTED = ("vist", "pairs", "outputs", "ratings")


def make() -> None:
    """Prints the paths of the pages, by the names of their addresses."""
    of_feedback = feedback_rows.made()
    generation = generation_of(rated(opened(), first=30, second=50, human=80))
    generation_of(opened("going", "fourth"), to="train", state="running", message="step 1 of 400")
    listener_beat(name="host:1", queues=["cpu"])
    step = {run.step: run for run in generation.runs.all()}
    closed = models.Campaign.objects.filter(state="closed", purpose="evaluation").get()
    draft = opened("drafted", "seventh")
    models.Campaign.objects.filter(pk=draft.pk).update(state="draft")
    shown = [closed.pk, draft.pk, models.Campaign.objects.filter(state="open").first().pk]  # type: ignore[union-attr]
    rater = closed.raters.order_by("pk")[0]
    sets = [
        step["feedback"].feedback_set_id,
        *models.FeedbackSet.objects.filter(valid=False).values_list("pk", flat=True),
    ]
    runs = [run.pk for run in (*step.values(), *Run.objects.filter(state="running"))]
    pages: dict[str, list[dict[str, Any]]] = {
        **{name: [{}] for name in ALONE},
        "guide": [{"name": name} for name in GUIDES],
        "launch": [{"kind": kind} for kind in LAUNCHED],
        "import": [{"form": form} for form in IMPORTED],
        "dataset": keys(closed.dataset_id),
        "remove_dataset": keys(closed.dataset_id),
        "sources": keys(closed.dataset_id),
        "source": keys(models.Item.objects.filter(campaign=closed)[0].source_id),
        "album": keys(models.Album.objects.filter(dataset=closed.dataset)[0].pk),
        "feedback_set": keys(*sets),
        "system": keys(generation.before_id, step["train"].system_id),
        "remove_system": keys(generation.before_id),
        "output": keys(models.Output.objects.filter(decoding__system=generation.before)[0].pk),
        "generation": keys(generation.pk),
        "checkpoint_confirm": keys(step["train"].checkpoint.pk),
        "campaign": keys(*shown),
        "campaign_copy": keys(closed.pk),
        "campaign_edit": keys(draft.pk),
        "campaign_raters": keys(closed.pk),
        "campaign_rater": [{"pk": closed.pk, "rater": rater.public_id}],
        "campaign_items": keys(closed.pk),
        "campaign_item": [{"pk": closed.pk, "number": 1}],
        "report": keys(*shown),
        "run": keys(*runs),
    }
    paths = {name: [reverse(name, kwargs=asked) for asked in of] for name, of in pages.items()}
    paths["campaign_act"] = [f"{reverse('campaign_act', args=[draft.pk])}?action=delete"]
    paths["campaigns"].append(f"{reverse('campaigns')}?name=none")
    paths["search"].append(f"{reverse('search')}?q=thing")
    paths["sources"].append(f"{paths['sources'][0]}?split=test")
    between = urlencode({"dataset": closed.dataset.name, "split": "test", "system": ["second", "first"]}, doseq=True)
    paths["outputs_compare"] = [f"{reverse('outputs_compare')}?{between}"]
    trained = Run.objects.filter(kind="train").values_list("pk", flat=True)[:2]
    paths["runs_compare"] = [f"{reverse('runs_compare')}?{urlencode({'run': list(trained)}, doseq=True)}"]
    there = {path for of in paths.values() for path in of}
    paths["run"] += [path for path in of_feedback.values() if path not in there]
    print(json.dumps(paths))


def keys(*pks: int) -> list[dict[str, Any]]:
    return [{"pk": pk} for pk in pks]
