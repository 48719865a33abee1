import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from annotations.services.campaigns import campaign_named
from annotations.services.erasing import LOG_LEFT, Erasure, erasure_of, identities, person_erase


class Command(AnswerCommand):
    help = (
        "Erase a person: id, personal links, session, completion code and what they typed. Their numbers stay under "
        "the pseudonym, and no result changes. Asks first on a terminal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rater", metavar="RATER", help="outside id, or a pseudonym; - reads it from standard input")
        parser.add_argument(
            "--campaign",
            action="append",
            default=[],
            metavar="NAME",
            help="where; by default every campaign that knows the id, as the same person",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")

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
            "message": ("erased" if done else "erased already: nothing was left to erase")
            + ("" if log_emptied else f"; {LOG_LEFT}"),
        }

    def ask(self, erasures: list[Erasure]) -> None:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError("nobody was erased: say --yes where there is no terminal to ask on")
        for erasure in erasures:
            self.stderr.write(f"{erasure.identity}: {', '.join(erasure.goes)} go; {erasure.answers:,} answers stay")
        self.stderr.write("Erase for good? This cannot be undone. [y/N] ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nobody was erased")
