"""Requests that nobody should send, to every route that a rater reaches: no server's error, and nothing half stored.

They are drawn from a seed: a request of everything that a route takes, then up to three things of it changed. Each goes
as bytes through the web server's parser into the site, on SQLite or, with `--database-url`, on a new database of that
PostgreSQL server. After each of them the tables are counted, and now and then every answer, revision and place is gone
through. The same seed draws the same again, and what failed is printed whole.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.common import print_result, print_table
from benchmarks.faults import become_of
from tests.site import Site


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=5000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--database-url", default="", help="a PostgreSQL server to make a database on")
    given = options.parse_args()
    os.environ.pop("REDIS_URL", None)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), server_url=given.database_url, SCREENS_PER_RATER="0")
        try:
            become_of(site)
            from tests.annotations.fuzzing import Fuzz

            for handler in logging.getLogger().handlers:
                handler.setLevel(logging.CRITICAL)
            fuzz = Fuzz(given.seed)
            outcome = fuzz.run(given.requests)
        finally:
            site.close()
    database = "PostgreSQL" if given.database_url else "SQLite"
    counted = sorted(outcome.statuses.items())
    figures = {
        "requests": given.requests,
        "routes": len(fuzz.routes),
        "taken": sum(count for status, count in counted if 200 <= status < 400),
        "refused": sum(count for status, count in counted if 400 <= status < 500),
        "server_errors": outcome.server_errors,
        "failed": len(outcome.failed),
        "ratings_stored": outcome.stored,
        "median_ms": round(1000 * statistics.median(outcome.seconds), 1),
        "longest_s": round(max(outcome.seconds), 2),
    }
    wanted = {"server_errors": "0", "failed": "0"}
    rows = [[name, each, wanted.get(name, "")] for name, each in figures.items()]
    print_table([[database, "measured", "figure"], *rows])
    print("\n".join(outcome.failed))
    statuses = {str(status): count for status, count in counted}
    print_result(database=database, seed=given.seed, statuses=statuses, **figures)
    sys.exit(bool(outcome.failed))


if __name__ == "__main__":
    main()
