"""A heart beats on a connection of its own, which does not see the rows that a test makes within its transaction."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_heartbeat_within_a_test(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600.0
