"""What a log may hold: which page was asked for, and never the token, signature or id that its address carries."""

import logging
import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from annotations.storage.outages import is_outage
from annotations.web.client_address import client_address

log = logging.getLogger("storyblender.access")

# A rater's link, one to set a password and one to a report open something for whoever has them, and so does all that
# follows in them.
SECRET = re.compile(
    r"(/(?:rate|account|shared)/)[^\s\"'<>]+|([?&](?:rater|signature|whose|code|key|[A-Za-z_]*id)=)[^\s&\"'<>]+", re.I
)


def without_secrets(text: str) -> str:
    return SECRET.sub(lambda found: f"{found[1] or found[2]}…", text)


class Formatter(logging.Formatter):
    """A whole record, its traceback with it, without what addresses carry. An outage of the database, of which every
    request tells, is a line with its cause; `LOG_LEVEL=DEBUG` gives its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if is_outage(error) and not logging.getLogger().isEnabledFor(logging.DEBUG):
            cause = " ".join(str(error).split())
            line = f"{record.getMessage()} ({type(error).__name__}: {cause})"
            told = {"msg": line, "args": (), "exc_info": None, "exc_text": None}
            record = logging.makeLogRecord(record.__dict__ | told)
        return without_secrets(super().format(record))


def access_log(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A line a request: the client's address, the method, the route in place of the path, the status, milliseconds."""

    def middleware(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = get_response(request)
        route = request.resolver_match.route if request.resolver_match else "-"
        took = 1000 * (time.perf_counter() - begun)
        log.info("%s %s /%s %d %.0f ms", client_address(request), request.method, route, response.status_code, took)
        return response

    return middleware
