"""The site's cache: what it holds can always be made again, so that one that hangs or is down is no error."""

import json
import pickle
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any

import structlog
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.redis import RedisCache

log = structlog.get_logger(__name__)

REST_SECONDS = 10.0  # in which one that has failed is not asked again
_rests_until: dict[object, float] = {}  # of all threads of this process: each has a cache object of its own


class JsonSerializer:
    """Nothing that comes from the server is unpickled."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class Forgiving(BaseCache):
    """Reads and writes go past one that fails, and for some seconds do not even try."""

    errors: tuple[type[Exception], ...] = OSError, EOFError, zlib.error, pickle.PickleError  # full disks, torn files

    def __init__(self, location: Any, params: dict[str, Any]) -> None:
        super().__init__(location, params)  # type: ignore[call-arg]
        self._location = location

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, lambda: super(Forgiving, self).get(key, default, version))

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        self._or(None, lambda: super(Forgiving, self).set(key, value, *args, **options))

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        return bool(self._or(False, lambda: super(Forgiving, self).add(key, value, *args, **options)))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """0 where it does not answer: what is counted there is not limited then."""
        return int(self._or(0, lambda: super(Forgiving, self).incr(key, delta, version)))

    def _or(self, otherwise: Any, ask: Callable[[], Any]) -> Any:
        if time.monotonic() < _rests_until.get(self._location, 0.0):
            return otherwise
        try:
            return ask()
        except self.errors as error:
            _rests_until[self._location] = time.monotonic() + REST_SECONDS
            log.warning("the cache does not answer", error=str(error), asked_again_in=REST_SECONDS)
            return otherwise


class ForgivingRedisCache(Forgiving, RedisCache):
    @cached_property
    def errors(self) -> tuple[type[Exception], ...]:  # type: ignore[override]
        from redis.exceptions import RedisError  # needed where there is a server, and nowhere else

        return (RedisError, OSError)


class ForgivingFileCache(Forgiving, FileBasedCache):
    def _createdir(self) -> None:
        with suppress(OSError):  # a write says so, and is forgiven
            super()._createdir()  # type: ignore[misc]
