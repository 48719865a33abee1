"""A report's results as typed values. Its JSON is what is kept, byte for byte, and what programs read.

Everywhere `ci` is a 95 % interval, `p` two-sided, `n` a number of ratings (screens, of a difference), and `undefined`
the reason why there is no value: a code with its facts, and what it says.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Self

from pydantic import ConfigDict

from annotations.reports.schema.base import Part
from annotations.reports.schema.campaign import AskedPart
from annotations.reports.schema.examples import ExamplesPart
from annotations.reports.schema.metrics import MetricsPart
from annotations.reports.schema.raters import RatersPart
from annotations.reports.schema.results import ResultsPart

VERSION = 5  # of the report's layout


class Layout(Part):
    version: int = VERSION


class MethodPart(Part):
    method: str


class Report(MethodPart, RatersPart, ExamplesPart, MetricsPart, ResultsPart, AskedPart, Layout):
    """A campaign's result: the parts that its sections compute, those of the last base first. A section that is not
    among these bases has keys of its own beside them, which `OwnPart.of` reads."""

    model_config = ConfigDict(extra="allow")

    @classmethod
    def of(cls, parts: Iterable[Part]) -> "Report":
        return cls(**dict(chain.from_iterable(parts)))


class OwnPart(Part):
    """The part of a section that is no base of `Report`; its fields are keys of the report."""

    @classmethod
    def of(cls, report: Report) -> Self | None:
        """None of a report that was kept before there was this section."""
        own = {key: value for key, value in (report.model_extra or {}).items() if key in cls.model_fields}
        return cls.model_validate(own) if own else None
