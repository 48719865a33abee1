"""The comparison's chart: each system's means with their intervals, campaign under campaign, told apart by shape."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from annotations.reports.charts.drawing import shortened

WIDTH, LABEL, LINE, MARGIN, STEPS = 640, 200, 20, 14, 4
SHAPES = (  # around (0, 0)
    '<circle r="5.5"/>',
    '<rect x="-5" y="-5" width="10" height="10"/>',
    '<path d="M0-7 7 0 0 7-7 0Z"/>',
    '<path d="M0-6.5 6.5 5-6.5 5Z"/>',
)


def side_by_side_svg(result: Mapping[str, Any]) -> str:
    """Of one criterion's comparison; nothing where it has no means."""
    rows: list[tuple[str, int, Mapping[str, Any]]] = []  # the system's name at its first campaign
    for row in result["systems"]:
        drawn = [(place, cell) for place, cell in enumerate(row["cells"]) if cell and cell["mean"] is not None]
        rows += [("" if index else row["system"], *each) for index, each in enumerate(drawn)]
    if not rows:
        return ""
    low, high = axis(result["scale"], [cell for _, _, cell in rows])
    top = MARGIN + LINE * len(result["campaigns"]) + 6
    gaps = [8 * sum(bool(name) for name, _, _ in rows[: index + 1]) for index in range(len(rows))]
    bottom = top + LINE * len(rows) + gaps[-1] + 8

    def x(value: float) -> float:
        return LABEL + (min(max(value, low), high) - low) / (high - low) * (WIDTH - LABEL - MARGIN)

    title = f"Means and 95 % intervals by {result['criterion'].replace('_', ' ')}, campaign by campaign"
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + 30}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title>",
    ]
    for place, name in enumerate(result["campaigns"]):
        y = float(MARGIN + LINE * place)
        parts.append(mark(place, LABEL + 6, y))
        parts.append(f'<text x="{LABEL + 20}" y="{y + 5}">{escape(shortened(name, 48))}</text>')
    for step in range(STEPS + 1):
        value = low + step * (high - low) / STEPS
        parts.append(f'<line class="grid" x1="{x(value):.1f}" y1="{top}" x2="{x(value):.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>')
    for index, (name, place, cell) in enumerate(rows):
        y = top + LINE * (index + 0.5) + gaps[index]
        if name:
            parts.append(
                f'<text x="{LABEL - 12}" y="{y + 5:.1f}" text-anchor="end">{escape(shortened(name, 22))}</text>'
            )
        if cell["ci"]:
            left, right = (x(end) for end in cell["ci"])
            parts.append(f'<line class="bar k{place % 4}" x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>')
        parts.append(mark(place, x(cell["mean"]), y))
    return "".join([*parts, "</svg>"])


def mark(place: int, x: float, y: float) -> str:
    kind = place % len(SHAPES)
    return f'<g class="mark k{kind}" transform="translate({x:.1f} {y:.1f})">{SHAPES[kind]}</g>'


def axis(scale: Sequence[float], cells: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The scale's ends; where it has none, the ends of what is drawn."""
    if scale:
        return scale[0], scale[1]
    ends = [end for cell in cells for end in (cell["ci"] or (cell["mean"],))]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 1, high + 1)
