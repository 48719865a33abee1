"""A number from 0 to 100 for every candidate, by each criterion. A slider that was not touched is no answer."""

from annotations.protocols.base import Allowed, Instrument, Rules
from annotations.protocols.labels import translatable as _
from annotations.protocols.scored import RELATIVE, Scored


class Slider(Scored):
    name = "slider"
    level = "interval"
    scale = (0.0, 100.0)
    instrument = Instrument("A slider.", "Direct estimation of quality.", RELATIVE)
    asked = "for a number from {low:g} to {high:g} for every text, by a slider"
    shown_here = True
    heading = _("Rate short texts")
    labelled_ends = True
    missing = _("Set all sliders first")

    def allowed(self, rules: Rules) -> Allowed:
        found = super().allowed(rules)
        return found._replace(number=f"{found.number} A program that rates through the interface may send fractions.")

    def takes_scores(self, *, whole: bool, width: float) -> bool:
        return True
