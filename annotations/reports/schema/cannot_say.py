"""How often raters said that they could not judge a screen."""

from annotations.reports.schema.base import Part
from annotations.reports.schema.report import OwnPart


class Declined(Part):
    """By one criterion."""

    declined: int  # answers without a judgement
    answers: int


class CannotSayPart(OwnPart):
    cannot_say: dict[str, Declined]  # by criterion that could be declined
