"""Feedback campaigns rated as a test says, at the API, and the sets that are built of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from annotations import models
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import session_hash
from annotations.campaigns.spec import CampaignSpec
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from tests.annotations.raters import Rater
from tests.factories import make_campaign

Says = Callable[[Mapping[str, str], str], Any]  # of ids by system, and the caption: what is answered to each criterion


def feedback_campaign(**spec: Any) -> models.Campaign:
    return make_campaign(**{"purpose": "feedback", "references_each": 1, "overlap": 3, "captions": 4} | spec).campaign


def beside(campaign: models.Campaign, **spec: Any) -> models.Campaign:
    """Another campaign over the same texts."""
    values = {
        "purpose": "feedback", "dataset": campaign.dataset.name, "split": "feedback", "items": campaign.item_count,
        "systems": list(campaign.entries.order_by("pk").values_list("system__name", flat=True)),
        "criteria": campaign.criteria, "overlap": campaign.overlap,
    }  # fmt: skip
    return campaign_create(spec=CampaignSpec.from_mapping(values | spec))


def systems_on(screen: Mapping[str, Any]) -> dict[str, str]:
    """The candidates' ids by the system that wrote them."""
    found = {}
    for candidate in screen["item"]["candidates"]:
        shown = models.CandidateOutput.objects.filter(candidate__public_id=candidate["id"]).first()
        assert shown
        found[shown.output.decoding.system.name] = candidate["id"]
    return found


def rate(campaign: models.Campaign, *people: Says, outside_ids: Sequence[str | None] = ()) -> list[Rater]:
    """Each of the people answers all their screens."""
    raters = []
    for number, says in enumerate(people):
        rater = Rater(campaign, outside_ids[number] if outside_ids else None)
        screen = rater.next()
        while screen:
            given = says(systems_on(screen), screen["item"]["source"])
            sent = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], given))
            assert sent.status_code == 201, sent.content
            screen = sent.json()["next"]
        raters.append(rater)
    return raters


def row_of(rater: Rater, campaign: models.Campaign) -> models.Rater:
    return models.Rater.objects.get(session_hash=session_hash(rater.session), campaign=campaign)


def built(*campaigns: models.Campaign, name: str = "set", **settings: Any) -> models.FeedbackSet:
    return feedback_set_build(name=name, campaigns=campaigns, settings=FeedbackSettings(**settings))


def scoring(**scores: float) -> Says:
    return lambda by, caption: {name: scores[system] for system, name in by.items()}


def choosing(*order: str) -> Says:
    """The first of them that is there; `tie`: neither."""
    return lambda by, caption: next(by.get(system, "tie") for system in order if system in by or system == "tie")
