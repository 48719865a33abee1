"""Training and qualification: what a rater learns from a training screen, once they have answered it."""

from collections.abc import Mapping
from typing import NamedTuple

from annotations.campaigns.models import Item, Rating
from annotations.campaigns.rounds import item_texts
from annotations.protocols.labels import translatable as _
from annotations.protocols.labels import translated

STAGES = Item.Kind.TRAINING, Item.Kind.QUALIFICATION  # of whose screens a rater is told what they are
HOW = {
    "word_order": _("Its words were put in another order."),
    "truncation": _("Its end was cut off."),
    "swapped_source": _("It was written for something else than what was shown."),
}


class TrainingFeedback(NamedTuple):
    """Texts by random id; a degraded text that was shown alone has no original beside it."""

    found: bool
    degraded: tuple[str, str]
    original: tuple[str, str] | None
    how: str


def training_feedback(rating: Rating) -> TrainingFeedback | None:
    """None where the rating was not of a training screen, or was sent before."""
    if rating.training is None or rating.looked is None:
        return None
    hidden: Mapping[str, str] = rating.training
    texts = item_texts(rating.assignment.item_id)
    shown = {name: (name, texts[pk]) for pk, name in rating.assignment.candidate_order}
    how = translated(HOW[hidden["degradation"]])
    found = rating.looked.check_passed is True
    return TrainingFeedback(found, shown[hidden["degraded"]], shown.get(hidden.get("original", "")), how)
