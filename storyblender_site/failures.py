"""What is answered where no view could: pages for people, an outage as one, each error of the API in its one shape.

Django's own pages of errors read the body of the request again, and fail where it cannot be read.
"""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from annotations.api.errors import PROBLEM_TYPE, problem_text
from annotations.storage.outages import is_outage
from storyblender_site.middleware import RATER_PAGES

RETRY_SECONDS = 10
PAGES = {
    400: (_("Bad request"), _("The site could not read what your browser sent.")),
    403: (_("Not allowed"), _("You may not see or do this.")),
    404: (_("Nothing here"), _("There is nothing at this address. Open the link exactly as you were given it.")),
    500: (_("Something went wrong"), _("The site failed at this. Go back, wait a moment and try again.")),
    503: (_("Not available just now"), _("The site's database does not answer. Please wait a moment and try again.")),
}
DETAILS = {  # for programs
    400: "the request cannot be read",
    403: "the request is not allowed",
    500: "the site failed to process this request; its operator finds the reason in the log",
    503: f"the site's database is not responding or cannot be written; send the request again in {RETRY_SECONDS} "
    "seconds",
}


def is_of_api(path: str) -> bool:
    return path.startswith("/api/")


def api_errors_as_problems(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Whoever refuses a request of the API, another middleware too, says it as RFC 9457 does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code >= 400 and is_of_api(request.path_info) and not is_problem(response):
            plain = response.get("Content-Type", "").startswith("text/plain") and "Content-Encoding" not in response
            detail = response.content.decode() if plain else DETAILS.get(response.status_code, "")
            response.content = problem_text(response.status_code, detail)
            response.headers.pop("Content-Encoding", None)
            response.headers["Content-Type"] = PROBLEM_TYPE
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return middleware


def is_problem(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith(PROBLEM_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(403, home=home_of(request))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(404, home=home_of(request))


def server_error(request: HttpRequest) -> HttpResponse:
    """What nothing else has caught, in views and in middleware: 503 in an outage of the database."""
    if not is_outage(sys.exc_info()[1]):
        return page(500)
    answer = page(503, reload=RETRY_SECONDS if request.method == "GET" else None)
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def home_of(request: HttpRequest) -> str:
    """Where to go on: a rater has nothing but their link."""
    return "" if any(part in request.path_info for part in (*RATER_PAGES, "/shared/")) else reverse("start")


def page(status: int, *, reload: int | None = None, home: str = "") -> HttpResponse:
    """In the reader's language. It asks nothing of the request, whose body or session may be what failed."""
    title, text = PAGES[status]
    content = render_to_string("failure.html", {"title": title, "text": text, "reload": reload, "home": home})
    return HttpResponse(content, status=status)
