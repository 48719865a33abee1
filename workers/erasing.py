"""What runs keep of a rater who is erased: an import of ratings was asked for with their id as a column or filter, or
said it where it failed, and a training has read what they typed."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from annotations.campaigns.services.raters import as_word
from annotations.errors import ConflictError
from annotations.models import Campaign
from workers.models import Run
from workers.services import AT_WORK

GONE = "erased"
REMOVED = "this message was removed because it named, or may have named, a rater who was erased"
NAMING = ("raters", "where", "columns", "files")  # of a request
TOLD = ("columns_left_aside", "notes")  # of a result
FEEDBACK_FILE = "feedback.jsonl"
OF_SETS = ("feedback*.jsonl", "train.jsonl", "*.part")  # of a run's folder: what they hold is in a feedback set too
CUT = 500  # characters of a message: it may end within an id


def runs_forget(*, campaign: Campaign, outside_id: str, **kwargs: Any) -> None:
    """Take an id out of the runs that imported ratings into the campaign, or into none that there is. Raises
    ConflictError where one of them has not ended: it would write again what it has read."""
    others = set(Campaign.objects.exclude(pk=campaign.pk).values_list("name", flat=True))
    names = (
        as_word(outside_id) if len(outside_id) > 2 else re.compile(rf"(?:(?<=[='])|^){re.escape(outside_id)}(?=$|')")
    )
    for run in Run.objects.select_for_update().filter(kind=Run.Kind.IMPORT, config__form="ratings").order_by("pk"):
        if run.config.get("campaign") in others:
            continue
        if run.state in AT_WORK:
            raise ConflictError(
                "",
                f"import run {run.public_id} is still active and may name the rater",
                "nobody was erased; wait until the run has ended, or cancel it, then erase again",
            )
        lines = [[time, without(text, names)] for time, text in run.log]
        changed = {
            "message": without(run.message, names),
            "log": lines,
            "config": {key: blanked(value, names) if key in NAMING else value for key, value in run.config.items()},
            "result": {key: blanked(value, names) if key in TOLD else value for key, value in run.result.items()},
        }
        Run.objects.filter(pk=run.pk).update(**changed)


def files_forget(*, sets: Sequence[int], **kwargs: Any) -> None:
    """Remove, once the rows are written, the files that runs have made of feedback sets which held words of a rater."""
    for public_id in Run.objects.filter(feedback_set__in=sets).values_list("public_id", flat=True):
        transaction.on_commit(partial(files_remove, settings.RUNS_DIR / str(public_id)))


def files_remove(folder: Path) -> None:
    for pattern in OF_SETS:
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)


def without(text: str, names: re.Pattern[str]) -> str:
    return REMOVED if names.search(text) or len(text) >= CUT else text


def blanked(value: Any, names: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return names.sub(GONE, value)
    if isinstance(value, list):
        return [blanked(each, names) for each in value]
    return {key: blanked(each, names) for key, each in value.items()} if isinstance(value, dict) else value
