"""Writes of feedback sets: from the ratings of feedback campaigns to examples of what they teach."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, transaction

from annotations.campaigns.models import Campaign, Rating
from annotations.errors import ConflictError, InputError
from annotations.feedback.answers import Answers, Text, answers_of, rewrites_lock
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.feedback.settings import FeedbackSettings
from annotations.storage.bulk import batched, exhaust, ids_reserve, rows_deleting, rows_insert
from annotations.storage.short_writes import short_write
from annotations.storage.unfinished import finish, give_up, lease_fields, lease_renew, unfinished_name

if TYPE_CHECKING:
    from annotations.feedback.evidence import Evidence, Found

EXAMPLE_BATCH_SIZE = 250
KINDS = list(FeedbackExample.Kind.values)


class Example(NamedTuple):
    """What is written of an example: `judgements` by the raters' numbers in the set."""

    campaign: str
    text: Text
    rejected: Text | None
    evidence: "Evidence"
    judgements: dict[str, float]

    @property
    def words(self) -> str:
        return self.evidence.rewrite or self.text.text

    def content(self) -> list[Any]:
        """What the hash is of: nothing of it depends on primary keys."""
        each = self.evidence
        source = [self.campaign, *self.text.key, self.text.given]
        rejected = self.rejected and self.rejected.text
        said = [each.weight, each.score, each.origin, each.desirable, each.flip_rate, each.spans]
        return [each.kind, *source, self.words, rejected, *said, self.judgements]


def check_campaigns(campaigns: Sequence[Campaign], settings: FeedbackSettings | None = None) -> None:
    """Raises InputError unless all are feedback campaigns of one dataset with ratings, and with the criteria."""
    settings = settings or FeedbackSettings()
    for campaign in campaigns:
        if campaign.purpose != Campaign.Purpose.FEEDBACK:
            raise InputError(
                "",
                f"campaign '{campaign.name}' has purpose '{campaign.purpose}': its test albums can never feed "
                "training; choose a feedback campaign",
            )
        if campaign.simulation and not settings.simulated:
            raise InputError(
                "",
                f"the raters of campaign '{campaign.name}' are simulated",
                "train on people's ratings; --simulated makes a set that says it is simulated",
            )
        if not Rating.objects.counting(campaign).exists():
            raise InputError("", f"campaign '{campaign.name}' has no ratings yet")
        if settings.criteria and not set(settings.criteria) & set(campaign.criteria):
            raise InputError(
                "criteria",
                f"campaign '{campaign.name}' has none of {', '.join(settings.criteria)}",
                f"its criteria are {', '.join(campaign.criteria)}",
            )
    known = sorted({criterion for campaign in campaigns for criterion in campaign.criteria})
    if unknown := [criterion for criterion in settings.criteria if criterion not in known]:
        raise InputError(
            "criteria", f"'{unknown[0]}' is a criterion of none of the campaigns", f"they have {', '.join(known)}"
        )
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
    """A frozen set of all that the campaigns' raters found, with its weights and the ratings behind it.

    It is written in short transactions, and shows with the last one, within `last_write`.
    """
    check_campaigns(campaigns, settings)
    if FeedbackSet.objects.filter(name=name).exists():
        raise set_exists(name)
    campaigns = sorted({campaign.pk: campaign for campaign in campaigns}.values(), key=lambda campaign: campaign.name)
    examples, counts = examples_of(campaigns, settings)
    if not examples:
        raise InputError("", "the ratings teach nothing: of every text as many raters are for it as against it")
    feedback_set = FeedbackSet.all_rows.create(
        name=unfinished_name(name),
        **lease_fields(),
        dataset=campaigns[0].dataset,
        settings=settings.to_dict(),
        sha256=digest_of(settings, examples),
        counts=counts,
        simulated=any(campaign.simulation for campaign in campaigns),
    )
    try:
        feedback_set.campaigns.set(campaigns)
        for part in batched(enumerate(examples, start=1), EXAMPLE_BATCH_SIZE):
            examples_write(feedback_set, part)
        typed = {rating for each in examples if each.evidence.rewrite for rating in each.evidence.ratings}
        try:
            with last_write(feedback_set):
                if not rewrites_lock(typed):
                    raise ConflictError("", "a rater whose words it would hold was erased meanwhile", "build it again")
                finish(feedback_set, name=name)
        except IntegrityError as error:
            raise set_exists(name) from error
    except BaseException:
        if give_up(feedback_set):
            exhaust(feedback_discarding(row=feedback_set))
        raise
    feedback_set.refresh_from_db()
    return feedback_set


def examples_of(campaigns: Sequence[Campaign], settings: FeedbackSettings) -> tuple[list[Example], dict[str, Any]]:
    """In an order that is the same in every database; and what is counted of them."""
    from annotations.feedback.evidence import evidence_of  # numpy, which the sweeper and the site do without

    examples: list[Example] = []
    ratings = raters = 0
    found: list[tuple[str, Found]] = []
    for campaign in campaigns:
        answers = answers_of(campaign, settings.criteria)
        evidence = evidence_of(answers, admit_pasted=settings.admit_pasted)
        found.append((campaign.name, evidence))
        examples += (example_of(answers, each, raters) for each in evidence.examples)
        ratings += len(answers.given)
        raters += answers.raters
    examples.sort(key=lambda each: KINDS.index(each.evidence.kind))  # stable: within a kind as they come
    return examples, counts_of(examples, found) | {"ratings": ratings, "raters": raters}


def example_of(answers: Answers, evidence: "Evidence", before: int) -> Example:
    """`before` is how many raters other campaigns have."""
    rejected = None if evidence.rejected is None else answers.texts[evidence.rejected]
    judgements = {f"r{before + rater}": value for rater, value in evidence.raters.items()}
    return Example(answers.campaign.name, answers.texts[evidence.text], rejected, evidence, judgements)


def counts_of(examples: Sequence[Example], found: Sequence[tuple[str, "Found"]]) -> dict[str, Any]:
    """How many there are of each kind, with the least, mean and greatest weight; what was left out; and the flip rate
    of a single judgement in each campaign."""
    kinds: Counter[str] = Counter(each.evidence.kind for each in examples)
    by_kind = groupby(examples, key=lambda each: each.evidence.kind)
    weights = {kind: [each.evidence.weight for each in group] for kind, group in by_kind}
    return {
        "examples": len(examples),
        "kinds": {kind: kinds[kind] for kind in KINDS if kinds[kind]},
        "weights": {kind: [min(own), fmean(own), max(own)] for kind, own in weights.items()},
        "undecided": sum(each.undecided for _, each in found),
        "pasted": sum(each.pasted for _, each in found),
        "flip_rates": [{"campaign": name, **rate._asdict()} for name, each in found for rate in each.flip_rates],
    }


def digest_of(settings: FeedbackSettings, examples: Sequence[Example]) -> str:
    digest = hashlib.sha256(json.dumps(settings.to_dict(), sort_keys=True).encode())
    for example in examples:
        digest.update(f"\n{json.dumps(example.content(), sort_keys=True)}".encode())
    return digest.hexdigest()


def examples_write(feedback_set: FeedbackSet, examples: Sequence[tuple[int, Example]]) -> None:
    """A few examples, each with its number in the set, and with the ratings behind them."""
    with short_write():
        lease_renew(feedback_set)
        ids = ids_reserve(FeedbackExample, len(examples))
        columns = (
            "id", "feedback_set", "number", "kind", "source", "candidate", "text", "weight", "judgements", "score",
            "rejected_candidate", "rejected", "origin", "desirable", "flip_rate", "spans",
        )  # fmt: skip
        rows_insert(
            FeedbackExample,
            columns,
            [row_of(pk, feedback_set.pk, *each) for pk, each in zip(ids, examples, strict=True)],
        )
        links = [(pk, rating) for pk, (_, each) in zip(ids, examples, strict=True) for rating in each.evidence.ratings]
        rows_insert(FeedbackExample.ratings.through, ("feedbackexample", "rating"), links)


def row_of(pk: int, feedback_set: int, number: int, example: Example) -> tuple[Any, ...]:
    each, text, rejected = example.evidence, example.text, example.rejected
    return (
        pk,
        feedback_set,
        number,
        each.kind,
        text.source,
        text.candidate,
        example.words,
        each.weight,
        json.dumps(example.judgements),
        each.score,
        rejected and rejected.candidate,
        rejected.text if rejected else "",
        each.origin,
        each.desirable,
        each.flip_rate,
        None if each.spans is None else json.dumps(each.spans),
    )


def set_exists(name: str) -> ConflictError:
    return ConflictError(
        "", f"feedback set '{name}' already exists, and feedback sets are frozen", "choose another name"
    )


def feedback_discarding(*, row: FeedbackSet) -> Iterator[None]:
    """Remove a set that nobody sees, a short write a step."""
    yield from rows_deleting(FeedbackExample.ratings.through._default_manager.filter(feedbackexample__feedback_set=row))
    yield from rows_deleting(FeedbackExample.objects.filter(feedback_set=row))
    FeedbackSet.all_rows.filter(pk=row.pk).delete()


__all__ = ["FeedbackSettings", "check_campaigns", "feedback_discarding", "feedback_set_build"]
