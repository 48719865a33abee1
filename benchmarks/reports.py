"""What a report costs: CPU seconds and peak memory of `manage.py report`, and of exporting the ratings.

A site is filled with a made campaign: ten systems, three criteria, three raters per item, ten items an album, three
metrics of every text and the systems' differences in them. A *score* is one number, of one text by one criterion; a
*rating* is a rater's answer to a screen, here of thirty scores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, measured, print_result, print_table
from benchmarks.importing import fresh_site

SYSTEMS, CRITERIA, OVERLAP, RATERS, ALBUM = 10, ("human_likeness", "grounding", "fluency"), 3, 50, 10
METRICS = {"chrf": 100, "bertscore_f1": 1, "caption_recall": 1}  # and their greatest value
WRITE_BATCH_SIZE = 5000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ratings", type=int, nargs="+", default=[3_334, 33_334, 100_000])
    options.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.fill:
        return fill(given.fill)
    rows: list[list[object]] = [["ratings", "scores", "report, CPU s", "MB", "CSV, CPU s", "MB", "JSONL, CPU s", "MB"]]
    results = []
    for ratings in given.ratings:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(Path(folder) / "site", ratings)
        results.append(result)
        rows.append(list(result.values()))
    print_table(rows)
    print_result(results=results, figure="100,000: report <= 5 CPU s and 400 MB, exports <= 5 s and 150 MB each")


def measure(folder: Path, ratings: int) -> dict[str, float]:
    env = fresh_site(folder) | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "benchmarks.reports", "--fill", str(ratings)], cwd=ROOT, env=env, check=True)
    out = str(folder / "out")
    report = measured(["manage.py", "report", "made", "--format", "json", "--out", out], env)
    exports = [measured(["manage.py", "export_ratings", "made", "--format", form, "--out", out], env) for form in FORMS]
    result = {"ratings": ratings, "scores": ratings * SYSTEMS * len(CRITERIA), "report_cpu_s": report[0]}
    result["report_mb"] = report[1]
    for form, (cpu, peak, _) in zip(FORMS, exports, strict=True):
        result |= {f"{form}_cpu_s": cpu, f"{form}_mb": peak}
    return result


FORMS = ("csv", "jsonl")


def fill(ratings: int) -> None:
    """Write a closed campaign with that many ratings into the site of this process's environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    import numpy as np
    from django.db import transaction
    from django.utils import timezone

    from annotations import models
    from annotations.campaigns.services.scores import metrics_write
    from annotations.storage.bulk import batched
    from workers.jobs.scoring import metric_rows

    draw, now = np.random.default_rng(1), timezone.now()
    items = -(-ratings // OVERLAP)

    def write(rows: Any) -> None:
        for part in batched(rows, WRITE_BATCH_SIZE):
            type(part[0])._default_manager.bulk_create(part)

    with transaction.atomic():
        dataset = models.Dataset.objects.create(name="made")
        done = models.Import.objects.create(dataset=dataset, fingerprint="0", state="complete", completed_at=now)
        write(
            models.Album(pk=n + 1, dataset=dataset, imported_by=done, external_id=f"album-{n}", split="test")
            for n in range(-(-items // ALBUM))
        )
        write(
            models.Photo(pk=n + 1, album_id=n // ALBUM + 1, imported_by=done, external_id=f"photo-{n}")
            for n in range(items)
        )
        write(
            models.Source(
                pk=n + 1,
                album_id=n // ALBUM + 1,
                photo_id=n + 1,
                imported_by=done,
                kind="caption",
                key=f"c{n}",
                text=f"{n}",
            )
            for n in range(items)
        )
        campaign = models.Campaign.objects.create(
            pk=1, name="made", purpose="evaluation", dataset=dataset, split="test", unit="sentence", protocol="slider",
            show="caption", criteria=list(CRITERIA), overlap=OVERLAP, item_count=items, state="closed", closed_at=now,
        )  # fmt: skip
        for system in range(SYSTEMS):
            writer = models.System.objects.create(name=f"system-{system}", kind="file")
            models.Decoding.objects.create(
                pk=system + 1, system=writer, dataset=dataset, split="test", fingerprint=f"{system}", completed_at=now
            )
            models.CampaignSystem.objects.create(campaign=campaign, system=writer, decoding_id=system + 1)
        write(models.Item(pk=n + 1, campaign=campaign, source_id=n + 1, position=n) for n in range(items))
        texts = range(items * SYSTEMS)
        write(
            models.Output(pk=n + 1, decoding_id=n % SYSTEMS + 1, source_id=n // SYSTEMS + 1, text=f"we saw thing {n}")
            for n in texts
        )
        write(models.Candidate(pk=n + 1, item_id=n // SYSTEMS + 1, text=f"We saw thing {n}") for n in texts)
        write(models.CandidateOutput(candidate_id=n + 1, output_id=n + 1) for n in texts)
        write(models.Rater(pk=n + 1, campaign=campaign, session_hash=f"{n}") for n in range(RATERS))
        places = [(item, (item + 7 * turn) % RATERS) for turn in range(OVERLAP) for item in range(items)][:ratings]
        write(
            models.Assignment(
                pk=n + 1, item_id=item + 1, rater_id=rater + 1, state="done", leased_until=now, revision=1,
                candidate_order=[[item * SYSTEMS + place + 1, "x"] for place in range(SYSTEMS)],
            )
            for n, (item, rater) in enumerate(places)
        )  # fmt: skip
        worth, leaning = np.linspace(40, 60, SYSTEMS), draw.normal(0, 5, (RATERS, SYSTEMS))

        def answers(item: int, rater: int) -> dict[str, dict[str, float]]:
            scores = np.clip(worth + leaning[rater] + draw.normal(0, 15, (len(CRITERIA), SYSTEMS)), 0, 100).round()
            first = item * SYSTEMS + 1
            return {
                criterion: {str(first + place): score for place, score in enumerate(row)}
                for criterion, row in zip(CRITERIA, scores.tolist(), strict=True)
            }

        write(
            models.Rating(
                assignment_id=n + 1, revision=1, kind="answer", answers=answers(item, rater), seconds=20.0,
                body_hash="x", key=f"{n:032x}",
            )
            for n, (item, rater) in enumerate(places)
        )  # fmt: skip

        def of_texts(system: int, greatest: int) -> Any:
            return (greatest * (draw.beta(3, 3, items) + system / 100)).round(6)

        values = {(metric, n): of_texts(n, METRICS[metric]) for metric in METRICS for n in range(SYSTEMS)}
        metrics_write(metrics=metric_rows(list(METRICS)))
        write(
            models.Score(
                decoding_id=system + 1, campaign=campaign, metric_id=metric, signature="made",
                value=each.mean(), ci_low=each.min(), ci_high=each.max(), by_item=each.tolist(),
            )
            for (metric, system), each in values.items()
        )  # fmt: skip
        write(
            models.ScoreDifference(
                campaign=campaign, metric_id=metric, signature="made", one_id=one + 1, other_id=other + 1,
                value=values[metric, one].mean() - values[metric, other].mean(), p=0.5,
            )
            for metric in METRICS for one, other in combinations(range(SYSTEMS), 2)
        )  # fmt: skip


if __name__ == "__main__":
    main()
