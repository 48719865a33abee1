"""What the commands of `python -m modeling` say on a terminal: a bar, and what was left out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from modeling.progress import OnProgress, Progress

SAID = 5  # of what was left out, in a message


def say(what: str, which: Sequence[str]) -> None:
    """How many there are, and the first few; nothing where there are none."""
    if which:
        more = f"; and {len(which) - SAID} more" if len(which) > SAID else ""
        print(f"{len(which)} {what}: {'; '.join(which[:SAID])}{more}", file=sys.stderr)


def is_first_process() -> bool:
    """Whether this process speaks for all that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def bar() -> Iterator[OnProgress]:
    """A bar on a terminal, nothing in a pipe."""
    layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, bar_format=layout, disable=not (sys.stderr.isatty() and is_first_process())) as shown:

        def report(progress: Progress) -> None:
            loss = "" if progress.loss is None else f", loss {progress.loss:.3f}"
            shown.set_description_str(f"{progress.message}{loss}", refresh=False)
            shown.update(progress.fraction - shown.n)

        yield report
