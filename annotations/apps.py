from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

BUILT_IN_SYSTEMS = {"human": "human", "caption": "baseline", "random_story": "baseline"}


def create_built_in_systems(using: str, **kwargs: Any) -> None:
    from annotations.systems.models import System

    for name, kind in BUILT_IN_SYSTEMS.items():
        System.objects.using(using).get_or_create(name=name, defaults={"kind": kind})


class AnnotationsConfig(AppConfig):
    name = "annotations"
    verbose_name = "Stories and campaigns"

    def ready(self) -> None:
        from annotations.campaigns.services.endings import answers_withdrawn
        from annotations.removal.erasing import words_blank
        from annotations.search.indexes import create_missing_indexes
        from annotations.storage import checks  # noqa: F401  registers the system checks
        from annotations.storage.triggers import create_missing_triggers, refuse_to_drop

        answers_withdrawn.connect(words_blank)
        pre_migrate.connect(refuse_to_drop, sender=self)
        post_migrate.connect(create_built_in_systems, sender=self)
        post_migrate.connect(create_missing_triggers, sender=self)
        post_migrate.connect(create_missing_indexes, sender=self)
