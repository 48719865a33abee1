"""A reward run: from a feedback set to a reward model, which says how good raters would find a text."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from annotations.corpora.rewriting import split_texts, unchanged_check
from annotations.errors import ConflictError, InputError
from annotations.models import Decoding, FeedbackExample, FeedbackSet
from annotations.names import check_name
from annotations.storage.names import row_named
from modeling.bases import weights_files, weights_sha256
from modeling.config import REWARD, RewardConfig
from modeling.metrics.reward import RewardMetric
from modeling.progress import Progress
from workers.agreement import in_words
from workers.jobs import corpus
from workers.lifecycle import Claim, run_create
from workers.lookup import by_name, check_valid, feedback_set_named
from workers.models import RewardModel, Run
from workers.services import runs_at_work

OF_ONE_MACHINE = ("encoder", "states")  # folders, which a worker on another host does not have


def launch(
    *, name: str, feedback: str, overrides: Sequence[str] = (), queue: str = "cpu", claimed: bool = False
) -> Run:
    """Make a reward run, queued, or claimed by this process. Everything asked for is checked first.

    Raises InputError for an unknown or invalid set, and a set of too few sources, ConfigError for an unknown key or
    value, ConflictError where the name is taken.
    """
    name = check_name(name, "name")
    feedback_set = feedback_set_named(feedback)
    config = RewardConfig.from_overrides(overrides)
    if given := [key for key in OF_ONE_MACHINE if getattr(config, key)]:
        raise InputError(
            given[0],
            "a folder of one machine cannot be given here",
            "leave it out, or use `python -m modeling reward` and rerank by its folder there",
        )
    check_sources(feedback_set, config)
    check_free(name)
    about = {
        "name": name,
        "dataset": feedback_set.dataset.name,
        "feedback": feedback_set.name,
        "reward": config.to_dict(),
        **({"feedback_simulated": True} if feedback_set.simulated else {}),
    }
    links: dict[str, Any] = {"dataset": feedback_set.dataset, "feedback_set": feedback_set, "queue": queue}
    return run_create(kind=Run.Kind.REWARD, config=about, claimed=claimed, **links)


def check_sources(feedback_set: FeedbackSet, config: RewardConfig) -> None:
    """Raises InputError where the set has fewer albums than the parts of them that are held out in turn."""
    teaching = feedback_set.examples.exclude(kind=FeedbackExample.Kind.SPANS)
    albums = teaching.order_by().values("source__album").distinct().count()
    if albums < config.folds:
        raise InputError(
            "folds",
            f"the scores, preferences and labels of feedback set '{feedback_set.name}' are of {albums} albums, too few "
            f"to hold out one part in {config.folds}",
            "collect more ratings, or set folds to less",
        )


def check_free(name: str) -> None:
    beginning = runs_at_work().filter(kind=Run.Kind.REWARD, config__name=name)
    if RewardModel.objects.filter(name=name).exists() or beginning.exists():
        raise name_taken(name)


def name_taken(name: str) -> ConflictError:
    return ConflictError("", f"reward model '{name}' already exists or is being fitted", "choose another name")


def reward_named(name: str) -> RewardModel:
    """Raises NotFoundError, naming those that there are, and InputError for one whose feedback set is invalid."""
    rows = RewardModel.objects.select_related("feedback_set", "dataset")
    found = row_named(rows, name)
    if found and not found.valid:
        raise InputError(
            "",
            f"reward model '{name}' is invalid: some texts of its feedback set '{found.feedback_set}' were erased "
            "together with a rater",
            "build the set again and fit another one",
        )
    return by_name(rows.usable(), name, "reward model")


def reward_folder(row: RewardModel) -> Path:
    """Where its files are on this host. Raises InputError where they are not there, or not those of the row."""
    folder: Path = settings.VAR_DIR / row.directory
    if not weights_files(folder) or weights_sha256(folder) != row.sha256:
        raise InputError("", f"the files of reward model '{row}' are missing or were altered", "fit it again")
    return folder


def reward_behind(setting: str) -> RewardModel | None:
    """The reward model that `reward:NAME` names, a reranking or metric; None for another."""
    return reward_named(setting.removeprefix(REWARD)) if setting.startswith(REWARD) else None


def scoring_reward(metrics: Sequence[str]) -> tuple[list[str], RewardModel | None]:
    """The metrics, `reward` in the place of a `reward:NAME`, and that reward model. Raises InputError for two of them,
    and for none behind `reward`."""
    named = [metric for metric in metrics if metric.startswith(REWARD)]
    if RewardMetric.name in metrics:
        raise InputError("metrics", f"'{RewardMetric.name}' needs a reward model", f"name one, as {REWARD}NAME")
    if len(set(named)) > 1:
        raise InputError("metrics", "a run scores by one reward model", "launch a run for each")
    plain = [metric for metric in metrics if metric not in named]
    return [*plain, *([RewardMetric.name] if named else [])], reward_behind(named[0]) if named else None


def marked(row: RewardModel) -> str:
    """What a signature calls it."""
    return f"{row.name} (of simulated raters)" if row.simulated else row.name


def pleasing(row: RewardModel, decodings: Iterable[Decoding]) -> Iterator[str]:
    """Of the decodings, what was chosen by the reward model itself, or written by what learned from it: it is no judge
    of that."""
    trainings = Run.objects.filter(kind=Run.Kind.TRAIN, config__training__reward=row.name).exclude(
        config__training__draws=0
    )
    learned = set(trainings.values_list("system", flat=True))
    for each in decodings:
        if each.system_id in learned:
            yield f"{each.row_name}: it learned from reward model '{row}', so its reward is no measure of it"
        if each.settings.get("reward", {}).get("sha256") == row.sha256:
            yield f"{each.row_name}: reward model '{row}' chose its texts, so their reward is no measure of them"


def perform(claim: Claim) -> None:
    """Fit it, unless an earlier attempt has and died before it could say so."""
    run = claim.run
    row = RewardModel.objects.filter(run=run).select_related("feedback_set").first() or fitted(claim)
    run.message = in_words(row)
    run.result = {
        "reward_model": row.name,
        "feedback_set": row.feedback_set.name,
        "sha256": row.sha256,
        "simulated": row.simulated,
        "agreement": row.agreement,
    }


def fitted(claim: Claim) -> RewardModel:
    """In a folder of this attempt, beside whatever a lost one still writes; the row shows it once it is whole."""
    from modeling.reward_training import train_reward  # loads torch

    run = claim.run
    feedback_set = run.feedback_set
    if feedback_set is None:
        raise InputError("", "the run has no feedback set")
    folder = settings.RUNS_DIR / str(run.public_id)
    directory, file = folder / f"reward-{claim.attempt}", folder / f"feedback-{claim.attempt}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)

    def report(progress: Progress) -> None:
        claim.progress(progress.fraction, progress.message)

    try:
        claim.progress(0.0, "writing the feedback")
        feedback_write(feedback_set, file)
        config = RewardConfig.from_dict(run.config["reward"])
        result = train_reward(config, feedback=file, folder=directory, on_progress=report)
        with claim.fenced():
            feedback_set.refresh_from_db()
            check_valid(feedback_set)
            row = RewardModel.objects.create(
                name=run.config["name"],
                run=run,
                feedback_set=feedback_set,
                dataset=feedback_set.dataset,
                directory=str(directory.relative_to(settings.VAR_DIR)),
                sha256=result.reward.head_sha256,
                size_bytes=sum(each.stat().st_size for each in directory.iterdir()),
                agreement=result.figures.to_dict(),
                simulated=feedback_set.simulated,
            )
    except BaseException as error:
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, IntegrityError):
            raise name_taken(run.config["name"]) from error
        raise
    finally:
        file.unlink(missing_ok=True)  # raters' words: nobody needs them here any more
    for other in folder.iterdir():
        if other != directory:
            shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)
    return row


def feedback_write(feedback_set: FeedbackSet, file: Path) -> None:
    """Raises ConflictError where an import changes the set's sources meanwhile."""
    check_valid(feedback_set)
    check_unchanged = unchanged_check(dataset=feedback_set.dataset, texts=split_texts("feedback"), further=False)
    corpus.write_records(corpus.feedback_rows(feedback_set), file)
    with transaction.atomic():
        check_unchanged()
