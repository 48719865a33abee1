"""Where a system comes from: ratings → feedback set → run → checkpoint → decodings."""

from typing import Any

from annotations.models import Decoding, Rating, System
from workers.models import Checkpoint


def lineage(system: System) -> dict[str, Any]:
    """The system's ancestry as plain values; what a kind of system does not have is None."""
    checkpoint = Checkpoint.objects.filter(system=system).select_related("run__feedback_set").first()
    feedback_set = checkpoint.run.feedback_set if checkpoint else None
    decodings = Decoding.objects.complete().filter(system=system).select_related("dataset").order_by("pk")
    return {
        "system": system.name,
        "kind": system.kind,
        "feedback_set": feedback_set
        and {
            "name": feedback_set.name,
            "sha256": feedback_set.sha256,
            "examples": feedback_set.examples.count(),
            "ratings": Rating.objects.filter(examples__feedback_set=feedback_set).distinct().count(),
            "campaigns": sorted(feedback_set.campaigns.values_list("name", flat=True)),
        },
        "run": checkpoint and {"id": str(checkpoint.run.public_id), "config": checkpoint.run.config},
        "checkpoint": checkpoint and {"directory": checkpoint.directory, "sha256": checkpoint.sha256},
        "decodings": [
            {
                "id": decoding.pk,
                "dataset": decoding.dataset.name,
                "split": decoding.split,
                "settings": decoding.settings,
            }
            for decoding in decodings
        ],
    }
