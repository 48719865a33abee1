"""What comes from the broker, checked before Celery sees it: a message that is not a doorbell's is said in one line and
dropped. Nothing is lost by that, since the run's row is the truth and the sweeper rings again.

kombu and Celery hand on whatever they read, and a worker dies of what they cannot make sense of. Here is what both
brokers have in common, and the message folder; Redis has a module of its own, whose client takes memory.
"""

import base64
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

import structlog
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps

from texts.limits import shown

log = structlog.get_logger(__name__)
SECONDS_PER_LOOK = 0.5


def drop(queue: str, problem: str) -> None:
    log.warning(
        "dropped a damaged broker message; the sweeper will announce the run again", queue=queue, problem=problem
    )


def envelope_problem(payload: Any) -> str | None:
    """Why kombu could not make a message of what it read, if it could not."""
    if not isinstance(payload, dict):
        return f"{shown(payload)} is not an object"
    properties, headers, body = payload.get("properties"), payload.get("headers"), payload.get("body")
    if not isinstance(properties, dict) or not isinstance(headers, dict):
        return "it has no properties or no headers"
    if not isinstance(properties.get("delivery_tag"), str):
        return "it has no delivery tag"
    there = properties.get("delivery_info")
    if not isinstance(there, dict) or not all(isinstance(there.get(key), str) for key in ("exchange", "routing_key")):
        return "it does not say where it was delivered"
    if not isinstance(body, str) or properties.get("body_encoding") != "base64":
        return "its body is not base64"
    try:
        base64.b64decode(body)
    except ValueError:
        return "its body is not base64"
    return "it is compressed" if headers.get("compression") else None


class Transport(virtual.Transport):
    """Of either broker below."""

    delivered = 0  # messages that were handed on so far

    def _deliver(self, message: Any, queue: str) -> None:
        if problem := envelope_problem(message):
            drop(queue, problem)
        else:
            self.delivered += 1
            super()._deliver(message, queue)


class FolderChannel(filesystem.Channel):
    """Messages as files, each written whole. Where they go is in their names: there are no tables of exchanges."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        file = Path(self.data_folder_out) / f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg"
        draft = file.with_suffix(".draft")
        draft.write_text(dumps(payload))
        draft.replace(file)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        while True:
            try:
                return super()._get(queue)
            except (Empty, OSError):
                raise
            except Exception as error:  # noqa: BLE001  whatever its parser makes of a file, that is gone by now
                drop(queue, f"{type(error).__name__}: {error}")

    def _queue_bind(self, *args: Any) -> None:
        pass

    def get_table(self, exchange: str) -> list[Any]:
        return []


class FolderTransport(Transport, filesystem.Transport):
    Channel = FolderChannel

    def drain_events(self, connection: Any, timeout: float | None = None, **options: Any) -> None:
        """For so short a time that a worker which is told to stop does so soon."""
        super().drain_events(
            connection, timeout=SECONDS_PER_LOOK if timeout is None else min(timeout, SECONDS_PER_LOOK)
        )
