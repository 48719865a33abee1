"""Fixtures of every test. Nothing here stands in for a part of the system."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from annotations.storage.triggers import create_missing_triggers
from benchmarks.common import DATA
from tests.site import Site
from tests.triggers import triggers_drop

# On a busy machine an example may take long: that says nothing of the code.
hypothesis_settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any-machine")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What asks for no database is pure: `make quick` runs it, and the pass on PostgreSQL and Redis leaves it out.

    Tests that wait for processes of their own site come first, so that two processes of pytest end at about the same
    time.
    """
    pure = {item for item in items if not needs_database(item)}
    for item in pure:
        item.add_marker("pure")
    if "DATABASE_URL" in os.environ:
        config.hook.pytest_deselected(items=pure)
        items[:] = [item for item in items if item not in pure]
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
    if not DATA.is_dir():
        pytest.skip(f"real data is not at {DATA}: set STORYBLENDER_DATA to its folder")
    return DATA


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty site of its own; the test starts the processes it wants."""
    made = Site(tmp_path, RUN_HEARTBEAT_SECONDS="0.5", RUN_LOST_AFTER_SECONDS="5", SWEEP_EVERY_SECONDS="0.5")
    yield made
    made.close()
