from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.unblinding import check_unblinded
from annotations.documents.csv_tables import csv_file
from annotations.management.base import AnswerCommand, whole_file
from annotations.reports.dictionary import columns_of
from annotations.reports.export import dictionary_csv, write_ratings
from annotations.reports.measures import measure_of
from annotations.reports.questionnaires import AnswerRow, answer_rows


class Command(AnswerCommand):
    help = "Export a campaign's ratings: one row per rating, criterion and system, or pair of systems."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--format",
            choices=["csv", "jsonl", "parquet", "dictionary", "questionnaires"],
            required=True,
            help="as CSV: dictionary, the meaning of the columns; questionnaires, what raters answered before or after "
            "the screens, one row per question",
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
        if options["format"] == "questionnaires":
            audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail="questionnaires")
            rows = list(answer_rows(campaign))
            with whole_file(options["out"], "wb") as out:
                out.write(csv_file(AnswerRow._fields, rows))
            return {"campaign": campaign.name, "file": str(options["out"]), "rows": len(rows)}
        check_unblinded(campaign, options["unblind"])
        audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail=f"ratings, {options['format']}")
        with whole_file(options["out"], "wb") as out:
            count = write_ratings(out, columns, measure_of(campaign).rows(campaign), options["format"])
        return {"campaign": campaign.name, "file": str(options["out"]), "rows": count}
