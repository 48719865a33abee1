"""The Celery app. Messages carry a run's id and nothing else; see workers.lifecycle."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")

app = Celery("storyblender")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
