"""What the benchmarks share."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Linux's own high-water mark: `ru_maxrss` would begin with what the parent held when it forked.
RUN_AND_TELL_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""
ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("STORYBLENDER_DATA", ROOT.parent / "shared" / "data"))


class Row(NamedTuple):
    """A published number beside ours, the farthest of so many `numbers`."""

    what: str
    published: float
    ours: float
    allowed: float
    numbers: int = 1


def shared(*parts: str) -> Path:
    """Real data beside the checkout, or in the folder `STORYBLENDER_DATA`."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        sys.exit(f"real data is not at {path}: set STORYBLENDER_DATA to its folder")
    return path


def read_jsonl(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def write_jsonl(file: Path, rows: Iterator[dict[str, Any]]) -> Path:
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return file


def measured(command: Sequence[str], env: dict[str, str]) -> tuple[float, float, str]:
    """Run a command: (CPU seconds of it and its children, peak resident MB, stdout). Its failure ends the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_TELL_PEAK, *command], cwd=ROOT, env=env, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
    peak = next(line for line in reversed(done.stderr.splitlines()) if line.startswith("VmHWM"))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(peak.split()[1]) / 1024, done.stdout


def print_table(rows: Sequence[Sequence[object]]) -> None:
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_result(**values: object) -> None:
    print(json.dumps(values))
