"""Making a backup, while raters rate and workers work."""

import hashlib
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model

from annotations.audit.services import audit_note
from annotations.errors import ConflictError, InputError
from annotations.models import AuditEntry, Campaign, Dataset, Rater, Rating, Report
from annotations.progress import OnProgress
from storyblender_site.keeping.files import (
    check_place,
    kept_entries,
    make_private,
    private_file,
    size_below,
    unit_copy,
    units,
)
from storyblender_site.keeping.manifest import FILES, MANIFEST, TABLES, Kept, Manifest, key_mark, version
from storyblender_site.keeping.restore import restores_finish
from storyblender_site.keeping.tables import kept_models, migrations_applied, snapshot, table_lines
from workers.models import Checkpoint, RewardModel

COUNTED: dict[str, type[Model]] = {
    "datasets": Dataset,
    "campaigns": Campaign,
    "raters": Rater,
    "ratings": Rating,
    "reports": Report,
    "checkpoints": Checkpoint,
    "reward_models": RewardModel,
    "accounts": User,
}
WEIGHTS = "model.safetensors"  # of a checkpoint
HEAD = "head.safetensors"  # of a reward model
ROWS_SHARE = 0.6  # of the progress


def backup_make(*, folder: Path, models: bool = True, watch: OnProgress) -> Manifest:
    """Write a backup of the site as `folder`, which must not be there: it appears once it is whole.

    The rows are those of one moment, and the files are copied after it, so that a file which a row names is there.
    Raises InputError where the folder is there already or in the way, ConflictError where a checkpoint was removed
    meanwhile.
    """
    folder = folder.resolve()
    check_place(folder)
    if folder.exists():
        raise InputError("", "already exists", "name a new folder", where=folder)
    restores_finish()
    draft = folder.with_name(f".{folder.name}.part")
    if draft.exists():
        shutil.rmtree(draft)
    make_private(draft)
    try:
        manifest = written(draft, models, watch)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    audit_note(kind=AuditEntry.Kind.BACKUP, about=f"backup {manifest.id}", detail=f"{manifest.size / 1e6:.1f} MB")
    return manifest


def written(draft: Path, models: bool, watch: OnProgress) -> Manifest:
    kept: dict[str, Kept] = {}
    with snapshot():
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        counts = {name: model._base_manager.count() for name, model in COUNTED.items()}
        migrations = migrations_applied()
        weights = dict(
            Checkpoint.objects.filter(pruned_at=None).values_list("directory", "sha256").order_by("directory")
        )
        heads = dict(RewardModel.objects.values_list("directory", "sha256").order_by("directory"))
        tables = kept_models()
        sizes = {model: model._base_manager.count() for model in tables}
        done, total = 0, max(sum(sizes.values()), 1)
        for model in tables:
            name = model._meta.db_table
            watch(ROWS_SHARE * done / total, name)
            kept[f"{TABLES}/{name}.jsonl"] = table_write(model, draft / TABLES / f"{name}.jsonl")
            done += sizes[model]
    kept |= files_write(draft, models, watch)
    manifest = Manifest(
        id=secrets.token_hex(8),
        made_at=made_at,
        version=version(),
        database=connection.vendor,
        migrations=migrations,
        key=key_mark(),
        without_models=not models,
        counts=counts,
        lost=[*checkpoints_lost(weights, kept), *altered(heads, HEAD, kept)],
        files=kept,
    )
    with private_file(draft / MANIFEST) as out:
        out.write(manifest.as_json())
    return manifest


def table_write(model: type[Model], path: Path) -> Kept:
    digest, size, rows = hashlib.sha256(), 0, -1  # the first line is no row
    with private_file(path) as out:
        for line in table_lines(model):
            digest.update(line)
            out.write(line)
            size, rows = size + len(line), rows + 1
    return Kept(digest.hexdigest(), size, rows)


def files_write(draft: Path, models: bool, watch: OnProgress) -> dict[str, Kept]:
    root: Path = settings.VAR_DIR
    entries = kept_entries(root, models=models)
    done, total = 0, max(sum(map(size_below, entries)), 1)
    kept: dict[str, Kept] = {}
    for entry in entries:
        (draft / FILES).mkdir(mode=0o700, exist_ok=True)

        def copied(size: int, name: str = entry.name) -> None:
            nonlocal done
            done += size
            watch(ROWS_SHARE + (1 - ROWS_SHARE) * min(done / total, 1.0), name)

        for unit in units(entry):
            for place, (sha256, size) in unit_copy(unit, root, draft / FILES, copied).items():
                kept[f"{FILES}/{place}"] = Kept(sha256, size)
    return kept


def checkpoints_lost(weights: dict[str, str], kept: dict[str, Kept]) -> list[str]:
    """The checkpoints that rows name and whose weights are not as the rows say. Raises ConflictError where one was
    removed while the backup was made."""
    lost = altered(weights, WEIGHTS, kept)
    still = set(Checkpoint.objects.filter(pruned_at=None, directory__in=lost).values_list("directory", flat=True))
    if gone := [directory for directory in lost if directory not in still]:
        raise ConflictError("", "the checkpoint was removed during the backup", "run the backup again", where=gone[0])
    return lost


def altered(hashes: dict[str, str], name: str, kept: dict[str, Kept]) -> list[str]:
    """The folders whose file of that name is not in the backup, or has another SHA-256 than their row says."""
    places = {directory: kept.get(f"{FILES}/{directory}/{name}") for directory in hashes}
    return [directory for directory, there in places.items() if there is None or there.sha256 != hashes[directory]]
