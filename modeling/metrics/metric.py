"""What a metric is: one object, with its facts and how it is computed.

Each stands in a file of this folder, and in a line of the registry `modeling.metrics.METRICS`. Whoever lists, stores,
compares or shows metrics asks the object; nothing else asks for its name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

VERSION = 1  # of our own metrics; part of their signatures
RESAMPLES, SEED = 1000, 12345

Score = dict[str, Any]
"""`{"value", "ci", "signature"}`, the interval being None where a resample would not estimate the value. Besides, where
they apply: "sources", of how many of how many sources it is; "by_segment", the value of each text, with
"segment_signature" where that is another, and "statistics" and "resampled" to compare systems by; "note" and
"undefined", in words."""
TO_COMPARE = ("by_segment", "statistics", "resampled")


class Level(StrEnum):
    """What a value is of."""

    CORPUS = "corpus"  # of all texts, or pairs, together
    TEXTS = "texts"  # the mean of each text's value


class Need(StrEnum):
    REFERENCES = "references"  # that a text is scored against
    CAPTIONS = "captions"
    TRAINING_STORIES = "training stories"
    BERTSCORE_MODEL = "BERTScore model"
    CHECKPOINT = "checkpoint"
    REWARD_MODEL = "reward model"


class Metric:
    name: str
    description: str  # in one line, beginning in lower case
    level: Level
    less_is_better: bool = False
    needs: frozenset[Need] = frozenset()
    by_text: bool = False  # has a value of each text, so that systems are compared by it
    of_campaigns: bool = True  # also of a campaign's items
    on_request: bool = False  # only where it is asked for by name, for it takes minutes
    learned: bool = False  # from raters' judgements, so that it is shown as such, and what learned from it is no news
    plotted_by_length: bool = False  # over the words of the source
    leading: bool = False  # among the few that a table of systems begins with
    beside: str | None = None  # the metric without which it says little


def without_texts(score: Score) -> Score:
    """Less what it has of each text and each resample."""
    return {key: value for key, value in score.items() if key not in TO_COMPARE}


def printed(score: Score) -> Score:
    """A score as JSON has it, the signature saying of which part of the sources it is: `sources:3of24`."""
    shown = without_texts(score)
    if part := shown.pop("sources", None):
        shown["signature"] += f"|sources:{part[0]}of{part[1]}"
    return shown
