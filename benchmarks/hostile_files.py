"""How much memory and time the worst files of a size take: whole imports, each in a process of its own.

The files are those of `benchmarks.hostile`. A file is imported, or refused in one line that names it; anything else
is a failure. `python -m benchmarks.hostile_files --megabytes 1 --only pairs` searches one form.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import print_result, print_table
from benchmarks.hostile import FAMILY, Hostile

LIMIT_MB = 300  # over what an empty file takes
LIMIT_S = 60  # of the CPU


class Outcome(NamedTuple):
    file: Hostile
    megabytes: float  # at the peak, over what the process had before it read
    seconds: float
    said: str  # the error in a line, or what was imported
    failed: bool  # neither imported nor refused in a line


def readers() -> dict[str, Callable[[Path], object]]:
    """By form: a whole import where there is one, as a worker does it."""
    from annotations.campaigns.spec_files import read_campaign_file
    from annotations.corpora.readers.pictures import gather, problem_of
    from annotations.systems.readers.outputs import read_outputs
    from modeling.corpus import read_examples
    from workers.jobs.importing import import_here

    def imported(form: str, **options: Any) -> Callable[[Path], object]:
        def run(file: Path) -> object:
            config = {"form": form, "dataset": file.stem, "files": {"file": [str(file)]}, **options}
            return import_here(config=config, watch=lambda *_: None)["message"]

        return run

    fields = {"source": None, "reference": "story", "album": None, "photo": None}

    def pairs(file: Path) -> object:
        """With the systems that a file may have, which are refused where they are missing."""
        systems = ["*=machine"] if b'"machine"' in file.read_bytes() else []
        return imported("pairs", split="train", fields={**fields, "systems": systems})(file)

    def vist(file: Path) -> object:
        config = {"form": "vist", "dataset": file.stem, "split": "train", "images": None}
        return import_here(config={**config, "files": {"dii": [str(file)], "sis": []}}, watch=lambda *_: None)[
            "message"
        ]

    return {
        "vist": vist,
        "pairs": pairs,
        "outputs": read_outputs,  # an import needs the dataset that they are of
        "ratings": lambda file: imported("ratings", campaign=file.stem, scale=[1.0, 5.0])(file),
        "campaign": read_campaign_file,
        "corpus": read_examples,
        "picture": problem_of,
        "pictures": lambda file: gather([file], file.with_suffix(".d")),
    }


def peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def tried(hostile: Hostile, read: Callable[[Path], object], folder: Path, number: int) -> Outcome:
    """Read in a process of its own, which is killed where it takes too long."""
    file = folder / f"f{number}{hostile.ending}"
    file.write_bytes(hostile.content)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        told = told_of(read, file)
        os.write(theirs, json.dumps(told).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    file.unlink()
    if not said:
        return Outcome(hostile, float("inf"), float("inf"), "the process died", True)
    return Outcome(hostile, *json.loads(said))


def told_of(read: Callable[[Path], object], file: Path) -> tuple[float, float, str, bool]:
    import resource
    import signal

    from annotations.errors import InputError
    from modeling.errors import ModelingError

    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # a machine of ours is no good place to prove 20 GB on
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = peak_mb(), time.process_time()
    failed = False
    try:
        said = str(read(file))
    except (InputError, ModelingError) as error:
        said = str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        said, failed = f"{type(error).__name__}: {error}", True
    return peak_mb() - before, time.process_time() - start, said[:300], failed


def prepared(folder: Path) -> None:
    """Django with a database of its own under the folder."""
    os.environ |= {"VAR_DIR": str(folder / "var"), "DATABASE_URL": "", "REDIS_URL": "", "LOG_LEVEL": "ERROR"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    import openpyxl  # noqa: F401 - imported before anything is measured

    connections.close_all()


def search(size: int, only: str = "") -> Iterator[Outcome]:
    """Every file of the family, tried."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        by_form = readers()
        number = 0
        for part in FAMILY:
            for hostile in part(size):
                if only in f"{part.__name__} {hostile.form} {hostile.ending} {hostile.name}":
                    number += 1
                    yield tried(hostile, by_form[hostile.form], folder, number)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=float, default=1.0)
    options.add_argument("--only", default="", help="part of a form's, an ending's or a file's name")
    options.add_argument("--rows", type=int, default=12, help="of the worst in the table")
    options.add_argument("--verbose", action="store_true", help="say each as it is tried")
    given = options.parse_args()
    outcomes = []
    for outcome in search(int(given.megabytes * 1e6), given.only):
        outcomes.append(outcome)
        if given.verbose or outcome.failed or outcome.megabytes > LIMIT_MB:
            print(
                f"{outcome.file[:3]} {outcome.megabytes:.0f} MB {outcome.seconds:.1f} s {outcome.said}", file=sys.stderr
            )
    worst = sorted(outcomes, key=lambda each: -each.megabytes)[: given.rows]
    slowest = sorted(outcomes, key=lambda each: -each.seconds)[: given.rows]
    print_table(
        [["form", "file", "MB", "s", "outcome"]]
        + [
            [each.file.form, each.file.name + each.file.ending, each.megabytes, each.seconds, each.said[:70]]
            for each in (*worst, *slowest)
        ]
    )
    failed = [each for each in outcomes if each.failed]
    print_result(
        files=len(outcomes),
        failed=len(failed),
        worst_mb=worst[0].megabytes,
        slowest_s=slowest[0].seconds,
        limit_mb=LIMIT_MB,
    )
    sys.exit(bool(failed) or worst[0].megabytes > LIMIT_MB)


if __name__ == "__main__":
    main()
