"""Writes of feedback sets: from the ratings of feedback campaigns to weighted training examples."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import transaction

from annotations.errors import ConflictError, InputError
from annotations.models import Campaign, Candidate, FeedbackExample, FeedbackSet, Rating
from annotations.protocols import protocol_named
from annotations.statistics.scores import feedback_weights, shrunk_z

ROWS_A_WRITE = 1000


@dataclass(frozen=True)
class FeedbackSettings:
    """How ratings become weights: weight = clip(exp(β z), 0.1, 3)."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 10:
            raise InputError(f"beta: {self.beta} must be a number from 0 to 10")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_campaigns(campaigns: Sequence[Campaign]) -> None:
    """Raises InputError unless all are feedback campaigns of one dataset with ratings."""
    for campaign in campaigns:
        if campaign.purpose != Campaign.Purpose.FEEDBACK:
            raise InputError(
                f"campaign '{campaign.name}' is of purpose '{campaign.purpose}': its test albums can never feed "
                "training; only a feedback campaign can"
            )
        if not Rating.objects.counting(campaign).exists():
            raise InputError(f"campaign '{campaign.name}' has no ratings yet")
    if len(datasets := {campaign.dataset.name for campaign in campaigns}) > 1:
        raise InputError(f"the campaigns are of several datasets ({', '.join(sorted(datasets))}); choose those of one")


@transaction.atomic
def feedback_set_build(*, name: str, campaigns: Sequence[Campaign], settings: FeedbackSettings) -> FeedbackSet:
    """A frozen set of every rated text of the campaigns, each with its mean z, its weight and its ratings."""
    check_campaigns(campaigns)
    if FeedbackSet.objects.filter(name=name).exists():
        raise ConflictError(f"feedback set '{name}' exists already, and a set is frozen; choose another name")
    campaigns = sorted(campaigns, key=lambda campaign: campaign.pk)
    z: dict[int, list[float]] = defaultdict(list)
    behind: dict[int, list[int]] = defaultdict(list)
    ratings, raters = 0, set()
    for campaign in campaigns:
        rows = list(Rating.objects.counting(campaign).select_related("assignment").order_by("pk"))
        ratings += len(rows)
        raters |= {row.assignment.rater_id for row in rows}
        for candidate, value in standardised(campaign, rows):
            z[candidate].append(value)
        for row in rows:
            for candidate, _ in row.assignment.candidate_order:
                behind[candidate].append(row.pk)
    candidates = Candidate.objects.filter(item__campaign__in=campaigns).select_related("item").order_by("pk")
    rated = [candidate for candidate in candidates if candidate.pk in z]
    means = np.array([np.mean(z[candidate.pk]) for candidate in rated])
    weights = feedback_weights(means, beta=settings.beta)
    content = [
        [candidate.item.source_id, candidate.text, weight]
        for candidate, weight in zip(rated, weights.tolist(), strict=True)
    ]
    digest = hashlib.sha256(json.dumps([settings.to_dict(), content]).encode()).hexdigest()
    feedback_set = FeedbackSet.objects.create(
        name=name,
        dataset=campaigns[0].dataset,
        settings=settings.to_dict(),
        sha256=digest,
        counts={"examples": len(rated), "ratings": ratings, "raters": len(raters)},
    )
    feedback_set.campaigns.set(campaigns)
    examples = FeedbackExample.objects.bulk_create(
        [
            FeedbackExample(
                feedback_set=feedback_set,
                candidate=candidate,
                source_id=candidate.item.source_id,
                text=candidate.text,
                z=float(mean),
                weight=float(weight),
            )
            for candidate, mean, weight in zip(rated, means, weights, strict=True)
        ],
        batch_size=ROWS_A_WRITE,
    )
    through = FeedbackExample.ratings.through
    links = [
        through(feedbackexample_id=example.pk, rating_id=rating)
        for example in examples
        for rating in behind[example.candidate_id]
    ]
    through._default_manager.bulk_create(links, batch_size=ROWS_A_WRITE)
    return feedback_set


def standardised(campaign: Campaign, rows: Sequence[Rating]) -> list[tuple[int, float]]:
    """(candidate's primary key, shrunk z) of every number in the ratings, standardised criterion by criterion."""
    protocol = protocol_named(campaign.protocol)
    given: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for row in rows:
        for criterion, scores in protocol.scores(row.answers).items():
            given[criterion] += [
                (int(candidate), row.assignment.rater_id, score) for candidate, score in scores.items()
            ]
    found: list[tuple[int, float]] = []
    for numbers in given.values():
        z = shrunk_z(np.array([score for _, _, score in numbers]), np.array([rater for _, rater, _ in numbers]))
        found += [(candidate, value) for (candidate, _, _), value in zip(numbers, z.tolist(), strict=True)]
    return found
