"""Who builds on a dataset while it is being removed waits for the removal, and then finds nothing to build on."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from annotations import models
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import InputError
from annotations.removal.services import Removable, removal_begin
from annotations.systems.services import decoding_begin
from tests.factories import CaptionFactory, DatasetFactory, DecodingFactory, ImportFactory, OutputFactory, SystemFactory

SPEC = {
    **{"name": "late", "purpose": "evaluation", "dataset": "beach", "split": "test", "systems": ["lstm"]},
    **{"criteria": ["fluency"], "items": 1, "overlap": 1},
}


def imported_outputs() -> models.Decoding:
    """Of one caption, all by one import."""
    dataset = DatasetFactory(name="beach")
    row = ImportFactory(dataset=dataset)
    decoding = DecodingFactory(dataset=dataset, system=SystemFactory(name="lstm"), imported_by=row)
    OutputFactory(decoding=decoding, source=CaptionFactory(photo__album__dataset=dataset, photo__album__split="test"))
    return decoding


def create(decoding: models.Decoding) -> None:
    campaign_create(spec=CampaignSpec.from_mapping(SPEC))


def decode(decoding: models.Decoding) -> None:
    decoding_begin(
        system=decoding.system, dataset=decoding.dataset, split="test", settings={"beam": 4}, fingerprint="4" * 64
    )


def wait_for_a_lock(seconds: float = 10.0) -> None:
    """Until another connection waits for one of ours."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone():
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite transactions that write take turns anyway")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("removed", "build"),
    [("dataset", create), ("imported_by", create), ("system", decode)],
)
def test_a_removal_and_what_builds_on_it_take_turns(removed: str, build: Callable[[models.Decoding], None]) -> None:
    decoding = imported_outputs()
    target: Removable = getattr(decoding, removed)
    came: list[BaseException | None] = []

    def beside() -> None:
        try:
            build(decoding)
            came.append(None)
        except InputError as error:
            came.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=beside)
    with transaction.atomic():
        removal_begin(target=target)
        thread.start()
        wait_for_a_lock()
    thread.join()
    assert isinstance(came[0], InputError)
    assert not models.Campaign.objects.exists()
    assert models.Decoding.objects.get() == decoding
