"""The Celery app. Messages carry a run's id and nothing else; see workers.lifecycle.

A process that rings no doorbell never loads it: a web process does at its first launch.
"""

from celery import Celery

app = Celery("storyblender")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
