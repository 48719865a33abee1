"""A campaign while it runs: how far it is, its raters and its items, and what was answered. Who wrote a text is shown
after the close, or to whoever asks for it, which is logged."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_http_methods

from annotations.campaigns.answers import SHOWN_WITH, SentAnswer, sent_answers
from annotations.campaigns.links import item_photo_address
from annotations.campaigns.models import Assignment, Campaign, Item, Rater, Rating, Remark
from annotations.campaigns.monitoring.items import SORTS as ITEM_SORTS
from annotations.campaigns.monitoring.items import items_sorted, with_counts
from annotations.campaigns.monitoring.pace import answers_sent, pace_of, times_judged
from annotations.campaigns.monitoring.places import outlook_of
from annotations.campaigns.monitoring.plot import answers_svg
from annotations.campaigns.monitoring.raters import SORTS, STATES, numbers_of, raters_shown, raters_sorted
from annotations.campaigns.monitoring.systems import writers_of
from annotations.campaigns.monitoring.words import filled_by, missing_rows
from annotations.campaigns.services.raters import completion_of
from annotations.campaigns.services.unblinding import check_unblinded
from annotations.campaigns.views.answers import in_words
from annotations.campaigns.views.rating import shown_photos
from annotations.protocols import protocol_named
from annotations.protocols.base import letter
from annotations.storage.clock import database_now
from annotations.web.pages import page_for, render_page

RATERS_PER_PAGE, ITEMS_PER_PAGE, ANSWERS_PER_PAGE, REMARKS_SHOWN = 50, 50, 20, 20
RATER_COLUMNS = [
    ("number", "Rater", ""),
    ("state", "State", ""),
    ("answered", "Answered", "number"),
    ("skipped", "Skipped", "number"),
    ("seconds", "Median seconds", "number"),
    ("fast", "Too fast", "number"),
    ("same", "Same answers", "number"),
    ("checks", "Checks passed", "number"),
    ("last", "Last sent", ""),
]


def share_of(answered: int, campaign: Campaign) -> int:
    """In percent of the campaign's screens."""
    return min(100, round(100 * answered / campaign.screens))


def progress_context(campaign: Campaign) -> dict[str, Any]:
    """The part of the page that changes while raters are at work, but for the raters."""
    theirs = Rater.objects.filter(campaign=campaign, trial=False)
    done = Assignment.objects.filter(rater=OuterRef("pk"), state=Assignment.State.DONE)
    trials = Rater.objects.filter(campaign=campaign, trial=True)
    outlook, now = outlook_of(campaign), database_now()
    answered = campaign.screens - outlook.places.missing
    of_raters = Rating.objects.filter(
        pk=OuterRef("rating"), assignment__item__campaign=campaign, assignment__rater__trial=False
    )
    remarks = Remark.objects.filter(Exists(of_raters)).select_related("rating__assignment__item")
    context = {
        "campaign": campaign,
        "answered": answered,
        "share": share_of(answered, campaign),
        "answers": outlook.places.answers,
        "missing": missing_rows(outlook),
        "filled_by": filled_by(campaign, outlook),
        "joined": theirs.count(),
        "have_answered": theirs.filter(Exists(done)).count(),
        "left_out": theirs.aggregate(
            stopped=Count("pk", filter=~Q(stopped_by="")),
            excluded=Count("pk", filter=Q(stopped_by="", excluded_at__isnull=False)),
        ),
        "remarks": remarks.order_by("-pk")[:REMARKS_SHOWN],
        "dry_runs": trials.count(),
        "tried_out": Assignment.objects.filter(rater__in=trials, state="done").count(),
    }
    if not campaign.imported_by_id:
        sent = answers_sent(campaign)
        context |= {
            "judged": times_judged(campaign, sent),
            "plot": mark_safe(answers_svg(sent.hours, now)),
            "pace": pace_of(sent.hours, outlook.places.missing, now),
        }
    return context


def raters_context(
    campaign: Campaign, sort: str = "number", state: str = "", page: str | None = None
) -> dict[str, Any]:
    """A page of the raters' table."""
    pages = Paginator(raters_sorted(campaign, sort, state), RATERS_PER_PAGE).get_page(page)
    return {
        "campaign": campaign,
        "raters": raters_shown(campaign, list(pages)),
        "pages": pages,
        "sort": sort,
        "state": state,
        "columns": [(*column, sorted_by(column[0], sort)) for column in RATER_COLUMNS],
    }


def sorted_by(column: str, sort: str) -> tuple[str, str]:
    """What a column's heading asks for next, and how the table is sorted by it now, as `aria-sort` says it."""
    if sort == f"-{column}":
        return column, "descending"
    return (f"-{column}", "ascending") if sort == column else (column, "")


def asked_in(request: HttpRequest, name: str, allowed: Sequence[str], usual: str) -> str:
    found = request.GET.get(name, usual)
    if found.removeprefix("-") not in allowed and found != usual:
        raise Http404
    return found


@require_GET
@page_for("annotations.view_campaign")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes while raters are at work."""
    context = progress_context(get_object_or_404(Campaign, pk=pk))
    return render(request, "annotations/campaigns/_progress.html", context)


@require_GET
@page_for("annotations.view_campaign")
def raters(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    sort, state = asked_in(request, "sort", list(SORTS), "number"), request.GET.get("state", "")
    if state and state not in STATES:
        raise Http404
    context = raters_context(campaign, sort, state, request.GET.get("page"))
    context |= {"states": [("", "everybody"), *((name, name) for name in STATES)], "meanings": STATES}
    return render_page(request, "annotations/campaigns/raters.html", f"Raters of {campaign.name}", context)


@require_http_methods(["GET", "POST"])
@page_for("annotations.view_campaign")
def rater(request: HttpRequest, pk: int, rater: str) -> HttpResponse:
    """A rater's screens in their order, with what they sent of each."""
    campaign = get_object_or_404(Campaign, pk=pk)
    found = get_object_or_404(Rater, campaign=campaign, public_id=rater)
    sent = Rating.objects.filter(assignment__rater=found).exclude(kind=Rating.Kind.WITHDRAWN)
    context = answers_context(request, campaign, sent)
    [row] = raters_shown(campaign, [found.pk])
    context |= {
        "rater": row.rater,
        "row": row,
        "completion": completion_of(row.rater),
        "may_see_code": request.user.has_perm("annotations.change_campaign"),
    }
    name = f"Rater {row.number} of {campaign.name}" if row.number else f"A dry run of {campaign.name}"
    return render_page(request, "annotations/campaigns/rater.html", name, context)


@require_GET
@page_for("annotations.view_campaign")
def items(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    sort = asked_in(request, "sort", list(ITEM_SORTS), "number")
    pages = Paginator(items_sorted(campaign, sort), ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    order = [item.pk for item in pages]
    rows = {row.pk: row for row in with_counts(items_sorted(campaign).filter(pk__in=order))}
    context = {
        "campaign": campaign,
        "items": [rows[item] for item in order],
        "pages": pages,
        "sort": sort,
        "by_number": sorted_by("number", sort),
        "by_free": sorted_by("free", sort),
    }
    return render_page(request, "annotations/campaigns/items.html", f"Items of {campaign.name}", context)


@require_http_methods(["GET", "POST"])
@page_for("annotations.view_campaign")
def item(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What all raters sent of an item, as it stands now."""
    campaign = get_object_or_404(Campaign, pk=pk)
    found = get_object_or_404(with_counts(items_sorted(campaign)), position=number - 1)
    sent = Rating.objects.filter(assignment__item=found, assignment__rater__trial=False)
    sent = sent.filter(revision=F("assignment__revision")).exclude(kind=Rating.Kind.WITHDRAWN)
    photos = shown_photos(campaign, Assignment(item=found), item_photo_address)
    context = answers_context(request, campaign, sent) | {"item": found, "number": number, "photos": photos}
    return render_page(request, "annotations/campaigns/item.html", f"Item {number} of {campaign.name}", context)


def answers_context(request: HttpRequest, campaign: Campaign, sent: "QuerySet[Rating]") -> dict[str, Any]:
    """A page of answers as a researcher reads them. A POST asks who wrote the texts, which before the close is logged,
    and takes the right to change the campaign."""
    unblind = request.method == "POST" and request.user.has_perm("annotations.change_campaign")
    closed = campaign.state == Campaign.State.CLOSED
    named = request.user.has_perm("annotations.view_report") and (closed or unblind)
    if named:
        check_unblinded(campaign, unblind)
    rows = sent.select_related(*SHOWN_WITH, "assignment__rater").order_by("pk")
    pages = Paginator(rows, ANSWERS_PER_PAGE).get_page(request.GET.get("page"))
    answers = sent_answers(campaign, list(pages))
    theirs = [each.rating.assignment for each in answers]
    numbers = numbers_of(campaign, {assignment.rater_id for assignment in theirs})
    shown = {candidate for assignment in theirs for candidate, _ in assignment.candidate_order}
    writers = writers_of(campaign, shown) if named else {}
    return {
        **protocol_named(campaign.protocol).page,
        "campaign": campaign,
        "pages": pages,
        "named": named,
        "may_unblind": not named and request.user.has_perms(["annotations.change_campaign", "annotations.view_report"]),
        "answers": [answer_shown(campaign, each, numbers, writers) for each in answers],
    }


def answer_shown(
    campaign: Campaign, sent: SentAnswer, numbers: dict[int, int], writers: dict[int, list[str]]
) -> dict[str, Any]:
    """What a page needs of an answer: as its rater reads it again, and what only a researcher does."""
    assignment = sent.rating.assignment
    item = assignment.item
    return in_words(campaign, sent, item_photo_address) | {
        "rater": assignment.rater,
        "number": numbers.get(assignment.rater_id),
        "item": item.position + 1,
        "kind": "" if item.kind == Item.Kind.REGULAR else item.get_kind_display(),
        "seconds": sent.rating.seconds,
        "flags": [] if sent.taken_back or sent.rating.kind == Rating.Kind.SKIP else flags_of(assignment),
        "planted": planted_at(assignment),
        "writers": [
            (letter(place), ", ".join(writers[candidate]))
            for place, (candidate, _) in enumerate(assignment.candidate_order)
            if candidate in writers
        ],
    }


def flags_of(assignment: Assignment) -> list[str]:
    """What quality control saw in an answer."""
    flags = ["too fast"] * assignment.too_fast + ["same answers"] * assignment.same_answers
    if assignment.check_passed is not None:
        flags.append("check passed" if assignment.check_passed else "check missed")
    return flags


def planted_at(assignment: Assignment) -> str:
    """Which of a check's texts is degraded, and how."""
    planted = assignment.item.planted
    if not planted or "degraded" not in planted:
        return ""
    places = {public_id: letter(place) for place, (_, public_id) in enumerate(assignment.candidate_order)}
    how = planted["degradation"].replace("_", " ")
    original = places.get(planted.get("original", ""))
    beside = f", {original} its original" if original else ""
    return f"{places.get(planted['degraded'], 'one text')} is degraded ({how}){beside}"
