"""The Celery app. Messages carry a run's id and nothing else; see workers.lifecycle.

A process that rings no doorbell never loads it: a web process does at its first launch.
"""

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

TRANSPORT_ALIASES |= {
    "filesystem": "workers.messages:FolderTransport",
    "redis": "workers.redis_messages:RedisTransport",
    "rediss": "workers.redis_messages:RedisTransport",
}
app = Celery("storyblender")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
