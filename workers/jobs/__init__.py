"""What the runs do. Each module has a `launch` (checks what was asked for and makes the row; needs no torch) and a
`perform` (does it, in a worker or in the process that waits)."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.lifecycle import Claim

MODULES = {
    "train": "workers.jobs.training",
    "decode": "workers.jobs.decoding",
    "score": "workers.jobs.scoring",
    "feedback": "workers.jobs.feedback",
    "reward": "workers.jobs.reward",
    "attention": "workers.jobs.attention",
    "import": "workers.jobs.importing",
    "pictures": "workers.jobs.pictures",
    "fetch": "workers.jobs.fetching",
    "campaign": "workers.jobs.campaigns",
}


def perform(claim: "Claim") -> None:
    """Do a claimed run. What it made is on the row's links and in its `result`."""
    module = import_module(MODULES[claim.run.kind])
    do: Callable[[Claim], None] = module.perform
    do(claim)
