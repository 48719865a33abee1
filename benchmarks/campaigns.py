"""Making a large campaign: seconds of `create_campaign`, people and two machines, one item a caption.

On SQLite, or with `--database-url` in a database of its own on PostgreSQL.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import print_result, print_table, write_jsonl
from tests.site import Site

ITEMS, ALBUM = 50_000, 5
SAYS = ("a {} by the {}", "we loved the {} and the {} !", "the {} was here with a {}", "it was [male] 's {} , the {}")
WORDS = ("sun", "sea", "dog", "kite", "boat", "wave", "gull", "pier", "sand", "shell", "cloud", "rock")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=ITEMS)
    options.add_argument("--database-url", default="", help="a PostgreSQL server to make a database on")
    given = options.parse_args()
    database = "PostgreSQL" if given.database_url else "SQLite"
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), server_url=given.database_url)
        try:
            seconds = measure(site, given.items)
        finally:
            site.close()
    print_table([[database, "measured", "figure"], [f"{given.items:,} items, s", seconds, "≤ 8 on PostgreSQL"]])
    print_result(database=database, items=given.items, seconds=round(seconds, 1))


def measure(site: Site, items: int) -> float:
    site.migrate()
    made = write_jsonl(site.var_dir / "made.jsonl", rows(items))
    systems = "--system", "lstm=lstm", "--system", "gru=gru"
    site.manage_plain(
        "import_pairs", str(made), "--dataset", "made", "--split", "test", "--album-field", "album", *systems
    )
    spec = write_spec(site.var_dir, items)
    began = time.perf_counter()
    site.manage("create_campaign", str(spec))
    return time.perf_counter() - began


def write_spec(folder: Path, items: int) -> Path:
    spec = folder / "large.toml"
    spec.write_text(
        'name = "large"\npurpose = "evaluation"\ndataset = "made"\nsplit = "test"\nsystems = ["human", "lstm", "gru"]\n'
        f'protocol = "slider"\ncriteria = ["human_likeness"]\nitems = {items}\noverlap = 1\n'
    )
    return spec


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Captions with a reference and two systems' outputs, hardly any two texts alike."""
    for n in range(count):
        one, other = WORDS[n % len(WORDS)], WORDS[n // len(WORDS) % len(WORDS)]
        texts = [say.format(f"{one} {n}", other) for say in SAYS]
        yield dict(zip(("caption", "story", "lstm", "gru"), texts, strict=True)) | {"album": f"album-{n // ALBUM}"}


if __name__ == "__main__":
    main()
