"""A run that attaches pictures to the photos a dataset has: those of a folder, or uploaded ones, in a ZIP or not, which
are put under `VAR_DIR/images` first."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from annotations.errors import InputError
from annotations.importing.pictures import Pictures, gather
from annotations.models import Dataset
from annotations.plurals import counted
from annotations.services.pictures import pictures_attach
from workers.jobs.importing import uploads_remove, without_folders
from workers.jobs.lookup import dataset_named
from workers.lifecycle import Claim, run_create, run_here
from workers.models import Run

IMAGES = "images"  # under VAR_DIR: folders of pictures
GATHER_SHARE = 0.5  # of the progress

Config = Mapping[str, Any]


def launch(*, config: dict[str, Any]) -> Run:
    """Queue it for a worker. `config` is `{"dataset", "update"}` with the `folder` of the pictures or, as
    `{"pictures": [path]}`, the uploaded `files`."""
    dataset = dataset_named(config["dataset"])
    return run_create(kind=Run.Kind.PICTURES, config={"files": {}, **config, "uploaded": True}, dataset=dataset)


def attach_here(*, config: dict[str, Any], watch: Callable[[float, str], None]) -> dict[str, Any]:
    """Attach a folder's pictures in this process as one run; `watch` is told the share done and what is being done."""
    dataset = dataset_named(config["dataset"])
    with run_here(kind=Run.Kind.PICTURES, config={"files": {}, **config}, dataset=dataset) as claim:
        claim.listener = watch
        attach(claim, dataset, Path(config["folder"]), 0.0)
    return {"run": str(claim.run.public_id), "dataset": dataset.name, **claim.run.result}


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    dataset = dataset_named(config["dataset"])
    if "folder" in config:
        return attach(claim, dataset, Path(config["folder"]), 0.0)
    files = [Path(file) for file in config["files"]["pictures"]]
    folder = settings.VAR_DIR / IMAGES / f"dataset-{dataset.pk}" / str(run.public_id)[:8]
    try:
        gather(files, folder, lambda share: claim.progress(GATHER_SHARE * share, "unpacking"))
        attach(claim, dataset, folder, GATHER_SHARE)
    except InputError as error:
        shutil.rmtree(folder, ignore_errors=True)
        uploads_remove(config)
        raise InputError(without_folders(str(error), config)) from error
    uploads_remove(config)


def attach(claim: Claim, dataset: Dataset, folder: Path, done: float) -> None:
    claim.progress(done, "looking for pictures")
    counts = pictures_attach(
        dataset=dataset,
        pictures=Pictures(folder, settings.VAR_DIR),
        update=claim.run.config["update"],
        on_progress=lambda share: claim.progress(done + (1 - done) * share, "looking at the pictures"),
    )
    claim.run.message = (
        f"{counted(counts['attached'] + counts['replaced'], 'photos')} got a picture. Photos of {dataset.name} with a "
        f"picture here: {counts['found']:,}, without one: {counts['missing']:,}, with one that cannot be read: "
        f"{counts['unreadable']:,}"
    )
    claim.run.result = counts
