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
        yield "PRODUCTION is on and SECRET_KEY is not set: set it to one long random text, the same for every process"
    if production and debug:
        yield "PRODUCTION and DEBUG are both on: DEBUG shows settings and code to everybody; leave it unset"
    if https and site.scheme == "http":
        yield (
            f"HTTPS is on and SITE_URL is {site}: every link begins with http:// and the site answers https:// alone; "
            f"set SITE_URL=https://{site.host}{site.path}, or leave HTTPS unset"
        )
    if not https and site.scheme == "https":
        yield (
            f"HTTPS is off and SITE_URL is {site}: a browser would send cookies over http:// as well; leave HTTPS "
            "unset, with a proxy in front that ends TLS and sets X-Forwarded-Proto"
        )
    if production and https and not proxied:
        yield (
            "HTTPS is on and TRUSTED_PROXIES is not set: everybody would have the address of the proxy that ends TLS, "
            "and one person's wrong passwords would lock out all; set it to the number of proxies, or to their networks"
        )
    for host in hosts:
        if "/" in host or (":" in host and not host.startswith("[")):
            yield f"ALLOWED_HOSTS: {host!r} must be a host alone, such as stories.example.org"
        if production and host == "*":
            yield "ALLOWED_HOSTS: '*' allows every name, with which links and cookies can be forged; name the hosts"
    for origin in origins:
        if not origin.startswith(("http://", "https://")):
            yield f"CSRF_TRUSTED_ORIGINS: {origin!r} must begin with http:// or https://"
