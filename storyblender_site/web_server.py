"""The site's web server, which `manage.py serve` runs.

Waitress reads a whole request in its one loop before a thread is taken for it, so that a client that is slow, or sends
half a request and waits, costs a socket and nothing more. Of those one client has only so many, and a body is refused
before it is kept where nobody may send so much.
"""

import copy
import signal
import socket
import time
from functools import cache
from types import SimpleNamespace
from typing import Any

import waitress.channel
import waitress.server
from django.conf import settings
from django.urls import reverse
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server
from waitress.task import ErrorTask
from waitress.utilities import Error, RequestEntityTooLarge, RequestHeaderFieldsTooLarge

from annotations.api.errors import PROBLEM_TYPE, problem_text
from storyblender_site.failures import is_of_api
from storyblender_site.wsgi import application

CONNECTIONS = 1000
CONNECTIONS_PER_CLIENT = 400  # a laboratory has one address, and a browser opens up to six
IDLE_SECONDS = 75  # without a byte from the client or for it
MAX_BODY_BYTES = 3 << 20  # bytes: more than the API and Django's forms take, which refuse in words of their own
MAX_UPLOAD_BYTES = 4 << 30  # bytes; data sets come as files
FINISH_SECONDS = 5.0  # for the requests at work when it is told to stop

# Waitress takes how long a connection has been idle from the clock of the day: set forward, it closed those that had
# just come, and set back, it kept idle ones for as long.
waitress.channel.time = waitress.server.time = SimpleNamespace(time=time.monotonic)


class Parser(HTTPRequestParser):
    """Waitress's, which holds each address to what may be sent there, and answers what it cannot read."""

    adj: Adjustments

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if isinstance(self.error, RequestHeaderFieldsTooLarge):  # Waitress has put GET / in its place
            self.first_line, self.path = (self.header_plus + data).lstrip().partition(b"\r\n")[0], ""
        if self.error:
            self.expect_continue = False  # the rest is not waited for
        return consumed

    def asked_for(self) -> str:
        """The path, also of a request that cannot be read further than its first line."""
        words = getattr(self, "first_line", b"").split()
        return getattr(self, "path", "") or (words[1].decode("latin-1") if len(words) > 1 else "")

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # an address such as `http://[`, a length of thousands of digits
            raise ParsingError("The request cannot be read") from error
        if not takes_files(self.path):
            self.adj = small(self.adj)


class Refusal(ErrorTask):
    """What the web server itself answers, in the API's shape where the API was asked."""

    def execute(self) -> None:
        error = self.request.error
        if isinstance(error, RequestEntityTooLarge):
            error.body = f"At most {self.request.adj.max_request_body_size - 1:,} bytes can be sent here."
        if is_of_api(below_site(self.request.asked_for())):
            self.request.error = Problem(error)
        super().execute()


class Problem(Error):
    def __init__(self, error: Error) -> None:
        super().__init__(error.body)
        self.code, self.reason = error.code, error.reason

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        return f"{self.code} {self.reason}", [("Content-Type", PROBLEM_TYPE)], problem_text(self.code, self.body)


def below_site(path: str) -> str:
    """A path as the site's own addresses are written, whether or not a proxy took the site's away."""
    return ("/" + path.lstrip("/")).removeprefix(settings.SITE.path)


@cache
def uploads() -> str:
    """What the addresses begin with that take files."""
    return below_site(reverse("import", args=["-"])).removesuffix("-/")


def takes_files(path: str) -> bool:
    return below_site(path).startswith(uploads())


@cache
def small(adjustments: Adjustments) -> Adjustments:
    held = copy.copy(adjustments)
    held.max_request_body_size = MAX_BODY_BYTES + 1  # which Waitress refuses itself
    return held


class Channel(HTTPChannel):
    parser_class = Parser
    error_task_class = Refusal


def channel_open(server: Any, sock: socket.socket, address: Any, adjustments: Any, map: dict[int, Any]) -> None:
    """Serve a connection that was accepted, or close it where its client has too many; a proxy stands for many."""
    theirs = sum(channel.addr[0] == address[0] for channel in server.active_channels.values())
    if theirs >= CONNECTIONS_PER_CLIENT and not settings.TRUSTED_PROXIES:
        sock.close()
    else:
        Channel(server, sock, address, adjustments, map=map)


def serve(listen: str, threads: int) -> None:
    """Until SIGTERM or SIGINT; what is being answered then is answered."""
    sockets: dict[int, Any] = {}
    server = create_server(
        application,
        map=sockets,
        listen=listen,
        threads=threads,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=5,
        max_request_body_size=MAX_UPLOAD_BYTES + 1,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # `annotations.web.client_address` knows whom to trust
        ident=None,
    )
    listening = [each for each in sockets.values() if hasattr(each, "channel_class")]
    for each in listening:
        each.channel_class = channel_open
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        wasyncore.loop(timeout=1, map=sockets, use_poll=True)
    except SystemExit:
        for each in listening:
            each.accepting = False
        finish(sockets)
        server.task_dispatcher.shutdown(timeout=FINISH_SECONDS)


def stop(*_: Any) -> None:
    raise SystemExit


def finish(sockets: dict[int, Any]) -> None:
    """Answer what was asked, for a few seconds."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    last = time.monotonic() + FINISH_SECONDS
    while time.monotonic() < last and any(map(is_at_work, list(sockets.values()))):
        wasyncore.loop(timeout=0.05, map=sockets, use_poll=True, count=1)


def is_at_work(each: Any) -> bool:
    return isinstance(each, HTTPChannel) and bool(each.requests or each.total_outbufs_len)
