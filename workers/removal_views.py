"""The page that says what a removal takes away and what depends on it, and asks."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotations.errors import ConflictError
from annotations.models import Dataset, Import, System
from annotations.removal.services import Removable, named
from annotations.web.pages import View, page_for, render_page
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
    context = {"target": target, "kind": kind, "back": target.get_absolute_url(), **described(target)}
    return render_page(request, "workers/remove.html", f"Remove {named(target)}?", context)


def after(target: Removable) -> str:
    """Where to go when it is gone; an import is listed on its dataset's page."""
    if isinstance(target, Import):
        return target.get_absolute_url()
    return reverse("datasets" if isinstance(target, Dataset) else "systems")


def view_of(kind: str) -> View:
    @require_http_methods(["GET", "POST"])
    @page_for(f"annotations.delete_{kind}")
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        return remove_page(request, kind, pk)

    return view


VIEWS = {kind: view_of(kind) for kind in KINDS}
