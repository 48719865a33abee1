"""Settings that work and are not what anybody wants, reported as system checks (`manage.py check --deploy`).

What contradicts itself keeps the site from starting: see `production`.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security)
def private_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    mode = settings.VAR_DIR.stat().st_mode
    if not mode & 0o007:
        return []
    return [
        Warning(
            f"Every account on this machine can read {settings.VAR_DIR}, which contains uploaded files and models.",
            hint=f"chmod o-rwx {settings.VAR_DIR}",
            id="storyblender.W003",
        )
    ]


@register(Tags.security, deploy=True)
def production_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.REDIS_URL and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return [
            Warning(
                "REDIS_URL is set but the database is SQLite, which workers on other hosts cannot reach.",
                hint="Set DATABASE_URL to a PostgreSQL database, or leave REDIS_URL unset on a single host.",
                id="storyblender.W001",
            )
        ]
    return []
