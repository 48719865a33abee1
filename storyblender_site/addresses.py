"""Where the site is reached: `SITE_URL` taken apart, and the rest of the settings held against it.

What `SITE_URL` says is what every printed link begins with. So its host is always allowed and its origin trusted,
and the site answers below its path, whether or not a proxy takes that path away.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
EVERYWHERE = ("0.0.0.0", "::", "")  # to listen on, never to go to
USUAL_PORTS = {"http": 80, "https": 443}
EXAMPLE = "such as https://stories.example.org or http://127.0.0.1:8000/stories"

PATH = re.compile(r"(/[\w.~%-]+)*/?", re.ASCII)

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


class SiteAddress(NamedTuple):
    """`host` is as a browser sends it: an IPv6 address in brackets, a name outside ASCII in its ASCII form. `path` is
    empty or begins with a slash, and never ends with one."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        port = "" if self.port == USUAL_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def in_address(host: str) -> str:
    """A host as it stands in an address: brackets around an IPv6 one."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def served_at(host: str, port: int) -> str:
    """The address of a site that listens there and has no `SITE_URL`."""
    return f"http://{in_address('127.0.0.1' if host in EVERYWHERE else host)}:{port}"


def site_address(url: str) -> SiteAddress:
    """Raises ImproperlyConfigured for what is not the address of a site."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = in_address(host) if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise ImproperlyConfigured(f"SITE_URL={url!r} is not an address ({error}); give one {EXAMPLE}") from error
    if parts.scheme not in USUAL_PORTS or not host:
        raise ImproperlyConfigured(f"SITE_URL={url!r} must begin with http:// or https:// and a host, {EXAMPLE}")
    if parts.query or parts.fragment or parts.username is not None:
        raise ImproperlyConfigured(f"SITE_URL={url!r} must not contain a user, a query or a fragment, {EXAMPLE}")
    if host in EVERYWHERE or host == "[::]":
        raise ImproperlyConfigured(
            f"SITE_URL={url!r}: {host} cannot be reached; give the name or address by which raters reach this machine"
        )
    if not PATH.fullmatch(parts.path):
        raise ImproperlyConfigured(f"SITE_URL={url!r}: the path {parts.path!r} contains special characters, {EXAMPLE}")
    return SiteAddress(parts.scheme, host, port or USUAL_PORTS[parts.scheme], parts.path.rstrip("/"))


def trusted_proxies(value: str) -> int | list[IPv4Network | IPv6Network]:
    """`TRUSTED_PROXIES` taken apart: how many proxies each request passes, or the networks that they are in. Raises
    ImproperlyConfigured."""
    if value.strip().isdecimal():
        return int(value)
    try:
        return [ip_network(each.strip(), strict=False) for each in value.split(",") if each.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES={value!r} ({error}); give the number of proxies in front of the site, such as 1, or "
            "their addresses and networks, such as 10.0.0.7,172.20.0.0/16"
        ) from error


def mismatches(site: SiteAddress, host: str, port: int) -> list[str]:
    """Why the site's own address may lead nowhere, where it listens on that host and port."""
    local, listens = site.host in THIS_MACHINE, f"{in_address(host)}:{port}"
    if host in EVERYWHERE and local:
        return [
            f"the site listens on every address of this machine, but links begin with {site}, which works on this "
            "machine only, and requests under another name are refused; set SITE_URL, such as "
            f"http://NAME-OF-THIS-MACHINE:{port}"
        ]
    if local and site.port != port:
        return [
            f"SITE_URL is {site}, but the site listens on {listens}; links will not work unless a proxy forwards them"
        ]
    if not local and site.port == port and in_address(host) in THIS_MACHINE:
        return [
            f"SITE_URL is {site}, but the site listens on {listens} only; set LISTEN_HOST=0.0.0.0 or put a proxy in "
            "front"
        ]
    return []


def below_path(application: WSGI, path: str) -> WSGI:
    """The application with the site's path taken from what it is asked for, where a proxy left it there."""

    def asked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        whole = environ.get("PATH_INFO", "")
        if whole == path or whole.startswith(f"{path}/"):
            environ["PATH_INFO"] = whole[len(path) :] or "/"
        return application(environ, start_response)

    return asked if path else application
