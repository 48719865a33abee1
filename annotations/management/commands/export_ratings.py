from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand, whole_file
from annotations.reports.dictionary import columns_of
from annotations.reports.export import dictionary_csv, write_ratings
from annotations.reports.rows import export_rows
from annotations.services.audit import Deed, audit_note
from annotations.services.campaigns import campaign_named
from annotations.services.reports import check_unblinded


class Command(AnswerCommand):
    help = "Write a campaign's ratings: one row a rating, criterion and system, or pair of systems."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--format",
            choices=["csv", "jsonl", "parquet", "dictionary"],
            required=True,
            help="dictionary: what the columns mean, as CSV",
        )
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument(
            "--unblind", action="store_true", help="export before the campaign is closed; this is logged"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        columns = columns_of(campaign)
        if options["format"] == "dictionary":
            with whole_file(options["out"], "wb") as out:
                out.write(dictionary_csv(columns))
            return {"campaign": campaign.name, "file": str(options["out"]), "rows": len(columns)}
        check_unblinded(campaign, options["unblind"])
        audit_note(kind=Deed.EXPORT, about=f"campaign '{campaign.name}'", detail=f"ratings, {options['format']}")
        with whole_file(options["out"], "wb") as out:
            count = write_ratings(out, columns, export_rows(campaign), options["format"])
        return {"campaign": campaign.name, "file": str(options["out"]), "rows": count}
