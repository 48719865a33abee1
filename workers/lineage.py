"""Where a system comes from: ratings → feedback set → run → checkpoint → decodings, and what the run began from."""

from collections.abc import Iterable
from typing import Any

from annotations.models import Decoding, Rating, System
from workers.models import Checkpoint, RewardModel


def lineage(system: System) -> dict[str, Any]:
    """The system's ancestry as plain values; what a kind of system does not have is None."""
    checkpoint = Checkpoint.objects.filter(system=system).select_related("run__feedback_set").first()
    feedback_set = checkpoint.run.feedback_set if checkpoint else None
    decodings = Decoding.objects.complete().filter(system=system).select_related("dataset").order_by("pk")
    reranked_by = reward_models(
        decoding.settings["reward"]["name"] for decoding in decodings if "reward" in decoding.settings
    )
    return {
        "system": system.name,
        "kind": system.kind,
        "feedback_set": feedback_set
        and {
            "name": feedback_set.name,
            "sha256": feedback_set.sha256,
            "valid": feedback_set.valid,
            "simulated": feedback_set.simulated,
            "examples": feedback_set.examples.count(),
            "ratings": Rating.objects.filter(examples__feedback_set=feedback_set).distinct().count(),
            "campaigns": sorted(feedback_set.campaigns.values_list("name", flat=True)),
        },
        "run": checkpoint and {"id": str(checkpoint.run.public_id), "config": checkpoint.run.config},
        "base": checkpoint and checkpoint.run.config.get("base"),
        "began_from": [
            {
                "system": earlier.system.name,
                "sha256": earlier.sha256,
                "feedback_set": feedback_name(earlier),
                "valid": not earlier.run.feedback_set or earlier.run.feedback_set.valid,
                "simulated": bool(earlier.run.feedback_set and earlier.run.feedback_set.simulated),
            }
            for earlier in ancestors(checkpoint)
        ],
        "checkpoint": checkpoint and {"directory": checkpoint.directory, "sha256": checkpoint.sha256},
        "reranked_by": list(reranked_by.values()),
        "decodings": [
            {
                "id": decoding.pk,
                "dataset": decoding.dataset.name,
                "split": decoding.split,
                "settings": decoding.settings,
                "reranked_by": reranked_by.get(decoding.settings.get("reward", {}).get("name")),
            }
            for decoding in decodings
        ],
    }


def reward_models(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By name what they learned from."""
    rows = RewardModel.objects.filter(name__in=set(names)).select_related("feedback_set").order_by("name")
    return {
        row.name: {
            "reward_model": row.name,
            "sha256": row.sha256,
            "feedback_set": row.feedback_set.name,
            "valid": row.valid,
            "simulated": row.simulated,
            "run": str(row.run.public_id),
        }
        for row in rows.select_related("run")
    }


def ancestors(checkpoint: Checkpoint | None) -> list[Checkpoint]:
    """What its training went on from, what that one's did, and so on. A system's checkpoint is made once and a training
    goes on from one that is there, so that this never leads back."""
    found: list[Checkpoint] = []
    while checkpoint and (name := checkpoint.run.config.get("init")):
        checkpoint = Checkpoint.objects.filter(system__name=name).select_related("system", "run__feedback_set").first()
        found += [checkpoint] if checkpoint else []
    return found


def feedback_name(checkpoint: Checkpoint) -> str | None:
    return checkpoint.run.feedback_set.name if checkpoint.run.feedback_set else None
