"""Whose request it is: X-Forwarded-For is read from the right, as far as there are proxies, and never from others."""

import pytest

from annotations.web.client_address import client_of
from storyblender_site.addresses import trusted_proxies

ME, PROXY, OUTER, FORGED = "203.0.113.9", "172.20.0.5", "10.1.0.1", "198.51.100.1"


@pytest.mark.once
@pytest.mark.parametrize(
    ("trusted", "connected", "forwarded", "client"),
    [
        ("", PROXY, ME, PROXY),  # nobody is trusted
        ("0", PROXY, ME, PROXY),
        ("1", PROXY, ME, ME),
        ("1", PROXY, f"{FORGED}, {ME}", ME),
        ("1", PROXY, "", PROXY),
        ("2", PROXY, f"{FORGED}, {ME}, {OUTER}", ME),
        ("2", PROXY, ME, ME),  # it came past the outer proxy
        ("172.16.0.0/12", PROXY, f"{FORGED}, {ME}", ME),
        ("172.16.0.0/12", ME, FORGED, ME),  # not a proxy: what it says is not heard
        ("172.16.0.0/12, 10.1.0.1", PROXY, f"{FORGED},{ME},{OUTER}", ME),
        ("172.16.0.0/12, 10.1.0.1", PROXY, f"{ME}, 172.20.0.6", ME),
        ("1", PROXY, f"{ME}:5123", ME),
        ("1", PROXY, "unknown", PROXY),
        ("2", PROXY, f"{ME}, unknown", PROXY),
        ("1", PROXY, "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::"),
        ("1", "::ffff:172.20.0.5", f"::ffff:{ME}", ME),
        ("172.16.0.0/12", "::ffff:172.20.0.5", ME, ME),
        ("", "2001:db8:1:2:ffff:1:2:3", "", "2001:db8:1:2::"),
        ("1", "", f"{FORGED}, {ME}", ME),  # a socket without addresses, at which the proxy is
        ("1", "", "", ""),
        ("172.16.0.0/12", "", ME, ""),  # it is in no network
        ("", "", ME, ""),
    ],
)
def test_whose_request_it_is(trusted: str, connected: str, forwarded: str, client: str) -> None:
    assert client_of(connected, forwarded.split(","), trusted_proxies(trusted)) == client
