"""Messages of Redis; see workers.messages."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis
from redis.exceptions import RedisError, ResponseError

from workers.messages import Transport, drop

log = structlog.get_logger(__name__)


class RedisChannel(redis.Channel):
    """Where messages go is in their keys: there are no tables of exchanges. What stands at a queue's key and is no list
    is somebody else's: it is kept under another name, and the queue goes on."""

    def _brpop_read(self, **options: Any) -> Any:
        before = self.connection.delivered
        try:
            return super()._brpop_read(**options)
        except (Empty, OSError):
            raise
        except RedisError as error:
            self.set_aside(self.active_queues, error)
            return True
        except Exception as error:
            if self.connection.delivered != before:  # it was read, and went wrong later
                raise
            drop(" or ".join(self.active_queues), f"{type(error).__name__}: {error}")
            return True

    def _size(self, queue: str) -> Any:
        return self.on_a_list(queue, lambda: super(RedisChannel, self)._size(queue))

    def _put(self, queue: str, message: Any, **options: Any) -> Any:
        return self.on_a_list(queue, lambda: super(RedisChannel, self)._put(queue, message, **options))

    def on_a_list(self, queue: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except ResponseError as error:
            self.set_aside([queue], error)
            return do()

    def set_aside(self, queues: Iterable[str], error: RedisError) -> None:
        """Raises the error again if it is of another cause."""
        if "WRONGTYPE" not in str(error):
            raise error
        keys = {self._q_for_pri(queue, step) for queue in queues for step in self.priority_steps}
        with self.conn_or_acquire() as client:
            for key in sorted(f"{self.global_keyprefix}{key}" for key in keys):
                kind = client.execute_command("TYPE", key).decode()
                if kind not in ("list", "none"):
                    aside = f"{key} {secrets.token_hex(4)}"
                    with suppress(ResponseError):  # another process was here first
                        client.execute_command("RENAME", key, aside)
                        log.warning("a queue key of the broker was not a list and was renamed", kind=kind, name=aside)

    def _queue_bind(self, *args: Any) -> None:
        pass

    def maybe_refresh_binding_expiry(self) -> None:
        pass

    def get_table(self, exchange: str) -> list[Any]:
        return []

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        return True  # what workers tell each other rings for no run


class RedisTransport(Transport, redis.Transport):
    Channel = RedisChannel
