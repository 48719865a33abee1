"""Whether the site can do its work, for whoever watches it: `/readyz`.

Each check has a few seconds, in a thread of its own; one that hangs is not begun a second time.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, JsonResponse

from texts.disk import disk_problem

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 3.0
KEPT_SECONDS = 2.0  # an answer is given again, however often it is asked for
MIN_FREE_MB = 100
OK = "ok"


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def broker() -> str:
    from storyblender_site.celery import app

    limits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, "max_retries": 0}
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **limits}
    with app.connection_for_write(transport_options=options, connect_timeout=1) as opened:
        opened.default_channel  # noqa: B018  it connects
    return OK


def disk() -> str:
    probe = settings.VAR_DIR / f".writable-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
    free = shutil.disk_usage(settings.VAR_DIR).free // 10**6
    return OK if free >= MIN_FREE_MB else f"almost full: {free} MB free"


def worker() -> str:
    from workers.models import Listener

    return OK if any(listener.queues for listener in Listener.objects.alive()) else "none seen recently"


def sweeper() -> str:
    from workers.models import Listener

    return OK if any(not listener.queues for listener in Listener.objects.alive()) else "none seen recently"


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "broker": broker,
    "disk": disk,
    "worker": worker,
    "sweeper": sweeper,
}


@dataclass
class Check:
    """One check, at work or done."""

    name: str
    said: str = "does not answer"
    done: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> "Check":
        threading.Thread(target=self.run, name=f"readyz {self.name}", daemon=True).start()
        return self

    def run(self) -> None:
        try:
            self.said = CHECKS[self.name]()
        except Exception as error:  # noqa: BLE001  whatever is wrong is what was asked for
            log.warning("not ready", check=self.name, error=str(error))  # the page, which is open to all, says less
            self.said = disk_problem(error) or f"fails: {type(error).__name__}"
        finally:
            connection.close()
            self.done.set()


_lock = threading.Lock()
_at_work: dict[str, Check] = {}
_kept: tuple[float, dict[str, str]] = (float("-inf"), {})


def answers() -> dict[str, str]:
    """What each check says: `ok`, or what is wrong."""
    global _kept
    with _lock:
        asked, found = _kept
        if time.monotonic() - asked < KEPT_SECONDS:
            return found
        for name in CHECKS:
            if name not in _at_work or _at_work[name].done.is_set():
                _at_work[name] = Check(name).begin()
        last = time.monotonic() + PATIENCE_SECONDS
        for check in _at_work.values():
            check.done.wait(max(0.0, last - time.monotonic()))
        found = {name: check.said for name, check in _at_work.items()}
        _kept = (time.monotonic(), found)
        return found


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where every check says ok, else 503."""
    found = answers()
    ready = all(said == OK for said in found.values())
    return JsonResponse({"ready": ready, **found}, status=200 if ready else 503)
