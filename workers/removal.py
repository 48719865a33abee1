"""Removing datasets, systems and imports, with the runs and checkpoints that are theirs."""

import shutil
from collections.abc import Iterator
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError

from annotations.errors import InputError, NotFoundError
from annotations.models import Dataset, Import, System
from annotations.plurals import listed
from annotations.services.removal import Removable, dependents, removal_begin, removal_finish, removals_begun, rows_of
from workers.jobs.lookup import dataset_named, system_named
from workers.jobs.pictures import pictures_folder
from workers.models import Checkpoint, Run
from workers.services import run_folder

log = structlog.get_logger(__name__)

KINDS = ("dataset", "system", "import")


def removable(kind: str, name: str) -> Removable:
    """By its name; an import by its number, which its dataset's page shows."""
    if kind == "dataset":
        return dataset_named(name)
    if kind == "system":
        return system_named(name)
    if kind != "import":
        raise InputError(f"kind: '{kind}' is not one of {', '.join(KINDS)}")
    imports = Import.objects.complete()
    found = imports.filter(pk=int(name)).first() if name.isdecimal() else None
    if found is None:
        there = ", ".join(f"{row.pk} ({row.dataset})" for row in imports.select_related("dataset").order_by("-pk")[:20])
        raise NotFoundError(f"import '{name}' does not exist; imports have numbers, the newest are: {there or 'none'}")
    return found


def all_dependents(target: Removable) -> list[str]:
    return [*dependents(target), *run_dependents(target)]


def run_dependents(target: Removable) -> Iterator[str]:
    """Runs at work with it, and trained systems that are made of it."""
    at_work = Run.objects.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING])
    trained = Checkpoint.objects.order_by("system__name").values_list("system__name", flat=True)
    if isinstance(target, System):
        at_work = at_work.filter(system=target) | at_work.filter(config__source=target.name)
        for name in trained.filter(run__config__source=target.name).exclude(system=target):
            yield f"system '{name}' was trained on its outputs"
    else:
        at_work = at_work.filter(dataset=target.dataset_id if isinstance(target, Import) else target.pk)
    if isinstance(target, Dataset):
        for name in trained.filter(run__dataset=target):
            yield f"system '{name}' was trained on it"
    for run in at_work.order_by("pk"):
        yield f"{run.kind} run {run.public_id} is {run.state} and uses it"


def all_rows_of(target: Removable) -> dict[str, int]:
    """How many rows go, by kind; of a trained system its checkpoint and runs too."""
    found = rows_of(target)
    if isinstance(target, Import):
        return found
    runs = Run.objects.filter(**{target._meta.model_name or "": target})
    return found | {kind: n for kind, n in (("checkpoints", checkpoints(target)), ("runs", runs.count())) if n}


def checkpoints(target: Removable) -> int:
    return Checkpoint.objects.filter(system=target).count() if isinstance(target, System) else 0


def take_from_view(target: Removable) -> dict[str, int]:
    """Begin a removal: nobody sees it any more. Returns the rows that go. Raises ConflictError, naming what depends."""
    goes = all_rows_of(target)
    removal_begin(target=target, further=run_dependents(target))
    return goes


def remove(target: Removable) -> dict[str, int]:
    """Remove it whole. Returns the rows that went."""
    goes = take_from_view(target)
    rows_remove(target)
    return goes


def rows_remove(target: Removable) -> None:
    if not isinstance(target, Import):
        for run in Run.objects.filter(**{target._meta.model_name or "": target}):
            shutil.rmtree(run_folder(run, settings.VAR_DIR), ignore_errors=True)
    if isinstance(target, System):
        Checkpoint.objects.filter(system=target).delete()
        Run.objects.filter(system=target).delete()
    if isinstance(target, Dataset):
        shutil.rmtree(pictures_folder(target), ignore_errors=True)
    removal_finish(target=target)


def removals_finish() -> int:
    """Remove the rows of removals that were begun and not finished; the sweeper calls it. Returns how many."""
    done = 0
    for target in removals_begun():
        try:
            rows_remove(target)
        except IntegrityError as error:  # a late row of another process: the next round may succeed
            log.warning("removal put off", target=str(target), error=str(error))
        else:
            done += 1
    return done


def described(target: Removable) -> dict[str, Any]:
    """What a person is asked: what goes, and what depends on it."""
    return {"goes": listed(all_rows_of(target)), "depends": all_dependents(target)}
