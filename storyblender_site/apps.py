from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SiteConfig(AppConfig):
    name = "storyblender_site"

    def ready(self) -> None:
        from storyblender_site import checks  # noqa: F401  registers the system checks

        post_migrate.connect(create_researchers, sender=self)  # last of the apps: all permissions are there
        post_migrate.connect(finish_restores, sender=self)


def create_researchers(using: str, **kwargs: Any) -> None:
    from storyblender_site.accounts import researchers_group_make

    researchers_group_make(using=using)


def finish_restores(**kwargs: Any) -> None:
    """Every start migrates first, and so begins with a whole site."""
    from storyblender_site.keeping.restore import restores_finish

    restores_finish()
