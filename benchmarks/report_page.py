"""What the report's page costs after one more rating, with 20,000 answered screens there, in CPU time.

While a campaign is open the page shows progress and how the raters work, made anew at each request; a rating is sent
before each. After the close it shows the report, which is made and drawn by the first request and kept.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table
from benchmarks.importing import fresh_site

REQUESTS = 9


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ratings", type=int, default=20_000)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure()
    with tempfile.TemporaryDirectory() as folder:
        env = fresh_site(Path(folder) / "site") | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        fill = [sys.executable, "-m", "benchmarks.reports", "--fill", str(given.ratings)]
        subprocess.run(fill, cwd=ROOT, env=env, check=True)
        command = [sys.executable, "-m", "benchmarks.report_page", "--measure"]
        subprocess.run(command, cwd=ROOT, env=env, check=True)


def measure() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from annotations.campaigns.services.campaigns import campaign_close
    from annotations.models import Campaign

    settings.ALLOWED_HOSTS = ["testserver"]
    Campaign.objects.update(state="open", closed_at=None, overlap=4)  # so that every item has room for one rater more
    campaign = Campaign.objects.get()
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("staff"))
    address = f"/reports/{campaign.pk}/"
    staff.get(address)  # loads templates
    opened = [timed(lambda: rate(campaign), lambda: staff.get(address)) for _ in range(REQUESTS)]
    campaign_close(campaign=campaign)
    closed = [timed(lambda: None, lambda: staff.get(address)) for _ in range(REQUESTS + 1)]
    rows: list[list[object]] = [["page", "median CPU ms", "most"]]
    found = {"open, after one more rating": opened, "closed, the first": closed[:1], "closed, kept": closed[1:]}
    for name, seconds in found.items():
        rows.append([name, round(1000 * statistics.median(seconds)), round(1000 * max(seconds))])
    print_table(rows)
    result: dict[str, Any] = {name: statistics.median(seconds) for name, seconds in found.items()}
    print_result(cpu_seconds=result, figure="after one more rating, 20,000 there: <= 0.3 s")


def rate(campaign: Any) -> None:
    """One more answer, by a rater of its own."""
    import uuid

    from annotations.campaigns.services.raters import rater_join
    from annotations.campaigns.services.ratings import rating_submit
    from annotations.campaigns.services.screens import Screen, assignment_next

    rater, _ = rater_join(token=campaign.token)
    screen = assignment_next(rater=rater)
    if not isinstance(screen, Screen):
        raise SystemExit("no screen was left to be rated")
    answers = {
        criterion: dict.fromkeys((public_id for public_id, _ in screen.texts), 50) for criterion in campaign.criteria
    }
    rating_submit(
        rater=rater, assignment_id=screen.assignment.public_id, key=uuid.uuid4(), answers=answers, seconds=20.0
    )


def timed(before: Any, request: Any) -> float:
    before()
    start = time.process_time()
    answer = request()
    taken = time.process_time() - start
    if answer.status_code != 200:
        raise SystemExit(f"the page answered {answer.status_code}")
    return taken


if __name__ == "__main__":
    main()
