"""The report page and its exports. Who leads is hidden until the campaign closes; an early look is kept."""

from tempfile import TemporaryFile

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.links import site_link
from annotations.campaigns.models import Campaign
from annotations.campaigns.selectors import rater_progress, screens_answered
from annotations.campaigns.services.unblinding import STILL_BLIND, check_unblinded
from annotations.campaigns.views.monitoring import RATERS_PER_PAGE, share_of
from annotations.documents.csv_tables import csv_file
from annotations.errors import ConflictError, InputError
from annotations.names import file_name
from annotations.reports.dictionary import columns_of
from annotations.reports.export import BLOCKS, dictionary_csv, write_parquet
from annotations.reports.formats import FORMATS
from annotations.reports.keeping import report_freeze, results_of
from annotations.reports.looks import boundaries_of
from annotations.reports.measures import measure_of
from annotations.reports.models import ReportLink
from annotations.reports.preregistration import preregistration
from annotations.reports.questionnaires import AnswerRow, answer_rows
from annotations.reports.raters import rater_paces
from annotations.reports.render import report_page
from annotations.reports.sharing import report_share, report_unshare
from annotations.storage.short_writes import giving_way
from annotations.web.pages import attached, page_for, render_page

RATING_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "dictionary": "text/csv; charset=utf-8",
}
RATING_TITLES = [
    ("csv", "Ratings, CSV"),
    ("jsonl", "Ratings, JSONL"),
    ("parquet", "Ratings, Parquet"),
    ("dictionary", "What the ratings' columns mean"),
]


@require_GET
@page_for("annotations.view_report")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The report; while results are hidden, progress and how the raters work."""
    campaign = get_object_or_404(Campaign, pk=pk)
    title = f"Report of {campaign.name}"
    try:
        frozen = report_freeze(campaign=campaign)
        results = results_of(frozen)
    except ConflictError as error:
        if error.code != STILL_BLIND:
            messages.error(request, str(error))
        raters = Paginator(rater_progress(campaign), RATERS_PER_PAGE).get_page(request.GET.get("raters"))
        answered, paces = screens_answered(campaign), rater_paces(campaign)
        context = {
            "campaign": campaign,
            "answered": answered,
            "share": share_of(answered, campaign),
            "raters": raters,
            "paced": [(rater, paces.get(rater.pk)) for rater in raters],
            "looks": boundaries_of(campaign)[:-1],
        }
        return render_page(request, "annotations/campaigns/report_hidden.html", title, context)
    context = {
        "campaign": campaign,
        "frozen": frozen,
        "formats": [(name, each.title) for name, each in FORMATS.items()],
        "rating_formats": RATING_TITLES,
        "shared": site_link(link.get_absolute_url()) if (link := shared_link(campaign)) else "",
        **report_page(results)._asdict(),
    }
    return render_page(request, "annotations/campaigns/report.html", title, context)


def shared_link(campaign: Campaign) -> ReportLink | None:
    return ReportLink.objects.filter(campaign=campaign).first()


@require_POST
@page_for("annotations.change_campaign")
def share(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the link for co-authors, or withdraw it, as `action` says: nothing sent twice does the opposite."""
    campaign, action = get_object_or_404(Campaign, pk=pk), request.POST.get("action")
    if action == "withdraw":
        report_unshare(campaign=campaign)
        messages.success(request, "The link was withdrawn: it opens nothing any more.")
    elif action == "share":
        try:
            report_share(campaign=campaign)
        except ConflictError as error:
            messages.error(request, str(error))
    else:
        raise Http404
    return redirect("report", pk)


@login_not_required
@never_cache
@require_GET
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A closed report, for whoever has its link."""
    campaign = get_object_or_404(ReportLink.objects.select_related("campaign"), token=token).campaign
    if campaign.state != Campaign.State.CLOSED:
        raise Http404
    frozen = report_freeze(campaign=campaign)
    context = {"campaign": campaign, "frozen": frozen, **report_page(results_of(frozen))._asdict()}
    return render_page(request, "annotations/campaigns/shared_report.html", f"Report of {campaign.name}", context)


@require_POST
@page_for("annotations.change_campaign")
def unblind(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    if campaign.state != Campaign.State.CLOSED:
        report_freeze(campaign=campaign, unblind=True)
    return redirect("report", pk)


@require_GET
@page_for("annotations.view_report")
def export(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The report as `json` (the kept bytes) or in one of FORMATS."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if form != "json" and form not in FORMATS:
        raise Http404
    try:
        frozen = report_freeze(campaign=campaign)
        results = None if form == "json" else results_of(frozen)
    except ConflictError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail=f"report, {form}")
    if results is None:
        return attachment(f"{campaign.name}-report.json", "application/json", bytes(frozen.content))
    made = FORMATS[form]
    try:
        file = made.write(results)
    except InputError as error:  # a library that the system lacks
        messages.error(request, str(error))
        return redirect("report", pk)
    return attachment(f"{campaign.name}-report.{made.suffix}", made.media_type, file)


@require_GET
@page_for("annotations.view_report")
def ratings(request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
    """The ratings as `csv`, `jsonl` or `parquet`, one row a rating, criterion and system; or the `dictionary` of their
    columns. However many there are, few are held at a time."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if form not in RATING_TYPES:
        raise Http404
    columns, name = columns_of(campaign), file_name(f"{campaign.name}-ratings")
    if form == "dictionary":
        return attachment(f"{name}-dictionary.csv", RATING_TYPES[form], dictionary_csv(columns))
    try:
        check_unblinded(campaign, unblind=False)
    except ConflictError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail=f"ratings, {form}")
    rows = giving_way(measure_of(campaign).rows(campaign))
    if form == "parquet":
        file = TemporaryFile()  # noqa: SIM115  the response closes it
        write_parquet(file, columns, rows)
        file.seek(0)
        return FileResponse(file, as_attachment=True, filename=f"{name}.parquet", content_type=RATING_TYPES[form])
    blocks = BLOCKS[form](columns, rows)
    return StreamingHttpResponse(blocks, content_type=RATING_TYPES[form], headers=attached(f"{name}.{form}"))


@require_GET
@page_for("annotations.view_report")
def questionnaires(request: HttpRequest, pk: int) -> HttpResponse:
    """What raters answered before and after the screens, which says nothing of any system: before the close too."""
    campaign = get_object_or_404(Campaign, pk=pk)
    audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail="questionnaires")
    table = csv_file(AnswerRow._fields, answer_rows(campaign))
    return attachment(f"{file_name(campaign.name)}-questionnaires.csv", "text/csv; charset=utf-8", table)


@require_GET
@page_for("annotations.view_campaign")
def preregister(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    try:
        sheet = preregistration(campaign, at=timezone.now())
    except ConflictError as error:  # imported ratings were declared elsewhere, if at all
        messages.error(request, str(error))
        return redirect(campaign)
    return attachment(f"{campaign.name}-preregistration.md", "text/markdown; charset=utf-8", sheet.encode())


def attachment(name: str, media_type: str, content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type=media_type, headers=attached(name))
