"""What the commands that make a run share: `--wait`, `--queue`, and how a run they wait for is shown and ends."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from workers.jobs import importing, perform
from workers.lifecycle import Claim, holding, in_words
from workers.models import Run


class ImportCommand(AnswerCommand):
    """Imports files as a run of its own process, which is where they are. Subclasses write `request`."""

    def request(self, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def add_update(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--update", action="store_true", help="replace texts that differ, where nothing depends on them"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        config = {**self.request(**options), "dataset": options["dataset"]}
        with self.share() as watch:
            return importing.import_here(config=config, watch=watch)


def updated(options: Mapping[str, Any]) -> dict[str, bool]:
    return {"update": True} if options["update"] else {}


class LaunchCommand(AnswerCommand):
    """Makes a run: for the workers, or with `--wait` claimed and done by this process.

    Subclasses write `launch`, which returns a queued run or, where `claimed` is asked for, a claim.
    """

    errors = (ValueError,)  # InputError, and the errors of `modeling` for bad settings and files

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait", action="store_true", help="do it in this process; Ctrl-C puts it back in the queue"
        )
        parser.add_argument("--queue", choices=["cpu", "gpu"], default="cpu", help="which workers do it")

    def launch(self, *, claimed: bool, **options: Any) -> Run | Claim:
        raise NotImplementedError

    def answer(self, **options: Any) -> dict[str, Any]:
        launched = self.launch(claimed=options["wait"], **options)
        if isinstance(launched, Run):
            return {"run": str(launched.public_id), "kind": launched.kind, "state": launched.state, **names(launched)}
        return self.carry_out(launched)

    def carry_out(self, claim: Claim) -> dict[str, Any]:
        run = claim.run
        with self.share() as watch:
            claim.listener = watch
            try:
                with holding(claim):
                    perform(claim)
            except KeyboardInterrupt as error:
                raise CommandError(f"run {run.public_id}: interrupted, and back in the queue for a worker") from error
            except Exception as error:
                raise CommandError(f"run {run.public_id} failed: {in_words(run, error)}") from error
        return {"run": str(run.public_id), "kind": run.kind, "state": Run.State.DONE.value, **names(run), **run.result}


def names(run: Run) -> dict[str, str]:
    return {"system": run.system.name} if run.system else {}
