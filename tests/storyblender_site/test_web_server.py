"""Clients that send half a request and wait, and one that opens connection after connection, stop nobody else; and what
is too large is refused before it is kept."""

import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.faults import HOUR, servers, set_clock
from tests.site import Site

pytestmark = pytest.mark.once
HALF = [
    b"GET /hea",
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"POST /rate/x/join/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nrater=",
    b"POST /rate/x/join/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nra",
]


def serve(site: Site) -> subprocess.Popen[bytes]:
    process = site.start("manage.py", "serve", "--threads", "4", log="serve.log")
    site.wait(lambda: process.poll() is not None or site.healthy(), 90, "the site to answer")
    return process


@pytest.fixture
def served(site: Site) -> tuple[Site, subprocess.Popen[bytes]]:
    return site, serve(site)


def connect(site: Site, sent: bytes, source: str = "127.0.0.1") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", site.port), timeout=5, source_address=(source, 0))
    client.sendall(sent)
    return client


def test_half_a_request_holds_nobody_up(served: tuple[Site, subprocess.Popen[bytes]]) -> None:
    """More of each kind than there are threads; the last one then sends its other half and is answered too."""
    site, process = served
    with ExitStack() as clients:
        opened = [clients.enter_context(connect(site, half)) for half in HALF for _ in range(10)]
        assert site.healthy(), "it answers within two seconds"
        opened[19].sendall(b"\r\n")
        assert opened[19].recv(100).startswith(b"HTTP/1.1 200")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, "it waits for none of them"


FILES = "/data/import/pairs/"
TOO_LARGE = [  # address, bytes, status (None: more is waited for)
    ("/rate/x/join/", 4 << 20, 413), (f"/rate/x{FILES}", 4 << 20, 413), ("/login/", 4 << 20, 413),
    ("/api/v1/rate/next", 4 << 20, 413), (FILES, 4 << 20, None), (f"/{FILES}", 4 << 20, None), (FILES, 5 << 30, 413),
    (f"/stories{FILES}", 4 << 20, None), ("/rate/x/join/", 3 << 20, None), (FILES, 4 << 30, None),
    ("/rate/x/join/", (3 << 20) + 1, 413), (FILES, (4 << 30) + 1, 413), ("http://[", 1, 400), ("/", "9" * 5000, 400),
]  # fmt: skip


def test_what_is_too_large_is_refused_before_it_is_kept(site: Site) -> None:
    """The site answers below a path, whether or not a proxy took it away."""
    site.env["SITE_URL"] = f"http://127.0.0.1:{site.port}/stories"
    serve(site)
    for address, length, status in TOO_LARGE:
        head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        with connect(site, head.encode()) as client:
            said = client.recv(1000).decode()
            if status is None:
                assert said.startswith("HTTP/1.1 100"), address
                continue
            while part := client.recv(1000):
                said += part.decode()
            assert said.startswith(f"HTTP/1.1 {status}"), address
            if status == 413:
                assert f"At most {(4 << 30) if address == FILES else (3 << 20):,} bytes can be sent here." in said
            assert ("application/problem+json" in said) == address.startswith("/api")
    for address in ("/api/v1/rate/next", "/rate/x/"):
        head = f"POST {address} HTTP/1.1\r\nAuthorization: Rater "
        with connect(site, head.encode().ljust(256 << 10, b"x")) as client:
            said = client.recv(1000).decode()
            assert said.startswith("HTTP/1.0 431"), address
            assert ("application/problem+json" in said) == address.startswith("/api")


def test_a_client_has_only_so_many_connections(served: tuple[Site, subprocess.Popen[bytes]]) -> None:
    site, _ = served
    with ExitStack() as clients:
        opened = [clients.enter_context(connect(site, b"")) for _ in range(400)]
        more = clients.enter_context(connect(site, b""))
        assert more.recv(10) == b"", "closed"
        other = clients.enter_context(connect(site, HALF[1] + b"\r\n", source="127.0.0.2"))
        assert other.recv(100).startswith(b"HTTP/1.1 200")
        opened.pop().close()
        site.wait(site.healthy, 5, "a place to be free again")


@pytest.mark.skipif(not shutil.which("cc"), reason="the clock that can be set is compiled, and cc is not installed")
def test_a_clock_set_forward_closes_no_connection(site: Site, tmp_path: Path) -> None:
    """One that waits for its request, and one in the middle of it; what is idle is looked for every five seconds."""
    with servers("clocks", tmp_path) as (env, _):
        site.env.update(env)
        serve(site)
        with connect(site, b"") as silent, connect(site, HALF[1]) as half:
            set_clock(tmp_path / "clock", HOUR)
            time.sleep(7)
            silent.sendall(HALF[1])
            for client in (silent, half):
                client.sendall(b"\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 200")
