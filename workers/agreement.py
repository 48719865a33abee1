"""How far a reward model agrees with raters, in words: beside how far they agree with each other, with intervals."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from annotations.plurals import counted
from workers.models import RewardModel

NO_BREAK = "\u00a0"
MEASURES = (
    (
        "pairwise_accuracy",
        "Pairwise accuracy",
        "Of two texts for one source that a rater judged differently, how often the one the rater found better has the "
        "higher reward. 0.5 is chance.",
        "judgements of a pair",
    ),
    (
        "spearman",
        "Rank correlation",
        "Of a rater's scores or labels with the rewards, the mean over raters (Spearman). 0 is chance.",
        "judgements",
    ),
)


class Measure(NamedTuple):
    """A measure of agreement: of all that was judged, and of what several raters judged, where theirs is there too."""

    title: str
    meaning: str
    reward: str
    judged: str
    beside: str
    ceiling: str
    ceiling_judged: str


def measures_of(row: RewardModel) -> list[Measure]:
    found = []
    for key, title, meaning, what in MEASURES:
        each = row.agreement[key]
        both = each["ceiling"] is not None
        found.append(
            Measure(
                title,
                meaning,
                with_interval(each["value"], each["ci"]),
                f"{each['count']:,} {what}",
                with_interval(each["beside"], each["beside_ci"]) if both else "",
                with_interval(each["ceiling"], each["ceiling_ci"]) if both else "",
                f"{each['ceiling_count']:,} {what}" if both else "",
            )
        )
    return found


def with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "not defined"
    if not interval:
        return f"{value:.2f}"
    return f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]".replace(" ", NO_BREAK)


def learned(row: RewardModel) -> str:
    """The mark that a reward model bears wherever it is named."""
    return "learned; of simulated raters" if row.simulated else "learned"


def in_words(row: RewardModel) -> str:
    """The accuracy and the raters' ceiling in one line, for a run's message."""
    accuracy: dict[str, Any] = row.agreement["pairwise_accuracy"]
    raters, groups = counted(row.agreement["raters"], "raters"), row.agreement["groups"]
    said = f"{learned(row)}: {raters} on {groups:,} albums or sources"
    if accuracy["value"] is None:
        return f"{said}; no pairwise accuracy"
    said += f"; pairwise accuracy {with_interval(accuracy['value'], accuracy['ci'])}"
    if accuracy["ceiling"] is not None:
        said += (
            f"; where several judged, {with_interval(accuracy['beside'], accuracy['beside_ci'])} beside the raters' "
            f"own {with_interval(accuracy['ceiling'], accuracy['ceiling_ci'])}"
        )
    return said
