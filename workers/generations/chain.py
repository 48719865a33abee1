"""The chain of a generation's runs: begun, gone on with, stopped.

A run is made once the one before is done, by whoever notices first: the worker that did that one, or the sweeper. Each
step has at most one run, which its row and a constraint see to; a run that failed is tried again as the same run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings
from annotations.storage.clock import from_now
from workers.generations import asked as asking
from workers.generations.asked import Asked
from workers.generations.steps import STEPS, StepJob
from workers.lifecycle import run_cancel, run_retry
from workers.models import Generation, Run
from workers.services import AT_WORK


class StepMade(NamedTuple):
    job: StepJob
    run: Run | None

    @property
    def step(self) -> Generation.Step:
        return self.job.step


def generation_begin(
    *,
    name: str,
    campaigns: Sequence[str],
    system: str | None = None,
    criteria: Sequence[str] = (),
    admit_pasted: bool = False,
    simulated: bool = False,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    reward: bool = True,
    best_of: int = 1,
    decoding: Sequence[str] = (),
    campaign: Mapping[str, Any] | None = None,
    queue: str = "cpu",
) -> Generation:
    """A generation with its first run, queued. `campaign` are keys of the new campaign's file that differ from the
    feedback campaign's, `decoding` how both models write.

    Raises InputError, or an error of `modeling`, for whatever can be known to be wrong before the first run.
    """
    name = asking.checked_name(name)
    settings = FeedbackSettings(criteria=tuple(sorted(set(criteria))), admit_pasted=admit_pasted, simulated=simulated)
    rows = asking.campaigns_named(campaigns, settings)
    before = asking.system_before(system, rows)
    preset = preset or asking.checkpoint_of(before.name).run.config["preset"]
    likeness = asking.likeness_of(before, preset)
    if best_of > 1 and not reward:
        raise InputError("best_of", "the best of several texts is what the reward model says", "fit a reward model")
    if reward:
        asking.check_albums(rows)
    spec = asking.comparison_spec(name, rows, before, campaign or {})
    asking.check_sources(spec, rows[0].dataset)
    asked = Asked(
        campaigns=[row.name for row in rows],
        feedback={"criteria": list(criteria), "admit_pasted": admit_pasted, "simulated": simulated},
        preset=preset,
        likeness=likeness,
        training=list(overrides),
        reward=reward,
        best_of=best_of,
        decoding=list(decoding),
        campaign=asking.campaign_toml(spec),
        queue=queue,
    )
    asking.check_settings(name, before, rows[0].dataset, asked)
    generation = Generation(
        name=name,
        dataset=rows[0].dataset,
        before=before,
        config=asked.to_dict(),
        simulated=any(row.simulation for row in rows),
    )
    try:
        with transaction.atomic():
            generation.save(force_insert=True)
            step_launch(generation, STEPS[0])
    except IntegrityError as error:
        raise ConflictError("name", f"{named(generation)} already exists", "choose another name") from error
    return generation


def named(generation: Generation) -> str:
    return f"generation '{generation.name}'"


def steps_of(generation: Generation) -> list[StepMade]:
    """The steps that it has, each with its run, None where that is still to come."""
    asked = Asked.of(generation)
    runs = {run.step: run for run in generation.runs.defer("history", "log")}
    return [StepMade(each, runs.get(each.step)) for each in STEPS if each.needed(asked)]


def generation_advance(pk: int) -> Run | None:
    """Make the run that is due, if one is. The row is locked meanwhile, so that it is made once.

    What cannot be launched is a `problem` of the generation, which stands until a person goes on.
    """
    with transaction.atomic():
        generation = Generation.objects.going_on().select_for_update(no_key=True).filter(pk=pk).first()
        if generation is None:
            return None
        for job, run in steps_of(generation):
            if run is None:
                return attempt(generation, job)
            if run.state != Run.State.DONE:
                return None
            if problem := job.problem(generation):
                Generation.objects.filter(pk=pk).update(problem=problem)
                return None
        Generation.objects.filter(pk=pk).update(completed_at=from_now())
    return None


def attempt(generation: Generation, job: StepJob) -> Run | None:
    try:
        return step_launch(generation, job)
    except ValueError as error:  # InputError is one, and so are the errors of modeling's settings
        Generation.objects.filter(pk=generation.pk).update(problem=str(error))
        return None


@transaction.atomic
def step_launch(generation: Generation, job: StepJob) -> Run:
    run = job.launch(generation, Asked.of(generation))
    run.generation, run.step = generation, job.step
    run.save(update_fields=["generation", "step"])
    return run


@transaction.atomic
def generation_stop(generation: Generation) -> None:
    """Make no further run and cancel the one at work. Raises ConflictError where it is stopped or complete."""
    if not Generation.objects.filter(pk=generation.pk, completed_at=None, stopped_at=None).update(
        stopped_at=from_now()
    ):
        raise ConflictError("", f"{named(generation)} is complete or was stopped already")
    for run in generation.runs.filter(state__in=AT_WORK):
        with suppress(ConflictError):  # it ended meanwhile
            run_cancel(run)


@transaction.atomic
def generation_resume(generation: Generation, *, accepts_worse: bool = False) -> None:
    """Go on where it stands: a run that failed or was cancelled is tried again. With `accepts_worse` it goes on though
    guard rails call its model worse. Raises ConflictError where it is complete or not at rest."""
    if generation.runs.filter(state=Run.State.RUNNING, cancel_requested=True).exists():
        raise ConflictError("", f"a run of {named(generation)} is still being cancelled", "try again when it has ended")
    ended = generation.runs.filter(state__in=[Run.State.FAILED, Run.State.CANCELLED]).first()
    halted = Generation.objects.filter(pk=generation.pk, completed_at=None)
    if ended is None:
        halted = halted.exclude(stopped_at=None, problem="")
    if not halted.update(stopped_at=None, problem="", **({"accepts_worse": True} if accepts_worse else {})):
        raise ConflictError("", f"{named(generation)} is complete or is going on")
    if ended:
        run_retry(ended)
    generation_advance(generation.pk)


def runs_due(generation: Generation) -> Iterator[Run]:
    """Its runs that are not done, one after the other as they are made."""
    while True:
        generation_advance(generation.pk)
        run = generation.runs.exclude(state=Run.State.DONE).first()
        if run is None:
            return
        yield run
