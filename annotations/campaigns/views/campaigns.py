"""The researcher's campaign pages: made by a form, looked at as a rater will, opened, watched and closed."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.campaigns.assignment.order import ShownBefore, secret_draw
from annotations.campaigns.forms import CampaignForm, EraseForm, ExcludeForm, ExtendForm, InviteForm
from annotations.campaigns.links import item_photo_address, rater_link
from annotations.campaigns.models import Assignment, Campaign, Item
from annotations.campaigns.rounds import item_shown
from annotations.campaigns.services import campaigns
from annotations.campaigns.services import making as campaign_making
from annotations.campaigns.services.invitations import raters_invite
from annotations.campaigns.services.raters import rater_exclude, rater_readmit, trial_join
from annotations.campaigns.services.screens import Screen
from annotations.campaigns.spec_files import campaign_toml
from annotations.campaigns.views.joining import page_context, trial_begin, welcome_context
from annotations.campaigns.views.monitoring import progress_context, raters_context
from annotations.campaigns.views.rating import picture, screen_context, shown_photos
from annotations.campaigns.views.recruiting import code_context, recruiting_context
from annotations.corpora.models import Source
from annotations.documents.csv_tables import csv_file
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.systems.models import System
from annotations.web.forms import show_problem
from annotations.web.pages import attached, page_for, render_page

ACTIONS: dict[str, tuple[str, Callable[..., Campaign]]] = {
    "open": ("opened", campaigns.campaign_open),
    "pause": ("paused", campaigns.campaign_pause),
    "close": ("closed", campaigns.campaign_close),
    "archive": ("archived", campaigns.campaign_archive),
}
# What cannot be undone is asked about first: the question, the button, and what ends.
CONFIRMED: dict[str, tuple[str, str, Callable[[Campaign], str]]] = {
    "close": ("Close this campaign?", "Close permanently", campaigns.closing_ends),
    "delete": ("Delete this draft?", "Delete the draft", campaigns.deleting_ends),
}


def campaign_context(campaign: Campaign) -> dict[str, Any]:
    return {
        **progress_context(campaign),
        **raters_context(campaign),
        "systems": list(campaign.entries.order_by("system__name").values_list("system__name", flat=True)),
        "quality": campaign.quality_rules,
        "link": rater_link(campaign),
        "recruiting": recruiting_context(campaign),
        "invite": InviteForm(),
        "extend": ExtendForm(initial={"overlap": campaign.overlap + 1}),
        "exclude": ExcludeForm(campaign=campaign),
        "erase": EraseForm(campaign=campaign, auto_id="erase_%s"),
    }


def show(request: HttpRequest, campaign: Campaign, template: str) -> HttpResponse:
    """The page of a campaign; `template` may extend the one of this app. `?code=` asks whose code it is."""
    context = campaign_context(campaign)
    if typed := request.GET.get("code", "").strip():
        context["asked"] = code_context(campaign, typed)
    return render_page(request, template, campaign.name, context)


def refuse_imported(request: HttpRequest, campaign: Campaign, what: str) -> HttpResponse | None:
    """Back to the page of a campaign whose ratings were imported, with the reason why it cannot be `what`."""
    try:
        campaigns.check_rated_here(campaign, what)
    except InputError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    return None


@require_http_methods(["GET", "POST"])
@page_for("annotations.add_campaign")
def add(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new draft; from a campaign's values as a copy of it."""
    return draft_page(request, pk)


@require_http_methods(["GET", "POST"])
@page_for("annotations.add_campaign")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft in the place of another."""
    return draft_page(request, pk, replace=True)


def draft_page(request: HttpRequest, pk: int | None, *, replace: bool = False) -> HttpResponse:
    origin = get_object_or_404(Campaign, pk=pk) if pk else None
    if origin and (refused := refuse_imported(request, origin, "copied or changed")):
        return refused
    if request.method == "POST":
        form = CampaignForm(request.POST, anew=replace)
        if form.is_valid():
            spec = form.cleaned_data["spec"]
            try:
                if origin and replace:
                    campaign = campaign_making.draft_replace(draft=origin, spec=spec)
                else:
                    campaign = campaign_making.campaign_create(
                        spec=spec, state=Campaign.State.DRAFT, named=form.cleaned_data["named_items"]
                    )
            except InputError as error:
                show_problem(form, error)
            else:
                messages.success(
                    request,
                    f"Draft '{campaign.name}' was created with {campaign.screens} screens. Check it before opening it.",
                )
                return redirect(campaign)
    else:
        initial = CampaignForm.initial_of(campaigns.spec_of(origin)) if origin else dict(request.GET.items())
        if origin and not replace:
            initial["name"] = f"{origin.name}-copy"
        form = CampaignForm(initial=initial, anew=replace)
    title = f"Change the draft '{origin.name}'" if origin and replace else "New campaign"
    return render_page(request, "annotations/campaigns/form.html", title, {"form": form, "origin": origin})


@require_POST
@page_for("annotations.add_campaign")
def count(request: HttpRequest) -> HttpResponse:
    """How many screens the form asks for, as far as it is filled in."""
    form = CampaignForm(request.POST)
    form.is_valid()
    items, overlap = (form.cleaned_data.get(key) for key in ("items", "overlap"))
    text = f"{items * overlap:,} screens: {items:,} items × {overlap} raters each." if items and overlap else ""
    return HttpResponse(text)


@require_http_methods(["GET", "POST"])
@page_for("annotations.change_campaign")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says; what cannot be undone (`CONFIRMED`) once its question was answered with `confirm`."""
    campaign = get_object_or_404(Campaign, pk=pk)
    action = (request.POST or request.GET).get("action", "")
    if action in CONFIRMED and not (request.method == "POST" and request.POST.get("confirm")):
        return ask(request, campaign, action)
    if request.method != "POST":
        return redirect(campaign)
    try:
        if action in ACTIONS:
            done, service = ACTIONS[action]
            service(campaign=campaign)
        elif action == "restore":
            done = "taken out of the archive"
            campaigns.campaign_archive(campaign=campaign, archived=False)
        elif action == "extend":
            form = ExtendForm(request.POST)
            overlap = form.cleaned_data["overlap"] if form.is_valid() else 0
            done = (
                f"extended to {campaigns.campaign_extend(campaign=campaign, overlap=overlap).overlap} raters per item"
            )
        elif action == "delete":
            campaign_making.draft_delete(draft=campaign)
            messages.success(request, f"Draft '{campaign.name}' was deleted.")
            return redirect("campaigns")
        else:
            raise Http404
    except InputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Campaign '{campaign.name}' is {done}.")
    return redirect(campaign)


def ask(request: HttpRequest, campaign: Campaign, action: str) -> HttpResponse:
    """The question before what cannot be undone, or back to the page with the reason why it cannot be done at all."""
    question, button, ends = CONFIRMED[action]
    try:
        context = {"campaign": campaign, "action": action, "button": button, "ends": ends(campaign)}
    except InputError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    return render_page(request, "annotations/campaigns/confirm.html", question, context)


@require_POST
@page_for("annotations.change_campaign")
def exclude(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a rater out of the results, or take them in again: `action` says which, so that nothing sent twice does the
    opposite."""
    campaign, action = get_object_or_404(Campaign, pk=pk), request.POST.get("action")
    if action not in ("exclude", "readmit"):
        raise Http404
    form = ExcludeForm(request.POST, campaign=campaign)
    if not form.is_valid():
        messages.error(request, "; ".join(f"{name}: {error}" for name, each in form.errors.items() for error in each))
        return redirect(campaign)
    number, rater, reason = form.cleaned_data["number"], form.cleaned_data["rater"], form.cleaned_data["reason"]
    try:
        if action == "readmit":
            if not rater.excluded_at:
                raise InputError("", f"rater {number} is not left out")
            done = f"rater {number} is included again"
            rater_readmit(rater=rater)
        else:
            release = form.cleaned_data["release"]
            rater_exclude(rater=rater, reason=reason or rater.exclusion, release=release)
            others = ", and others may rate their screens" if release else ""
            done = f"rater {number} is left out{others}: {rater.exclusion}"
    except InputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{done[0].upper()}{done[1:]}.")
    return redirect(campaign)


@require_POST
@page_for("annotations.change_campaign")
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """A signed link for each outside id: on a page, or with `as=csv` as a file."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if refused := refuse_imported(request, campaign, "rated here"):
        return refused
    form = InviteForm(request.POST)
    links = []
    if form.is_valid():
        ids = form.cleaned_data["raters"]
        try:
            made = raters_invite(campaign=campaign, outside_ids=ids)
        except InputError as error:
            form.add_error("raters", error.problem)
        else:
            links = [{"rater": rater, "link": link} for rater, link in zip(ids, made, strict=True)]
    if links and request.POST.get("as") == "csv":
        table = csv_file(("rater", "link"), [list(each.values()) for each in links])
        return HttpResponse(table, "text/csv; charset=utf-8", headers=attached(f"{campaign.name}-links.csv"))
    ids_again = "\n".join(each["rater"] for each in links)
    context = {"campaign": campaign, "invite": form, "links": links, "ids": ids_again}
    return render_page(request, "annotations/campaigns/links.html", f"Links of {campaign.name}", context)


@require_POST
@page_for("annotations.change_campaign")
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """A dry run: a rater of its own address whose answers are marked and never count."""
    campaign = get_object_or_404(Campaign, pk=pk)
    try:
        trial, session = trial_join(campaign=campaign)
    except InputError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    return trial_begin(request, trial, session)


@require_GET
@page_for("annotations.view_campaign")
def preview(request: HttpRequest, pk: int, screen: int = 0) -> HttpResponse:
    """What a rater will see: the welcome (0) or a screen, counted from 1; nothing can be sent from it."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if refused := refuse_imported(request, campaign, "shown as raters saw it"):
        return refused
    if not 0 <= screen <= campaign.item_count:
        raise Http404
    place = {"preview": True, "screen": screen, "last": campaign.item_count, "campaign": campaign}
    if screen == 0:
        return render(request, "rating/welcome.html", {**welcome_context(campaign, request.path), **place})
    item = get_object_or_404(Item.objects.select_related("source__photo"), campaign=campaign, position=screen - 1)
    _, found = item_shown(item.pk)
    systems = list(campaign.entries.values_list("decoding", flat=True))
    people = campaign.entries.filter(system__kind=System.Kind.HUMAN).values_list("decoding", flat=True)
    always = frozenset(protocol_named(campaign.protocol).shown_always(list(people)))
    draw = secret_draw(campaign.order_secret, "preview", item.pk)
    before = ShownBefore(systems, texts=campaign.texts_per_screen, always=always)
    order = before.order([text.systems for text in found], item.pk, draw=draw)
    texts = [(found[place].public_id, found[place].text) for place in order]
    shown = Screen(Assignment(item=item), texts, done=screen - 1)
    context = (
        page_context(campaign)
        | screen_context(campaign, shown, campaign.most_screens)
        | place
        | {"part": "rating/_screen.html"}
    )
    context |= {"address": request.path, "photos": shown_photos(campaign, shown.assignment, item_photo_address)}
    return render(request, "rating/page.html", context)


@require_GET
@page_for("annotations.view_campaign")
def photo(request: HttpRequest, pk: int, item: uuid.UUID, place: int) -> FileResponse:
    return picture(Source.objects.filter(items__campaign=pk, items__public_id=item), place)


@require_GET
@page_for("annotations.view_campaign")
def toml(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    if refused := refuse_imported(request, campaign, "written as a campaign file"):
        return refused
    text, headers = campaign_toml(campaigns.spec_of(campaign)), attached(f"{campaign.name}.toml")
    return HttpResponse(text, content_type="application/toml", headers=headers)
