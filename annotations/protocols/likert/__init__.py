"""A step of a scale for every candidate, by each criterion. How far two steps lie apart is not said."""

from collections.abc import Mapping, Sequence

from annotations.errors import AnswerError
from annotations.protocols.base import Instrument, Rules
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import translatable as _
from annotations.protocols.scored import RELATIVE, Scored
from texts.limits import shown

MAX_STEPS = 11


class Likert(Scored):
    name = "likert"
    level = "ordinal"
    scale = (1.0, 5.0)
    instrument = Instrument("Options, of which one is chosen.", "Direct estimation of quality.", RELATIVE)
    asked = "for a point from {low:g} to {high:g} for every text"
    number = int
    shown_here = True
    most_points = MAX_STEPS
    heading = _("Rate short texts")
    labelled_ends = True
    missing = _("Answer every question first")

    def takes_scores(self, *, whole: bool, width: float) -> bool:
        return whole and width < MAX_STEPS

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        low, high = self.ends(rules.scale)
        points = [str(point) for point in range(int(low), int(high) + 1)]
        return super().screen(texts, draft, criteria=criteria, rules=rules) | {"points": points}

    def score(self, value: object, ends: tuple[float, float], place: str) -> float:
        low, high = ends
        steps = range(int(low), int(high) + 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in steps:
            raise AnswerError(place, f"{shown(value)} must be a whole number from {low:g} to {high:g}", code="value")
        return float(value)
