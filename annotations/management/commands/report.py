from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import Campaign
from annotations.campaigns.services.campaigns import campaign_named
from annotations.errors import InputError, NotFoundError
from annotations.management.base import AnswerCommand, whole_file
from annotations.reports.formats import FORMATS, NAMES
from annotations.reports.keeping import report_freeze, report_recompute, results_of
from annotations.reports.models import Report
from annotations.reports.querysets import campaign_revision

SHOWN = 20  # differences of a recomputation


class Command(AnswerCommand):
    help = "Write a campaign's report, or recompute the kept one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--format", choices=NAMES)
        parser.add_argument("--out", type=Path)
        parser.add_argument(
            "--unblind",
            action="store_true",
            help="create a report before the campaign is closed; it is kept and logged",
        )
        parser.add_argument(
            "--recompute",
            action="store_true",
            help="recompute the kept report's numbers from the ratings, and fail if one differs by more than 1e-9",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        if options["recompute"]:
            return recomputed(campaign)
        if not options["format"] or not options["out"]:
            raise InputError("", f"give --format ({', '.join(NAMES)}) and --out, or --recompute")
        frozen = report_freeze(campaign=campaign, unblind=options["unblind"])
        results, form = results_of(frozen), options["format"]
        audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail=f"report, {form}")
        with whole_file(options["out"], "wb") as out:
            out.write(bytes(frozen.content) if form == "json" else FORMATS[form].write(results))
        about = results.campaign
        return {
            "campaign": about.name,
            "file": str(options["out"]),
            "sha256": frozen.sha256,
            "ratings": about.ratings,
            "raters": about.raters,
            "interim": about.interim,
        }


def recomputed(campaign: Campaign) -> dict[str, Any]:
    kept: Report | None = Report.objects.of_revision(campaign, campaign_revision(campaign))
    kept = kept or Report.objects.newest(campaign)
    if kept is None:
        raise NotFoundError("", f"campaign '{campaign.name}' has no kept report to recompute")
    if found := report_recompute(report=kept):
        more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
        raise CommandError(f"the kept report differs from its ratings: {'; '.join(found[:SHOWN])}{more}")
    return {"campaign": campaign.name, "sha256": kept.sha256, "kept": kept.created_at.isoformat(), "agrees": True}
