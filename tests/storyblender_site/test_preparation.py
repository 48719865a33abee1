"""A start that prepares quickly prepares as much: the same database, and a gzip form of every static file."""

import gzip
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from storyblender_site.preparation import prepare
from storyblender_site.static_files import GzipStaticFilesStorage
from tests.site import Site

pytestmark = pytest.mark.once  # of SQLite and of files


def schema(rows: list[tuple[str, str]]) -> dict[str, list[str]]:
    """What made each table, index and trigger, whatever the order of the columns."""
    return {name: sorted(filter(None, re.split(r", |[()\s]+", sql))) for name, sql in rows}


SCHEMA = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
APPLIED = "SELECT app, name FROM django_migrations ORDER BY app, name"


@pytest.mark.django_db
def test_an_empty_database_becomes_what_the_migrations_make(site: Site) -> None:
    """Those made the database of this test."""
    site.manage_plain("shell", "-v0", "-c", "from storyblender_site.preparation import database_update as make; make()")
    with closing(sqlite3.connect(site.var_dir / "storyblender.sqlite3")) as made, connection.cursor() as migrated:

        def both(query: str) -> tuple[list[Any], list[Any]]:
            return made.execute(query).fetchall(), migrated.execute(query).fetchall()

        ours, theirs = map(schema, both(SCHEMA))
        assert len(ours) > 100
        assert ours == theirs
        ours_applied, theirs_applied = both(APPLIED)
        assert ours_applied == theirs_applied
        for table in connection.introspection.table_names():
            assert len(set(map(tuple, both(f'SELECT count(*) FROM "{table}"')))) == 1, table


@pytest.mark.django_db
def test_what_is_up_to_date_takes_no_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And triggers that went missing are made again."""
    called: list[str] = []
    name = connection.cursor().execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
    connection.cursor().execute(f"DROP TRIGGER {name}")
    monkeypatch.setattr("storyblender_site.preparation.call_command", lambda command, **options: called.append(command))
    prepare()
    assert called == ["collectstatic", "check"]
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name = %s"
    assert connection.cursor().execute(query, [name]).fetchone()


def test_only_what_changed_is_compressed(tmp_path: Path) -> None:
    storage = GzipStaticFilesStorage(location=tmp_path)
    for name in ("page.css", "page.js"):
        (tmp_path / name).write_text(name * 1000)
    paths = {"page.css": None, "page.js": None}
    assert {made for _, made, _ in storage.post_process(paths)} == {"page.css.gz", "page.js.gz"}
    assert list(storage.post_process(paths)) == []
    (tmp_path / "page.js").write_text("changed " * 1000)
    os.utime(tmp_path / "page.js", (1, 1))  # an older version was put back: it counts as changed all the same
    assert [made for _, made, _ in storage.post_process(paths)] == ["page.js.gz"]
    assert gzip.decompress((tmp_path / "page.js.gz").read_bytes()) == b"changed " * 1000
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".css", ".gz", ".gz", ".js"]
