"""Rows for every page of feedback, which `manage.py shell` makes in the new database of a site."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test.utils import setup_test_environment
from django.urls import reverse
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.removal.erasing import identities, person_erase
from storyblender_site.preparation import prepare
from tests.annotations.feedback import beside, built, rate
from tests.workers.rewards import made_row
from tests.workers.test_feedback_sets import rated_by_all_kinds
from tests.workers.test_feedback_trainings import human_texts
from workers.jobs import training
from workers.models import Checkpoint, Run

USER, PASSWORD = "ada", "one long password"
LONG = "rehearsal_of_a_loop_" * 4
ERASED = "jin-4711"


def make() -> None:
    """Prints the paths of the pages, by what they show."""
    print(json.dumps(made()))


def made() -> dict[str, str]:
    prepare()
    setup_test_environment()
    User.objects.create_superuser(USER, password=PASSWORD)
    row = rated_by_all_kinds(captions=6)
    human_texts(row.dataset)
    trained(row.dataset, "base")
    costly = trained(row.dataset, "tuned", "objective=dpo", "init=base", feedback=row.name, cost=cost())
    invalid = rehearsed_and_erased()
    call_command("build_feedback", "scored", "--campaign", "scores", "--wait")
    return {
        "set": page_of(row),
        "invalid set": page_of(invalid),
        "feedback run": page_of(Run.objects.get(kind="feedback")),
        "sets": reverse("feedback_sets"),
        "reward run": page_of(made_row(row).run),
        "invalid reward run": page_of(made_row(invalid, name=LONG, simulated=True).run),
        "reward models": reverse("reward_models"),
        "training run": page_of(costly.run),
        "system": page_of(costly.system),
        **{kind: reverse("launch", args=[kind]) for kind in ("feedback", "reward", "train")},
    }


def page_of(row: Any) -> str:
    return row.get_absolute_url()


def rehearsed_and_erased() -> models.FeedbackSet:
    """A set of simulated raters, on two criteria, and of rewrites whose writer was erased since."""
    scores = models.Campaign.objects.get(name="scores")
    simulated = beside(scores, name=LONG, criteria=["human_likeness", "fluency"])
    raters = simulation_of(raters={"honest": 3}, truth={}, systems=["human", "gru"], seed=1)
    raters_simulate(campaign=simulated, simulation=raters)
    rewritten = beside(scores, name="rewritten", protocol="edit")
    rate(rewritten, lambda by, caption: dict.fromkeys(by.values(), "Typed by hand."), outside_ids=[ERASED])
    row = built(simulated, rewritten, name=LONG, simulated=True)
    person_erase(list(identities(ERASED, [rewritten])))
    row.refresh_from_db()
    return row


def cost() -> dict[str, Any]:
    """Of a training that went too far."""
    from modeling.guarding import Guarding, Measured  # loads torch, which the tests that read names here do without

    rose = "the NLL of human texts rose by 0.42 nats a word, by more than 0.1"
    figures = [Measured("nll", before=3.41, after=3.83, problem=rose), Measured("length", before=9.5, after=9.25)]
    return Guarding(sources=120, figures=figures).to_dict()


def trained(
    dataset: models.Dataset, name: str, *overrides: str, cost: dict[str, Any] | None = None, **options: Any
) -> Checkpoint:
    """What a run leaves behind, without its files."""
    run = training.launch(dataset=dataset.name, preset="tiny", overrides=overrides, name=name, claimed=True, **options)
    rows = [{"step": n, "loss": 4 - n / 10, "valid_loss": 4.2 - n / 10, "learning_rate": 0.001} for n in range(10)]
    worse = "; ".join(cost["worse"]) if cost else ""
    Run.objects.filter(pk=run.pk).update(
        state="done", finished_at=timezone.now(), fraction=1.0, history=rows, message="trained 10 steps"
    )
    return Checkpoint.objects.create(
        run=run, system=run.system, directory=name, sha256="0" * 64, size_bytes=10**6, worse=worse,
        metrics={"guarding": cost} if cost else {},
    )  # fmt: skip
