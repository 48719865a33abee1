"""The curves of a training as SVG: its loss, and that on the validation pairs, above its learning rate, over steps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from modeling.config import LIKELIHOOD

WIDTH, LEFT, RIGHT = 640, 78, 626
TOP, AXIS = 14, 46  # above the first panel, and below the last for the steps
LOSS_HEIGHT, RATE_HEIGHT, BETWEEN = 196, 84, 26
COMPARED_HEIGHT = 260
SERIES = (("loss", "train", "training"), ("valid_loss", "valid", "validation"))
FEW = 30  # points of a series that are also drawn as dots
Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Panel:
    """A chart from height `top` to `bottom`, of steps from `first` to `last` and values from `low` to `high`."""

    title: str
    top: float
    bottom: float
    first: int
    last: int
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (step - self.first) / ((self.last - self.first) or 1) * (RIGHT - LEFT)

    def y(self, value: float) -> float:
        return self.top + (self.high - value) / ((self.high - self.low) or 1) * (self.bottom - self.top)

    def axis(self, count: int) -> list[str]:
        """Lines and figures at round values, and what they are of."""
        middle = (self.top + self.bottom) / 2
        parts = [
            f'<text class="tick" x="14" y="{middle:.1f}" text-anchor="middle" '
            f'transform="rotate(-90 14 {middle:.1f})">{escape(self.title)}</text>'
        ]
        for value in round_values(self.low, self.high, count):
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        return parts

    def line(self, points: Points, css: str) -> str:
        places = [f"{self.x(step):.1f},{self.y(value):.1f}" for step, value in points]
        return f'<polyline class="{css}" points="{" ".join(places)}"/>'

    def dots(self, points: Points, css: str) -> list[str]:
        return [
            f'<circle class="key-{css}" cx="{self.x(step):.1f}" cy="{self.y(value):.1f}" r="4"/>'
            for step, value in points
        ]

    def steps(self, count: int) -> list[str]:
        """The axis of steps, below this panel."""
        below = self.bottom + 18
        parts = [
            f'<text class="tick" x="{self.x(step):.1f}" y="{below:.1f}" text-anchor="middle">{step:,.0f}</text>'
            for step in round_values(self.first, self.last, count)
            if step == int(step)
        ]
        middle = (LEFT + RIGHT) / 2
        return [*parts, f'<text class="tick" x="{middle}" y="{below + 18:.1f}" text-anchor="middle">step</text>']


def round_values(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from `low` to `high`: about `count`, and at most twice as many."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    apart = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
    first, last = math.ceil(low / apart - 1e-9), math.floor(high / apart + 1e-9)
    return [round(place * apart, 12) for place in range(first, last + 1)]


def measured(rows: Sequence[Mapping[str, Any]], key: str) -> Points:
    """(step, value) where a value was measured: a row repeats the last one until there is another."""
    found: Points = []
    for row in rows:
        if row.get(key) is not None and (not found or found[-1][1] != row[key]):
            found.append((row["step"], row[key]))
    return found


def training_svg(rows: Sequence[Mapping[str, Any]], objective: str = LIKELIHOOD) -> str:
    """Loss and learning rate over the steps; empty for fewer than two points, without the rate where no row has it.

    The loss of another objective than likelihood is no number of nats, and the validation stands below it.
    """
    losses = {key: measured(rows, key) for key, _, _ in SERIES}
    rates: Points = [(row["step"], row["learning_rate"]) for row in rows if row.get("learning_rate") is not None]
    if len(losses["loss"]) < 2:
        return ""
    steps = [row["step"] for row in rows if row.get("loss") is not None]
    span, parts = (min(steps), max(steps)), list[str]()
    charts: list[tuple[str, int, Sequence[tuple[str, str, str]]]] = [("loss, nats per token", LOSS_HEIGHT, SERIES)]
    if objective != LIKELIHOOD:
        charts = [(f"loss of {objective}", LOSS_HEIGHT, SERIES[:1]), ("nats per token", RATE_HEIGHT, SERIES[1:])]
    titles, bottom = [], float(TOP - BETWEEN)
    for title, height, series in charts:
        values = [value for key, _, _ in series for _, value in losses[key]]
        if not values:
            continue
        top = bottom + BETWEEN
        last = Panel(title, top, top + height, *span, min(values), max(values))
        bottom = last.bottom
        parts += last.axis(4 if height == LOSS_HEIGHT else 3)
        titles.append(title)
        for place, (key, css, name) in enumerate(series):
            if points := losses[key]:
                parts += [last.line(points, css), *(last.dots(points, css) if len(points) < FEW else [])]
                where = f'x="{RIGHT - 6}" y="{top + 14 + 18 * place}" text-anchor="end"'
                parts.append(f'<text class="key-{css}" {where}>{name} {points[-1][1]:.2f}</text>')
    if len(rates) > 1:
        top = bottom + BETWEEN
        last = Panel("learning rate", top, top + RATE_HEIGHT, *span, 0.0, max(rate for _, rate in rates))
        parts += [*last.axis(3), last.line(rates, "rate")]
        titles.append(last.title)
    told = f"{', below it '.join(titles)}, over the steps"
    head = f'<svg viewBox="0 0 {WIDTH} {last.bottom + AXIS:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
    told = told[0].upper() + told[1:]
    return "".join([head, f"<title>{told}</title>", *parts, *last.steps(8), "</svg>"])


def comparison_svg(curves: Sequence[tuple[str, Points]]) -> str:
    """Validation losses of trainings over their steps, each with a name below; empty where none was measured."""
    there = [(number, name, points) for number, (name, points) in enumerate(curves, start=1) if points]
    if not there:
        return ""
    steps = [step for *_, points in there for step, _ in points]
    values = [value for *_, points in there for _, value in points]
    panel = Panel(
        "validation loss, nats per token", TOP, TOP + COMPARED_HEIGHT, min(steps), max(steps), min(values), max(values)
    )
    parts = panel.axis(5)
    for row, (number, name, points) in enumerate(there, start=1):
        css = f"run-{number}"
        parts.append(panel.line(points, css))
        parts += [
            f'<circle class="{css}" cx="{panel.x(step):.1f}" cy="{panel.y(value):.1f}" r="3"/>'
            for step, value in points
        ]
        y = panel.bottom + AXIS + 18 * row
        parts.append(f'<line class="{css}" x1="{LEFT}" y1="{y - 4:.1f}" x2="{LEFT + 36}" y2="{y - 4:.1f}"/>')
        lowest = min(value for _, value in points)
        parts.append(f'<text x="{LEFT + 46}" y="{y:.1f}">{escape(name)}: {lowest:.3f} at best</text>')
    height = panel.bottom + AXIS + 18 * len(there) + 12
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
    title = f"<title>Validation losses of {escape(', '.join(name for _, name, _ in there))}, over the steps</title>"
    return "".join([head, title, *parts, *panel.steps(8), "</svg>"])
