"""Automatic metrics: of texts, of a checkpoint, and of judges who try to tell systems from people. A line each.

What computes them stands in `outputs`, `checkpoint` (which needs torch) and `indistinguishable`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from modeling.errors import ScoringError
from modeling.metrics.bertscore import BertscoreF1
from modeling.metrics.bleu import Bleu
from modeling.metrics.caption_recall import CaptionRecall
from modeling.metrics.chrf import Chrf
from modeling.metrics.cnn_indistinguishable import CnnIndistinguishable
from modeling.metrics.copy_rate import CopyRate
from modeling.metrics.distinct import Distinct
from modeling.metrics.embedding_indistinguishable import EmbeddingIndistinguishable
from modeling.metrics.leave_one_out import LeaveOneOut
from modeling.metrics.metric import Metric
from modeling.metrics.nll import Nll
from modeling.metrics.nonword_rate import NonwordRate
from modeling.metrics.repetition import Repetition
from modeling.metrics.retrieval import RetrievalAccuracy
from modeling.metrics.reward import RewardMetric
from modeling.metrics.source_gain import SourceGain, SourceGainWithinAlbum
from modeling.metrics.top_share import TopShare
from modeling.metrics.unique import Unique

METRICS: dict[str, Metric] = {  # in the order in which they are listed
    metric.name: metric
    for metric in (
        Bleu(),
        Chrf(),
        BertscoreF1(),
        Distinct(1),
        Distinct(2),
        Unique(),
        TopShare(),
        Repetition(),
        CopyRate(),
        NonwordRate(),
        CaptionRecall(),
        LeaveOneOut(Bleu()),
        LeaveOneOut(Chrf()),
        Nll(),
        SourceGain(),
        SourceGainWithinAlbum(),
        RetrievalAccuracy(),
        CnnIndistinguishable(),
        EmbeddingIndistinguishable(),
        RewardMetric(),
    )
}

Kind = TypeVar("Kind", bound=Metric)


def of_kind(kind: type[Kind], names: Iterable[str] | None = None) -> list[Kind]:
    """The named metrics, all of them of that kind; without names, all that there are. Raises ScoringError for another
    name."""
    known = {name: metric for name, metric in METRICS.items() if isinstance(metric, kind)}
    wanted = list(known if names is None else names)
    if unknown := [name for name in wanted if name not in known]:
        raise ScoringError(f"unknown metric {unknown[0]!r}; valid metrics: {', '.join(known)}")
    return [known[name] for name in wanted]


def with_companions(names: Iterable[str]) -> list[str]:
    """The metrics, and before each the one without which it says little: a source gain says how much of a loss is the
    source's, and an overfitted model raises the loss together with the gain."""
    found = list(names)
    for name in tuple(found):
        beside = METRICS[name].beside
        if beside and beside not in found:
            found.insert(found.index(name), beside)
    return found
