"""Looks at a running campaign that were declared with it: which are due, and what a result has to exceed at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from annotations.campaigns.models import Campaign
from annotations.reports.models import Report
from annotations.reports.schema.campaign import Look, LookTaken
from annotations.statistics.ranking import ALPHA

if TYPE_CHECKING:
    from annotations.statistics.looks import Look as Boundary
    from annotations.statistics.looks import Spending


class Rule(NamedTuple):
    """What p has to be below for a difference to count: the primary comparison's, and all others' as adjusted. Where it
    is None no difference counts."""

    primary: float | None
    others: float | None


def rule_of(campaign: Campaign, look: int | None) -> Rule:
    """At a declared look before the last only the primary comparison is tested; at a look that was not declared, in a
    campaign that declared some, nothing is."""
    if campaign.looks < 2:
        return Rule(ALPHA, ALPHA)
    if look is None:
        return Rule(None, None)
    return Rule(boundaries_of(campaign)[look - 1].p, ALPHA if look == campaign.looks else None)


def boundaries_of(campaign: Campaign) -> list[Boundary]:
    """The boundaries of the declared looks at equal shares of the screens; none without looks.

    A look is taken when its share is answered or later, and in a test clustered by rater the information rises faster
    than the share: both make the boundaries strict, not lax.
    """
    if campaign.looks < 2:
        return []
    from annotations.statistics.looks import look_boundaries  # scipy.optimize: 16 MB that other pages do not need

    shares = [number / campaign.looks for number in range(1, campaign.looks + 1)]
    return look_boundaries(shares, spending=cast("Spending", campaign.spending))


def look_due(campaign: Campaign, answered: int) -> int | None:
    """The latest look before the last whose share of the screens is answered; the last comes with the close."""
    number = min(campaign.looks - 1, answered * campaign.looks // campaign.screens)
    return number or None


def look_of(campaign: Campaign, number: int | None) -> Look | None:
    """The look that the report is; None where none were declared, or it is not one of them."""
    if campaign.looks < 2 or number is None:
        return None
    look = boundaries_of(campaign)[number - 1]
    return Look(
        number=number, of=campaign.looks, share=look.information, p=look.p, z=look.z, spending=campaign.spending
    )


def looks_taken(campaign: Campaign, before: int | None) -> list[LookTaken]:
    """The looks before the close by their kept reports, as far as primary key `before`. Those that were not declared
    have no number and no boundary."""
    kept = Report.objects.filter(campaign=campaign).order_by("pk")
    if before is not None:
        kept = kept.filter(pk__lt=before)
    if campaign.closed_at:
        kept = kept.filter(created_at__lt=campaign.closed_at)
    boundaries = boundaries_of(campaign)
    return [
        LookTaken(
            number=report.look,
            at=report.created_at.isoformat(),
            p=boundaries[report.look - 1].p if report.look else None,
        )
        for report in kept
    ]
