"""What is printed is what is served: SITE_URL, port, hosts, a path and IPv6 are held against each other."""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.http.request import split_domain_port, validate_host
from django.test import RequestFactory
from django.urls import reverse, set_script_prefix

from storyblender_site.addresses import below_path, mismatches, served_at, site_address, trusted_proxies
from tests.site import ROOT, Site


@pytest.mark.parametrize(
    ("url", "origin", "host", "path"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1", ""),
        ("https://stories.example.org/", "https://stories.example.org", "stories.example.org", ""),
        ("https://Example.ORG:443/lab/stories/", "https://example.org", "example.org", "/lab/stories"),
        ("http://[2001:db8::5]:9000", "http://[2001:db8::5]:9000", "[2001:db8::5]", ""),
        ("http://bücher.example", "http://xn--bcher-kva.example", "xn--bcher-kva.example", ""),
    ],
)
def test_an_address_is_taken_apart(url: str, origin: str, host: str, path: str) -> None:
    site = site_address(url)
    assert (site.origin, site.host, site.path) == (origin, host, path)
    domain, _ = split_domain_port(site.origin.partition("//")[2])  # as Django reads a browser's Host header
    assert validate_host(domain, [site.host])


@pytest.mark.parametrize(
    "url",
    [
        "stories.example.org", "ftp://example.org", "http://", "http://host:port", "http://host/?a=1", "http://[::1",
        "http://user@host", "http://0.0.0.0:8000", "http://[::]:8000", "http://host//path", "http://host/a b",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SITE_URL="):
        site_address(url)


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 8001, "http://127.0.0.1:8001"),
        ("::1", 8000, "http://[::1]:8000"),
        ("localhost", 80, "http://localhost"),
    ],
)
def test_without_a_site_url_links_begin_where_the_site_listens(host: str, port: int, address: str) -> None:
    assert str(site_address(served_at(host, port))) == address
    assert not mismatches(site_address(served_at(host, port)), host, port) or host == "0.0.0.0"


@pytest.mark.parametrize(
    ("url", "host", "port", "said"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 9000, "unless a proxy forwards them"),
        ("http://127.0.0.1:8000", "0.0.0.0", 8000, "works on this machine only"),
        ("http://stories.example.org:8000", "127.0.0.1", 8000, "LISTEN_HOST=0.0.0.0"),
        ("http://stories.example.org:8000", "0.0.0.0", 8000, ""),
        ("https://stories.example.org", "127.0.0.1", 8000, ""),
        ("http://[::1]:8000", "::1", 8000, ""),
    ],
)
def test_addresses_that_lead_nowhere_are_said(url: str, host: str, port: int, said: str) -> None:
    found = mismatches(site_address(url), host, port)
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.once
def test_https_follows_the_address(tmp_path: Path) -> None:
    ask = "from storyblender_site import settings as s; print(s.HTTPS, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT)"
    env = {**os.environ, "VAR_DIR": str(tmp_path), "SITE_URL": "https://stories.example.org", "HTTPS": ""}
    assert subprocess.check_output([sys.executable, "-c", ask], cwd=ROOT, env=env).split() == [b"True"] * 3


@pytest.mark.parametrize("value", ["proxy", "10.0.0.1/33", "1.5", "-1"])
def test_proxies_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES="):
        trusted_proxies(value)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["/healthz", "/stories/healthz"], ids=["proxy takes the path", "proxy leaves it"])
def test_a_site_below_a_path_answers_either_way(asked: str) -> None:
    said: list[str] = []
    environ = RequestFactory().get(asked).environ | {"HTTP_HOST": "127.0.0.1"}
    body = below_path(WSGIHandler(), "/stories")(environ, lambda status, headers: said.append(status))
    assert (said, b"".join(body)) == (["200 OK"], b"ok\n")
    assert environ["PATH_INFO"] == "/healthz"


def test_a_path_that_only_begins_alike_is_another() -> None:
    seen: list[str] = []
    below_path(lambda environ, start: seen.append(environ["PATH_INFO"]) or [], "/stories")(
        {"PATH_INFO": "/storiesque"}, None
    )
    assert seen == ["/storiesque"]


@pytest.mark.once
def test_links_are_printed_as_they_are_served(site: Site) -> None:
    """A path below the host, an IPv6 address and another port; and a command in a shell that knows of none of it."""
    site.env |= {"LISTEN_HOST": "::1", "SITE_URL": f"http://[::1]:{site.port}/stories"}
    up = site.start("manage.py", "up", log="up.log")
    printed = f"http://[::1]:{site.port}/stories"
    site.wait(lambda: printed in (site.var_dir / "up.log").read_text() or up.poll() is not None, 60, "the address")
    site.wait(lambda: up.poll() is not None or site.status(f"{printed}/healthz") == 200, 120, "the site to answer")
    refusal = site.manage_plain("up", code=1)
    assert f"cannot listen on [::1]:{site.port}" in refusal
    assert "choose another with LISTEN_HOST=… or PORT=…" in refusal
    for name in ("LISTEN_HOST", "PORT", "SITE_URL"):
        site.env.pop(name)
    link = site.manage("account_link", "ann", "--role", "researcher")["link"]
    assert link.startswith(f"{printed}/account/")
    site.wait(lambda: site.status(link) == 200, 30, "the printed link to be served")
    with urllib.request.urlopen(link) as answer:
        parts = re.findall(r'(?:src|href)="(/[^"]+\.(?:css|js|svg))', answer.read().decode())
    assert parts
    for part in parts:
        assert part.startswith("/stories/static/")
        assert site.status(f"http://[::1]:{site.port}{part}") == 200


def test_links_do_not_double_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    from annotations.campaigns.links import site_link

    monkeypatch.setattr(settings, "SITE", site_address("https://example.org/stories"))
    set_script_prefix("/stories/")
    try:
        assert site_link(reverse("rate", args=["t"])) == "https://example.org/stories/rate/t/"
    finally:
        set_script_prefix("/")
