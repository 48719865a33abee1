"""Backup and restore: all that a site holds comes back, on either database, or nothing changes."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from annotations.models import AuditEntry, Campaign, FeedbackSet
from annotations.reports.keeping import report_freeze
from annotations.storage.triggers import missing_triggers
from benchmarks.keeping import new_site
from storyblender_site.keeping import backup, restore
from storyblender_site.keeping.files import kept_entries, unit_copy
from storyblender_site.keeping.tables import kept_models, table_digest
from tests.annotations.raters import Rater
from tests.factories import DatasetFactory, SystemFactory, make_campaign
from tests.site import ROOT
from workers.models import Checkpoint, Listener, RewardModel, Run

AUDIT = "tables/annotations_auditentry.jsonl"
transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def var_dir(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    (settings.VAR_DIR / "runs" / "r1" / "training" / "final").mkdir(parents=True)
    (settings.VAR_DIR / "runs" / "r1" / "training" / "final" / "model.safetensors").write_bytes(bytes(range(256)))
    (settings.VAR_DIR / "images").mkdir()
    (settings.VAR_DIR / "images" / "picture.jpg").write_bytes(b"a picture")
    (settings.VAR_DIR / "models" / "big").mkdir(parents=True)
    (settings.VAR_DIR / "models" / "big" / "weights").write_bytes(b"w" * 1000)
    (settings.VAR_DIR / "cache").mkdir()
    (settings.VAR_DIR / "cache" / "chart").write_bytes(b"made again")
    (settings.VAR_DIR / "secret_key").write_text("a key of the site's own")
    return Path(settings.VAR_DIR)


def rated_campaign() -> Campaign:
    campaign = make_campaign(captions=3, overlap=2).campaign
    for name in ("ann", None):
        rater = Rater(campaign, name)
        rater.submit(rater.next())
        rater.skip(rater.next())
    report_freeze(campaign=campaign, unblind=True)
    return campaign


def back_up(folder: Path, *options: str) -> dict[str, Any]:
    call_command("backup", "--out", str(folder), *options)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def digests() -> dict[str, str]:
    return {model._meta.db_table: table_digest(model) for model in kept_models() if model is not AuditEntry}


@transactional
def test_what_was_kept_comes_back_and_nothing_else_stays(var_dir: Path, tmp_path: Path) -> None:
    campaign = rated_campaign()
    before, manifest = digests(), back_up(tmp_path / "backup")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backup").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "backup"] if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
    assert manifest["counts"]["ratings"] == 4
    assert not any("chart" in place for place in manifest["files"])
    later = Rater(campaign)
    assert later.submit(later.next()).status_code == 201
    Campaign.objects.update(name="changed")
    (var_dir / "images" / "picture.jpg").write_bytes(b"another")
    (var_dir / "images" / "later.jpg").write_bytes(b"later")
    (var_dir / "uploads").mkdir()
    with pytest.raises(CommandError, match="not empty: it contains 1 dataset, 1 campaign; --replace"):
        call_command("restore", str(tmp_path / "backup"))
    call_command("restore", str(tmp_path / "backup"), "--replace", "--yes")
    assert digests() == before
    assert sorted(path.name for path in (var_dir / "images").iterdir()) == ["picture.jpg"]
    assert (var_dir / "images" / "picture.jpg").read_bytes() == b"a picture"
    assert not (var_dir / "uploads").exists()
    assert (var_dir / "cache" / "chart").exists()
    assert list((var_dir / "restoring").iterdir()) == []
    assert missing_triggers(connection) == []
    rater = Rater(Campaign.objects.get())  # the next rows have numbers of their own
    assert rater.submit(rater.next()).status_code == 201
    again = back_up(tmp_path / "again")["files"]
    assert again["files/runs/r1/training/final/model.safetensors"]["sha256"] == (
        "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880"  # of the bytes 0 to 255, by sha256sum
    )


@transactional
def test_a_backup_lies_where_no_restore_takes_it(var_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match="is under VAR_DIR, which is being backed up; under it, backups may only be in"
    ):
        back_up(var_dir / "kept")
    rated_campaign()
    first, second = var_dir / "backups" / "first", var_dir / "backups" / "second"
    back_up(first)
    manifest = back_up(second)
    assert not any("backups" in place for place in manifest["files"])
    kinds = AuditEntry.objects.filter(kind=AuditEntry.Kind.BACKUP).values_list("about", flat=True)
    assert f"backup {manifest['id']}" in kinds
    call_command("restore", str(second), "--replace", "--yes")
    assert (first / "manifest.json").exists()
    assert (second / "manifest.json").exists()


@transactional
def test_files_that_are_there_are_not_replaced_unasked(var_dir: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "backup")
    with pytest.raises(CommandError, match="holds images, models, runs; move them away, or delete them with --replace"):
        call_command("restore", str(tmp_path / "backup"))
    assert (var_dir / "images" / "picture.jpg").exists()


@pytest.mark.django_db
def test_a_database_of_another_name_is_no_file_of_a_backup(settings: Any, tmp_path: Path) -> None:
    for name in ("site.db", "site.db-wal", "kept"):
        (tmp_path / name).touch()
    settings.DATABASES = {"default": {**settings.DATABASES["default"], "NAME": str(tmp_path / "site.db")}}
    assert [path.name for path in kept_entries(tmp_path)] == ["kept"]


@transactional
def test_pretrained_models_stay_where_a_backup_leaves_them_out(var_dir: Path, tmp_path: Path) -> None:
    manifest = back_up(tmp_path / "backup", "--without-models")
    assert not any(place.startswith("files/models") for place in manifest["files"])
    call_command("restore", str(tmp_path / "backup"), "--replace", "--yes")
    assert (var_dir / "models" / "big" / "weights").exists()


def damaged(folder: Path) -> None:
    path = folder / "tables" / "annotations_campaign.jsonl"
    path.write_bytes(path.read_bytes().replace(b"slider", b"SLIDER"))


def shortened(folder: Path) -> None:
    with (folder / "files" / "images" / "picture.jpg").open("ab") as file:
        file.truncate(3)


def of_a_later_version(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest["migrations"].append("annotations.0002_later"))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


HARM: list[tuple[Callable[[Path], Any], str]] = [
    (damaged, r"annotations_campaign.jsonl: its SHA-256 does not match the manifest.json; the backup is damaged"),
    (shortened, r"picture.jpg: has 3 bytes instead of 9; the backup is damaged"),
    (lambda folder: (folder / "tables" / "annotations_rating.jsonl").unlink(), r"rating.jsonl: is missing"),
    (lambda folder: (folder / "files" / "more").write_text("x"), r"more: is not part of the backup"),
    (lambda folder: (folder / "manifest.json").unlink(), r"is not a backup: it has no manifest.json"),
    (lambda folder: (folder / "manifest.json").write_text("{"), r"is not the manifest of a backup"),
    (of_a_later_version, r"whose database differs: only the backup has annotations.0002_later"),
    (lambda folder: rewrite(folder, lambda read: read.update(format=9)), r"has format 9; this version reads"),
    (
        lambda folder: rewrite(folder, lambda read: read["files"].update({"../x": {"sha256": "", "bytes": 1}})),
        r"names '../x', which is outside the backup",
    ),
]


@transactional
def test_a_backup_that_is_not_whole_or_of_another_version_changes_nothing(var_dir: Path, tmp_path: Path) -> None:
    rated_campaign()
    back_up(tmp_path / "backup")
    before = digests()
    for number, (harm, message) in enumerate(HARM):
        folder = tmp_path / f"harmed{number}"
        shutil.copytree(tmp_path / "backup", folder)
        harm(folder)
        with pytest.raises(CommandError, match=message) as refused:
            call_command("restore", str(folder), "--replace", "--yes")
        assert "\n" not in str(refused.value)
    assert digests() == before
    assert (var_dir / "images" / "picture.jpg").read_bytes() == b"a picture"
    assert missing_triggers(connection) == []


@transactional
def test_a_restore_waits_for_a_site_that_is_stopped(var_dir: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "backup")
    Listener.objects.create(name="host:1", queues=["cpu"], seen_at=timezone.now())
    with pytest.raises(CommandError, match=r"the site is running \(host:1 "):
        call_command("restore", str(tmp_path / "backup"), "--replace", "--yes")


@transactional
def test_a_restore_that_fails_or_is_killed_leaves_the_old_site_or_the_new_one(
    var_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the commit the old one; after it the next start finishes the new one. (A killed process is one that does
    not clean up: the staged files are as they were.)"""
    campaign = rated_campaign()
    back_up(tmp_path / "backup")
    Campaign.objects.update(name="changed")
    (var_dir / "images" / "picture.jpg").write_bytes(b"another")
    before = digests()

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(restore, "sequences_reset", kill)  # in the middle of the transaction
        patch.setattr(restore.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            call_command("restore", str(tmp_path / "backup"), "--replace", "--yes")
    assert digests() == before
    assert missing_triggers(connection) == []
    assert len(list((var_dir / "restoring").iterdir())) == 1
    call_command("migrate", verbosity=0)
    assert list((var_dir / "restoring").iterdir()) == []
    assert (var_dir / "images" / "picture.jpg").read_bytes() == b"another"

    with monkeypatch.context() as patch:
        patch.setattr(restore, "files_place", kill)  # the rows are committed
        with pytest.raises(Killed):
            call_command("restore", str(tmp_path / "backup"), "--replace", "--yes")
    assert Campaign.objects.get().name == campaign.name
    assert (var_dir / "images" / "picture.jpg").read_bytes() == b"another"
    call_command("migrate", verbosity=0)
    assert (var_dir / "images" / "picture.jpg").read_bytes() == b"a picture"
    assert list((var_dir / "restoring").iterdir()) == []


@transactional
def test_a_backup_says_which_checkpoint_is_lost(var_dir: Path, tmp_path: Path) -> None:
    run = Run.objects.create(kind="train")
    there = "runs/r1/training/final"
    sha256 = "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880"
    Checkpoint.objects.create(run=run, system=SystemFactory(), directory=there, sha256=sha256, size_bytes=256)
    assert back_up(tmp_path / "whole")["lost"] == []
    (var_dir / there / "model.safetensors").unlink()
    assert back_up(tmp_path / "without")["lost"] == [there]
    with pytest.raises(CommandError, match="already exists; name a new folder"):
        call_command("backup", "--out", str(tmp_path / "without"))


@transactional
def test_a_backup_says_which_reward_model_is_lost(var_dir: Path, tmp_path: Path) -> None:
    run, row = (
        Run.objects.create(kind="reward"),
        FeedbackSet.objects.create(name="liked", dataset=DatasetFactory(), settings={}),
    )
    there = var_dir / "runs" / "r2" / "reward-1"
    there.mkdir(parents=True)
    (there / "head.safetensors").write_bytes(b"a head")
    RewardModel.objects.create(
        name="warm", run=run, feedback_set=row, dataset=row.dataset, directory="runs/r2/reward-1", agreement={},
        sha256=hashlib.sha256(b"a head").hexdigest(), size_bytes=6,
    )  # fmt: skip
    assert back_up(tmp_path / "whole")["lost"] == []
    (there / "head.safetensors").write_bytes(b"another head")
    assert back_up(tmp_path / "altered")["lost"] == ["runs/r2/reward-1"]


def test_a_copied_checkpoint_is_whole_while_others_take_its_place(tmp_path: Path) -> None:
    """A training saves by renames: the copy holds a checkpoint of one step alone, and at least one."""
    training, stop = tmp_path / "runs" / "r" / "training", threading.Event()
    training.mkdir(parents=True)

    def save() -> None:
        step = 0
        while not stop.is_set():
            step += 1
            writing = training / ".writing-step"
            writing.mkdir()
            for name in ("a", "b", "c"):
                (writing / name).write_text(str(step))
            writing.rename(training / f"step-{step}")
            for old in training.glob("step-*"):
                if old.name != f"step-{step}":
                    gone = training / f".writing-{old.name}"
                    old.rename(gone)
                    shutil.rmtree(gone)
            time.sleep(0.001)

    thread = threading.Thread(target=save)
    thread.start()
    try:
        while not list(training.glob("step-*")):
            time.sleep(0.001)
        for n in range(20):
            places = unit_copy(tmp_path / "runs" / "r", tmp_path, tmp_path / f"copy{n}", lambda _: None)
            steps = {Path(place).parent.name for place in places}
            assert steps
            for step in steps:
                folder = tmp_path / f"copy{n}" / "runs" / "r" / "training" / step
                assert {path.read_text() for path in folder.iterdir()} == {step.removeprefix("step-")}
                assert len(list(folder.iterdir())) == 3
    finally:
        stop.set()
        thread.join()


@transactional
@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's one file")
def test_writers_go_on_while_a_backup_is_made_and_no_write_of_theirs_is_half_in_it(
    var_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes two rows before each table is read waits for nobody, and none of them is in it."""
    rated_campaign()
    whole, writes = backup.table_write, []
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)) as own:

        def beside(*args: Any) -> Any:
            own.execute("BEGIN IMMEDIATE")
            own.execute(
                "INSERT INTO annotations_dataset (name, created_at, rewritten)"
                " SELECT hex(randomblob(8)), '2026-01-01', '{}'"
            )
            own.execute("INSERT INTO auth_group (name) SELECT hex(randomblob(8))")
            own.execute("COMMIT")
            writes.append(args)
            return whole(*args)

        monkeypatch.setattr(backup, "table_write", beside)
        back_up(tmp_path / "backup")
    for name in ("auth_group", "annotations_dataset"):
        lines = (tmp_path / "backup" / "tables" / f"{name}.jsonl").read_bytes().splitlines()
        assert len(lines) == 2, "the names of the columns, and the row that was there before"
    assert len(writes) > 10


@transactional
@pytest.mark.once
def test_a_site_moves_to_postgresql_and_a_killed_restore_leaves_nothing(var_dir: Path, tmp_path: Path) -> None:
    server = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")
    try:
        psycopg.connect(server.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer")
    rated_campaign()
    before = back_up(tmp_path / "backup")["files"]
    second = new_site(tmp_path / "second", server)
    try:
        with psycopg.connect(second.env["DATABASE_URL"], autocommit=True) as own:
            command = [sys.executable, "manage.py", "restore", str(tmp_path / "backup")]
            killed = subprocess.Popen(command, cwd=ROOT, env=second.env, start_new_session=True)
            at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
            while not own.execute(at_work).fetchone()[0]:  # type: ignore[index]
                assert killed.poll() is None
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
            assert own.execute("SELECT count(*) FROM annotations_dataset").fetchone() == (0,)
            assert second.manage("restore", str(tmp_path / "backup"))["ratings"] == 4
            second.manage("backup", "--out", str(tmp_path / "again"))
            after = json.loads((tmp_path / "again" / "manifest.json").read_text())["files"]
            assert {place for place in {*before, *after} if before.get(place) != after.get(place)} == {AUDIT}
            following = "SELECT nextval(pg_get_serial_sequence('annotations_rating', 'id')) - max(id) FROM {}"
            assert own.execute(following.format("annotations_rating")).fetchone() == (1,)
            for change in ("DELETE FROM annotations_rating", "UPDATE annotations_rating SET seconds = 1"):
                with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="ratings are never"):
                    own.execute(change)
    finally:
        second.close()
