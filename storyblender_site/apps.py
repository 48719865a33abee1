from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SiteConfig(AppConfig):
    name = "storyblender_site"

    def ready(self) -> None:
        from storyblender_site import checks  # noqa: F401  registers the system checks

        post_migrate.connect(create_researchers, sender=self)  # last of the apps: all permissions are there


def create_researchers(using: str, **kwargs: Any) -> None:
    from storyblender_site.accounts import researchers_group_make

    researchers_group_make(using=using)
