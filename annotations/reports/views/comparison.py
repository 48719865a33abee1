"""Campaigns side by side: closed ones are chosen by checkboxes, and compared on the same page."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from annotations.audit.services import Deed, audit_note
from annotations.campaigns.models import Campaign
from annotations.errors import InputError
from annotations.reports.comparison import comparison_build
from annotations.reports.comparison_formats import FORMATS, body_of
from annotations.reports.views.reports import attachment
from annotations.web.pages import page_for, render_page


@require_GET
@page_for("annotations.view_report")
def page(request: HttpRequest) -> HttpResponse:
    """The choice, and below it the comparison of `?campaign=…&campaign=…`."""
    chosen = request.GET.getlist("campaign")
    closed = Campaign.objects.filter(state=Campaign.State.CLOSED).select_related("dataset").order_by("-pk")
    body, said = list[SafeString](), ""
    if chosen:
        try:
            body = body_of(comparison_build(chosen))
        except InputError as error:
            said = str(error)
    context = {
        "chosen": chosen,
        "closed": closed,
        "formats": [(name, made.title) for name, made in FORMATS.items()],
        "query": request.GET.urlencode(),
        "body": body,
        "error": said,
    }
    status = 400 if said else 200
    return render_page(request, "annotations/comparison/page.html", "Compare campaigns", context, status)


@require_GET
@page_for("annotations.view_report")
def export(request: HttpRequest, form: str) -> HttpResponse:
    """The comparison in one of FORMATS."""
    if form not in FORMATS:
        raise Http404
    try:
        comparison = comparison_build(request.GET.getlist("campaign"))
    except InputError as error:
        messages.error(request, str(error))
        return redirect(reverse("compare"))
    made = FORMATS[form]
    try:
        file = made.write(comparison)
    except InputError as error:  # a library that the system lacks
        messages.error(request, str(error))
        return redirect(f"{reverse('compare')}?{request.GET.urlencode()}")
    audit_note(kind=Deed.EXPORT, about="comparison of campaigns", detail=", ".join(request.GET.getlist("campaign")))
    return attachment(f"comparison.{made.suffix}", made.media_type, file)
