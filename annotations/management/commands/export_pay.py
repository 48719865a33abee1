from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.payments import Payment, payments_of
from annotations.campaigns.services.campaigns import campaign_named, check_rated_here
from annotations.documents.csv_tables import csv_file
from annotations.management.base import AnswerCommand, whole_file


class Command(AnswerCommand):
    help = "Export whom to pay how much, as CSV: personal data, with outside ids and completion codes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--out", type=Path, required=True)

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        check_rated_here(campaign, "paid for")
        audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail="codes and pay, csv")
        payments = list(payments_of(campaign))
        with whole_file(options["out"], "wb") as out:
            out.write(csv_file(Payment._fields, payments))
        return {"campaign": campaign.name, "file": str(options["out"]), "rows": len(payments)}
