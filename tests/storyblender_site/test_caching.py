"""The cache on Redis holds JSON, and a server that is down costs a drawing, not a page."""

import pickle

import pytest

from storyblender_site.caching import ForgivingRedisCache, JsonSerializer

NOBODY = "redis://127.0.0.1:1/0"


def test_a_server_that_is_down_is_no_error() -> None:
    cache = ForgivingRedisCache(NOBODY, {"OPTIONS": {"serializer": JsonSerializer}})
    cache.set("charts", {"means": "<svg/>"}, 60)
    assert cache.get("charts") is None
    assert cache.get("charts", "drawn again") == "drawn again"


def test_nothing_is_unpickled() -> None:
    serializer = JsonSerializer()
    charts = {"means:fluency": "<svg>ü−</svg>"}
    assert serializer.loads(serializer.dumps(charts)) == charts
    with pytest.raises(ValueError):
        serializer.loads(pickle.dumps(charts))
