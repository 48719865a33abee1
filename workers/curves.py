"""The curve of a training as SVG: its loss, and that on the validation pairs, over the steps."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 640, 240, 52, 30, 14
SERIES = (("loss", "train", "training"), ("valid_loss", "valid", "validation"))
TICKS = 4
FEW = 30  # points of a series that are also drawn as dots


def measured(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    """(step, value) where a value was measured: a row repeats the last one until there is another."""
    found: list[tuple[int, float]] = []
    for row in rows:
        if row.get(key) is not None and (not found or found[-1][1] != row[key]):
            found.append((row["step"], row[key]))
    return found


def loss_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Nats a token over steps; empty for fewer than two points."""
    points = {key: measured(rows, key) for key, _, _ in SERIES}
    values = [value for series in points.values() for _, value in series]
    if len(points["loss"]) < 2:
        return ""
    steps = [step for step, _ in points["loss"]]
    first, last, low, high = min(steps), max(steps), min(values), max(values)

    def x(step: float) -> float:
        return LEFT + (step - first) / ((last - first) or 1) * (WIDTH - LEFT - MARGIN)

    def y(value: float) -> float:
        return MARGIN + (high - value) / ((high - low) or 1) * (HEIGHT - MARGIN - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape('Loss, in nats a token, over the steps')}</title>",
    ]
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - MARGIN}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for step, anchor in ((first, "start"), (last, "end")):
        parts.append(
            f'<text class="tick" x="{x(step):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">step {step:,}</text>'
        )
    for place, (key, css, name) in enumerate(SERIES):
        if points[key]:
            line = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points[key])
            parts.append(f'<polyline class="{css}" points="{line}"/>')
            if len(points[key]) < FEW:
                parts += [
                    f'<circle class="key-{css}" cx="{x(step):.1f}" cy="{y(value):.1f}" r="4"/>'
                    for step, value in points[key]
                ]
            right = WIDTH - MARGIN - 6
            parts.append(
                f'<text class="key-{css}" x="{right}" y="{MARGIN + 14 + 18 * place}" text-anchor="end">'
                f"{name} {points[key][-1][1]:.2f}</text>"
            )
    return "".join([*parts, "</svg>"])
