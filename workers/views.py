"""Pages to launch runs, to watch one at work, and to look at what a system wrote and where it comes from."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import ChoiceField, ModelChoiceField, ModelMultipleChoiceField, MultipleChoiceField
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.audit.services import Deed, audit_note
from annotations.errors import ConflictError, InputError
from annotations.models import Decoding, FeedbackSet, Output, System
from annotations.storage.clock import database_now
from annotations.storage.short_writes import giving_way
from annotations.systems.selectors import coverage_of
from annotations.web.pages import attached, page_for, render_page
from modeling.bases import KNOWN
from modeling.config import LIKELIHOOD
from workers.agreement import measures_of
from workers.cloning import asked_again
from workers.curves import comparison_svg, measured, training_svg
from workers.forms import LAUNCH_FORMS
from workers.generations.selectors import generation_that_trained, generations_from
from workers.guarding import guarding_context
from workers.import_forms import import_forms
from workers.jobs import attention, corpus, fetching
from workers.jobs.attention_maps import attention_of, picture
from workers.launch_form import LaunchForm
from workers.length import length_picture
from workers.lifecycle import run_cancel, run_retry
from workers.lineage import lineage
from workers.lookup import check_valid
from workers.models import Checkpoint, RewardModel, Run
from workers.run_comparison import FEWEST, MOST, compared, filled, settings_of, speed_of
from workers.scores import TABLES, score_tables, scores_beside_people
from workers.services import checkpoint_prune
from workers.time_left import duration, seconds_left

LOG_LINES = 30
MAX_DIGITS = 19  # of a primary key
FEW_LOOKS = 4  # at samples, that are shown without being asked for
SHOWN = (*TABLES, "by_length", "guarding", "agreement", "samples")  # of a run's result, each in a way of its own
SAMPLES = 20
PICTURES = 2  # of what a run drew; the rest are on the pages of their outputs


@require_http_methods(["GET", "POST"])
@page_for("workers.add_run")
def launch(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in LAUNCH_FORMS:
        raise Http404
    return launch_page(request, LAUNCH_FORMS[kind], {})


@require_http_methods(["GET", "POST"])
@page_for("workers.add_run")
def import_files(request: HttpRequest, form: str) -> HttpResponse:
    forms = import_forms()
    if form not in forms:
        raise Http404
    tabs = [{"form": key, "title": each.title, "chosen": key == form} for key, each in forms.items()]
    return launch_page(request, forms[form], {"tabs": tabs})


def launch_page(request: HttpRequest, form_class: type[LaunchForm], context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST":
        form = form_class(request.POST, request.FILES)
        if "check" in request.POST and form.check_button:
            found = form.check()
            if request.htmx:  # type: ignore[attr-defined]  # by its middleware
                return render(request, "workers/_preview.html", {"found": found, "form": form})
            return render_page(request, "workers/launch.html", form.title, {"form": form, "found": found, **context})
        launched = form.launched()
        if launched:
            messages.success(request, "Launched.")
            return redirect(launched)
    else:
        form = form_class(initial=asked_of(form_class, request.GET))
        for said in not_offered(form):
            messages.warning(request, said)
    return render_page(request, "workers/launch.html", form.title, {"form": form, **context})


def not_offered(form: LaunchForm) -> Iterator[str]:
    """What the address asks for and the form has no choice for: a browser would send its first one instead."""
    for name, value in form.initial.items():
        field = form.fields.get(name)
        if value and isinstance(field, ChoiceField | ModelChoiceField):
            try:
                field.clean(value)
            except ValidationError:
                shown = ", ".join(value) if isinstance(value, list) else value
                yield f"{form[name].label}: '{shown}' cannot be chosen here; choose what to take instead."


def asked_of(form_class: type[LaunchForm], asked: QueryDict) -> dict[str, Any]:
    """What the address says of the form's fields: all values of one that can have several."""
    several = (MultipleChoiceField, ModelMultipleChoiceField)
    fields = form_class.base_fields
    return {key: asked.getlist(key) if isinstance(fields.get(key), several) else asked[key] for key in asked}


@require_http_methods(["GET", "POST"])
@page_for("workers.add_run")
def base(request: HttpRequest, name: str) -> HttpResponse:
    """How it stands with a known pretrained model, beside the presets that begin from it; a POST has it fetched.

    Without scripts a POST holds the whole form that the button stands in, which comes back as it was filled in."""
    if name not in KNOWN:
        raise Http404
    if request.method == "POST":
        try:
            fetching.launch(model=name)
        except ConflictError as error:
            messages.info(request, str(error))
    if not request.htmx:  # type: ignore[attr-defined]  # by its middleware
        fields = LAUNCH_FORMS["train"].base_fields
        typed = {key: value for key, value in request.POST.items() if key in fields} or {"preset": name}
        return redirect(f"{reverse('launch', args=['train'])}?{urlencode(typed)}")
    return render(request, "workers/_base.html", {"standing": fetching.standing(KNOWN[name])})


def run_context(run: Run) -> dict[str, Any]:
    now, checkpoint = database_now(), Checkpoint.objects.filter(run=run).first()
    left = seconds_left(run, now)
    lines = [(datetime.fromisoformat(when), text) for when, text in reversed(run.log[-LOG_LINES:])]
    return {
        "run": run,
        "percent": round(100 * run.fraction),
        "left": "" if left is None else duration(left),
        "took": duration(((run.finished_at or now) - run.started_at).total_seconds()) if run.started_at else "",
        "curve": mark_safe(training_svg(run.history, run.config.get("training", {}).get("objective", LIKELIHOOD))),
        "pictures": [picture(each) for each in list(attention_of(run).values())[:PICTURES]] if run.finished else [],
        "lines": lines,
        "result": [(key, value) for key, value in run.result.items() if key not in SHOWN and filled(value)],
        **score_tables(run.result),
        "settings": settings_of(run.config),
        "speed": speed_of(run),
        "samples": samples_of(run),
        "again": again_address(run),
        "checkpoint": checkpoint,
        **guarding_context(checkpoint),
        **reward_context(run),
    }


def reward_context(run: Run) -> dict[str, Any]:
    row = RewardModel.objects.filter(run=run).select_related("feedback_set").first()
    return {"reward_model": row, "measures": measures_of(row)} if row else {}


def samples_of(run: Run) -> dict[str, Any]:
    """What a model wrote while it was trained, the newest first: `sources`, and `looks` of a step and texts."""
    sampled = run.result.get("samples") or {}
    looks = [(look["step"], look["texts"]) for look in reversed(sampled.get("looks", []))]
    return {"sources": sampled["sources"], "newest": looks[:FEW_LOOKS], "older": looks[FEW_LOOKS:]} if looks else {}


def again_address(run: Run) -> str:
    """Of the form that launches the run once more; empty of a kind that is not cloned."""
    asked = asked_again(run)
    return f"{reverse('launch', args=[run.kind])}?{urlencode(asked, doseq=True)}" if asked else ""


@require_GET
@page_for("workers.view_run")
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of a run's page that changes. Status 286 tells htmx to stop asking."""
    run = get_object_or_404(Run, pk=pk)
    return render(request, "workers/_run.html", run_context(run), status=286 if run.finished else 200)


@require_GET
@page_for("workers.view_run")
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Run, pk=pk)
    title = f"{run.get_kind_display().capitalize()} {run.about}".strip()
    return render_page(request, "workers/run.html", title, run_context(run))


@require_GET
@page_for("workers.view_run")
def runs_compare(request: HttpRequest) -> HttpResponse:
    """Two to six training runs."""
    asked = list(dict.fromkeys(request.GET.getlist("run")))
    wanted = [int(pk) for pk in asked if pk.isdecimal() and len(pk) < 19]
    rows = Run.objects.filter(pk__in=wanted, kind=Run.Kind.TRAIN).select_related("system").defer("log").in_bulk()
    runs = [rows[pk] for pk in wanted if pk in rows]
    context: dict[str, Any] = {"runs": runs}
    if len(runs) < len(asked):
        context["problem"] = "Some of these do not exist or are not training runs."
    elif len(runs) > MOST:
        context["problem"] = f"Six training runs at most are compared, and {len(runs)} were chosen."
    elif len(runs) < FEWEST:
        context["problem"] = "Choose two to six training runs to compare."
    else:
        curves = [(f"{run.pk} {run.about}", measured(run.history, "valid_loss")) for run in runs]
        context |= {"compared": compared(runs), "curves": mark_safe(comparison_svg(curves))}
    return render_page(request, "workers/runs_compare.html", "Training runs compared", context)


@require_POST
@page_for("workers.change_run")
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    run = get_object_or_404(Run, pk=pk)
    actions = {"cancel": run_cancel, "retry": run_retry}
    if action not in actions:
        raise Http404
    try:
        actions[action](run)
    except InputError as error:
        messages.error(request, str(error))
    return redirect(run)


@require_GET
@page_for("annotations.view_system")
def show_system(request: HttpRequest, pk: int) -> HttpResponse:
    """Sample outputs beside caption and reference, and the system's lineage."""
    system = get_object_or_404(System, pk=pk)
    decodings = Decoding.objects.complete().filter(system=system).select_related("dataset").order_by("-pk")
    if system.kind == System.Kind.HUMAN:  # one for each campaign, which tells them apart
        decodings = decodings.prefetch_related("entries__campaign")
    asked = request.GET.get("decoding", "")
    chosen = (
        decodings.filter(pk=asked).first()
        if asked.isascii() and asked.isdecimal() and len(asked) < 19
        else decodings.first()
    )
    drawn = attention_of(Run.objects.filter(decoding=chosen).first()) if chosen else {}
    outputs = sample_outputs(chosen, [] if "others" in request.GET else list(drawn)) if chosen else []
    checkpoint = Checkpoint.objects.filter(system=system).select_related("run").first()
    scores = scores_beside_people(chosen) if chosen else []
    context = {
        "system": system,
        "decodings": decodings,
        "chosen": chosen,
        "rows": [(output, references_of(output)) for output in outputs],
        "coverage": chosen and coverage_of(chosen),
        "scores": scores,
        "by_length": length_picture(chosen) if chosen and scores else "",
        "lineage": lineage(system),
        "generation": generation_that_trained(system),
        "generations": generations_from([system]),
        "checkpoint": checkpoint,
        **guarding_context(checkpoint),
        "attends": checkpoint and attention.attends(checkpoint),
        "drawn": drawn,
    }
    return render_page(request, "workers/system.html", system.name, context)


def sample_outputs(decoding: Decoding, first: list[str]) -> list[Output]:
    """The outputs for the sources of these primary keys, then random ones."""
    ranked_first = Output.objects.filter(decoding=decoding).first_rank().select_related("source__photo")
    ranked_first = ranked_first.prefetch_related("source__photo__sentences")
    shown = list(ranked_first.filter(source__in=first).order_by("source"))
    return shown + list(ranked_first.exclude(source__in=first).order_by("?")[: SAMPLES - len(shown)])


def references_of(output: Output) -> list[str]:
    photo = output.source.photo
    return [sentence.text for sentence in photo.sentences.all()[:2]] if photo else []


@require_GET
@page_for("annotations.view_system")
def show_output(request: HttpRequest, pk: int) -> HttpResponse:
    """One output, and what its system looked at: drawn with its decoding, or later by a run of its own."""
    output = get_object_or_404(
        Output.objects.select_related("source__photo", "decoding__system", "decoding__dataset"),
        pk=pk,
        decoding__in=Decoding.objects.complete(),
    )
    decoding, source = output.decoding, output.source
    of_decoding = attention_of(Run.objects.filter(decoding=decoding).first()) if output.rank == 0 else {}
    drawn = of_decoding.get(str(source.pk))
    own = Run.objects.filter(kind=Run.Kind.ATTENTION, config__output=output.pk).order_by("-pk").first()
    if drawn is None:
        drawn = next(iter(attention_of(own).values()), None)
    checkpoint = Checkpoint.objects.filter(system=decoding.system).select_related("run").first()
    context = {
        "output": output,
        "given": corpus.given_text(decoding, source),
        "references": references_of(output),
        "picture": drawn and picture(drawn),
        "run": own,
        "attends": checkpoint and attention.attends(checkpoint),
    }
    return render_page(request, "workers/output.html", f"What {decoding.system} wrote", context)


@require_GET
@page_for("workers.delete_checkpoint")
def prune_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    checkpoint = get_object_or_404(Checkpoint.objects.select_related("system", "run"), pk=pk)
    title = f"Remove the files of {checkpoint.system}?"
    return render_page(request, "workers/prune.html", title, {"checkpoint": checkpoint})


@require_POST
@page_for("workers.delete_checkpoint")
def prune(request: HttpRequest, pk: int) -> HttpResponse:
    checkpoint = get_object_or_404(Checkpoint, pk=pk)
    try:
        freed = checkpoint_prune(checkpoint=checkpoint, root=settings.VAR_DIR)
    except InputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The files of {checkpoint.system} were removed: {freed / 1e6:.1f} MB freed.")
    return redirect("checkpoints")


@require_GET
@page_for("annotations.view_feedbackset")
def export_feedback(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All of a set, as the file that models read. One whose texts were erased in part is not given out."""
    row = get_object_or_404(FeedbackSet, pk=pk)
    try:
        check_valid(row)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("feedback_set", row.pk)
    audit_note(kind=Deed.EXPORT, about=f"feedback set '{row.name}'", detail="jsonl")
    lines = (f"{json.dumps(each, ensure_ascii=False)}\n" for each in giving_way(corpus.feedback_rows(row)))
    name = f"{row.name}{'-simulated' if row.simulated else ''}.jsonl"
    return StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8", headers=attached(name))
