"""What a first start makes, so that a newcomer has something to rate: an admin's account, and the synthetic set
imported, trained on, decoded and shown in an open campaign. Each step is left out where its result is there already."""

import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import InputError
from annotations.models import Campaign, Dataset, Decoding, System
from annotations.progress import OnProgress
from samples.generate import generate
from storyblender_site.accounts import account_make
from workers.jobs import decoding, importing, scoring, training
from workers.lifecycle import run_retry
from workers.models import Run

DATASET, SYSTEM, CAMPAIGN = "synthetic-samples", "synthetic-gru", "synthetic-first-look"
ADMIN = "admin"
PRESET, SETTINGS = "gru-luong", ("budget=50", "vocabulary_size=1000")
SPEC = CampaignSpec(
    name=CAMPAIGN,
    purpose="evaluation",
    dataset=DATASET,
    split="test",
    systems=("human", SYSTEM, "random_story"),
    criteria=("human_likeness", "grounding"),
    items=30,
    overlap=3,
    show="both",
    instructions=(
        "This is a trial with a synthetic sample set: drawn pictures, and sentences put together by a program.\n\n"
        "You will see a picture with a caption and a few sentences that tell the day's story. For each, say how much "
        "it reads as if a person had told it, and how well it fits the picture. Your own impression counts."
    ),
)
POLL_SECONDS = 0.5


def admin_make() -> str | None:
    """The first admin's fresh random password, or None where there is an admin already."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(9)
    account_make(name=ADMIN, role="admin", password=password)
    return password


def samples_make(watch: OnProgress) -> Campaign:
    """The open campaign on the synthetic set; the runs are done by the site's worker, and this waits for them.

    `watch` is told the share done of the step and what it is. Raises InputError where a run fails.
    """
    if campaign := Campaign.objects.filter(name=CAMPAIGN).first():
        return campaign
    samples_import(watch)
    dataset = Dataset.objects.get(name=DATASET)
    trained = Run.objects.filter(kind=Run.Kind.TRAIN, system__name=SYSTEM).order_by("-pk").first()
    run = trained or training.launch(dataset=DATASET, preset=PRESET, overrides=SETTINGS, name=SYSTEM)
    wait(run, "training a small model", watch)
    if Decoding.objects.latest_of(System.objects.get(name=SYSTEM), dataset, SPEC.split) is None:
        waiting = Run.objects.filter(kind=Run.Kind.DECODE, system__name=SYSTEM).order_by("-pk").first()
        run = waiting or decoding.launch(system=SYSTEM, dataset=DATASET, split=SPEC.split)
        wait(run, "decoding with it", watch)
    campaign = campaign_create(spec=SPEC)
    scoring.launch(campaign=CAMPAIGN)
    return campaign


def samples_import(watch: OnProgress) -> None:
    folder = settings.VAR_DIR / "samples"
    watch(0.0, "drawing the sample pictures")
    written = generate(folder)
    for place, (split, files) in enumerate(written.items()):
        config: dict[str, Any] = {
            "form": "vist",
            "dataset": DATASET,
            "split": split,
            "files": {role: [str(file)] for role, file in files.items()},
            "images": str(folder / "images"),
        }
        importing.import_here(config=config, watch=lambda share, message: None)
        watch((place + 1) / len(written), "importing the sample set")


def wait(run: Run, what: str, watch: OnProgress) -> None:
    """Until the run is done; one that failed on an earlier start is tried once more."""
    run.refresh_from_db()
    if run.state in (Run.State.FAILED, Run.State.CANCELLED):
        run_retry(run)
    while True:
        run.refresh_from_db()
        watch(run.fraction, what)
        if run.state == Run.State.DONE:
            return
        if run.finished:
            raise InputError("", f"{run.kind} run {run.public_id} is {run.state}: {run.message}")
        time.sleep(POLL_SECONDS)
