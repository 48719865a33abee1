"""Writes of feedback sets: from the ratings of feedback campaigns to weighted training examples."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, transaction

from annotations.campaigns.models import Campaign, Candidate, Rating
from annotations.errors import ConflictError, InputError
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.protocols import protocol_named
from annotations.storage.bulk import batched, exhaust, ids_reserve, rows_deleting, rows_insert
from annotations.storage.short_writes import short_write
from annotations.storage.unfinished import finish, give_up, lease_fields, lease_renew, unfinished_name

EXAMPLE_BATCH_SIZE = 250


@dataclass(frozen=True)
class FeedbackSettings:
    """How ratings become weights: weight = clip(exp(β z), 0.1, 3)."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 10:
            raise InputError("beta", f"{self.beta} must be a number from 0 to 10")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_campaigns(campaigns: Sequence[Campaign]) -> None:
    """Raises InputError unless all are feedback campaigns of one dataset with ratings."""
    for campaign in campaigns:
        if campaign.purpose != Campaign.Purpose.FEEDBACK:
            raise InputError(
                "",
                f"campaign '{campaign.name}' has purpose '{campaign.purpose}': its test albums can never feed "
                "training; choose a feedback campaign",
            )
        if campaign.simulation:
            raise InputError("", f"the raters of campaign '{campaign.name}' are simulated", "train on people's ratings")
        if not Rating.objects.counting(campaign).exists():
            raise InputError("", f"campaign '{campaign.name}' has no ratings yet")
    if len(datasets := {campaign.dataset.name for campaign in campaigns}) > 1:
        raise InputError(
            "",
            f"the campaigns belong to several datasets ({', '.join(sorted(datasets))})",
            "choose campaigns of one dataset",
        )


def feedback_set_build(
    *,
    name: str,
    campaigns: Sequence[Campaign],
    settings: FeedbackSettings,
    last_write: Callable[[FeedbackSet], AbstractContextManager[None]] = lambda row: transaction.atomic(),
) -> FeedbackSet:
    """A frozen set of every rated text of the campaigns, each with its mean z, its weight and its ratings.

    It is written in short transactions, and shows with the last one, within `last_write`.
    """
    import numpy as np  # here: the sweeper and the site load this module, and count nothing

    from annotations.statistics.scores import feedback_weights

    check_campaigns(campaigns)
    if FeedbackSet.objects.filter(name=name).exists():
        raise set_exists(name)
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
    feedback_set = FeedbackSet.all_rows.create(
        name=unfinished_name(name),
        **lease_fields(),
        dataset=campaigns[0].dataset,
        settings=settings.to_dict(),
        sha256=digest,
        counts={"examples": len(rated), "ratings": ratings, "raters": len(raters)},
    )
    try:
        feedback_set.campaigns.set(campaigns)
        for part in batched(zip(rated, means.tolist(), weights.tolist(), strict=True), EXAMPLE_BATCH_SIZE):
            examples_write(feedback_set, part, behind)
        try:
            with last_write(feedback_set):
                finish(feedback_set, name=name)
        except IntegrityError as error:
            raise set_exists(name) from error
    except BaseException:
        if give_up(feedback_set):
            exhaust(feedback_discarding(row=feedback_set))
        raise
    feedback_set.refresh_from_db()
    return feedback_set


def examples_write(
    feedback_set: FeedbackSet, rated: Sequence[tuple[Candidate, float, float]], behind: Mapping[int, Sequence[int]]
) -> None:
    """A few examples with the ratings behind each."""
    with short_write():
        lease_renew(feedback_set)
        ids = ids_reserve(FeedbackExample, len(rated))
        rows_insert(
            FeedbackExample,
            ("id", "feedback_set", "candidate", "source", "text", "z", "weight"),
            [
                (pk, feedback_set.pk, candidate.pk, candidate.item.source_id, candidate.text, z, weight)
                for pk, (candidate, z, weight) in zip(ids, rated, strict=True)
            ],
        )
        links = [
            (pk, rating) for pk, (candidate, _, _) in zip(ids, rated, strict=True) for rating in behind[candidate.pk]
        ]
        rows_insert(FeedbackExample.ratings.through, ("feedbackexample", "rating"), links)


def set_exists(name: str) -> ConflictError:
    return ConflictError(
        "", f"feedback set '{name}' already exists, and feedback sets are frozen", "choose another name"
    )


def feedback_discarding(*, row: FeedbackSet) -> Iterator[None]:
    """Remove a set that nobody sees, a short write a step."""
    yield from rows_deleting(FeedbackExample.ratings.through._default_manager.filter(feedbackexample__feedback_set=row))
    yield from rows_deleting(FeedbackExample.objects.filter(feedback_set=row))
    FeedbackSet.all_rows.filter(pk=row.pk).delete()


def standardised(campaign: Campaign, rows: Sequence[Rating]) -> list[tuple[int, float]]:
    """(candidate's primary key, shrunk z) of all that the ratings teach, standardised criterion by criterion."""
    import numpy as np  # here: the sweeper and the site load this module, and count nothing

    from annotations.statistics.scores import shrunk_z

    protocol = protocol_named(campaign.protocol)
    given: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for row in rows:
        for criterion, scores in protocol.lessons(row.answers).items():
            given[criterion] += [
                (int(candidate), row.assignment.rater_id, score) for candidate, score in scores.items()
            ]
    found: list[tuple[int, float]] = []
    for numbers in given.values():
        z = shrunk_z(np.array([score for _, _, score in numbers]), np.array([rater for _, rater, _ in numbers]))
        found += [(candidate, value) for (candidate, _, _), value in zip(numbers, z.tolist(), strict=True)]
    return found
