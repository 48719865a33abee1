"""The clocks of hosts may be wrong, and any clock may be set anew: what is alive stays, what is dead is requeued."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.leases import leases_release_expired
from annotations.storage.clock import database_now, from_now
from tests.annotations.raters import Rater
from tests.factories import make_campaign
from workers import sweeping
from workers.heartbeats import HeartbeatWatch
from workers.lifecycle import Claim, run_claim
from workers.listeners import listener_beat, unheard_queues
from workers.models import Listener, Run

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)

Ahead = Callable[[timedelta], None]


@pytest.fixture
def host_clock(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    """Puts this host's clock, as Python reads it, ahead of the database's."""
    right = timezone.now

    def ahead(by: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: right() + by)

    return ahead


def queued() -> Run:
    return Run.objects.create(kind="score", config={})


@pytest.mark.parametrize("off", [timedelta(seconds=-45), -HOUR, HOUR])
def test_a_live_run_of_a_host_with_a_wrong_clock_is_left_alone(host_clock: Ahead, off: timedelta) -> None:
    host_clock(off)
    claim = run_claim(queued().pk)
    assert claim is not None
    claim.beat()
    Run.objects.update(claimed_by="another-host:1")
    host_clock(timedelta())
    assert sweeping.sweep()["requeued"] == 0
    assert abs(Run.objects.get().heartbeat_at - database_now()) < timedelta(seconds=20)


def test_a_dead_run_of_a_host_with_a_clock_ahead_is_requeued(host_clock: Ahead, settings: Any) -> None:
    settings.RUN_LOST_AFTER_SECONDS = 0.0
    host_clock(HOUR)
    assert run_claim(queued().pk)
    Run.objects.update(claimed_by="another-host:1")
    host_clock(timedelta())
    assert sweeping.sweep()["requeued"] == 1


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_a_worker_with_a_wrong_clock_is_heard(host_clock: Ahead, off: timedelta) -> None:
    queued()
    host_clock(off)
    listener_beat(name="another-host:1", queues=["cpu"])
    host_clock(timedelta())
    assert unheard_queues() == {}


def test_a_lease_lasts_as_long_whichever_host_gave_it(host_clock: Ahead) -> None:
    """Given by one host, swept by another, whose clock is an hour behind or ahead."""
    rater = Rater(make_campaign().campaign)
    for off in (HOUR, -HOUR):
        host_clock(off)
        rater.next()
        left = models.Assignment.objects.get().leased_until - database_now()
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)
        host_clock(-off)
        assert leases_release_expired() == 0


class Rounds:
    """A sweeper's rounds, five seconds from one to the next by its own clock."""

    def __init__(self) -> None:
        self.at = 0.0
        self.watch = HeartbeatWatch(longest_gap=15.0, now=lambda: self.at)

    def sweep(self, rounds: int, beat: Callable[[], object] = lambda: None) -> int:
        """How many runs were requeued."""
        requeued = 0
        for _ in range(rounds):
            self.at += 5.0
            beat()
            requeued += sweeping.sweep(self.watch)["requeued"]
        return requeued


@pytest.fixture
def claim() -> Claim:
    claim = run_claim(queued().pk)
    assert claim is not None
    Run.objects.update(claimed_by="another-host:1")
    return claim


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_the_clock_of_the_database_is_set_anew_by_an_hour(claim: Claim, jump: int) -> None:
    rounds = Rounds()
    assert rounds.sweep(3, claim.beat) == 0
    Run.objects.update(heartbeat_at=from_now(-jump))  # what was written before the jump, as it looks after it
    assert rounds.sweep(1) == 0
    assert rounds.sweep(10, claim.beat) == 0, "it beats"
    Run.objects.update(heartbeat_at=from_now(-jump))
    assert rounds.sweep(12) == 1, "it beats no more"


def test_a_sweeper_that_could_not_look_gives_hearts_time_to_beat(claim: Claim) -> None:
    rounds = Rounds()
    rounds.sweep(2, claim.beat)
    rounds.at += 3600.0  # the machine was suspended, or the database away, and no heartbeat came
    assert rounds.sweep(1) == 0
    assert rounds.sweep(10, claim.beat) == 0


def test_a_silent_run_is_requeued_after_half_a_minute(claim: Claim) -> None:
    rounds = Rounds()
    assert rounds.sweep(2, claim.beat) == 0
    assert rounds.sweep(5) == 0
    assert rounds.sweep(2) == 1
    assert "stopped sending heartbeats" in Run.objects.get().message


def test_a_beat_from_the_future_is_no_sign_of_life(claim: Claim) -> None:
    Run.objects.update(heartbeat_at=from_now(3600))
    listener_beat(name="another-host:1", queues=["cpu"])
    Listener.objects.update(seen_at=from_now(3600))
    assert not Listener.objects.alive()
    assert sweeping.sweep()["requeued"] == 1


def test_a_time_read_equals_the_time_written() -> None:
    """SQLite compares text."""
    for _ in range(3):
        run = queued()
        Run.objects.filter(pk=run.pk).update(heartbeat_at=from_now())
        assert Run.objects.filter(pk=run.pk, heartbeat_at=Run.objects.get(pk=run.pk).heartbeat_at).exists()


def test_nothing_in_the_database_goes_by_a_hosts_clock() -> None:
    """A preregistration's date is written into a file, not into the database."""
    said = {
        str(file.relative_to(ROOT))
        for room in ("annotations", "workers")
        for file in (ROOT / room).rglob("*.py")
        if re.search(r"timezone\.now|datetime\.now|time\.time\(", file.read_text())
    }
    assert said == {"annotations/reports/views/reports.py", "annotations/management/commands/preregister.py"}
