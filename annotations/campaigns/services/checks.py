"""What a rater's answers come to by quality control: what is seen in one, and when a rule stops them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Count, Q

from annotations.campaigns.models import Assignment, Item, Rater, Rating
from annotations.campaigns.rounds import item_texts
from annotations.campaigns.services.raters import rater_stop
from annotations.campaigns.standing import Looked, Standing, looked_at, reason_of, rule_broken
from annotations.protocols import protocol_named
from annotations.storage.prepared import selecting, slots

State, Kind = Assignment.State, Item.Kind
PLANNED = selecting(
    lambda: Item.objects.filter(**slots(Item, "id")).order_by().values_list("kind", "planted", "source_id")
)
STANDING = selecting(
    lambda: (
        Assignment.objects.filter(
            Q(state=State.DONE) | Q(state=State.SKIPPED, check_passed=False), **slots(Assignment, "rater")
        )
        .order_by()
        .values_list("item__kind", "state", "check_passed", "too_fast", "same_answers")
        .annotate(count=Count("pk"))
    )
)


class PlannedItem(NamedTuple):
    """An item that is no ordinary one: its kind, what it hides, and the primary key of its source."""

    kind: str
    planted: Mapping[str, str] | None
    source: int


def planned_item(assignment: Assignment) -> PlannedItem | None:
    """What a locked assignment's item is; None of an ordinary one."""
    if assignment.so_far and assignment.so_far["kind"] == Kind.REGULAR:
        return None
    for row in PLANNED.rows(id=assignment.item_id):
        item = PlannedItem(*row)
        return None if item.kind == Kind.REGULAR else item
    return None


def answer_look(
    rater: Rater, assignment: Assignment, stored: Mapping[str, Any], seconds: float | None, item: PlannedItem | None
) -> Looked:
    """What quality control sees in an answer: nothing where the campaign declares none."""
    campaign, words = rater.campaign, None
    quality = campaign.quality_control
    if not quality:
        return Looked()
    if quality.seconds_per_word is not None and seconds is not None:
        words = (assignment.so_far or {}).get("words") or words_of(assignment)
    return looked_at(
        quality,
        protocol_named(campaign.protocol),
        stored,
        candidates={public_id: pk for pk, public_id in assignment.candidate_order},
        criteria=campaign.criteria,
        planted=item.planted if item else None,
        pace=seconds / words if words and seconds is not None else None,
        passed=answers_as_before(rater, assignment, stored, item) if item and item.kind == Kind.REPEAT else None,
    )


def words_of(assignment: Assignment) -> int:
    texts = item_texts(assignment.item_id)
    return sum(len(texts[pk].split()) for pk, _ in assignment.candidate_order)


def answers_as_before(
    rater: Rater, assignment: Assignment, stored: Mapping[str, Any], item: PlannedItem
) -> bool | None:
    """Whether an answer to a repeated screen is the first one again; None where that was taken back."""
    theirs = Rating.objects.current().filter(kind=Rating.Kind.ANSWER, assignment__rater=rater)
    ordinary = theirs.filter(assignment__item__kind=Kind.REGULAR, assignment__item__source=item.source)
    first = ordinary.values_list("answers", "assignment__item").first()
    if first is None:
        return None
    answers, of_item = first
    before = {text: pk for pk, text in item_texts(of_item).items()}
    twins = {str(pk): str(before[text]) for pk, text in item_texts(assignment.item_id).items()}
    campaign = rater.campaign
    return protocol_named(campaign.protocol).agrees(answers, stored, twins, campaign.rules)


def repeats_renew(rater: Rater, item_id: int) -> bool:
    """Hold a rater's repeats of an ordinary item against the first answer as it stands now: one that was taken back is
    held against none. Says whether any was looked at."""
    theirs = Assignment.objects.filter(rater=rater, state=State.DONE, item__kind=Kind.REPEAT)
    again = theirs.filter(item__source__items=item_id)
    looked = False
    for repeat in again.select_related("item"):
        stored = Rating.objects.get(assignment=repeat, revision=repeat.revision).answers
        item = PlannedItem(repeat.item.kind, repeat.item.planted, repeat.item.source_id)
        passed = answers_as_before(rater, repeat, stored, item)
        Assignment.objects.filter(pk=repeat.pk, revision=repeat.revision).update(check_passed=passed)
        looked = True
    return looked


def rater_check(*, rater: Rater, rating: Rating | None) -> None:
    """Stop a rater if they break one of the campaign's rules now that they sent a rating; without one, before the end
    of their part."""
    quality = rater.campaign.quality_control
    if not quality or rater.trial or rater.rules_waived or rater.replaced:
        return
    if rating and not may_break(rating, rater):
        return
    standing = standing_of_rater(rater)
    if rule := rule_broken(quality, standing):
        reason = reason_of(rule, quality, standing, alone=rater.campaign.texts_shown == 1)
        rater_stop(rater=rater, rule=rule, reason=reason)


def may_break(rating: Rating, rater: Rater) -> bool:
    """Whether a rating can be the one that breaks a rule. One that was sent before may be, since its sender
    may have been lost before this was asked. One in which nothing is wrong makes no share grow: it can only be the
    first that counts."""
    looked, quality = rating.looked, rater.campaign.quality_control
    if looked is None or looked.check_passed is False or looked.too_fast or looked.same_answers:
        return True
    so_far = rating.assignment.so_far
    return quality.looks_at_screens and (so_far is None or so_far["done"] < quality.after)


def standing_of_rater(rater: Rater) -> Standing:
    standing = Standing()
    for kind, state, *looked, count in STANDING.rows(rater_id=rater.pk):
        standing = standing.plus(Looked(*looked), kind, count, skipped=state == State.SKIPPED)
    return standing
