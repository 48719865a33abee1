"""Where an attempt of a training run works, with no other process in it.

A worker that was given up may still be on its way out of the run's folder, which it leaves at its next step. One that
does not leave it (it was stopped, or its host hangs) keeps it, and the attempt after it works in a folder of its own.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings

from modeling.locks import file_lock
from workers.lifecycle import Claim, log_with

NAME = "training"


@contextmanager
def training_folder(folder: Path, claim: Claim) -> Iterator[Path]:
    """A folder below the run's to train in, with the newest checkpoint and the drawn texts that any attempt has left.

    Raises a RunStopped where the run must not go on, while it waits too.
    """
    from modeling.checkpoints import adopt_latest  # loads torch, as the next
    from modeling.drawing import adopt_drawn

    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        directory = folder / NAME
        try:
            held.enter_context(
                file_lock(folder / "lock", seconds=settings.RUN_LOST_AFTER_SECONDS, look=lambda: look(claim))
            )
        except TimeoutError:
            directory = folder / f"{NAME}-{claim.attempt}"  # no two attempts have the same number
            line = f"a lost worker still holds the run's folder; this attempt works in {directory.name}"
            claim.save(log=log_with(claim.run, line))
        else:
            for left in folder.glob("*.part"):  # by one that was killed while it wrote
                left.unlink()
        adopt_latest(directory, folder.glob(f"{NAME}*"))
        adopt_drawn(directory, folder.glob(f"{NAME}*"))
        yield directory


def look(claim: Claim) -> None:
    claim.progress(claim.run.fraction, "waiting for a lost worker to release the run's folder")


def discard_others(directory: Path) -> None:
    """Remove what other attempts have left beside the folder of the one that is done."""
    for other in directory.parent.glob(f"{NAME}*"):
        if other != directory:
            shutil.rmtree(other, ignore_errors=True)
