"""Each metric against people, one point per system."""

from collections.abc import Sequence

from annotations.reports.charts.drawing import BLUE, INK, SMALL, Chart, Sheets, chart, longest, names
from annotations.reports.measures import measure_of
from annotations.reports.schema.metrics import Point
from annotations.reports.schema.report import Report
from annotations.reports.words import spaced

WIDTH, HEIGHT = 190, 190
APART = 15  # pixels between labels


def metric_charts(report: Report) -> dict[str, Chart]:
    return {
        f"metric:{criterion}:{metric}": scatter(report, criterion, metric, points)
        for criterion, found in report.correlation.items()
        for metric, points in found.points.items()
        if points
    }


def scatter(report: Report, criterion: str, metric: str, points: Sequence[Point]) -> Chart:
    """The labels stand in a column at the right, in the order of the points, and a line leads to each."""
    import altair as alt

    short = names((point.system for point in points), 20)
    height = max(HEIGHT, APART * len(points))
    low, high = padded([point.human for point in points])
    pixel = (high - low) / height
    ordered = sorted(points, key=lambda point: -point.human)
    places = spread([(high - point.human) / pixel for point in ordered], APART, height)
    rows = [
        {
            "system": point.system,
            "label": short[point.system],
            "human": point.human,
            "metric": point.metric,
            "texts": point.texts,
            "at": high - place * pixel,
        }
        for point, place in zip(ordered, places, strict=True)
    ]
    y = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = alt.Scale(domain=padded([point.metric for point in points]), nice=False, zero=False)
    axis_title = f"{metric} (lower is better)" if report.metric_facts[metric].less_is_better else metric
    title = measure_of(report.campaign).people_axis
    sheets = Sheets()
    base = sheets.add(rows)
    across = alt.X("metric:Q", scale=x, axis=alt.Axis(title=axis_title, tickCount=3))
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
        f"{metric} against people's {spaced(criterion)}, one point per system",
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
