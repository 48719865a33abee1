"""The page that says what a removal takes away and what depends on it, and asks."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from annotations.errors import ConflictError
from annotations.models import Dataset, Import, System
from annotations.removal.services import Removable, named
from annotations.web.pages import render_page, staff_page
from workers.removal import KINDS, described, take_from_view

MODELS: dict[str, type[Dataset] | type[System] | type[Import]] = {
    "dataset": Dataset,
    "system": System,
    "import": Import,
}


def remove_page(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    rows: Any = MODELS[kind].objects
    target: Removable | None = (rows.complete() if kind == "import" else rows).filter(pk=pk).first()
    if target is None:
        raise Http404
    if request.method == "POST":
        try:
            take_from_view(target)
        except ConflictError as error:
            messages.error(request, str(error))
            return redirect(request.path)
        messages.success(
            request, f"{named(target).capitalize()} was removed. Its rows will be deleted in the background."
        )
        return redirect(after(target))
    context = {"target": target, "kind": kind, "back": page_of(target), **described(target)}
    return render_page(request, "workers/remove.html", f"Remove {named(target)}?", context)


def page_of(target: Removable) -> str:
    """Where a person comes from; an import is listed on its dataset's page."""
    if isinstance(target, Import):
        return reverse("admin:annotations_dataset_change", args=[target.dataset_id])
    return reverse(f"admin:annotations_{target._meta.model_name}_change", args=[target.pk])


def after(target: Removable) -> str:
    if isinstance(target, Import):
        return page_of(target)
    return reverse(f"admin:annotations_{target._meta.model_name}_changelist")


def urls() -> list[URLPattern]:
    return [
        path(
            f"remove/{kind}/<int:pk>/",
            require_http_methods(["GET", "POST"])(staff_page(f"annotations.delete_{kind}")(remove_page)),
            {"kind": kind},
            name=f"workers_remove_{kind}",
        )
        for kind in KINDS
    ]
