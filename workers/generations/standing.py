"""How a generation stands, in words."""

from typing import NamedTuple

from annotations.models import Campaign
from workers.generations.selectors import campaign_of
from workers.models import Generation, Run


class Standing(NamedTuple):
    """`state` is the one of a run or a campaign whose colour it has; `halted`: a person can go on with it."""

    state: str
    label: str
    says: str
    halted: bool = False
    moving: bool = False


def standing_of(generation: Generation) -> Standing:
    """Of a generation `with_runs`."""
    runs, campaign = generation.runs.all(), campaign_of(generation)
    at_work = next((run for run in runs if not run.finished), None)
    ended = next((run for run in runs if run.state in (Run.State.FAILED, Run.State.CANCELLED)), None)
    moving = at_work is not None
    if generation.completed_at:
        return rating_of(campaign) if campaign else Standing("done", "complete", "")
    if generation.stopped_at:
        at = f"{generation.stopped_at:%Y-%m-%d %H:%M}"
        return Standing("cancelled", "stopped", f"A person stopped it on {at}.", halted=True, moving=moving)
    if generation.problem:
        return Standing("failed", "halted", generation.problem, halted=True, moving=moving)
    if ended and ended.state == Run.State.FAILED:
        return Standing("failed", "failed", f"{ended.get_step_display()}: {ended.message}", halted=True)
    if ended:
        return Standing(
            "cancelled", "cancelled", f"{ended.get_step_display()}: a person cancelled the run.", halted=True
        )
    doing = at_work.get_step_display() if at_work else ""
    return Standing("running", "going on", doing, moving=True)


def rating_of(campaign: Campaign) -> Standing:
    """Of a generation whose campaign, `with_progress`, is there."""
    if campaign.state == Campaign.State.CLOSED:
        return Standing("done", "complete", "")
    rated = f"{campaign.answered:,} of {campaign.screens:,} screens"  # type: ignore[attr-defined]
    return Standing(campaign.state, "waiting for ratings", rated)
