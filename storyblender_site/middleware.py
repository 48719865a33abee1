"""Which language a page is in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

RATER_PAGES = ("/rate/", "/preview/")


def english_for_researchers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Raters read in the language of their browser. The researcher's pages are written in English, and the admin's own
    parts of them follow, so that no page is in two languages."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if any(part in request.path_info for part in RATER_PAGES):
            return get_response(request)
        with translation.override("en"):
            return get_response(request)

    return middleware
