"""A run that attaches pictures to the photos a dataset has: those of a folder, or uploaded ones, in a ZIP or not, which
are put under `VAR_DIR/images` first."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from annotations.corpora.readers.pictures import Pictures, gather
from annotations.errors import InputError
from annotations.imports.pictures import pictures_attach
from annotations.models import Dataset
from annotations.progress import OnProgress
from workers.lifecycle import Claim, run_create, run_here
from workers.lookup import dataset_named
from workers.models import Run
from workers.picture_folders import IMAGES, UPLOADED
from workers.uploads import uploads_remove, without_folders

GATHER_SHARE = 0.5  # of the progress

Config = Mapping[str, Any]


def launch(*, config: dict[str, Any]) -> Run:
    """Queue it for a worker. `config` is `{"dataset", "update"}` with the `folder` of the pictures or, as
    `{"pictures": [path]}`, the uploaded `files`."""
    dataset = dataset_named(config["dataset"])
    return run_create(kind=Run.Kind.PICTURES, config={"files": {}, **config, "uploaded": True}, dataset=dataset)


def attach_here(*, config: dict[str, Any], watch: OnProgress) -> dict[str, Any]:
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
    folder = pictures_folder(dataset) / str(run.public_id)[:8]
    try:
        gather(files, folder, lambda share: claim.progress(GATHER_SHARE * share, "unpacking"))
        attach(claim, dataset, folder, GATHER_SHARE)
    except InputError as error:
        shutil.rmtree(folder, ignore_errors=True)
        uploads_remove(config)
        raise InputError("", without_folders(str(error), config)) from error
    uploads_remove(config)


def pictures_folder(dataset: Dataset) -> Path:
    """Where uploaded pictures of a dataset's photos are kept."""
    return Path(settings.VAR_DIR / IMAGES / f"{UPLOADED}{dataset.pk}")


def attach(claim: Claim, dataset: Dataset, folder: Path, done: float) -> None:
    claim.progress(done, "looking for pictures")
    counts = pictures_attach(
        dataset=dataset,
        pictures=Pictures(folder, settings.VAR_DIR),
        update=claim.run.config["update"],
        on_progress=lambda share: claim.progress(done + (1 - done) * share, "checking the pictures"),
    )
    claim.run.message = (
        f"New pictures: {counts['attached'] + counts['replaced']:,}. Photos still without a picture: "
        f"{counts['still_without']:,}. Unreadable pictures: {counts['unreadable']:,}. Pictures that match no photo: "
        f"{counts['of_no_photo']:,}."
    )
    claim.run.result = counts
