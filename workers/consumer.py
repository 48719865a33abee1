"""What a worker does with a message, of any broker: it rings for a run, or is said in one line and dropped."""

import json
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.consumer.consumer import logger
from kombu.message import Message

from texts.limits import shown
from workers.messages import drop
from workers.tasks import execute_run

MAX_KEY = 2**63 - 1


def message_problem(message: Message) -> str | None:
    """Why a message rings for no run, if it does not."""
    if message.headers.get("task") != execute_run.name:
        return f"{shown(message.headers.get('task'))} is not a known task"
    if not isinstance(message.headers.get("id"), str):
        return "it has no id"
    if (message.content_type, message.content_encoding) != ("application/json", "utf-8"):
        return f"{shown(message.content_type)} in {shown(message.content_encoding)} is not supported"
    try:
        args, options, _ = json.loads(message.body)
        (pk,) = args
    except (ValueError, TypeError, RecursionError):
        return "its body does not hold the arguments of a task"
    if options != {} or type(pk) is not int or not 0 < pk <= MAX_KEY:
        return f"{shown(args)} is not the primary key of a run"
    return None


class RunConsumer(Consumer):
    """Of the headers only what names the task is kept: Celery would heed times, limits and callbacks as well."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], None]:
        handle = super().create_task_handler(*args, **kwargs)

        def on_message(message: Message) -> None:
            if problem := message_problem(message):
                self.drop(message, problem)
            else:
                message.headers = {key: message.headers[key] for key in ("task", "id")}
                handle(message)

        return on_message

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        self.drop(message, f"{type(exc).__name__}: {exc}")

    def drop(self, message: Message, problem: str) -> None:
        drop(str(message.delivery_info.get("routing_key")), problem)
        message.ack_log_error(logger, self.connection_errors)
