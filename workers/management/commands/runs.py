from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from annotations.errors import InputError, NotFoundError
from annotations.management.base import AnswerCommand
from workers.lifecycle import run_cancel, run_retry
from workers.models import Run

SHOWN = 20


class Command(AnswerCommand):
    help = "List the newest runs, or show, cancel or retry one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="?", help="id of a run")
        parser.add_argument("--cancel", action="store_true")
        parser.add_argument("--retry", action="store_true")

    def answer(self, **options: Any) -> dict[str, Any]:
        if not options["run"]:
            if options["cancel"] or options["retry"]:
                raise InputError("", "give the run to cancel or retry, such as `runs ID --cancel`")
            return {str(run.public_id): line(run) for run in Run.objects.order_by("-pk")[:SHOWN]}
        run = run_found(options["run"])
        if options["cancel"]:
            run_cancel(run)
        if options["retry"]:
            run_retry(run)
        run.refresh_from_db()
        return {
            "run": str(run.public_id),
            "kind": run.kind,
            "state": run.state,
            "fraction": run.fraction,
            "message": run.message,
            "attempt": run.attempt,
            "result": run.result,
        }


def run_found(public_id: str) -> Run:
    try:
        found = Run.objects.filter(public_id=public_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise NotFoundError("", f"run '{public_id}' does not exist", "`manage.py runs` lists the newest")
    return found


def line(run: Run) -> str:
    return f"{run.kind} {run.state} {run.fraction:.0%} {run.message}".strip()
