"""System checks of the store. Run with `manage.py check --database default`; `migrate` and `up` run them too."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from annotations.storage.triggers import missing_triggers


@register(Tags.database)
def ratings_are_append_only(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"The trigger {name} of database '{alias}' is missing or differs, so protected rows could be changed.",
            hint="Run `manage.py migrate`, which creates it again.",
            id="annotations.E001",
        )
        for alias in databases or []
        for name in missing_triggers(connections[alias])
    ]
