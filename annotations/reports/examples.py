"""The texts that raters liked best and least, and those they disagreed on most, with every rating."""

from typing import Any

import numpy as np

from annotations.models import Campaign, Candidate
from annotations.reports.table import RatingTable
from annotations.statistics.uncertainty import Ints

EACH = 4  # texts of a kind


def examples_of(campaign: Campaign, table: RatingTable, criterion: str) -> dict[str, list[dict[str, Any]]]:
    """Texts by criterion: `best` and `worst` by their mean, of equal means the one rated more often first, and
    `disputed` by the standard deviation of their ratings; a text stands in one of them only."""
    scores = table.scores[criterion]
    once = ~np.isnan(scores) & table.first
    if not once.any():
        return {"best": [], "worst": [], "disputed": []}
    given, raters = scores[once], np.broadcast_to(table.raters[:, None], scores.shape)[once]
    texts, index, counts = np.unique(table.shown[once], return_inverse=True, return_counts=True)
    means = np.bincount(index, given) / counts
    spread = np.sqrt(np.bincount(index, (given - means[index]) ** 2) / np.maximum(counts - 1, 1))
    best = np.lexsort((texts, -counts, -means))[:EACH]
    worst = np.lexsort((texts, -counts, means))[:EACH]
    chosen = {"best": best, "worst": worst[~np.isin(worst, best)]}
    disputed = np.lexsort((texts, -spread))[: 3 * EACH]
    disputed = disputed[(spread[disputed] > 0) & ~np.isin(disputed, [*best, *worst])]
    chosen["disputed"] = disputed[:EACH]
    about = texts_by_key(campaign, np.concatenate([texts[places] for places in chosen.values()]))
    return {
        kind: [
            {
                **about[int(texts[place])],
                "mean": float(means[place]),
                "deviation": float(spread[place]) if counts[place] > 1 else None,
                "n": int(counts[place]),
                "ratings": [
                    {"rater": int(rater) + 1, "score": float(score)}
                    for rater, score in sorted(zip(raters[index == place], given[index == place], strict=True))
                ],
            }
            for place in places
        ]
        for kind, places in chosen.items()
    }


def texts_by_key(campaign: Campaign, keys: Ints) -> dict[int, dict[str, Any]]:
    """Text, source and systems of candidates by primary key."""
    candidates = Candidate.objects.filter(item__campaign=campaign, pk__in=keys.tolist())
    shown = candidates.order_by("outputs__decoding__system__name").values_list(
        "pk", "text", "item__source__text", "outputs__decoding__system__name"
    )
    found: dict[int, dict[str, Any]] = {}
    for pk, text, source, system in shown:
        found.setdefault(pk, {"text": text, "source": source, "systems": []})["systems"].append(system)
    return found
