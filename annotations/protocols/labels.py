"""Criteria that raters know by a question and by what the two ends of the scale mean, in their language."""

from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


class Label(NamedTuple):
    title: str
    question: str
    low: str
    high: str


LABELS = {
    "human_likeness": Label(
        _("Human-likeness"),
        _("Does it read as if a person had written it?"),
        _("clearly a machine"),
        _("clearly a person"),
    ),
    "grounding": Label(
        _("Fits the source"), _("Does it fit what you see above it?"), _("does not fit at all"), _("fits perfectly")
    ),
    "fluency": Label(_("Fluency"), _("Is it good, natural language?"), _("hard to read"), _("reads perfectly")),
    "coherence": Label(_("Coherence"), _("Does it make sense as a whole?"), _("makes no sense"), _("makes full sense")),
    "interest": Label(_("Interest"), _("Would you want to read on?"), _("dull"), _("gripping")),
}
UNKNOWN = Label("", "", _("not at all"), _("entirely"))


def label_of(criterion: str) -> Label:
    """The label in the active language; a criterion of one's own is called by its name."""
    label = LABELS.get(criterion) or UNKNOWN._replace(title=(criterion[:1].upper() + criterion[1:]).replace("_", " "))
    return Label(*(gettext(part) if part else "" for part in label))
