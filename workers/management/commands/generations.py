from typing import Any

from django.core.management.base import CommandParser

from annotations.errors import InputError
from annotations.management.base import AnswerCommand
from workers.generations.chain import generation_resume, generation_stop
from workers.generations.selectors import with_runs
from workers.generations.standing import Standing, standing_of
from workers.lookup import by_name
from workers.management.commands.runs import line
from workers.models import Generation

SHOWN = 20


class Command(AnswerCommand):
    help = "List the newest generations, or show one, stop it, or go on with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--stop", action="store_true", help="cancel the run at work, and make no further one")
        act.add_argument("--resume", action="store_true", help="try again what failed, was cancelled or not launched")
        act.add_argument(
            "--accept-worse", action="store_true", help="go on with a model that guard rails call worse than before"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        generations = with_runs(Generation.objects.all())
        if not options["name"]:
            if options["stop"] or options["resume"] or options["accept_worse"]:
                raise InputError("", "name the generation, such as `generations NAME --stop`")
            return {row.name: told(standing_of(row)) for row in generations.order_by("-pk")[:SHOWN]}
        generation = by_name(Generation.objects.all(), options["name"], "generation")
        if options["stop"]:
            generation_stop(generation)
        if options["resume"] or options["accept_worse"]:
            generation_resume(generation, accepts_worse=options["accept_worse"])
        generation = generations.get(pk=generation.pk)
        standing = standing_of(generation)
        return {
            "generation": generation.name,
            "before": generation.before.name,
            "state": standing.label,
            "message": standing.says,
            "runs": {run.step: f"{run.public_id} {line(run)}" for run in generation.runs.all()},
        }


def told(standing: Standing) -> str:
    return f"{standing.label}: {standing.says}" if standing.says else standing.label
