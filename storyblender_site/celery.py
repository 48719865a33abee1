"""What `celery -A storyblender_site` finds."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")

from workers.celery import app

__all__ = ["app"]
