import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.campaigns.links import rater_link
from workers.generations.chain import generation_begin, runs_due, steps_of
from workers.lifecycle import run_claim
from workers.management.base import LaunchCommand
from workers.models import Generation, Run

POLL_SECONDS = 0.5  # for a run that a worker has taken


class Command(LaunchCommand):
    help = (
        "From closed feedback campaigns to the next model: build the feedback set, fit a reward model, train, decode, "
        "score, and open a campaign that compares the new model, blind, with the one before and with people."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="of the generation, and of all that it makes")
        parser.add_argument("--campaign", dest="campaigns", action="append", default=[], metavar="NAME", required=True)
        parser.add_argument(
            "--system", metavar="NAME", help="the model to go on from (default: the campaign's only trained one)"
        )
        parser.add_argument("--preset", help="default: that of the model before")
        self.add_settings(parser, "settings of the training, such as budget=240 or objective=kto")
        parser.add_argument(
            "--decode-set", dest="decoding", metavar="KEY=VALUE", action="extend", nargs="+", default=[],
            help="settings of the decodings, of both models",
        )  # fmt: skip
        parser.add_argument(
            "--best-of", type=int, default=1, metavar="N",
            help="of N texts the new model writes, the one with the highest reward is shown",
        )  # fmt: skip
        parser.add_argument("--no-reward", dest="reward", action="store_false", help="fit no reward model")
        parser.add_argument("--items", type=int, help="of the new campaign (default: as in the first campaign)")
        parser.add_argument("--overlap", type=int, help="raters per item of the new campaign")
        parser.add_argument("--protocol", help="of the new campaign (default: that of the first campaign)")
        parser.add_argument(
            "--seen-albums", action="store_true", help="also compare on albums that earlier campaigns have shown"
        )
        parser.add_argument(
            "--simulated", action="store_true", help="admit campaigns of simulated raters; all that follows says so"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        same = (
            "name",
            "campaigns",
            "system",
            "preset",
            "overrides",
            "decoding",
            "best_of",
            "reward",
            "simulated",
            "queue",
        )
        changed = {key: options[key] for key in ("items", "overlap", "protocol")}
        generation = generation_begin(
            **{key: options[key] for key in same},
            campaign=changed | {"unseen_albums": not options["seen_albums"]},
        )
        if options["wait"]:
            self.carry_out_all(generation)
        return answer_of(generation)

    def carry_out_all(self, generation: Generation) -> None:
        """Its runs one after the other; one that a worker took is waited for."""
        for run in runs_due(generation):
            while not run.finished:
                if claim := run_claim(run.pk):
                    self.carry_out(claim)
                else:
                    time.sleep(POLL_SECONDS)
                run.refresh_from_db()
            if run.state != Run.State.DONE:
                raise CommandError(f"run {run.public_id} {run.state}: {run.message}")
        generation.refresh_from_db()
        if not generation.completed_at:
            raise CommandError(generation.problem or f"generation '{generation}' was stopped")


def answer_of(generation: Generation) -> dict[str, Any]:
    runs = {each.step.value: str(each.run.public_id) for each in steps_of(generation) if each.run}
    campaign = next((run.campaign for _, run in steps_of(generation) if run and run.campaign), None)
    return {
        "generation": generation.name,
        "complete": generation.completed_at is not None,
        "runs": runs,
        **({"campaign": campaign.name, "link": rater_link(campaign)} if campaign else {}),
    }
