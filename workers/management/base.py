"""What the commands that make a run share: `--wait`, `--queue`, and how a run they wait for is shown and ends."""

from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from workers.formats import FORMATS, ImportFormat
from workers.jobs import importing, perform
from workers.lifecycle import Claim, holding, in_words
from workers.models import Run


class ImportCommand(AnswerCommand):
    """Imports files of a `format` as a run of its own process, which is where they are."""

    format: ImportFormat

    def add_arguments(self, parser: CommandParser) -> None:
        self.format.add_arguments(parser)

    def answer(self, **options: Any) -> dict[str, Any]:
        config = {"form": self.format.name, **self.format.request(options), "dataset": options["dataset"]}
        with self.share() as watch:
            return importing.import_here(config=config, watch=watch)


def import_command(name: str) -> type[ImportCommand]:
    return type("Command", (ImportCommand,), {"format": FORMATS[name], "help": FORMATS[name].help})


class LaunchCommand(AnswerCommand):
    """Makes a run: for the workers, or with `--wait` claimed and done by this process.

    `launch` is a job's, whose parameters are called as the command's options.
    """

    launch: ClassVar[Callable[..., Run]]
    errors = (ValueError,)  # InputError, and the errors of `modeling` for bad settings and files

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", action="store_true", help="execute the run in this process; Ctrl-C puts it back in the queue"
        )
        parser.add_argument("--queue", choices=["cpu", "gpu"], default="cpu", help="which workers execute the run")

    def add_settings(self, parser: CommandParser, meaning: str) -> None:
        parser.add_argument(
            "--set", dest="overrides", metavar="KEY=VALUE", action="extend", nargs="+", default=[], help=meaning
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        asked = {name: options[name] for name in signature(self.launch).parameters if name != "claimed"}
        run = self.launch(**asked, claimed=options["wait"])
        if options["wait"]:
            return self.carry_out(Claim(run))
        return {"run": str(run.public_id), "kind": run.kind, "state": run.state, **names(run)}

    def carry_out(self, claim: Claim) -> dict[str, Any]:
        run = claim.run
        with self.share() as watch:
            claim.listener = watch
            try:
                with holding(claim):
                    perform(claim)
            except KeyboardInterrupt as error:
                raise CommandError(f"run {run.public_id} was interrupted and is back in the queue") from error
            except Exception as error:
                raise CommandError(f"run {run.public_id} failed: {in_words(run, error)}") from error
        return {"run": str(run.public_id), "kind": run.kind, "state": Run.State.DONE.value, **names(run), **run.result}


def names(run: Run) -> dict[str, str]:
    return {"system": run.system.name} if run.system else {}
