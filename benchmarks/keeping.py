"""A backup and its restore: a campaign with 100,000 ratings and three trained checkpoints, written, restored into an
empty site, and written again. The checksums of both backups are compared, table by table and file by file.

On SQLite, or with `--database-url` on new databases of that PostgreSQL server; with `--move` from SQLite to PostgreSQL.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from tests.site import Site

ITEMS_OF_A_RATER = 5000
MAX_SECONDS = 120
OF_THE_RESTORE = "tables/annotations_auditentry.jsonl"  # which notes the restore


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true")
    options.add_argument("--database-url", default="")
    options.add_argument("--move", action="store_true", help="back up on SQLite, restore on --database-url")
    given = options.parse_args()
    measured = keeping(short=given.short, database_url=given.database_url, move=given.move)
    print_table([["", "measured", "figure"], *rows(measured)])
    print_result(**measured)
    sys.exit(bool(measured["differing"]) or max(measured["backup_s"], measured["restore_s"]) > MAX_SECONDS)


def rows(measured: dict[str, Any]) -> list[list[object]]:
    """For a table: what, measured, figure."""
    return [
        ["ratings; checkpoints; rows in all; MB", "{ratings}; {checkpoints}; {rows}; {mb}".format(**measured), ""],
        ["backup, s", measured["backup_s"], f"≤ {MAX_SECONDS}"],
        ["restore into an empty site, s", measured["restore_s"], f"≤ {MAX_SECONDS}"],
        ["files whose checksum differs in a backup of the restored site", measured["differing"], "0"],
    ]


def keeping(*, short: bool = False, database_url: str = "", move: bool = False) -> dict[str, Any]:
    """The short form: 2,000 ratings and one checkpoint."""
    ratings, checkpoints = (2000, 1) if short else (100_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        first = new_site(Path(folder) / "first", "" if move else database_url)
        second = new_site(Path(folder) / "second", database_url)
        try:
            fill(first, Path(folder), ratings, checkpoints)
            backup, again = Path(folder) / "backup", Path(folder) / "again"
            backup_s = timed(first, "backup", "--out", str(backup))
            restore_s = timed(second, "restore", str(backup))
            timed(second, "backup", "--out", str(again))
        finally:
            first.close()
            second.close()
        there, here = (json.loads((each / "manifest.json").read_text()) for each in (backup, again))
    before, after = there["files"], here["files"]
    differing = [place for place in before.keys() | after.keys() if before.get(place) != after.get(place)]
    return {
        "ratings": there["counts"]["ratings"],
        "checkpoints": there["counts"]["checkpoints"],
        "rows": sum(each["rows"] or 0 for each in before.values()),
        "mb": round(sum(each["bytes"] for each in before.values()) / 1e6),
        "backup_s": backup_s,
        "restore_s": restore_s,
        "differing": len([place for place in differing if place != OF_THE_RESTORE]),
    }


def new_site(folder: Path, database_url: str) -> Site:
    folder.mkdir()
    return Site(folder, server_url=database_url)


def timed(site: Site, *command: str) -> float:
    began = time.perf_counter()
    site.manage(*command)
    return time.perf_counter() - began


def fill(site: Site, folder: Path, ratings: int, checkpoints: int) -> None:
    """A campaign of two systems, every rater of which has rated all of its items, and models trained for two steps."""
    items = min(ITEMS_OF_A_RATER, ratings // 4)
    pairs = write_jsonl(folder / "pairs.jsonl", pairs_of(items))
    site.migrate()
    for split in ("train", "test"):
        written = ["--system", "machine=machine"] if split == "test" else []
        site.manage("import_pairs", str(pairs), "--dataset", split, "--split", split, *written)
    campaign = folder / "campaign.toml"
    campaign.write_text(
        'name = "kept"\npurpose = "evaluation"\ndataset = "test"\nsplit = "test"\nsystems = ["human", "machine"]\n'
        f'criteria = ["human_likeness"]\nitems = {items}\noverlap = {ratings // items}\nshow = "caption"\n'
    )
    site.manage("create_campaign", str(campaign))
    env = {**site.env, "DJANGO_SETTINGS_MODULE": "storyblender_site.settings"}
    script = f"from benchmarks.keeping import ratings_insert; ratings_insert({ratings // items})"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True)
    for n in range(checkpoints):
        settings = ["max_steps=2", "vocabulary_size=500", f"seed={n + 1}"]
        command = ["train", "--dataset", "train", "--preset", "gru-luong", "--name", f"model-{n}", "--wait"]
        site.manage(*command, *(part for each in settings for part in ("--set", each)))
    shutil.rmtree(site.var_dir / "cache", ignore_errors=True)


def pairs_of(items: int) -> Iterator[dict[str, Any]]:
    for n in range(items):
        texts = {"story": f"We will never forget thing {n} of the day.", "machine": f"we saw thing {n}"}
        yield {"id": f"p{n}", "caption": f"a picture of thing {n}", **texts}


def ratings_insert(raters: int) -> None:
    """As many raters, each of whom has answered every item of the one campaign; in a process of the site's."""
    import django

    django.setup()
    from django.db import connection, transaction
    from django.db.models import Model
    from django.utils import timezone

    from annotations.models import Assignment, Campaign, Candidate, Rater, Rating
    from annotations.storage.bulk import ids_reserve, rows_insert

    campaign, now = Campaign.objects.get(), timezone.now()
    texts: dict[int, list[Candidate]] = {}
    for candidate in Candidate.objects.order_by("pk"):
        texts.setdefault(candidate.item_id, []).append(candidate)

    def values(model: type[Model], names: list[str], row: dict[str, Any]) -> list[Any]:
        fields = {field.name: field for field in model._meta.concrete_fields}
        return [fields[name].get_db_prep_save(row[name], connection) for name in names]

    for number in range(raters):
        rater = Rater.objects.create(campaign=campaign, outside_id=f"person-{number}", session_hash=uuid.uuid4().hex)
        assignments, answers = [], []
        with transaction.atomic():
            ids = ids_reserve(Assignment, len(texts))
            for pk, (item, candidates) in zip(ids, texts.items(), strict=True):
                order = [[each.pk, str(each.public_id)] for each in candidates]
                assignments.append(
                    {
                        "id": pk,
                        "public_id": uuid.uuid4(),
                        "item": item,
                        "rater": rater.pk,
                        "state": "done",
                        "candidate_order": order,
                        "draft": {},
                        "leased_until": now,
                        "revision": 1,
                    }
                )
                answers.append(
                    {
                        "assignment": pk,
                        "revision": 1,
                        "kind": "answer",
                        "answers": {"human_likeness": {str(each.pk): (pk * 7 + each.pk) % 101 for each in candidates}},
                        "seconds": 3.5 + pk % 7,
                        "key": uuid.uuid4(),
                        "body_hash": uuid.uuid4().hex,
                    }
                )
            models: list[tuple[type[Model], list[dict[str, Any]]]] = [(Assignment, assignments), (Rating, answers)]
            for model, written in models:
                names = list(written[0])
                rows_insert(model, names, [values(model, names, row) for row in written])


if __name__ == "__main__":
    main()
