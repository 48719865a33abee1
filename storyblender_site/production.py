"""What keeps the site from starting: settings that contradict each other, or are unsafe in production.

The settings module asks at every start of every process, so that nothing serves that `check --deploy` would refuse.
"""

from collections.abc import Iterator, Sequence

from storyblender_site.addresses import SiteAddress


def problems(
    *,
    production: bool,
    debug: bool,
    own_key: bool,
    https: bool,
    proxied: bool,
    site: SiteAddress,
    hosts: Sequence[str],
    origins: Sequence[str],
) -> Iterator[str]:
    """`own_key`: SECRET_KEY is not set; `proxied`: TRUSTED_PROXIES is set."""
    if production and own_key:
        yield "PRODUCTION is on but SECRET_KEY is not set; set it to a long random text, the same for every process"
    if production and debug:
        yield "PRODUCTION and DEBUG are both on; DEBUG shows settings and code to everybody, so leave it unset"
    if https and site.scheme == "http":
        yield (
            f"HTTPS is on but SITE_URL is {site}: links would begin with http:// while the site answers https:// "
            f"only; set SITE_URL=https://{site.host}{site.path}, or leave HTTPS unset"
        )
    if not https and site.scheme == "https":
        yield (
            f"HTTPS is off but SITE_URL is {site}: browsers would send cookies over http:// as well; leave HTTPS "
            "unset, with a proxy in front that terminates TLS and sets X-Forwarded-Proto"
        )
    if production and https and not proxied:
        yield (
            "HTTPS is on but TRUSTED_PROXIES is not set: everybody would appear to have the address of the TLS proxy, "
            "and one person's wrong passwords would lock out everybody; set it to the number of proxies, or to their "
            "networks"
        )
    for host in hosts:
        if "/" in host or (":" in host and not host.startswith("[")):
            yield f"ALLOWED_HOSTS: {host!r} must be a host name only, such as stories.example.org"
        if production and host == "*":
            yield "ALLOWED_HOSTS: '*' allows every name, so links and cookies could be forged; list the host names"
    for origin in origins:
        if not origin.startswith(("http://", "https://")):
            yield f"CSRF_TRUSTED_ORIGINS: {origin!r} must begin with http:// or https://"
