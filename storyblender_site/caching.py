"""The site's cache on Redis: what it holds can always be made again, so that a server that is down is no error."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache

log = structlog.get_logger(__name__)


class JsonSerializer:
    """Nothing that comes from the server is unpickled."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class ForgivingRedisCache(RedisCache):
    """Reads and writes go past a server that does not answer."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        self._or(None, lambda: super(ForgivingRedisCache, self).set(key, value, *args, **options))

    def _or(self, otherwise: Any, ask: Callable[[], Any]) -> Any:
        from redis.exceptions import RedisError

        try:
            return ask()
        except RedisError as error:
            log.warning("the cache does not answer", error=str(error))
            return otherwise
