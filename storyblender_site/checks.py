"""Settings mistakes, reported as system checks (`manage.py check --deploy`)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


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
    return found
