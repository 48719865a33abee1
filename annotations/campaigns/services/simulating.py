"""Simulated raters go through the same services as people do, and their campaign stays marked."""

import random
import uuid
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.forms_due import FormDue, form_after_screens
from annotations.campaigns.models import Assignment, Campaign, CandidateOutput, Rater, Rating
from annotations.campaigns.services.campaigns import check_rated_here
from annotations.campaigns.services.checks import planned_item
from annotations.campaigns.services.questionnaires import form_submit
from annotations.campaigns.services.raters import simulated_join
from annotations.campaigns.services.ratings import rating_submit
from annotations.campaigns.services.screens import Screen, Wait, assignment_next
from annotations.campaigns.simulation import SeenText, SimulatedRater, Simulation, made_worse
from annotations.errors import ConflictError
from annotations.progress import OnShare
from annotations.protocols import protocol_named


def raters_simulate(
    *, campaign: Campaign, simulation: Simulation, screens: int | None = None, on_progress: OnShare = lambda _: None
) -> int:
    """Answer an open campaign by simulated raters, at most `screens` each; the number of answers.

    The campaign is marked as simulated: nobody else can join, nothing is trained on it, and its pages, reports and
    exports say so. Raises ConflictError for a campaign that is not open, was simulated before, or that people joined.
    """
    check_rated_here(campaign, "rated by simulated raters")
    campaign_mark(campaign, simulation)
    raters = {}
    for number, kind in enumerate(simulation.kinds(), start=1):
        rater = simulated_join(campaign=campaign, name=f"simulated {number}, {kind}")
        raters[rater] = SimulatedRater(simulation, number, kind)
    wrote = texts_by_system(campaign)
    draw, answered, given = random.Random(f"{simulation.seed}:turns"), 0, dict.fromkeys(raters, 0)
    each = min(screens or campaign.most_screens, campaign.most_screens)
    planned = min(campaign.screens, len(raters) * each)
    going = list(raters)
    while going:
        rater = draw.choice(going)
        screen = None
        with suppress(ConflictError):  # who was stopped by a rule
            screen = screen_next(rater, raters[rater], may_go_on=screens is None or given[rater] < screens)
        if not isinstance(screen, Screen):
            going.remove(rater)
            continue
        screen_answer(rater, raters[rater], screen, wrote)
        given[rater] += 1
        answered += 1
        on_progress(min(answered / planned, 1.0))
    return answered


def screen_next(
    rater: Rater, simulated: SimulatedRater, *, may_go_on: bool, after: Rating | None = None
) -> Screen | Wait | None:
    """With all forms filled in that come before it, or at the end where they may not go on."""
    while True:
        found = assignment_next(rater=rater, after=after) if may_go_on else form_after_screens(rater)
        if not isinstance(found, FormDue):
            return found
        answers = simulated.fills_in(found.form, found.questions, found.before, found.wrong)
        form_submit(rater=rater, form=found.form, attempt=found.attempt, answers=answers)


@transaction.atomic
def campaign_mark(campaign: Campaign, simulation: Simulation) -> None:
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.state != Campaign.State.OPEN:
        raise ConflictError("", f"campaign '{campaign.name}' is {locked.state}", "only an open one can be simulated")
    if locked.simulation:
        raise ConflictError("", f"campaign '{campaign.name}' was simulated already", "copy it to simulate it again")
    if Rater.objects.filter(campaign=campaign, trial=False).exists():
        raise ConflictError(
            "", f"people have joined campaign '{campaign.name}'", "copy it, and simulate the copy: the two never mix"
        )
    campaign.simulation = simulation.to_dict()
    campaign.save(update_fields=["simulation"])
    audit_note(kind=Deed.CAMPAIGN_CHANGE, about=of_campaign(campaign.name), detail="rated by simulated raters")


def texts_by_system(campaign: Campaign) -> dict[int, list[str]]:
    """By primary key of a text the systems that wrote it."""
    wrote = defaultdict(list)
    rows = CandidateOutput.objects.filter(candidate__item__campaign=campaign)
    for pk, system in rows.values_list("candidate", "output__decoding__system__name"):
        wrote[pk].append(system)
    return wrote


def screen_answer(rater: Rater, simulated: SimulatedRater, screen: Screen, wrote: dict[int, list[str]]) -> Rating:
    campaign, assignment = rater.campaign, screen.assignment
    systems = {public_id: wrote[pk] for pk, public_id in assignment.candidate_order}
    item = planned_item(assignment) if campaign.quality else None
    planted = item.planted if item else None
    texts = [
        SeenText(public_id, text, systems[public_id], made_worse(planted, public_id))
        for public_id, text in screen.texts
    ]
    perceived = {criterion: simulated.perceives(texts, criterion) for criterion in campaign.criteria}
    answers = protocol_named(campaign.protocol).simulated(perceived, rules=campaign.rules, texts=dict(screen.texts))
    seconds = simulated.seconds(sum(len(text.text.split()) for text in texts))
    # As if the screen had been handed out so long ago: a rater never took longer than that.
    earlier = F("created_at") - timedelta(seconds=seconds)
    Assignment.objects.filter(pk=assignment.pk).update(created_at=earlier)
    return rating_submit(
        rater=rater, assignment_id=assignment.public_id, key=uuid.uuid4(), answers=answers, seconds=seconds
    )
