"""Writes of checkpoints."""

import shutil
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet

from annotations.audit.services import Deed, audit_note
from annotations.errors import ConflictError
from annotations.storage.clock import from_now
from workers.models import Checkpoint, Generation, Run

AT_WORK = (Run.State.QUEUED, Run.State.RUNNING)


def runs_at_work() -> QuerySet[Run]:
    return Run.objects.filter(state__in=AT_WORK)


def runs_of_ensembles_with(system: str) -> list[int]:
    """Primary keys of the runs at work in whose ensemble the system is; SQLite cannot ask a list in JSON for it."""
    runs = runs_at_work().filter(kind=Run.Kind.DECODE).values_list("pk", "config")
    return [pk for pk, config in runs if system in config.get("ensemble", ())]


def run_folder(run: Run, root: Path) -> Path:
    return root / "runs" / str(run.public_id)


@transaction.atomic
def checkpoint_prune(*, checkpoint: Checkpoint, root: Path) -> int:
    """Remove a checkpoint's files and its training's data; rows, decodings and lineage stay. Returns bytes freed.

    Raises ConflictError where it was pruned before or a run still uses it.
    """
    at_work, name = runs_at_work(), checkpoint.system.name
    using = at_work.filter(
        Q(system=checkpoint.system) | Q(config__init=name) | Q(pk__in=runs_of_ensembles_with(name))
    ).first()
    if using:
        raise ConflictError(
            "", f"checkpoint of '{checkpoint.system}': {using.kind} run {using.public_id} still uses it"
        )
    led = Generation.objects.filter(Q(before=checkpoint.system) | Q(name=name), completed_at=None, stopped_at=None)
    if generation := led.first():
        raise ConflictError("", f"checkpoint of '{name}': generation '{generation}' still uses it", "stop it first")
    if not Checkpoint.objects.filter(pk=checkpoint.pk, pruned_at=None).update(pruned_at=from_now()):
        raise ConflictError("", f"checkpoint of '{checkpoint.system}': its files have already been removed")
    audit_note(kind=Deed.PRUNE, about=f"checkpoint of '{name}'")
    folder = run_folder(checkpoint.run, root)
    freed = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return freed
