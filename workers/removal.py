"""Removing datasets, systems and imports, with the runs and checkpoints that are theirs."""

import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q, QuerySet

from annotations.campaigns.services.making import campaign_discarding
from annotations.errors import ConflictError, InputError, NotFoundError
from annotations.feedback.services import feedback_discarding
from annotations.models import Campaign, Dataset, Decoding, FeedbackSet, Import, Source, Split, Story, System
from annotations.plurals import listed
from annotations.removal.services import (
    Removable,
    dependents,
    named,
    removal_begin,
    removal_finishing,
    removals_begun,
    rows_of,
)
from annotations.storage.bulk import exhaust
from annotations.storage.unfinished import left_unfinished
from annotations.systems.services import copies_left, decoding_discarding
from workers.jobs.corpus import ALL, ANY_SYSTEM, CAPTION
from workers.jobs.pictures import pictures_folder
from workers.lookup import dataset_named, system_named
from workers.models import Checkpoint, Generation, RewardModel, Run
from workers.services import run_folder, runs_at_work, runs_of_ensembles_with

log = structlog.get_logger(__name__)

KINDS = ("dataset", "system", "import")
SECONDS_PER_ROUND = 5.0  # of the sweeper, which has runs and leases to look after as well
STUCK_SECONDS = 3600.0  # until a removal that could not be finished is tried again
TRAINED_ON = (Split.TRAIN, Split.VALID)
stuck: dict[tuple[type, int], float] = {}  # when to try again, by the clock of this process


def removable(kind: str, name: str) -> Removable:
    """By its name; an import by its number, which its dataset's page shows."""
    if kind == "dataset":
        return dataset_named(name)
    if kind == "system":
        return system_named(name)
    if kind != "import":
        raise InputError("kind", f"'{kind}' is not one of {', '.join(KINDS)}")
    imports = Import.objects.complete()
    found = imports.filter(pk=int(name)).first() if name.isdecimal() else None
    if found is None:
        there = ", ".join(f"{row.pk} ({row.dataset})" for row in imports.select_related("dataset").order_by("-pk")[:20])
        raise NotFoundError(
            "", f"import '{name}' does not exist", f"imports are named by number; newest: {there or 'none'}"
        )
    return found


def all_dependents(target: Removable) -> list[str]:
    return [*dependents(target), *run_dependents(target)]


def run_dependents(target: Removable) -> Iterator[str]:
    """Runs at work with it, and trained systems that are made of it."""
    at_work = runs_at_work()
    if isinstance(target, System):
        at_work = at_work.filter(
            Q(system=target)
            | Q(config__init=target.name)
            | Q(pk__in=runs_of_ensembles_with(target.name))
            | read_from([target.name], Decoding.objects.filter(system=target), "")
        )
        begun = Checkpoint.objects.filter(run__config__init=target.name).order_by("system__name")
        for name in begun.values_list("system__name", flat=True):
            yield f"system '{name}' was initialised from its checkpoint"
        for name in Generation.objects.filter(before=target).order_by("name").values_list("name", flat=True):
            yield f"generation '{name}' goes on from it"
        if Generation.objects.filter(name=target.name, completed_at=None).exists():
            yield f"generation '{target.name}', which makes it, is not complete"
    else:
        at_work = at_work.filter(dataset=target.dataset_id if isinstance(target, Import) else target.pk)
    what = "outputs" if isinstance(target, System) else "texts"
    for name in trained_on(target).order_by("system__name").values_list("system__name", flat=True):
        yield f"system '{name}' was trained on its {what}"
    for name in fitted_on(target).order_by("name").values_list("name", flat=True).distinct():
        yield f"reward model '{name}' was fitted on what raters said of its texts"
    for run in at_work.order_by("pk"):
        yield f"{run.kind} run {run.public_id} is {run.state} and uses it"


def read_from(systems: Iterable[str], decodings: QuerySet[Decoding], run: str = "run__") -> Q:
    """Of runs whose input is what one of the systems wrote, or what any system did on a dataset of the decodings."""
    any_systems = Q(**{f"{run}config__source": ANY_SYSTEM})
    any_systems |= Q(**{f"{run}config__sources": ALL}) & ~Q(**{f"{run}config__source": CAPTION})
    of_any = any_systems & Q(**{f"{run}dataset__in": decodings.values("dataset")})
    return Q(**{f"{run}config__source__in": list(systems)}) | of_any


def trained_on(target: Removable) -> QuerySet[Checkpoint]:
    """Models trained on what goes; of an import, those whose training ended after it."""
    models = Checkpoint.objects.all()
    if isinstance(target, Dataset):
        return models.filter(run__dataset=target)
    if isinstance(target, System):
        read = read_from([target.name], Decoding.objects.complete().filter(system=target, split__in=TRAINED_ON))
        return models.filter(read).exclude(system=target)
    models = models.filter(run__dataset=target.dataset_id).exclude(run__finished_at__lt=target.completed_at)
    texts = (
        model._default_manager.filter(imported_by=target, album__split__in=TRAINED_ON) for model in (Source, Story)
    )
    if any(rows.exists() for rows in texts):
        return models
    outputs = Decoding.objects.complete().filter(imported_by=target, split__in=TRAINED_ON)
    return models.filter(read_from(outputs.values_list("system__name", flat=True), outputs))


def fitted_on(target: Removable) -> QuerySet[RewardModel]:
    """Reward models that learned from a feedback set of the dataset, or with examples from the import's sources."""
    if isinstance(target, Dataset):
        return RewardModel.objects.filter(dataset=target)
    if isinstance(target, Import):
        return RewardModel.objects.filter(feedback_set__examples__source__imported_by=target)
    return RewardModel.objects.none()


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
    removal_begin(target=target, further=lambda: run_dependents(target))
    return goes


def remove(target: Removable) -> dict[str, int]:
    """Remove it whole. Returns the rows that went. Raises ConflictError where something got in between."""
    goes = take_from_view(target)
    try:
        exhaust(rows_removing(target))
    except IntegrityError as error:
        raise ConflictError(
            "",
            f"{named(target)} is hidden, but not all of its rows could be removed: {why_stuck(target, error)}",
            "the sweeper will try again",
        ) from error
    return goes


def rows_removing(target: Removable) -> Iterator[None]:
    """A short write a step."""
    if not isinstance(target, Import):
        for run in Run.objects.filter(**{target._meta.model_name or "": target}):
            shutil.rmtree(run_folder(run, settings.VAR_DIR), ignore_errors=True)
    if isinstance(target, System):
        Checkpoint.objects.filter(system=target).delete()
        Run.objects.filter(system=target).delete()
    if isinstance(target, Dataset):
        shutil.rmtree(pictures_folder(target), ignore_errors=True)
    yield from removal_finishing(target=target)


def why_stuck(target: Removable, error: IntegrityError) -> str:
    return "; ".join(dependents(target)) or f"another process wrote to it in the meantime ({error})".replace("\n", " ")


def removals_finish() -> int:
    """Go on with removals that were begun and not finished, for a few seconds; the sweeper calls it every round.
    Returns how many were finished. One that cannot be is said, and left alone for an hour."""
    done, until = 0, time.monotonic() + SECONDS_PER_ROUND
    removals = ((target, rows_removing(target)) for target in removals_begun())
    for target, steps in chain(removals, unfinished_removing()):
        key = type(target), target.pk
        if stuck.get(key, 0.0) > time.monotonic():
            continue
        try:
            for _ in steps:
                if time.monotonic() >= until:
                    return done
        except IntegrityError as error:
            stuck[key] = time.monotonic() + STUCK_SECONDS
            what, why = str(target), str(error)
            if not isinstance(target, Campaign | FeedbackSet | Decoding):
                what, why = named(target), why_stuck(target, error)
            log.error("removal cannot be finished", target=what, why=why)
        else:
            stuck.pop(key, None)
            done += 1
    return done


def unfinished_removing() -> Iterator[tuple[Campaign | FeedbackSet | Decoding, Iterator[None]]]:
    """What nobody will make whole any more, and what removes its rows."""
    for decoding in copies_left():
        yield decoding, decoding_discarding(decoding=decoding)
    for row in left_unfinished():
        if isinstance(row, Campaign):
            yield row, campaign_discarding(campaign=row)
        elif isinstance(row, FeedbackSet):
            yield row, feedback_discarding(row=row)


def described(target: Removable) -> dict[str, Any]:
    """What a person is asked: what goes, and what depends on it."""
    return {"goes": listed(all_rows_of(target)), "depends": all_dependents(target)}
