"""A training run: from a dataset, and possibly a feedback set, to a checkpoint."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from annotations.corpora.rewriting import split_texts, unchanged_check
from annotations.corpora.selectors import PAIRINGS
from annotations.errors import ConflictError, InputError
from annotations.models import Dataset, FeedbackSet, System
from annotations.names import MAX_NAME_LENGTH, check_name, fitted, numbered
from modeling.bases import settled_path
from modeling.config import TrainingConfig, load_preset, preset_data
from workers.jobs import corpus
from workers.jobs.attention_maps import attention_draw, spread
from workers.jobs.fetching import check_base
from workers.jobs.judged_texts import Unread, check_still_valid, guarded, judged_set, write_feedback
from workers.jobs.reward import reward_folder, reward_named
from workers.jobs.training_folder import discard_others, training_folder
from workers.lifecycle import Claim, run_create
from workers.lookup import check_valid, dataset_named, feedback_set_named, system_named
from workers.models import Checkpoint, Run

PICTURES = 2  # validation sources with a picture of what was looked at for them
DATA_DEFAULTS = {"pairing": "aligned", "source": corpus.CAPTION, "sources": corpus.ALL}


def launch(
    *,
    dataset: str,
    preset: str,
    overrides: Sequence[str] = (),
    feedback: str | None = None,
    name: str | None = None,
    queue: str = "cpu",
    claimed: bool = False,
) -> Run:
    """Make a training run, queued, or claimed by this process. Everything asked for is checked first.

    Overrides are `key=value`: `pairing`, `source` and `sources` say what the model is given, `init` which system's
    checkpoint it goes on from, the rest are its settings.
    Raises InputError for an unknown name, key or value, ConflictError when the system was trained already.
    """
    dataset_row = dataset_named(dataset)
    data, model_overrides = split_overrides(overrides, DATA_DEFAULTS | preset_data(preset))
    init, model_overrides = begin_from(model_overrides)
    feedback_row = feedback_set_named(feedback) if feedback else None
    training = load_preset(preset, model_overrides, on_gpu=queue == "gpu")
    training = replace(training, model_path=settled_path(training.model_path) if training.model_path else "")
    if init:
        check_shape(init, training)
    base = check_base(training)
    learned = judged_set(training, feedback_row)
    if training.reward:
        training = replace(training, reward=reward_named(training.reward).name)  # as it is written there
    check_data(dataset_row, learned, data)
    system = system_reserve(name or default_name(preset, dataset, feedback))
    config = {
        "dataset": dataset,
        "system": system.name,
        "preset": preset,
        "training": training.to_dict(),
        **data,
        "init": init,
        "base": base and {"name": base.name, "from": base.origin, "licence": base.licence, "files": dict(base.files)},
        "feedback": feedback,
        **({"feedback_simulated": True} if learned and learned.simulated else {}),
    }
    links: dict[str, Any] = {"dataset": dataset_row, "system": system, "feedback_set": learned, "queue": queue}
    try:
        with transaction.atomic():
            return run_create(kind=Run.Kind.TRAIN, config=config, claimed=claimed, **links)
    except IntegrityError as error:
        raise ConflictError(
            "", f"system '{system.name}' is already trained or being trained", "choose another name with --name"
        ) from error


def split_overrides(overrides: Sequence[str], defaults: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Settings of the data, over the defaults, and settings of the model, from one list of `key=value`."""
    data, model = dict(defaults), []
    for override in overrides:
        key, _, value = override.partition("=")
        if key in defaults:
            data[key] = value
        else:
            model.append(override)
    for key, valid in (("pairing", PAIRINGS), ("sources", corpus.SOURCES)):
        if data[key] not in valid:
            raise InputError(key, f"'{data[key]}' is not one of {', '.join(valid)}")
    return data, model


def begin_from(overrides: Sequence[str]) -> tuple[str | None, list[str]]:
    """The system whose checkpoint a training goes on from, and the settings with that checkpoint's folder as `init`.

    `init` names a system, or the folder of a checkpoint, which may be of no system here. Raises InputError for another.
    """
    given = [
        override.partition("=")[2].strip() for override in overrides if override.partition("=")[0].strip() == "init"
    ]
    if not given or not given[-1]:
        return None, list(overrides)
    kept = Checkpoint.objects.filter(pruned_at=None)
    folder = Path(given[-1]).resolve()
    inside = str(folder.relative_to(settings.VAR_DIR)) if folder.is_relative_to(settings.VAR_DIR) else ""
    checkpoint = kept.filter(Q(system__name=given[-1]) | Q(directory=inside)).select_related("system").first()
    if checkpoint:
        folder = settings.VAR_DIR / checkpoint.directory
    elif not (folder / "manifest.json").is_file():
        trained = ", ".join(kept.order_by("system__name").values_list("system__name", flat=True)[:20])
        raise InputError(
            "init",
            f"'{given[-1]}' is neither a trained system nor a checkpoint folder",
            f"trained systems: {trained or 'none yet'}",
        )
    others = [override for override in overrides if override.partition("=")[0].strip() != "init"]
    return checkpoint.system.name if checkpoint else None, [*others, f"init={folder}"]


def check_shape(init: str, training: TrainingConfig) -> None:
    """Raises InputError where the system's model is another one than the settings describe."""
    there = TrainingConfig.from_dict(checkpoint_of(init).run.config["training"])
    if differing := training.another_shape(there):
        raise InputError(
            "init", f"the model of '{init}' was built with different settings", f"match them ({'; '.join(differing)})"
        )


def initial_folder(init: str) -> Path:
    """Where the system's checkpoint is on this host."""
    return settings.VAR_DIR / checkpoint_of(init).directory


def checkpoint_of(system: str) -> Checkpoint:
    """Raises InputError where it was pruned meanwhile."""
    checkpoint = Checkpoint.objects.filter(pruned_at=None, system__name=system).select_related("run").first()
    if checkpoint is None:
        raise InputError("init", f"system '{system}' no longer has a checkpoint")
    return checkpoint


def check_data(dataset: Dataset, feedback_set: FeedbackSet | None, data: dict[str, str]) -> None:
    corpus.check_source(dataset, "train", data["source"])
    records = corpus.paired_records(dataset, "train", source=data["source"], pairing=data["pairing"])
    if next(records, None) is None:
        systems = [system.name for system in corpus.input_systems(dataset, "train", corpus.ANY_SYSTEM)]
        others = f"; set source to a system with outputs there: {', '.join(systems)}" if systems else ""
        raise InputError(
            "",
            f"dataset '{dataset.name}' has nothing to train on: no {data['source']} source in split 'train' is "
            f"paired with a story sentence{others}",
        )
    if feedback_set and feedback_set.dataset_id != dataset.pk:
        raise InputError(
            "",
            f"feedback set '{feedback_set.name}' belongs to dataset '{feedback_set.dataset.name}', not to "
            f"'{dataset.name}'",
        )


def default_name(preset: str, dataset: str, feedback: str | None) -> str:
    """The first free of PRESET-DATASET, PRESET-DATASET-2, …"""
    kind, _, path = preset.partition(":")
    stem = fitted("-".join(filter(None, [kind, Path(path).name, dataset, feedback])))
    taken = set(System.objects.filter(name__startswith=stem[: MAX_NAME_LENGTH - 7]).values_list("name", flat=True))
    return next(name for name in chain([stem], (numbered(stem, n) for n in range(2, 10**6))) if name not in taken)


def system_reserve(name: str) -> System:
    """The model system of that name, made if it is not there; a name of another kind of system is refused."""
    name = check_name(name, "name")
    system, _ = System.objects.get_or_create(name=name, defaults={"kind": System.Kind.MODEL})
    if system.kind != System.Kind.MODEL:
        raise ConflictError("", f"system '{name}' is {system.get_kind_display()}", "choose another name with --name")
    return system


def draw_examples(run: Run, checkpoint: Path, valid_file: Path, device: str) -> None:
    """Pictures of what the model looks at while it writes for a few validation sources; none without attention."""
    from modeling.corpus import read_examples
    from modeling.errors import AttentionError, DecodingError

    if not valid_file.stat().st_size:
        return
    drawn = spread(read_examples(valid_file), PICTURES)
    with suppress(AttentionError, DecodingError):  # such a family, or a single source without words
        attention_draw(run, checkpoint, [(example, None) for example in drawn], device=device)


def checked(check: Callable[[], None]) -> Iterator[corpus.Record]:
    """No record: at the end of those that are written to a file, so that there is none where the check fails."""
    with transaction.atomic():
        check()
    yield from ()


def perform(claim: Claim) -> None:
    """Write the data once, train (or go on from the last checkpoint), record the checkpoint."""
    from modeling.training import Progress, train

    run = claim.run
    config = run.config
    dataset, system = dataset_named(config["dataset"]), system_named(config["system"])
    training = TrainingConfig.from_dict(config["training"])
    if config["init"]:
        training = replace(training, init=str(initial_folder(config["init"])))
    if training.reward:
        training = replace(training, reward=str(reward_folder(reward_named(training.reward))))
    folder = settings.RUNS_DIR / str(run.public_id)
    with training_folder(folder, claim) as directory:
        claim.check()
        paired: dict[str, Any] = {key: config[key] for key in ("source", "pairing")}
        paired["context"] = training.story_sentences
        train_file, valid_file = folder / "train.jsonl", folder / "valid.jsonl"
        if not train_file.exists():
            claim.progress(0.0, "writing the training data")
            read = ("train", "valid", "feedback") if run.feedback_set else ("train", "valid")
            check_unchanged = unchanged_check(dataset=dataset, texts=split_texts(*read))
            by_split = {
                "valid": corpus.paired_records(dataset, "valid", **paired),
                "train": corpus.paired_records(dataset, "train", **paired, sources=config["sources"]),
            }
            if run.feedback_set:
                check_valid(run.feedback_set)
            if run.feedback_set and not training.learns_from_feedback:
                rated = corpus.feedback_records(run.feedback_set, source=config["source"], seed=training.seed)
                by_split["feedback"] = rated
            if training.album_context:
                by_split = {
                    split: corpus.beside_albums(records, dataset, split, source=config["source"])
                    for split, records in by_split.items()
                }
            corpus.write_records(by_split.pop("valid"), valid_file)
            corpus.write_records(chain(chain.from_iterable(by_split.values()), checked(check_unchanged)), train_file)
        read_set = None if training.draws else run.feedback_set
        unread = Unread.of(read_set, source=config["source"]) if read_set else None
        judged_file = None
        if read_set and training.learns_from_feedback:
            judged_file = write_feedback(read_set, folder, training, source=config["source"])
        check_still_valid(run, folder)

        def report(progress: Progress) -> None:
            row = {
                "step": progress.step,
                "loss": progress.loss,
                "valid_loss": progress.valid_loss,
                "learning_rate": progress.learning_rate,
            }
            losses = [f"loss {progress.loss:.2f}"] if progress.loss is not None else []
            losses += [f"validation {progress.valid_loss:.2f}"] if progress.valid_loss is not None else []
            message = ", ".join([progress.message, *losses])
            if progress.samples:
                claim.save(result={"samples": progress.samples})
            claim.progress(progress.fraction, message, row if progress.loss is not None else None)

        result = train(
            training,
            train_file=train_file,
            valid_file=valid_file if valid_file.stat().st_size else None,
            directory=directory,
            feedback_file=judged_file,
            on_progress=report,
        )
        cost = None
        if training.init and (run.feedback_set or training.learns_from_feedback):
            stories = corpus.training_stories(dataset)
            cost = guarded(
                training, result.checkpoint, valid_file, stories, lambda each: claim.progress(1.0, each.message)
            )
        draw_examples(run, result.checkpoint, valid_file, training.device)
    files = [file for file in result.checkpoint.rglob("*") if file.is_file()]
    why_left_out = corpus.with_keys(result.why_left_out) + (unread.why_left_out if unread else [])
    metrics = result.figures() | {"why_left_out": why_left_out}
    metrics |= {"feedback_left_out": unread.count} if unread else {}
    metrics |= {"guarding": cost} if cost else {}
    worse = "; ".join(cost["worse"]) if cost else ""
    with claim.fenced():
        check_still_valid(run, folder)
        checkpoint, _ = Checkpoint.objects.update_or_create(  # an earlier attempt may have died behind this
            run=run,
            system=system,
            defaults={
                "directory": str(result.checkpoint.relative_to(settings.VAR_DIR)),
                "sha256": result.sha256,
                "size_bytes": sum(file.stat().st_size for file in files),
                "metrics": metrics,
                "worse": worse,
            },
        )
    discard_others(result.checkpoint.parent)
    run.result = {"system": system.name, "checkpoint": checkpoint.directory, "sha256": result.sha256, **metrics}
    run.result |= {"samples": result.samples} if result.samples else {}
    left_out = f", {result.left_out:,} pairs left out as empty or too long" if result.left_out else ""
    of_planned = f" of {result.planned_steps:,}, ended by {result.ended_by}" if result.ended_by != "plan" else ""
    steps = "step" if result.planned_steps == 1 else "steps"
    cost_in_words = f"; not offered, as it is worse than before: {worse}" if worse else ""
    left_out += f", {unread.in_words}" if unread and unread.count else ""
    run.message = f"trained {result.steps:,}{of_planned} {steps}{left_out}{cost_in_words}"
