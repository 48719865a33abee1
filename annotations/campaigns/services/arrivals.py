"""Who may join a campaign that recruits through a service, and what is kept of how they came."""

from annotations.campaigns.models import Campaign, Participation, Rater
from annotations.campaigns.recruiting import Arrival, check_arrival
from annotations.errors import ConflictError
from texts.storable import storable


def check_may_join(campaign: Campaign, arrival: Arrival) -> None:
    """Of a person who has not joined. Raises ForbiddenError as `check_arrival` does, and ConflictError for who has said
    that they do not take part, or where all who are needed take part."""
    check_arrival(campaign.recruited, arrival)
    if participation_declined(campaign, arrival):
        raise ConflictError("rater", "this participant has said that they do not take part", code="declined")
    if is_full(campaign):
        raise ConflictError("", "the study has all the participants it needs", code="full")


def has_joined(campaign: Campaign, arrival: Arrival) -> bool:
    """Whether the person whom the arrival names is a rater of the campaign."""
    named = arrival.participant
    return bool(named) and storable(named) and Rater.objects.filter(campaign=campaign, outside_id=named).exists()


def participation_declined(campaign: Campaign, arrival: Arrival) -> Participation | None:
    """That somebody does not take part, if they have said so."""
    if not (campaign.recruiting and arrival.participant and storable(arrival.participant)):
        return None
    return Participation.objects.filter(campaign=campaign, participant=arrival.participant, rater=None).first()


def is_full(campaign: Campaign) -> bool:
    """Whether as many take part as the campaign asks for: those aside whose part has ended and whose screens others
    get."""
    limit = campaign.recruited.participants
    return limit is not None and taking_part(campaign) >= limit


def taking_part(campaign: Campaign) -> int:
    return Rater.objects.filter(campaign=campaign, trial=False, replaced=False).count()


def participation_write(*, rater: Rater, arrival: Arrival) -> None:
    """Keep how a new rater came, where the campaign recruits and they came with an id. Raises IntegrityError where they
    have declined this very moment."""
    if rater.campaign.recruiting and rater.outside_id:
        Participation.objects.create(
            campaign=rater.campaign,
            rater=rater,
            participant=rater.outside_id,
            study=arrival.study,
            submission=arrival.submission,
        )
