"""The report's chart: means with their intervals, drawn as SVG that needs nothing else."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, LABEL, ROW, MARGIN = 640, 170, 30, 16


def intervals_svg(systems: Sequence[Mapping[str, Any]], *, title: str, low: float = 0.0, high: float = 100.0) -> str:
    """A line for each system's interval with a dot at its mean, on an axis from `low` to `high`."""
    height = ROW * len(systems) + 2 * MARGIN + 16
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title>",
    ]

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return LABEL + share * (WIDTH - LABEL - MARGIN)

    bottom = height - MARGIN - 10
    for step in range(5):
        value = low + step * (high - low) / 4
        parts.append(f'<line class="grid" x1="{x(value):.1f}" y1="{MARGIN}" x2="{x(value):.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
    for place, system in enumerate(systems):
        y = MARGIN + ROW * (place + 0.5)
        parts.append(
            f'<text x="{LABEL - 12}" y="{y + 5:.1f}" text-anchor="end">{escape(shortened(system["system"]))}</text>'
        )
        if system["ci"]:
            left, right = (x(end) for end in system["ci"])
            parts.append(f'<line class="bar" x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle cx="{x(system["mean"]):.1f}" cy="{y:.1f}" r="5"/>')
    return "".join([*parts, "</svg>"])


def shortened(name: str, longest: int = 20) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"
