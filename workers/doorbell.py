"""Telling the workers that a run waits, by a message with its primary key.

A thread of its own hands the messages over, so that a broker that hangs holds up neither a request nor the sweeper.
Nothing is lost where that fails: the sweeper rings again.
"""

import atexit
import os
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

TASK = "workers.execute_run"  # in `workers.tasks`, which a process that only rings never loads
REST_SECONDS = 10.0  # without a try, after one that failed
LAST_SECONDS = 3.0  # that a process which ends waits for its messages to be handed over


class Doorbell:
    """`send` takes a run's primary key and its queue, and may block for as long as it likes."""

    def __init__(self, send: Callable[[int, str], None]) -> None:
        self._send = send
        self._change = threading.Condition()
        self._waiting: dict[int, str] = {}
        self._sending = False
        self._rests_until = float("-inf")
        self._thread: threading.Thread | None = None

    def ring(self, pk: int, queue: str) -> bool:
        """Returns at once. While the broker is known not to answer, nothing is sent, and False returned."""
        with self._change:
            if time.monotonic() < self._rests_until:
                return False
            self._waiting[pk] = queue
            if self._thread is None:
                self._thread = threading.Thread(target=self._hand_over, name="doorbell", daemon=True)
                self._thread.start()
            self._change.notify_all()
            return True

    def wait(self, seconds: float) -> bool:
        """Until all is handed over, or given up; False where it takes longer."""
        with self._change:
            return self._change.wait_for(lambda: not self._waiting and not self._sending, seconds)

    def _hand_over(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._waiting))
                pk = next(iter(self._waiting))
                queue, self._sending = self._waiting.pop(pk), True
            failed = False
            try:
                self._send(pk, queue)
            except Exception as error:  # noqa: BLE001  whatever it is, no other thread rings
                failed = True
                log.warning(
                    "the broker does not answer; the sweeper will announce the run again",
                    run=pk,
                    error=f"{type(error).__name__}: {error}",
                )
            finally:
                with self._change:
                    self._sending = False
                    if failed:
                        self._waiting.clear()
                        self._rests_until = time.monotonic() + REST_SECONDS
                    self._change.notify_all()


def send(pk: int, queue: str) -> None:
    from workers.celery import app

    # Once more, at once: a connection that was kept may be of a broker that was started anew.
    again = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    app.send_task(TASK, (pk,), queue=queue, ignore_result=True, retry_policy=again)


bell = Doorbell(send)


def new_bell() -> None:
    global bell
    bell = Doorbell(send)


atexit.register(lambda: bell.wait(LAST_SECONDS))
os.register_at_fork(after_in_child=new_bell)  # a fork has no threads
