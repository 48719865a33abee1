import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.campaigns.services.campaigns import campaign_named
from annotations.management.base import AnswerCommand
from annotations.removal.erasing import LOG_LEFT, Erasure, erasure_of, identities, person_erase


class Command(AnswerCommand):
    help = (
        "Erase a person: id, personal links, session, completion code and what they typed. Their answers stay under "
        "the pseudonym, and no result changes. Asks for confirmation."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rater", metavar="RATER", help="outside id or pseudonym; - reads it from standard input")
        parser.add_argument(
            "--campaign",
            action="append",
            default=[],
            metavar="NAME",
            help="campaigns to erase it from; default: every campaign that knows the id, as the same person",
        )
        parser.add_argument(
            "--yes", action="store_true", help="do not ask for confirmation; required without a terminal"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        name = sys.stdin.readline().strip() if options["rater"] == "-" else options["rater"]
        campaigns = [campaign_named(each) for each in options["campaign"]]
        found = identities(name, campaigns)
        erasures = [erasure_of(identity) for identity in found]
        if found and not options["yes"]:
            self.ask(erasures)
        done, log_emptied = person_erase(found)
        return {
            "erased": [
                {"campaign": each.campaign.name, "rater": each.rater and str(each.rater.public_id)} for each in done
            ],
            "answers_kept": sum(erasure.answers for erasure in erasures),
            "invalid_feedback_sets": sorted({name for erasure in erasures for name in erasure.feedback_sets}),
            "exports_before": sum(erasure.exports for erasure in erasures),
            "message": ("erased" if done else "already erased: nothing was left to erase")
            + ("" if log_emptied else f"; {LOG_LEFT}"),
        }

    def ask(self, erasures: list[Erasure]) -> None:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError("nobody was erased: give --yes, as there is no terminal to ask on")
        for erasure in erasures:
            self.stderr.write(
                f"{erasure.identity}: {', '.join(erasure.goes)} will be erased; {erasure.answers:,} answers stay"
            )
        self.stderr.write("Erase permanently? This cannot be undone. [y/N] ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nobody was erased")
