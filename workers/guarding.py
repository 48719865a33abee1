"""What learning from feedback has cost a model, as people read it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from annotations.documents.numbers import figure, interval, signed
from annotations.plurals import counted
from workers.models import Checkpoint

PLACES, COUNTED = 3, ("unique",)  # decimals of a figure, and those that have none


class Estimate(NamedTuple):
    """A value and its interval, which is empty where there is none."""

    value: str
    interval: str

    @classmethod
    def of(cls, value: str, ci: Sequence[float] | None, places: int) -> "Estimate":
        return cls(value, interval(ci, places) if ci else "")

    def __str__(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


class FigureRow(NamedTuple):
    """A figure before and after, its change, and what is wrong with that, if anything is."""

    label: str
    before: Estimate
    after: Estimate
    change: Estimate
    problem: str


def guarding_context(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Empty where nothing was measured."""
    guarding = checkpoint and checkpoint.metrics.get("guarding")
    return {"guarding": guarding, "figure_rows": figure_rows(guarding)} if guarding else {}


def figure_rows(guarding: dict[str, Any]) -> list[FigureRow]:
    """From what a checkpoint keeps, as `modeling.guarding` has it."""
    return [figure_row(each, places_of_figure(each["name"])) for each in guarding["figures"]]


def places_of_figure(name: str) -> int:
    return 0 if name in COUNTED else PLACES


def figure_row(measured: dict[str, Any], places: int) -> FigureRow:
    before, after = (
        Estimate.of(figure(measured[side], places), measured[f"{side}_ci"], places) for side in ("before", "after")
    )
    change = Estimate.of(signed(measured["difference"], places), measured["difference_ci"], places)
    return FigureRow(measured["label"], before, after, change, measured["problem"])


def guarding_lines(guarding: dict[str, Any]) -> Iterator[str]:
    """A line a figure, for a terminal, and why the model is worse, if it is."""
    yield f"measured before and after: {counted(guarding['sources'], 'validation sources')}, with 95 % intervals"
    for row in figure_rows(guarding):
        yield f"{row.label}: {row.before} before, {row.after} after, change {row.change}"
    for problem in guarding["worse"]:
        yield f"worse: {problem}"
