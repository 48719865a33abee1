from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from workers.management.base import ImportCommand


class Command(ImportCommand):
    help = (
        "Import the ratings of a study run elsewhere as a closed campaign, which gets the same report. A table with "
        "the columns item, system, rater, criterion, score (and text, submitted), or item, system_a, system_b, rater, "
        "criterion, choice (and submitted), system_a being the one shown first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV, or with the ending .tsv with tabs")
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the new campaign")
        parser.add_argument("--dataset", metavar="NAME", help="for its items; default: called like the campaign")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help="keep only such rows; repeatable, several values of one column being alternatives",
        )
        parser.add_argument(
            "--scale",
            type=float,
            nargs=2,
            default=[],
            metavar=("LOW", "HIGH"),
            help="the ends of the scale; default: the smallest and the largest score there is",
        )
        parser.add_argument(
            "--keep-apart",
            action="store_true",
            help="a text that several systems wrote for an item stays several texts, with the systems' names behind",
        )

    def request(self, **options: Any) -> dict[str, Any]:
        return {
            "form": "ratings",
            "files": {"file": [str(options["file"])]},
            **{key: options[key] for key in ("campaign", "where", "scale", "keep_apart")},
        }

    def answer(self, **options: Any) -> dict[str, Any]:
        return super().answer(**{**options, "dataset": options["dataset"] or options["campaign"]})
