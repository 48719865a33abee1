"""Criteria that raters know by a question and by what the two ends of the scale mean, in their language."""

from typing import NamedTuple

from django.utils.translation import gettext as translated
from django.utils.translation import gettext_noop as translatable

_ = translatable


class Label(NamedTuple):
    """`question` is asked of one text, `which` of two, `best` and `worst` of more."""

    title: str
    question: str
    which: str
    best: str
    worst: str
    low: str
    high: str


LABELS = {
    "human_likeness": Label(
        _("Human-likeness"),
        _("Does it read as if a person had written it?"),
        _("Which reads more as if a person had written it?"),
        _("Which reads most as if a person had written it?"),
        _("Which reads least as if a person had written it?"),
        _("clearly a machine"),
        _("clearly a person"),
    ),
    "grounding": Label(
        _("Fits the source"),
        _("Does it fit what you see above it?"),
        _("Which fits better what you see above?"),
        _("Which fits best what you see above?"),
        _("Which fits least what you see above?"),
        _("does not fit at all"),
        _("fits perfectly"),
    ),
    "fluency": Label(
        _("Fluency"),
        _("Is it good, natural language?"),
        _("Which is better, more natural language?"),
        _("Which is the best, most natural language?"),
        _("Which is the worst, least natural language?"),
        _("hard to read"),
        _("reads perfectly"),
    ),
    "coherence": Label(
        _("Coherence"),
        _("Does it make sense as a whole?"),
        _("Which makes more sense as a whole?"),
        _("Which makes the most sense as a whole?"),
        _("Which makes the least sense as a whole?"),
        _("makes no sense"),
        _("makes full sense"),
    ),
    "interest": Label(
        _("Interest"),
        _("Would you want to read on?"),
        _("Which would you rather go on reading?"),
        _("Which would you most like to go on reading?"),
        _("Which would you least like to go on reading?"),
        _("dull"),
        _("gripping"),
    ),
}
UNKNOWN = Label(
    "", "", _("Which is better?"), _("Which is best?"), _("Which is worst?"), _("not at all"), _("entirely")
)


def label_of(criterion: str) -> Label:
    """The label in the active language; a criterion of one's own is called by its name."""
    label = LABELS.get(criterion) or UNKNOWN._replace(title=(criterion[:1].upper() + criterion[1:]).replace("_", " "))
    return Label(*(translated(part) if part else "" for part in label))
