"""Whose deeds a request's are."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from annotations.audit.services import acting


def audited(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What is done in a request is its visitor's deed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with acting(request):
            return get_response(request)

    return middleware
