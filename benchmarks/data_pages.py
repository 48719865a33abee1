"""The pages of a dataset as large as VIST, by what each takes: 200,000 captions, 250,000 story sentences, 1,000,000
outputs and 100,000 ratings in a closed campaign.

On SQLite, or with `--database-url` in a database of its own on PostgreSQL. The rows are written straight into the
tables, through the triggers and indexes that a site has. Words are drawn as in natural texts: the n-th most frequent
one is 1/n as frequent as the first.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table
from tests.site import Site

ALBUMS, PHOTOS, CAPTIONS, STORIES, SYSTEMS, RATINGS = 10_000, 5, 4, 5, 5, 100_000
OVERLAP, TIMES, BATCH = 5, 20, 5000
WORDS = 20_000
MAX_MS, MAX_SEARCH_MS = 200, 300
SPLITS = ("train",) * 8 + ("valid", "test")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--database-url", default="", help="postgres://…: there, in a database of its own, not SQLite")
    options.add_argument("--albums", type=int, default=ALBUMS)
    options.add_argument("--ratings", type=int, default=RATINGS)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given.albums, given.ratings, "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), server_url=given.database_url, LOG_LEVEL="WARNING")
        try:
            site.migrate()
            sizes = ["--albums", str(given.albums), "--ratings", str(given.ratings)]
            command = [sys.executable, "-m", "benchmarks.data_pages", "--measure", *sizes]
            subprocess.run(command, cwd=ROOT, env=site.env, check=True)
        finally:
            site.close()


def measure(albums: int, ratings: int, database: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    began = time.perf_counter()
    from annotations.models import Dataset

    dataset = Dataset.objects.filter(name="made").first() or fill(albums, ratings)
    filled = time.perf_counter() - began
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser(f"staff-{uuid.uuid4().hex}"))
    found = {name: timed(staff, addresses) for name, addresses in pages(dataset).items()}
    rows: list[list[object]] = [[database, "median ms", "p95 ms", "most ms", "median CPU ms", "p95 CPU ms"]]
    rows += [
        [
            name,
            *(round(took[place]) for place in (len(took) // 2, p95(took), -1)),
            *(round(cpu[place]) for place in (len(cpu) // 2, p95(cpu))),
        ]
        for name, (took, cpu) in found.items()
    ]
    print_table(rows)
    searches = {name for name in found if name.startswith("search")}
    result: dict[str, object] = {}
    for place, kind in enumerate(("p95_ms", "p95_cpu_ms")):
        worst = {name: round(each[place][p95(each[place])], 1) for name, each in found.items()}
        result[kind] = worst
        result[f"page_{kind}"] = max(value for name, value in worst.items() if name not in searches)
        result[f"search_{kind}"] = max(worst[name] for name in searches)
    print_result(
        database=database,
        captions=albums * PHOTOS * CAPTIONS,
        sentences=albums * PHOTOS * STORIES,
        outputs=albums * PHOTOS * CAPTIONS * SYSTEMS,
        ratings=ratings,
        filled_seconds=round(filled),
        **result,
        figure=f"p95 of any page <= {MAX_MS} ms, of a search <= {MAX_SEARCH_MS} ms",
    )


def p95(took: Sequence[float]) -> int:
    return min(len(took) - 1, round(0.95 * (len(took) - 1)))


def timed(staff: Any, addresses: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds of requests for these addresses in turns, and those of them on a CPU, which do not grow where others
    are at work; each sorted. One request before loads templates."""
    took, cpu = [], []
    staff.get(addresses[0])
    for turn in range(TIMES):
        began, worked = time.perf_counter(), worked_seconds()
        answer = staff.get(addresses[turn % len(addresses)])
        took.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (worked_seconds() - worked))
        if answer.status_code != 200:
            raise SystemExit(f"{addresses[turn % len(addresses)]} answered {answer.status_code}")
    return sorted(took), sorted(cpu)


def worked_seconds() -> float:
    """Of this process, and of PostgreSQL's for it where that is on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return time.process_time()
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return time.process_time() + (int(server.read_text().split()[0]) / 1e9 if server.exists() else 0.0)


def pages(dataset: Any) -> dict[str, list[str]]:
    """Addresses by what they are of; several of a kind are asked for in turns."""
    from annotations import models

    draw = random.Random(2)
    listed = f"/data/{dataset.pk}/sources/"
    sources = models.Source.objects.filter(kind="caption").values_list("album_id", "pk")
    places = [draw.choice(sources[n : n + 1]) for n in draw.sample(range(sources.count()), TIMES)]
    rated = models.Item.objects.values_list("source", flat=True)[:TIMES]
    vocabulary = list(words())
    frequent, rare = vocabulary[:3], vocabulary[-TIMES:]

    def search(*typed: str, more: str = "") -> list[str]:
        return [f"{listed}?q={'+'.join(each.split())}{more}" for each in typed]

    return {
        "datasets": ["/data/"],
        "dataset": [f"/data/{dataset.pk}/"],
        "sources": [listed],
        "sources, any page": [f"{listed}?after={album}-{source}" for album, source in places],
        "sources, backwards": [f"{listed}?before={album}-{source}" for album, source in places],
        "sources by split": [f"{listed}?split={split}" for split in ("train", "valid", "test")],
        "sources by kind": [f"{listed}?kind={kind}" for kind in ("caption", "photo", "sequence")],
        "sources by picture": [f"{listed}?picture={each}" for each in ("yes", "no")],
        "sources by all": [f"{listed}?split=test&kind=sequence&picture=no", f"{listed}?split=valid&picture=yes"],
        "sources of an album": [f"{listed}?album=album-{n}" for n in draw.sample(range(10), 5)],
        "album": [f"/data/albums/{album}/" for album, _ in places],
        "source": [f"/data/sources/{source}/" for _, source in places],
        "rated source": [f"/data/sources/{source}/" for source in rated],
        "search: the most frequent word": search(*frequent[:1]),
        "search: frequent words": search(*frequent, " ".join(frequent)),
        "search: a word of one in a thousand": search(*vocabulary[90:110]),
        "search: rare words": search(*rare),
        "search: two words": search(*(f"{frequent[0]} {word}" for word in vocabulary[200:220])),
        "search: the beginning of words": search("abc*", f"{vocabulary[50][:3]}*", f"{vocabulary[500][:3]}*"),
        "search: a word of late outputs alone": search("lateword", f"{frequent[0]} lateword"),
        "search: no such word": search("zzzzzz", f"{frequent[0]} zzzzzz"),
        "search: in outputs": search(*frequent, *rare[:3], more="&texts=outputs"),
        "search: in a split": search(*frequent, *vocabulary[200:203], more="&split=valid"),
        "search: the second page": search(*frequent, more="&texts=outputs&after=40"),
        "search: in all datasets": [f"/data/search/?q={word}" for word in (*frequent, *rare[:3])],
    }


def words() -> Iterator[str]:
    draw = random.Random(3)
    seen = set[str]()
    while len(seen) < WORDS:
        word = "".join(draw.choice("abcdefghijklmnoprstuvw") for _ in range(draw.randint(2, 9)))
        if word not in seen:
            seen.add(word)
            yield word


def fill(albums: int, ratings: int) -> Any:
    """Write the dataset and the closed campaign into the site of this process's environment."""
    from django.utils import timezone

    from annotations import models
    from annotations.campaigns.assignment.tally import shown_as
    from annotations.search.indexes import words_indexing
    from annotations.storage.bulk import batched, exhaust, rows_insert, statistics_gather

    now = timezone.now()
    vocabulary = list(words())
    draw = random.Random(1)
    pool = draw.choices(vocabulary, weights=[1 / rank for rank in range(1, WORDS + 1)], k=1_000_000)
    start = iter(draw.randrange(len(pool) - 20) for _ in range(10**9))

    def text() -> str:
        at = next(start)
        return " ".join(pool[at : at + 6 + at % 9])

    def write(model: Any, fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        from django.db import transaction

        for part in batched(rows, BATCH):
            with transaction.atomic():
                rows_insert(model, fields, part)

    dataset = models.Dataset.objects.create(name="made")
    done = models.Import.objects.create(dataset=dataset, fingerprint="0", state="complete", completed_at=now)
    photos, numbers = albums * PHOTOS, range(1, albums + 1)
    write(
        models.Album,
        ("id", "dataset", "imported_by", "external_id", "split", "title"),
        ((n, dataset.pk, done.pk, f"album-{n}", SPLITS[10 * (n - 1) // albums], "") for n in numbers),
    )
    write(
        models.Photo,
        ("id", "album", "imported_by", "external_id", "url", "image"),
        ((n, (n - 1) // PHOTOS + 1, done.pk, f"p{n}", "", "") for n in range(1, photos + 1)),
    )
    captions = photos * CAPTIONS
    fields = ("id", "album", "imported_by", "kind", "key", "photo", "position", "text")
    write(
        models.Source,
        fields,
        (
            (n, photo // PHOTOS + 1, done.pk, "caption", f"p{photo + 1}#{n}", photo + 1, photo % PHOTOS, text())
            for n in range(1, captions + 1)
            for photo in [(n - 1) // CAPTIONS]
        ),
    )
    write(
        models.Source,
        fields,
        ((captions + n, n, done.pk, "sequence", f"sequence-{n}", None, 0, "") for n in numbers),
    )
    write(
        models.SequencePhoto,
        ("source", "photo", "position"),
        ((captions + (n - 1) // PHOTOS + 1, n, (n - 1) % PHOTOS) for n in range(1, photos + 1)),
    )
    stories = albums * STORIES
    write(
        models.Story,
        ("id", "album", "imported_by", "external_id", "sequence", "author"),
        (
            (n, (n - 1) // STORIES + 1, done.pk, f"story-{n}", captions + (n - 1) // STORIES + 1, "")
            for n in range(1, stories + 1)
        ),
    )
    write(
        models.StorySentence,
        ("story", "position", "photo", "text"),
        (
            (story, place, (story - 1) // STORIES * PHOTOS + place + 1, text())
            for story in range(1, stories + 1)
            for place in range(PHOTOS)
        ),
    )
    splits = {
        split: (low * albums // 10, high * albums // 10)
        for split, low, high in (("train", 0, 8), ("valid", 8, 9), ("test", 9, 10))
    }
    for system in range(1, SYSTEMS + 1):
        writer = models.System.objects.create(name=f"system-{system}", kind="file")
        for split, (low, high) in splits.items():
            decoding = models.Decoding.objects.create(
                system=writer, dataset=dataset, split=split, fingerprint=f"{system}", completed_at=now
            )
            each = PHOTOS * CAPTIONS
            late = system == SYSTEMS and split == "test"
            write(
                models.Output,
                ("decoding", "source", "rank", "text"),
                (
                    (decoding.pk, n, 0, f"{text()} lateword" if late and n % 10 == 0 else text())
                    for n in range(low * each + 1, high * each + 1)
                ),
            )
    exhaust(words_indexing())
    campaign = rate(models, dataset, ratings, now, write, shown_as)
    tables = [models.Album, models.Photo, models.Source, models.Story, models.StorySentence, models.Output]
    statistics_gather(10**6, *tables, models.Item, models.Candidate, models.CandidateOutput, models.Assignment)
    statistics_gather(ratings, models.Rating, models.SequencePhoto)
    del campaign
    return dataset


def rate(models: Any, dataset: Any, ratings: int, now: Any, write: Any, shown_as: Any) -> Any:
    """A closed campaign of two systems on test captions, five raters an item."""
    items = ratings // OVERLAP
    decodings = list(models.Decoding.objects.filter(split="test").order_by("pk")[:2])
    campaign = models.Campaign.objects.create(
        name="made", purpose="evaluation", dataset=dataset, split="test", unit="sentence", protocol="slider",
        show="caption", criteria=["human_likeness"], overlap=OVERLAP, item_count=items, state="closed", closed_at=now,
    )  # fmt: skip
    for decoding in decodings:
        models.CampaignSystem.objects.create(campaign=campaign, system=decoding.system, decoding=decoding)
    sources = list(
        models.Source.objects.filter(album__split="test", kind="caption").order_by("pk").values_list("pk", flat=True)
    )
    sources = (sources * (items // len(sources) + 1))[:items]
    seen = set[int]()
    kinds = ["regular" if source not in seen and not seen.add(source) else "repeat" for source in sources]  # type: ignore[func-returns-value]
    models.Item.objects.bulk_create(
        (
            models.Item(pk=n, campaign=campaign, source_id=source, position=n - 1, kind=kind)
            for n, (source, kind) in enumerate(zip(sources, kinds, strict=True), 1)
        ),
        batch_size=BATCH,
    )
    outputs = {
        (decoding, source): (pk, text)
        for pk, decoding, source, text in models.Output.objects.filter(decoding__in=decodings).values_list(
            "pk", "decoding", "source", "text"
        )
    }
    ids = [uuid.UUID(int=n + 1) for n in range(2 * items)]
    shown = [outputs[decodings[n % 2].pk, sources[n // 2]] for n in range(2 * items)]
    models.Candidate.objects.bulk_create(
        (
            models.Candidate(pk=n + 1, item_id=n // 2 + 1, text=text, public_id=ids[n])
            for n, (_, text) in enumerate(shown)
        ),
        batch_size=BATCH,
    )
    models.CandidateOutput.objects.bulk_create(
        (models.CandidateOutput(candidate_id=n + 1, output_id=pk) for n, (pk, _) in enumerate(shown)), batch_size=BATCH
    )
    raters = max(ratings // 50, OVERLAP)
    models.Rater.objects.bulk_create(
        (models.Rater(pk=n, campaign=campaign, session_hash=f"{n}") for n in range(1, raters + 1)), batch_size=BATCH
    )
    places = [(n // OVERLAP, (n * 7919 + n // raters) % raters) for n in range(ratings)]
    places = list(dict.fromkeys(places))
    models.Assignment.objects.bulk_create(
        (
            models.Assignment(
                pk=n + 1, item_id=item + 1, rater_id=rater + 1, state="done", leased_until=now, revision=1,
                candidate_order=[[2 * item + each + 1, str(ids[2 * item + each])] for each in (0, 1)],
                shown=shown_as([[decoding.pk] for decoding in decodings]), seconds_spent=10.0,
            )
            for n, (item, rater) in enumerate(places)
        ),
        batch_size=BATCH,
    )  # fmt: skip
    models.Rating.objects.bulk_create(
        (
            models.Rating(
                assignment_id=n + 1, revision=1, kind="answer", body_hash="x", seconds=10.0, key=uuid.UUID(int=n + 1),
                answers={"human_likeness": {str(2 * item + each + 1): (n + 31 * each) % 101 for each in (0, 1)}},
            )
            for n, (item, _) in enumerate(places)
        ),
        batch_size=BATCH,
    )  # fmt: skip
    return campaign


if __name__ == "__main__":
    main()
