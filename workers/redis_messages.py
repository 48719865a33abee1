"""Messages of Redis; see workers.messages."""

from queue import Empty
from typing import Any

from kombu.transport import redis
from redis.exceptions import RedisError

from workers.messages import Transport, drop


class RedisChannel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        before = self.connection.delivered
        try:
            return super()._brpop_read(**options)
        except (Empty, OSError, RedisError):
            raise
        except Exception as error:
            if self.connection.delivered != before:  # it was read, and went wrong later
                raise
            drop(" or ".join(self.active_queues), f"{type(error).__name__}: {error}")
            return True

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        return True  # what workers tell each other rings for no run


class RedisTransport(Transport, redis.Transport):
    Channel = RedisChannel
