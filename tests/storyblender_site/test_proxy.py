"""The proxy of docker/compose.yaml, by the real nginx: it tells clients apart, ends slow ones, and logs no secret."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site import ROOT, Site, free_port

pytestmark = pytest.mark.once
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SECRET = "a-raters-link"
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Proxy:
    """nginx with the project's own file, in which only addresses, folders and two sizes are others."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.port, self.errors = site, free_port(), folder / "errors.log"
        text = (ROOT / "docker" / "nginx.conf").read_text()
        for old, new in {
            "listen 80;": f"listen 127.0.0.1:{self.port};",
            "http://web:8000": f"http://127.0.0.1:{site.port}",
            "pid /tmp/nginx.pid;": f"pid {folder}/nginx.pid; daemon off;",
            "/etc/nginx/site/": f"{folder}/site/",
            "error_log /dev/stderr crit;": f"error_log {self.errors} crit;",
            "client_header_timeout 15s;": "client_header_timeout 1s;",
            "limit_conn clients 400;": "limit_conn clients 5;",
            "access_log off;": f"access_log off; {paths(folder)}",
        }.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        file = folder / "nginx.conf"
        file.write_text(text)
        self.process = subprocess.Popen([str(NGINX), "-c", str(file), "-e", str(self.errors), "-p", str(folder)])
        site.wait(self.answers, 10, "nginx")

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def send(self, text: str, source: str = "127.0.0.1") -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))
        client.sendall(text.encode())
        return client

    def status(self, text: str, source: str = "127.0.0.1") -> int:
        with self.send(text, source) as client:
            return status_of(client)


def paths(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def whole(client: socket.socket) -> str:
    """An answer, as long as it says."""
    answer = b""
    while part := client.recv(4000):
        answer += part
        head, end, body = answer.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]):
            break
    return answer.decode()


def check_problem(answer: str, status: int) -> None:
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} "), answer
    assert "Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


def status_of(client: socket.socket) -> int:
    answer = client.recv(4000)
    return int(answer.split()[1]) if answer else 0


def request(path: str, *headers: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""])


@pytest.fixture
def proxy(site: Site, tmp_path: Path) -> Iterator[Proxy]:
    nowhere = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    site.env |= {"TRUSTED_PROXIES": "1", "ACCESS_LOG": "1", "DATABASE_URL": nowhere}
    process = site.start("manage.py", "serve", log="serve.log")
    site.wait(lambda: process.poll() is not None or site.healthy(), 90, "the site to answer")
    made = Proxy(site, tmp_path)
    yield made
    made.process.terminate()
    made.process.wait(10)


@needs_nginx
def test_the_proxy_stands_between(proxy: Proxy) -> None:
    served = proxy.site.var_dir / "serve.log"
    forged = request("/healthz", "X-Forwarded-For: 198.51.100.1")
    assert proxy.status(forged, "127.0.0.7") == 200
    assert "127.0.0.7 GET /healthz 200" in served.read_text(), "the client is told apart, whatever it says"

    half_header = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"  # the rest of which is not waited for any longer
    with proxy.send(half_header) as slow, pytest.raises(ConnectionResetError):
        slow.recv(1000)
    large, files = f"Content-Length: {2 << 20}", "data/import/x/"
    assert proxy.status(request(f"/rate/{SECRET}/join/", large, method="POST")) == 413
    assert proxy.status(request(f"/rate/{files}", large, method="POST")) == 413
    waiting = request(f"/{files}", large, "Expect: 100-continue", method="POST")
    assert proxy.status(waiting) == 100, "more is waited for"
    with proxy.send(request("/api/v1/rate/next", large, method="POST")) as program:
        check_problem(whole(program), 413)

    half = request(f"/rate/{SECRET}/join/", "Content-Length: 10", method="POST") + "rater"
    with ExitStack() as clients:
        opened = [clients.enter_context(proxy.send(half, "127.0.0.10")) for _ in range(6)]
        assert status_of(opened[-1]) == 429, "one client has only so many requests under way"
        assert proxy.status(request("/healthz"), "127.0.0.8") == 200, "and others go on"

    asked = request(f"/rate/{SECRET}/?rater=PID-1&signature={SECRET}")
    assert proxy.status(asked, "127.0.0.9") == 503, "there is no database"
    program = request("/api/v1/rate/next", "Authorization: Rater x", method="POST")
    with proxy.send(program) as client:
        check_problem(whole(client), 503)
    proxy.site.processes[0].kill()
    proxy.site.processes[0].wait()
    with proxy.send(request("/rate/x/")) as browser:
        assert 'http-equiv="refresh"' in whole(browser)
    with proxy.send(program) as client:
        check_problem(whole(client), 503)
    logs = served.read_text() + proxy.errors.read_text()
    assert "GET /rate/<str:token>/ 503" in logs
    assert SECRET not in logs
    assert "PID-1" not in logs


def test_nothing_but_the_proxy_is_published() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    assert {name for name, service in compose["services"].items() if "ports" in service} == {"proxy"}
    assert not [name for name, service in compose["services"].items() if "network_mode" in service]
    assert compose["services"]["web"]["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
