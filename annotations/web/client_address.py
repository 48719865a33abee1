"""The address that a request comes from: what limits count by, and what logs name.

Behind proxies every connection has the address of the nearest one, and `X-Forwarded-For` lists those before it, added
from the left to the right. Whatever a client writes there itself stands on the left, so that the list is read from the
right, and only as far as `TRUSTED_PROXIES` reaches.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

ONE_CLIENT = 64  # bits of an IPv6 address: a client has as many addresses below them as it likes


def client_address(request: HttpRequest) -> str:
    """In one spelling; of an IPv6 address the network that one client has. Empty where the server names none."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if settings.TRUSTED_PROXIES else []
    return client_of(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES)


def client_of(connected: str, forwarded: Sequence[str], trusted: int | Sequence[IPv4Network | IPv6Network]) -> str:
    """Of the connection's address and those that were forwarded, the first from the right that is no proxy's."""
    client = parsed(connected)  # None of a socket without addresses, which a proxy on the same machine may use
    for passed, named in enumerate(reversed(forwarded)):
        if isinstance(trusted, int):
            is_proxy = passed < trusted
        else:
            is_proxy = client is not None and any(client in network for network in trusted)
        before = parsed(named)
        if not is_proxy or before is None:
            break
        client = before
    if client is None:
        return ""
    return str(IPv6Network((client, ONE_CLIENT), strict=False)[0] if client.version == 6 else client)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as servers and proxies write it: with a port or brackets, IPv4 within IPv6; or None."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
