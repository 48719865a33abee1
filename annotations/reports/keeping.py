"""Writes of reports: every look at a campaign's result is kept, byte for byte."""

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

import structlog
from django.db import IntegrityError
from pydantic import ValidationError

from annotations.campaigns.models import Campaign
from annotations.campaigns.selectors import screens_answered
from annotations.campaigns.services.unblinding import check_unblinded, still_blind
from annotations.errors import ConflictError
from annotations.reports.build import report_build
from annotations.reports.looks import look_due
from annotations.reports.models import Report
from annotations.reports.querysets import campaign_revision
from annotations.reports.schema.report import VERSION
from annotations.reports.schema.report import Report as Results

log = structlog.get_logger(__name__)
TRIES = 3  # to build a report between two ratings
SAME = 1e-9


def report_freeze(*, campaign: Campaign, unblind: bool = False) -> Report:
    """The campaign's report: after the close as it stands now, before it that of the latest declared look that is due.

    With `unblind` it is made as it stands now all the same, which is logged. A report is made once for a revision of
    the campaign and kept; before the close the last one that was kept is given where no newer look is due. Raises
    ConflictError before the close where none was kept.
    """
    if unblind or campaign.state == Campaign.State.CLOSED:
        check_unblinded(campaign, unblind)
        return report_at_revision(campaign)
    due = look_due(campaign, screens_answered(campaign))
    if due and not Report.objects.filter(campaign=campaign, look=due).exists():
        log.info("declared look", campaign=campaign.name, look=due)
        return report_keep(campaign, look=due)
    kept: Report | None = Report.objects.newest(campaign)
    if kept is None:
        raise still_blind(campaign)
    return kept


def report_at_revision(campaign: Campaign) -> Report:
    """The kept report of the campaign as it stands, made if there is none."""
    kept: Report | None = Report.objects.of_revision(campaign, campaign_revision(campaign))
    return kept or report_keep(campaign)


def report_keep(campaign: Campaign, *, look: int | None = None) -> Report:
    """Make a report and keep it. No transaction is open meanwhile, so that raters can go on; if they answered while it
    was being read it is read again, and under a stream of answers it bears the revision before them."""
    for _ in range(TRIES):
        revision = campaign_revision(campaign)
        content = as_json(report_build(campaign, look=look))
        if campaign_revision(campaign) == revision:
            break
    digest = hashlib.sha256(content).hexdigest()
    try:
        made, fresh = Report.objects.get_or_create(
            campaign=campaign, sha256=digest, defaults={"revision": revision, "look": look, "content": content}
        )
    except IntegrityError:  # another process took the same look a moment before, with other answers in
        return Report.objects.get(campaign=campaign, look=look)
    if not fresh and made.revision != revision:  # something changed that no number depends on
        made.revision = revision
        made.save(update_fields=["revision"])
    return made


def as_json(results: Results) -> bytes:
    """The bytes that are kept."""
    return json.dumps(results.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False).encode()


def results_of(report: Report) -> Results:
    """What a kept report says. Raises ConflictError where it was kept in a layout that is not read any more."""
    try:
        return Results.model_validate_json(bytes(report.content))
    except ValidationError as error:
        raise ConflictError(
            "",
            f"{kept_as(report)}, which can no longer be read (the current version is {VERSION}); create the report "
            "again, with --unblind before the close",
        ) from error


def kept_as(report: Report) -> str:
    version = json.loads(bytes(report.content)).get("version")
    return f"the report of campaign '{report.campaign.name}' was kept in version {version} of the layout"


def report_recompute(*, report: Report) -> list[str]:
    """Where the numbers of a kept report and those made now from the same ratings differ by more than 1e-9, relatively
    for numbers above 1: `place: kept, now`. Raises ConflictError where the ratings are not the same any more."""
    campaign = report.campaign
    if results_of(report).version != VERSION:
        raise ConflictError("", f"{kept_as(report)}; it can be created again but not recomputed")
    if campaign_revision(campaign) != report.revision:
        raise ConflictError(
            "",
            f"campaign '{campaign.name}' has changed since the report of {report.created_at:%Y-%m-%d %H:%M} was "
            "kept; it can be created again but not recomputed",
        )
    again = as_json(report_build(campaign, look=report.look, before=report.pk))
    return list(differences(json.loads(bytes(report.content)), json.loads(again)))


def differences(kept: Any, now: Any, place: str = "") -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(kept, dict) and isinstance(now, dict):
        for key in sorted({*kept, *now}):
            yield from differences(kept.get(key), now.get(key), f"{place}.{key}".lstrip("."))
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for number, (one, other) in enumerate(zip(kept, now, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif kept != now and not same_number(kept, now):
        yield f"{place}: kept {json.dumps(kept)[:80]}, now {json.dumps(now)[:80]}"


def same_number(kept: Any, now: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (kept, now))
    return numbers and math.isclose(kept, now, rel_tol=SAME, abs_tol=SAME)
