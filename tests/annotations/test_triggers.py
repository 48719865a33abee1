"""Ratings are never updated or deleted: the database itself refuses, and a check says when it would not."""

import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction

from annotations.models import Rating
from annotations.triggers import TABLE, create_missing_triggers, missing_triggers
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def test_a_rating_cannot_be_changed_or_deleted() -> None:
    rater = Rater(make_campaign().campaign)
    rater.submit(rater.next())
    for change in (
        lambda: Rating.objects.update(seconds=1),
        lambda: Rating.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="ratings are never"), transaction.atomic():
            change()
    assert Rating.objects.get().seconds == 3.5
    for wrong in ({"revision": 0}, {"kind": "maybe"}, {"seconds": -1}, {"revision": 1}):
        values = {"revision": 2, "kind": "answer", "seconds": 1} | wrong
        with pytest.raises(IntegrityError), transaction.atomic():
            Rating.objects.create(assignment=Rating.objects.get().assignment, key=uuid.uuid4(), body_hash="x", **values)


def test_a_missing_trigger_fails_the_check_and_migrate_makes_it_again() -> None:
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER rating_no_delete{on_table}")
    assert missing_triggers(connection) == ["rating_no_delete"]
    with pytest.raises(SystemCheckError, match=r"annotations\.E001"):
        call_command("check", databases=["default"])
    create_missing_triggers(using="default")
    assert missing_triggers(connection) == []
    call_command("check", databases=["default"])
