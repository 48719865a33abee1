"""Each metric against people, one point a system."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.reports.charts.drawing import BLUE, INK, SMALL, Chart, Sheets, chart, longest, names
from annotations.reports.charts.ratings import spaced
from annotations.reports.scales import is_choice

WIDTH, HEIGHT = 190, 190
APART = 15  # pixels between labels


def metric_charts(report: Mapping[str, Any]) -> dict[str, Chart]:
    return {
        f"metric:{criterion}:{metric}": scatter(report, criterion, metric, points)
        for criterion, found in (report.get("correlation") or {}).items()
        for metric, points in (found.get("points") or {}).items()
        if any(point["human"] is not None and point["metric"] is not None for point in points)
    }


def scatter(report: Mapping[str, Any], criterion: str, metric: str, points: Sequence[Mapping[str, Any]]) -> Chart:
    """The labels stand in a column at the right, in the order of the points, and a line leads to each."""
    import altair as alt

    points = [point for point in points if point["human"] is not None and point["metric"] is not None]
    short = names((point["system"] for point in points), 20)
    height = max(HEIGHT, APART * len(points))
    low, high = padded([point["human"] for point in points])
    pixel = (high - low) / height
    ordered = sorted(points, key=lambda point: -point["human"])
    places = spread([(high - point["human"]) / pixel for point in ordered], APART, height)
    rows = [
        {
            "system": point["system"],
            "label": short[point["system"]],
            "human": point["human"],
            "metric": point["metric"],
            "texts": point.get("texts"),
            "at": high - place * pixel,
        }
        for point, place in zip(ordered, places, strict=True)
    ]
    y = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = alt.Scale(domain=padded([point["metric"] for point in points]), nice=False, zero=False)
    title = "Share won, people" if is_choice(report, criterion) else "Mean score, people"
    sheets = Sheets()
    base = sheets.add(rows)
    across = alt.X("metric:Q", scale=x, axis=alt.Axis(title=metric, tickCount=3))
    up = alt.Y("human:Q", scale=y, axis=alt.Axis(title=title, tickCount=5, minExtent=30))
    drawn = alt.layer(
        base.mark_rule(stroke=INK, opacity=0.3).encode(
            x=across, x2=alt.X2Value(WIDTH + 6), y=alt.Y("human:Q", scale=y), y2=alt.Y2("at:Q")
        ),
        base.mark_point(filled=True, fill=BLUE, size=80, opacity=1).encode(x=across, y=up),
        base.mark_text(align="left", fontSize=SMALL + 1).encode(
            x=alt.XValue(WIDTH + 10), y=alt.Y("at:Q", scale=y), text=alt.Text("label:N")
        ),
    ).properties(width=WIDTH, height=height)
    return chart(
        f"{metric} against people's {spaced(criterion)}, one point a system",
        drawn,
        sheets,
        right=longest(rows, "label"),
    )


def padded(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1
    return [low - room, high + room]


def spread(places: Sequence[float], apart: float, length: float) -> list[float]:
    """Places from 0 to `length` in rising order, moved as little as keeps neighbours `apart`."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + apart if moved else apart / 2))
    limit = length - apart / 2
    for number in reversed(range(len(moved))):
        moved[number] = min(moved[number], limit)
        limit = moved[number] - apart
    return moved
