"""What raters read of categories and severities of errors."""

from typing import NamedTuple

from annotations.protocols.labels import translatable as _
from annotations.protocols.labels import translated


class Severity(NamedTuple):
    title: str
    meaning: str
    weight: float


# The built-in categories; one that a campaign names itself is called by its name.
CATEGORIES = {
    "grammar": _("Grammar"),
    "repeated": _("Repetition"),
    "contradiction": _("Contradiction"),
    "not_in_picture": _("Does not fit the picture"),
    "other": _("Other"),
}
# Two severities and their weights as in Freitag et al. (2021), "Experts, Errors, and Context" (TACL 9), section 3.2.
SEVERITIES = {
    "minor": Severity(_("Minor"), _("You notice it, but the meaning is clear."), 1.0),
    "major": Severity(_("Major"), _("It changes or hides the meaning, or makes the text hard to read."), 5.0),
}


def category_title(name: str) -> str:
    """In the active language."""
    if name in CATEGORIES:
        return translated(CATEGORIES[name])
    return (name[:1].upper() + name[1:]).replace("_", " ")
