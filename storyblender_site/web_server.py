"""The site's web server, which `manage.py serve` runs.

Waitress reads a whole request in its one loop before a thread is taken for it, so that a client that is slow, or sends
half a request and waits, costs a socket and nothing more. Of those one client has only so many.
"""

import signal
import socket
import time
from typing import Any

from django.conf import settings
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

from storyblender_site.wsgi import application

CONNECTIONS = 1000
CONNECTIONS_A_CLIENT = 400  # a laboratory has one address, and a browser opens up to six
IDLE_SECONDS = 75  # without a byte from the client or for it
LARGEST_BODY = 4 << 30  # bytes; data sets come as files
FINISH_SECONDS = 5.0  # for the requests at work when it is told to stop


def channel_open(server: Any, sock: socket.socket, address: Any, adjustments: Any, map: dict[int, Any]) -> None:
    """Serve a connection that was accepted, or close it where its client has too many; a proxy stands for many."""
    theirs = sum(channel.addr[0] == address[0] for channel in server.active_channels.values())
    if theirs >= CONNECTIONS_A_CLIENT and not settings.TRUSTED_PROXIES:
        sock.close()
    else:
        HTTPChannel(server, sock, address, adjustments, map=map)


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
        max_request_body_size=LARGEST_BODY,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # `annotations.client_address` knows whom to trust
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
