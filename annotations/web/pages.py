"""What the researcher's pages share: they are for who is logged in and has the permission."""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache

from annotations.names import file_name

View = Callable[..., HttpResponseBase]


def page_for(permission: str) -> Callable[[View], View]:
    """A view for who has the permission (`app.action_model`). LoginRequiredMiddleware asks strangers to log in."""

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded: View = never_cache(checked)
        return guarded

    return wrap


class OnDemand:
    """The views of a module that is imported when one of them is first asked for: pages that need numpy, scipy and what
    draws charts. A web process that serves raters alone never loads those."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> View:
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase = getattr(import_module(self._module), name)(request, *args, **kwargs)
            return response

        return view


def render_page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, template, {"title": title, **context}, status=status)


def attached(name: str) -> dict[str, str]:
    """The headers of a file to keep, called so far as a file can be."""
    header = content_disposition_header(as_attachment=True, filename=file_name(name))
    return {"Content-Disposition": header or "attachment"}
