"""Ratings and kept reports are never changed, deleted or replaced: the database itself refuses every way there is, and
a check says when it would not."""

import uuid
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction

from annotations.models import Rating, Report
from annotations.storage.triggers import POSTGRESQL_FUNCTION, create_missing_triggers, missing_triggers
from tests.annotations.raters import Rater
from tests.factories import make_campaign
from tests.triggers import every_trigger, triggers_drop

pytestmark = pytest.mark.django_db

POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def kept() -> None:
    """A rating and a kept report."""
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    rater.submit(rater.next())
    Report.objects.create(campaign=campaign, revision="r", look=1, content=b"{}", sha256="0" * 64)
    connection.check_constraints()  # those of PostgreSQL that wait for the end of the transaction


def refused(change: Callable[[], object]) -> str:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    return str(caught.value)


def execute(statement: str) -> Callable[[], object]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def test_a_rating_cannot_be_changed_or_deleted(kept: None) -> None:
    for change in (
        lambda: Rating.objects.update(seconds=1),
        lambda: Rating.objects.all()._raw_delete("default"),
    ):
        assert "ratings are never" in refused(change)
    assert Rating.objects.get().seconds == 3.5
    for wrong in ({"revision": 0}, {"kind": "maybe"}, {"seconds": -1}, {"revision": 1}):
        values = {"revision": 2, "kind": "answer", "seconds": 1} | wrong
        with pytest.raises(IntegrityError), transaction.atomic():
            Rating.objects.create(assignment=Rating.objects.get().assignment, key=uuid.uuid4(), body_hash="x", **values)


def test_a_kept_report_stays_as_it_was_made(kept: None) -> None:
    for change in (lambda: Report.objects.update(content=b"{}"), lambda: Report.objects.all().delete()):
        assert "kept reports are never" in refused(change)
    Report.objects.update(revision="another of the same numbers")


def rows_of(table: str) -> tuple[list[str], list[tuple[object, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return [column[0] for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("table", ["annotations_rating", "annotations_report"])
def test_rows_are_not_replaced_or_emptied(kept: None, table: str) -> None:
    """By statements that go past triggers on update and delete: TRUNCATE, and what replaces a row that is in the way of
    a new one, in whichever of its unique columns."""
    columns, before = rows_of(table)
    if POSTGRESQL:
        ways = [
            f"TRUNCATE {table} CASCADE",
            "TRUNCATE annotations_campaign CASCADE",
            f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET created_at = now()",
        ]
    else:
        others = {"id": "id + 1", "key": "'x'", "revision": "9", "sha256": "'x'", "look": "2"}
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, table).values()
        unique = [each["columns"] for each in constraints if each["unique"] or each["primary_key"]]
        assert len(unique) == 3
        ways = [f"UPDATE OR REPLACE {table} SET id = id"]
        for group in unique:  # the row agrees with the old one in these alone
            values = ", ".join(name if name in group else others.get(name, name) for name in columns)
            ways += [f"{verb} INTO {table} SELECT {values} FROM {table}" for verb in ("INSERT OR REPLACE", "REPLACE")]
    for way in ways:
        assert " are never " in refused(execute(way)), way
    assert rows_of(table) == (columns, before)


def test_flush_is_refused_while_there_are_ratings(kept: None) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("flush", interactive=False, verbosity=0)
    assert " are never deleted" in str(caught.value.__cause__)
    assert Rating.objects.count() == 1


def test_no_migration_drops_them(kept: None) -> None:
    with pytest.raises(CommandError, match="would drop annotations_rating with its 1 rows"):
        call_command("migrate", "annotations", "zero", verbosity=0)
    assert Rating.objects.count() == 1


def test_a_missing_trigger_fails_the_check_and_migrate_makes_it_again() -> None:
    assert missing_triggers(connection) == []
    triggers_drop()
    assert missing_triggers(connection) == [trigger.name for trigger in every_trigger()]
    with pytest.raises(SystemCheckError, match=r"annotations\.E001"):
        call_command("check", databases=["default"])
    create_missing_triggers(using="default")
    assert missing_triggers(connection) == []
    call_command("check", databases=["default"])


def test_a_changed_trigger_is_made_anew() -> None:
    """As where another release declared it otherwise."""
    names = [trigger.name for trigger in every_trigger()]
    trigger = next(trigger for trigger in every_trigger() if trigger.name == "rating_no_update")
    on_table = f" ON {trigger.table}" if POSTGRESQL else ""
    execute(f"DROP TRIGGER {trigger.name}{on_table}")()
    execute(trigger.create.replace("ratings are never", "ratings are seldom"))()
    assert missing_triggers(connection) == [trigger.name]
    create_missing_triggers(using="default")
    assert missing_triggers(connection) == []
    if POSTGRESQL:
        execute(POSTGRESQL_FUNCTION.replace("IF filled", "IF false"))()
        assert missing_triggers(connection) == names
        create_missing_triggers(using="default")
        assert missing_triggers(connection) == []
