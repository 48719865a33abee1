"""The page of a feedback set: what it is made of, and each example with its texts, its value and the ratings behind."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse

from annotations.campaigns.models import Campaign, Rater, Rating
from annotations.campaigns.monitoring.raters import numbers_of
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.plurals import counted
from annotations.protocols import protocol_named
from annotations.protocols.lessons import ORIGINS, Lesson
from annotations.web.pages import render_page

EXAMPLES_PER_PAGE = 20
LABELS = {True: "as it should be", False: "not as it should be"}


class Behind(NamedTuple):
    """A rating behind an example: whose it is, and what it says, by criterion where there are several."""

    rater: Rater
    number: int | None
    said: Sequence[tuple[str, str]]


class Part(NamedTuple):
    """A part of a text; `severity` is above 0 where it is marked."""

    text: str
    severity: float


def show(request: HttpRequest, row: FeedbackSet, template: str) -> HttpResponse:
    kind = request.GET.get("kind", "")
    if kind not in ("", *FeedbackExample.Kind.values):
        raise Http404
    examples = row.examples.filter(kind=kind) if kind else row.examples.all()
    behind = Rating.objects.select_related("assignment__rater").order_by("pk")
    examples = examples.select_related("source", "candidate__item__campaign").order_by("number")
    pages = Paginator(examples.prefetch_related(Prefetch("ratings", behind)), EXAMPLES_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "set": row,
        "campaigns": row.campaigns.order_by("name"),
        "kinds": [kind_counted(row, each) for each in FeedbackExample.Kind if each in row.counts["kinds"]],
        "flip_rates": [{**each, "kind": FeedbackExample.Kind(each["kind"]).label} for each in row.counts["flip_rates"]],
        "kind": kind,
        "pages": page,
        "examples": list(examples_shown(row, list(page))),
    }
    return render_page(request, template, f"Feedback set {row.name}", context)


def kind_counted(row: FeedbackSet, kind: FeedbackExample.Kind) -> dict[str, Any]:
    return {
        "name": kind.value,
        "label": kind.label,
        "count": row.counts["kinds"][kind],
        "weights": row.counts["weights"][kind],
    }


def examples_shown(row: FeedbackSet, examples: Sequence[FeedbackExample]) -> Iterator[dict[str, Any]]:
    """What the page needs of each, in as many queries as there are campaigns."""
    raters: dict[Campaign, set[int]] = {}
    for example in examples:
        theirs = {rating.assignment.rater_id for rating in example.ratings.all()}
        raters.setdefault(example.candidate.item.campaign, set()).update(theirs)
    numbers = {campaign.pk: numbers_of(campaign, pks) for campaign, pks in raters.items()}
    for example in examples:
        campaign = example.candidate.item.campaign
        yield {
            "row": example,
            "campaign": campaign,
            "value": value_in_words(example),
            "parts": parts_of(example),
            "behind": [
                rating_behind(row, example, campaign, rating, numbers[campaign.pk]) for rating in example.ratings.all()
            ],
        }


def value_in_words(example: FeedbackExample) -> str:
    if example.score is not None:
        return f"{example.score:+.2f}".replace("-", "−")
    if example.spans is not None:
        return counted(len(example.spans), "marked parts")
    return ORIGINS.get(example.origin) or LABELS[bool(example.desirable)]


def parts_of(example: FeedbackExample) -> list[Part]:
    """The text, cut where marks begin and end."""
    parts, done = [], 0
    for span in example.spans or ():
        parts += [Part(example.text[done : span["start"]], 0.0)] if span["start"] > done else []
        parts.append(Part(example.text[span["start"] : span["end"]], span["weight"]))
        done = span["end"]
    return [*parts, Part(example.text[done:], 0.0)]


def rating_behind(
    row: FeedbackSet, example: FeedbackExample, campaign: Campaign, rating: Rating, numbers: Mapping[int, int]
) -> Behind:
    shown = [str(candidate) for candidate, _ in rating.assignment.candidate_order]
    lessons = protocol_named(campaign.protocol).lessons(rating.answers, shown)
    criteria = row.settings["criteria"] or list(lessons)
    said = [
        (criterion if len(campaign.criteria) > 1 else "", words)
        for criterion, lesson in lessons.items()
        if criterion in criteria
        for words in said_of(example, lesson)
    ]
    rater = rating.assignment.rater
    return Behind(rater, numbers.get(rater.pk), said)


def said_of(example: FeedbackExample, lesson: Lesson) -> Iterator[str]:
    """What an answer says of the example, in words."""
    kinds, text = FeedbackExample.Kind, str(example.candidate_id)
    if example.kind == kinds.SCORE and text in lesson.scores:
        yield f"{lesson.scores[text]:.3g}"
    if example.kind == kinds.LABEL and text in lesson.labels:
        yield LABELS[lesson.labels[text]]
    if example.kind == kinds.SPANS and text in lesson.spans:
        yield counted(len(lesson.spans[text]), "errors")
    if example.kind == kinds.PREFERENCE and example.candidate_id == example.rejected_candidate_id:
        yield "wrote it"
    elif example.kind == kinds.PREFERENCE:
        pair = {text, str(example.rejected_candidate_id)}
        for each in lesson.preferences:
            if {each.chosen, each.rejected} == pair:
                yield "a tie" if each.tie else "prefers it" if each.chosen == text else "prefers the other one"
