import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.errors import InputError, NotFoundError
from annotations.management.base import AnswerCommand, whole_file
from annotations.models import Campaign, Report
from annotations.querysets.reports import campaign_revision
from annotations.reports.formats import FORMATS, NAMES
from annotations.services.audit import Deed, audit_note
from annotations.services.campaigns import campaign_named
from annotations.services.reports import report_freeze, report_recompute

SHOWN = 20  # differences of a recomputation


class Command(AnswerCommand):
    help = "Write a campaign's report, or recompute the one that was kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--format", choices=NAMES)
        parser.add_argument("--out", type=Path)
        parser.add_argument("--unblind", action="store_true", help="look before the campaign is closed; this is kept")
        parser.add_argument(
            "--recompute",
            action="store_true",
            help="compute the kept report's numbers again from the ratings, and fail where one differs by over 1e-9",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        if options["recompute"]:
            return recomputed(campaign)
        if not options["format"] or not options["out"]:
            raise InputError(f"report: --format ({', '.join(NAMES)}) and --out are needed, or --recompute")
        frozen = report_freeze(campaign=campaign, unblind=options["unblind"])
        content, form = bytes(frozen.content), options["format"]
        report = json.loads(content)
        audit_note(kind=Deed.EXPORT, about=f"campaign '{campaign.name}'", detail=f"report, {form}")
        with whole_file(options["out"], "wb") as out:
            out.write(content if form == "json" else FORMATS[form].write(report))
        about = report["campaign"]
        return {
            "campaign": about["name"],
            "file": str(options["out"]),
            "sha256": frozen.sha256,
            "ratings": about["ratings"],
            "raters": about["raters"],
            "interim": about["interim"],
        }


def recomputed(campaign: Campaign) -> dict[str, Any]:
    kept: Report | None = Report.objects.of_revision(campaign, campaign_revision(campaign))
    kept = kept or Report.objects.newest(campaign)
    if kept is None:
        raise NotFoundError(f"campaign '{campaign.name}' has no kept report to recompute")
    if found := report_recompute(report=kept):
        more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
        raise CommandError(f"the kept report differs from its ratings: {'; '.join(found[:SHOWN])}{more}")
    return {"campaign": campaign.name, "sha256": kept.sha256, "kept": kept.created_at.isoformat(), "agrees": True}
