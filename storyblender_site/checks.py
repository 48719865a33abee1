"""Settings mistakes, reported as system checks (`manage.py check --deploy`)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Held against each other at every start: what is printed is what is served."""
    if settings.HTTPS and settings.SITE.scheme == "http":
        return [
            Error(
                f"HTTPS is on and SITE_URL is {settings.SITE}: every link begins with http:// and the site answers "
                "https:// alone.",
                hint=f"Set SITE_URL=https://{settings.SITE.host}{settings.SITE.path}, or leave HTTPS unset.",
                id="storyblender.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def production_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.PRODUCTION and settings.SECRET_KEY_IS_OURS:
        found.append(
            Error(
                "SECRET_KEY is not set, and every process would make its own.",
                hint="Set SECRET_KEY in the environment of every process to one long random text.",
                id="storyblender.E001",
            )
        )
    if settings.REDIS_URL and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            Warning(
                "REDIS_URL is set but the database is SQLite, which workers on other hosts cannot reach.",
                hint="Set DATABASE_URL to a PostgreSQL database, or leave REDIS_URL unset on a single host.",
                id="storyblender.W001",
            )
        )
    if settings.SITE.scheme == "https" and not settings.HTTPS:
        found.append(
            Warning(
                f"SITE_URL is {settings.SITE} and HTTPS is off: a browser would send cookies over http:// as well.",
                hint="Set HTTPS=1, with a proxy in front that ends TLS and sets X-Forwarded-Proto.",
                id="storyblender.W002",
            )
        )
    return found
