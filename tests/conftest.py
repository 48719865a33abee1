"""Fixtures of every test. Nothing here stands in for a part of the system."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations.triggers import create_missing_triggers
from tests.site import Site
from tests.triggers import triggers_drop


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The pass on PostgreSQL and Redis leaves out what asks for no database: it is the same on every one. Tests that
    wait for processes of their own site come first, so that two processes of pytest end at about the same time."""
    if "DATABASE_URL" in os.environ:
        asking = {item: needs_database(item) for item in items}
        config.hook.pytest_deselected(items=[item for item in items if not asking[item]])
        items[:] = [item for item in items if asking[item]]
    items.sort(key=lambda item: "site" not in getattr(item, "fixturenames", ()))


def needs_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db") or {"db", "transactional_db", "site"}.intersection(fixtures))


@pytest.fixture(autouse=True)
def ratings_can_be_flushed(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test with real transactions ends in Django's flush, which the triggers refuse: lift them for it.

    `post_migrate`, which the flush sends, makes them again.
    """
    marker = request.node.get_closest_marker("django_db")
    transactional = "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if not transactional:
        yield
        return
    request.getfixturevalue("transactional_db")
    create_missing_triggers(using="default")
    yield
    triggers_drop()


@pytest.fixture
def staff() -> Client:
    """An admin's browser."""
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    return client


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the checkout (or `STORYBLENDER_DATA`); a test that reads it skips without it."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("STORYBLENDER_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}: set STORYBLENDER_DATA to its folder")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty site of its own; the test starts the processes it wants."""
    made = Site(tmp_path, RUN_HEARTBEAT_SECONDS="0.5", RUN_LOST_AFTER_SECONDS="5", SWEEP_EVERY_SECONDS="0.5")
    yield made
    made.close()
