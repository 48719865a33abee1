"""Charts of generations: estimates with their intervals, one generation below the other."""

from collections.abc import Sequence

from annotations.documents.numbers import figure, interval
from annotations.reports.charts.drawing import BLUE, GREEN, INK, ORANGE, Chart, Sheets, chart, names
from workers.generations.results import BEFORE, NEW, PEOPLE, Panel

WIDTH, LINE = 270, 20  # pixels, so that it fits on a phone
LOOKS = {NEW: (BLUE, "circle"), BEFORE: (ORANGE, "square"), PEOPLE: (GREEN, "diamond")}
NAME = 30  # characters of a generation's name


def panel_chart(panel: Panel) -> Chart:
    """By generation, oldest first: the new model, the one before and people, each in figures and below them drawn."""
    import altair as alt

    sheets, rows, headings, at = Sheets(), [], [], 0.0
    short = names((each.generation for each in panel.rows), NAME)
    for each in panel.rows:
        headings.append({"text": short[each.generation], "at": at + 0.5})
        at += 0.8
        for found in each.estimates:
            colour, shape = LOOKS[found.whose]
            low, high = found.ci or (None, None)
            between = f" ({interval(found.ci, panel.places)})" if found.ci else ""
            said = f"{found.whose} {figure(found.value, panel.places)}{between}"
            looks = {"colour": colour, "shape": shape, "said": at + 0.7, "at": at + 1.5}
            rows.append({"value": found.value, "low": low, "high": high, "text": said, **looks})
            at += 1.8
        at += 0.8
    x = alt.Scale(domain=list(panel.domain), nice=False, zero=False, clamp=True)
    vertical = alt.Scale(domain=[at, 0], nice=False, zero=False)
    y, stroke = alt.Y("at:Q", scale=vertical, axis=None), alt.Stroke("colour:N", scale=None)
    points = sheets.add(rows)
    layers = [
        sheets.add(row for row in rows if row["low"] is not None)
        .mark_rule(strokeWidth=3)
        .encode(x=alt.X("low:Q", scale=x), x2=alt.X2("high:Q"), y=y, stroke=stroke),
        points.mark_point(size=90, strokeWidth=1, opacity=1, fillOpacity=1).encode(
            x=alt.X("value:Q", scale=x, axis=alt.Axis(title=None, tickCount=4)),
            y=y,
            stroke=stroke,
            fill=alt.Fill("colour:N", scale=None),
            shape=alt.Shape("shape:N", scale=None),
        ),
        points.mark_text(align="left").encode(
            x=alt.XValue(0), y=alt.Y("said:Q", scale=vertical, axis=None), text=alt.Text("text:N")
        ),
        sheets.add(headings)
        .mark_text(align="left", fontWeight="bold")
        .encode(x=alt.XValue(0), y=y, text=alt.Text("text:N")),
    ]
    if panel.even is not None:
        even = sheets.add([{"even": panel.even}]).mark_rule(stroke=INK, strokeDash=[4, 3], opacity=0.8)
        layers.insert(0, even.encode(x=alt.X("even:Q", scale=x)))
    drawn = alt.layer(*layers).properties(width=WIDTH, height=LINE * at)
    return chart(title_of(panel), drawn, sheets)


def title_of(panel: Panel) -> str:
    said: Sequence[str] = [each.generation for each in panel.rows]
    return f"{panel.title}: estimates and 95 % intervals of the generations {', '.join(said)}, oldest first"
