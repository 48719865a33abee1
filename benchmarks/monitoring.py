"""A researcher's look at a large campaign while it runs: 5,000 raters and 100,000 answers, by what each page takes.

On SQLite, or with `--database-url` in a database of its own on PostgreSQL. The campaign is written straight into the
tables: a few systems of which a screen shows two, five raters an item, skips, and rules of quality control.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table
from tests.site import Site

RATERS, ANSWERS, OVERLAP, SYSTEMS, TIMES, DAYS = 5000, 100_000, 5, 4, 9, 14
MISSING, BATCH = 0.05, 2000  # of the screens; rows a write
MAX_MS, MAX_BYTES = 300, 100_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--database-url", default="", help="postgres://…: there, in a database of its own, not SQLite")
    options.add_argument("--raters", type=int, default=RATERS)
    options.add_argument("--answers", type=int, default=ANSWERS)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given.raters, given.answers, "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), server_url=given.database_url, LOG_LEVEL="WARNING")
        try:
            site.migrate()
            sizes = ["--raters", str(given.raters), "--answers", str(given.answers)]
            command = [sys.executable, "-m", "benchmarks.monitoring", "--measure", *sizes]
            subprocess.run(command, cwd=ROOT, env=site.env, check=True)
        finally:
            site.close()


def measure(raters: int, answers: int, database: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    campaign = fill(raters, answers)
    rater = campaign.raters.order_by("pk")[raters // 2]
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("staff"))
    base = f"/campaigns/{campaign.pk}/"
    pages = {
        "campaign": "",
        "refresh": "progress/",
        "raters": "raters/",
        "raters by answers": "raters/?sort=-answered",
        "raters by seconds": "raters/?sort=seconds",
        "raters by last answer": "raters/?sort=-last",
        "raters who left": "raters/?state=left",
        "items": "items/",
        "a rater": f"raters/{rater.public_id}/",
        "an item": "items/77/",
    }
    found = {name: timed(staff, base + path) for name, path in pages.items()}
    rows: list[list[object]] = [[database, "median ms", "most ms", "bytes, plain"]]
    rows += [[name, round(statistics.median(took)), round(max(took)), size] for name, (took, size) in found.items()]
    print_table(rows)
    print_result(
        database=database,
        raters=raters,
        answers=answers,
        ms={name: round(statistics.median(took), 1) for name, (took, _) in found.items()},
        bytes={name: size for name, (_, size) in found.items()},
        figure=f"campaign and refresh <= {MAX_MS} ms, refresh <= {MAX_BYTES:,} bytes",
    )


def timed(staff: Any, address: str) -> tuple[list[float], int]:
    """Milliseconds of each request but the first, which loads templates, and the page's bytes."""
    took = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answer = staff.get(address)
        took.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
    return took[1:], len(answer.content)


def fill(raters: int, answers: int) -> Any:
    """Write the open campaign into the site of this process's environment."""
    from django.utils import timezone

    from annotations import models
    from annotations.campaigns.assignment.tally import shown_as
    from annotations.storage.bulk import batched, statistics_gather

    draw, now = random.Random(1), timezone.now()
    items = round(answers / (1 - MISSING)) // OVERLAP
    screens = -(-answers // raters)

    def write(rows: Iterable[Any]) -> None:
        for part in batched(rows, BATCH):
            type(part[0])._default_manager.bulk_create(part)

    dataset = models.Dataset.objects.create(name="made")
    done = models.Import.objects.create(dataset=dataset, fingerprint="0", state="complete", completed_at=now)
    album = models.Album.objects.create(dataset=dataset, imported_by=done, external_id="album", split="test")
    of = {"album": album, "imported_by": done}
    write(models.Photo(pk=n, **of, external_id=f"photo-{n}") for n in range(1, items + 1))
    told = (f"a picture of thing {n}" for n in range(1, items + 1))
    write(
        models.Source(pk=n, **of, photo_id=n, kind="caption", key=f"c{n}", text=text) for n, text in enumerate(told, 1)
    )
    campaign = models.Campaign.objects.create(
        name="made", purpose="evaluation", dataset=dataset, split="test", unit="sentence", protocol="slider",
        show="caption", criteria=["human_likeness", "fluency"], overlap=OVERLAP, item_count=items, state="open",
        texts_per_screen=2, screens_per_rater=screens + 2, quality={"seconds_per_word": 0.1, "same_answers": 0.9},
    )  # fmt: skip
    for system in range(1, SYSTEMS + 1):
        writer = models.System.objects.create(name=f"system-{system}", kind="file")
        models.Decoding.objects.create(
            pk=system, system=writer, dataset=dataset, split="test", fingerprint=f"{system}", completed_at=now
        )
        models.CampaignSystem.objects.create(campaign=campaign, system=writer, decoding_id=system)
    write(models.Item(pk=n, campaign=campaign, source_id=n, position=n - 1) for n in range(1, items + 1))
    texts = range(items * SYSTEMS)
    write(
        models.Output(pk=n + 1, decoding_id=n % SYSTEMS + 1, source_id=n // SYSTEMS + 1, text=f"we saw thing {n}")
        for n in texts
    )
    ids = [str(uuid.UUID(int=n + 1)) for n in texts]
    write(
        models.Candidate(pk=n + 1, item_id=n // SYSTEMS + 1, text=f"We saw thing {n}.", public_id=ids[n]) for n in texts
    )
    write(models.CandidateOutput(candidate_id=n + 1, output_id=n + 1) for n in texts)
    write(models.Rater(pk=n, campaign=campaign, session_hash=f"{n}") for n in range(1, raters + 1))
    # Answered at any time of two weeks, in the order of the rows; every hundredth one was skipped.
    places = [(n // OVERLAP, (n * 7919 + n // raters) % raters) for n in range(answers + answers // 100)]
    places = list(dict.fromkeys(places))
    states = ["skipped" if n % 101 == 100 else "done" for n in range(len(places))]
    moments = [now - timedelta(days=DAYS) * (1 - (n + 1) / len(places)) for n in range(len(places))]
    assignments = []
    for n, (item, rater) in enumerate(places):
        shown = draw.sample(range(SYSTEMS), 2)
        assignments.append(
            models.Assignment(
                pk=n + 1, item_id=item + 1, rater_id=rater + 1, state=states[n], leased_until=moments[n],
                candidate_order=[[item * SYSTEMS + each + 1, ids[item * SYSTEMS + each]] for each in shown],
                shown=shown_as([[each + 1] for each in shown]), revision=1, created_at=moments[n],
                seconds_spent=draw.lognormvariate(3, 0.5), too_fast=draw.random() < 0.05,
                same_answers=draw.random() < 0.03,
            )
        )  # fmt: skip
    write(assignments)
    write(
        models.Rating(
            assignment_id=each.pk, revision=1, kind="answer" if each.state == "done" else "skip", body_hash="x",
            answers={
                name: {str(pk): draw.randrange(101) for pk, _ in each.candidate_order}
                for name in (campaign.criteria if each.state == "done" else [])
            },
            seconds=each.seconds_spent, key=uuid.UUID(int=each.pk), created_at=each.created_at,
        )
        for each in assignments
    )  # fmt: skip
    take(models)
    tables = (models.Rater, models.Item, models.Candidate, models.CandidateOutput, models.Assignment, models.Rating)
    statistics_gather(answers, *tables)
    return campaign


def take(models: Any) -> None:
    """Count of each item the places that are taken."""
    from django.db.models import Count, OuterRef, Subquery
    from django.db.models.functions import Coalesce

    theirs = models.Assignment.objects.filter(item=OuterRef("pk"), state="done").order_by().values("item")
    models.Item.objects.update(taken=Coalesce(Subquery(theirs.annotate(count=Count("pk")).values("count")), 0))


if __name__ == "__main__":
    main()
