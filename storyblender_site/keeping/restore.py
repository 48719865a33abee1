"""Restoring a backup: all of it or nothing.

The files are copied beside the old ones first. Then one transaction replaces the rows, and notes the restore in the
audit log; once it is committed, the files take their places, which is a few renames. Who is killed before the commit
leaves the old site; after it, whoever comes next (`restores_finish`) finishes the renames.
"""

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Model

from annotations.audit.services import audit_write, this_shell
from annotations.errors import ConflictError, InputError
from annotations.models import AuditEntry, Campaign, Dataset, FeedbackSet
from annotations.plurals import listed
from annotations.progress import OnProgress, OnShare
from annotations.search.indexes import create_missing_indexes, drop_indexes
from annotations.storage.triggers import create_missing_triggers, drop_triggers
from storyblender_site.keeping.files import (
    STAGING,
    check_place,
    file_copy,
    file_digest,
    kept_entries,
    make_private,
    size_below,
)
from storyblender_site.keeping.manifest import FILES, MANIFEST, TABLES, Manifest, manifest_read
from storyblender_site.keeping.tables import (
    column_problem,
    kept_models,
    migrations_applied,
    sequences_reset,
    table_digest,
    table_fill,
    tables_empty,
)
from workers.models import Listener, Run

OF_A_SITE: dict[str, type[Model]] = {
    "datasets": Dataset,
    "campaigns": Campaign,
    "feedback_sets": FeedbackSet,
    "runs": Run,
    "accounts": User,
}
KEY = "secret_key"  # made at the first start
READ_SHARE = 0.2  # of the progress, when the files are read
OLD, LOCK, DONE = "old", "lock", "done-"


def backup_restore(*, folder: Path, replace: bool = False, watch: OnProgress) -> Manifest:
    """Make the site what it was when the backup was made. With `replace` what it holds now is given up.

    Raises InputError for a backup that is damaged or of another version, ConflictError for a site that holds something
    or is at work.
    """
    check_place(folder)
    restores_finish()
    manifest = manifest_read(folder)
    check_files(folder, manifest)
    if not migrations_applied():
        call_command("migrate", verbosity=0)
    check_version(folder, manifest)
    check_site(manifest, replace)
    staging = settings.VAR_DIR / STAGING / secrets.token_hex(8)
    with alone(staging):
        try:
            files_stage(folder, manifest, staging, lambda share: watch(READ_SHARE * share, "reading"))
            span = 1 - READ_SHARE
            rows_replace(folder, manifest, staging.name, lambda share, name: watch(READ_SHARE + span * share, name))
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        files_place(staging)
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises InputError where a file of the backup is missing or another's; their contents are compared on the way."""
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    if missing := sorted(manifest.files.keys() - there):
        raise InputError("", "is missing", "the backup is incomplete", where=folder / missing[0])
    if further := sorted(there - manifest.files.keys()):
        raise InputError("", "is not part of the backup", f"its {MANIFEST} does not list it", where=folder / further[0])
    for place, kept in manifest.files.items():
        if (size := (folder / place).stat().st_size) != kept.bytes:
            raise InputError(
                "", f"has {size:,} bytes instead of {kept.bytes:,}", "the backup is damaged", where=folder / place
            )


def check_version(folder: Path, manifest: Manifest) -> None:
    here = migrations_applied()
    if differing := sorted({*manifest.migrations} ^ {*here}):
        whose = "only the backup has" if differing[0] in manifest.migrations else "only this site has"
        raise InputError(
            "",
            f"was made by version {manifest.version}, whose database differs: {whose} {differing[0]}",
            "restore it with the version that made it, then update",
            where=folder,
        )
    tables = {f"{TABLES}/{model._meta.db_table}.jsonl": model for model in kept_models()}
    if differing := sorted(tables.keys() ^ {place for place in manifest.files if place.startswith(f"{TABLES}/")}):
        raise InputError("", f"{folder / differing[0]}: this table is only in the backup or only in this version")
    for place, model in tables.items():
        with (folder / place).open("rb") as lines:
            if problem := column_problem(model, lines.readline()):
                raise InputError(
                    "", problem, f"restore it with version {manifest.version} of the code", where=folder / place
                )


def check_site(manifest: Manifest, replace: bool) -> None:
    at_work = Listener.objects.alive().first()
    if at_work:
        raise ConflictError(
            "",
            f"the site is running ({at_work.name} sent a heartbeat at {at_work.seen_at:%H:%M:%S} UTC)",
            f"stop its processes, wait {settings.LISTENER_LOST_AFTER_SECONDS:.0f} seconds, then restore",
        )
    counts = {name: model._base_manager.count() for name, model in OF_A_SITE.items()}
    if any(counts.values()) and not replace:
        raise ConflictError("", f"the site is not empty: it contains {listed(counts)}", "--replace deletes them")
    there = kept_entries(settings.VAR_DIR, models=not manifest.without_models)
    if (files := [each.name for each in there if each.name != KEY and size_below(each)]) and not replace:
        raise ConflictError(
            "", f"holds {', '.join(files)}", "move them away, or delete them with --replace", where=settings.VAR_DIR
        )


@contextmanager
def alone(staging: Path) -> Iterator[None]:
    """Keep others from finishing or removing what is staged here."""
    make_private(staging)
    with (staging / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def files_stage(folder: Path, manifest: Manifest, staging: Path, watch: OnShare) -> None:
    """Verify every file of the backup, and copy those of `VAR_DIR` beside their places."""
    done, total = 0, max(manifest.size, 1)

    def read(size: int) -> None:
        nonlocal done
        done += size
        watch(done / total)

    for place, kept in manifest.files.items():
        if place.startswith(f"{FILES}/"):
            sha256, _ = file_copy(folder / place, staging / place, read)
        else:
            sha256 = file_digest(folder / place, read)
        if sha256 != kept.sha256:
            raise InputError(
                "", f"its SHA-256 does not match the {MANIFEST}", "the backup is damaged", where=folder / place
            )
    file_copy(folder / MANIFEST, staging / MANIFEST, read)


def rows_replace(folder: Path, manifest: Manifest, mark: str, watch: OnProgress) -> None:
    """Put the backup's rows in the place of all there are, in one transaction that ends only where they are the same.
    The audit log's entry of it bears the mark, by which a restore is known to be committed."""
    done, total = 0, max(2 * sum(each.bytes for place, each in manifest.files.items() if place.startswith(TABLES)), 1)

    def written(name: str, size: int) -> None:
        nonlocal done
        done += size
        watch(done / total, name)

    models = kept_models()
    with connection.constraint_checks_disabled(), transaction.atomic():
        drop_triggers(connection)
        drop_indexes(connection)
        tables_empty()
        for model in models:
            name = model._meta.db_table
            with (folder / TABLES / f"{name}.jsonl").open("rb") as lines:
                lines.readline()
                table_fill(model, lines, partial(written, name))
        sequences_reset()
        connection.check_constraints()
        for model in models:
            name = model._meta.db_table
            written(f"comparing {name}", manifest.files[f"{TABLES}/{name}.jsonl"].bytes)
            if table_digest(model) != manifest.files[f"{TABLES}/{name}.jsonl"].sha256:
                raise InputError(name, "the restored rows differ from those in the backup", "nothing was changed")
        create_missing_triggers(using=connection.alias)
        create_missing_indexes(using=connection.alias)
        shell = this_shell()
        audit_write(
            kind=AuditEntry.Kind.RESTORE,
            person=shell.user,
            shell=True,
            address=shell.address,
            about=f"backup {manifest.id}",
            detail=f"made {manifest.made_at}, restore {mark}",
        )
    ContentType.objects.clear_cache()


def files_place(staging: Path) -> None:
    """Let the staged files take their places; whoever was killed in here can begin again."""
    root: Path = settings.VAR_DIR
    manifest = manifest_read(staging)
    old = staging / OLD
    old.mkdir(exist_ok=True)
    entries = {Path(place).parts[1] for place in manifest.files if place.startswith(f"{FILES}/")}
    for path in kept_entries(root, models=not manifest.without_models):
        if path.name not in entries and path.name != KEY:
            path.rename(old / path.name)
    for name in sorted(entries):
        new, place = staging / FILES / name, root / name
        if new.exists():
            if place.exists():
                place.rename(old / name)
            new.rename(place)
    done = staging.with_name(f"{DONE}{staging.name}")
    staging.rename(done)
    shutil.rmtree(done)


def restores_finish() -> None:
    """Finish the restores that were committed and whose process was killed before the files were in their places, and
    remove what others left that were killed before the commit."""
    for staging in sorted((settings.VAR_DIR / STAGING).glob("*")):
        if staging.name.startswith(DONE):
            shutil.rmtree(staging, ignore_errors=True)
            continue
        with (staging / LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # at work
                continue
            if committed(staging.name):
                files_place(staging)
            else:
                shutil.rmtree(staging, ignore_errors=True)


def committed(mark: str) -> bool:
    if not migrations_applied():
        return False
    return AuditEntry.objects.filter(kind=AuditEntry.Kind.RESTORE, detail__endswith=f"restore {mark}").exists()
