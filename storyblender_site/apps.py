from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "storyblender_site"

    def ready(self) -> None:
        from storyblender_site import checks  # noqa: F401  registers the system checks
