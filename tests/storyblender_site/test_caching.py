"""The cache holds JSON on Redis, and one that fails costs a drawing, not a page."""

import pickle
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyblender_site import caching
from storyblender_site.caching import ForgivingFileCache, ForgivingRedisCache, JsonSerializer

pytestmark = pytest.mark.once
NOBODY = "redis://127.0.0.1:1/0"
OPTIONS = {"serializer": JsonSerializer, "socket_timeout": 0.25, "socket_connect_timeout": 0.25}


@pytest.fixture(autouse=True)
def _well_rested() -> None:
    caching._rests_until.clear()


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and never answers, as one that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_server_that_is_down_is_no_error() -> None:
    cache = ForgivingRedisCache(NOBODY, {"OPTIONS": OPTIONS})
    cache.set("charts", {"means": "<svg/>"}, 60)
    assert cache.get("charts") is None
    assert cache.get("charts", "drawn again") == "drawn again"


def test_a_server_that_hangs_is_asked_once_and_then_left_alone(hanging: str) -> None:
    began = time.monotonic()
    for _ in range(50):
        assert ForgivingRedisCache(hanging, {"OPTIONS": OPTIONS}).get("charts", "drawn again") == "drawn again"
    assert time.monotonic() - began < 3


def test_a_torn_file_is_no_error(tmp_path: Path) -> None:
    cache = ForgivingFileCache(str(tmp_path), {})
    cache.set("charts", {"means": "<svg/>" * 100})
    assert cache.get("charts") == {"means": "<svg/>" * 100}
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    assert cache.get("charts", "drawn again") == "drawn again"


def test_a_folder_that_cannot_be_written_is_no_error() -> None:
    cache = ForgivingFileCache("/proc/storyblender-cache", {})
    cache.set("charts", {"means": "<svg/>"})
    assert cache.get("charts", "drawn again") == "drawn again"


def test_nothing_is_unpickled() -> None:
    serializer = JsonSerializer()
    charts = {"means:fluency": "<svg>ü−</svg>"}
    assert serializer.loads(serializer.dumps(charts)) == charts
    with pytest.raises(ValueError):
        serializer.loads(pickle.dumps(charts))
