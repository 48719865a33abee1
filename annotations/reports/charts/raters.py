"""Raters beside each other: how severe each is, and how fast."""

from annotations.reports.charts.drawing import BLUE, INK, ORANGE, SMALL, Chart, Datum, Sheets, chart
from annotations.reports.schema.report import Report

WIDTH, NARROWEST, WIDEST = 600, 17, 60  # pixels: of the whole, and of a rater's column
TITLE = 180  # pixels, for the words below the axis
SEVERITY, PACE = 170, 90
CROSS = "M-1,-1L1,1M1,-1L-1,1"


def rater_charts(report: Report) -> dict[str, Chart]:
    drawn = raters(report)
    return {"raters": drawn} if drawn else {}


def raters(report: Report) -> Chart | None:
    """Severity with its interval above, median seconds per screen below, by severity; a cross is a rater left out."""
    import altair as alt

    rows: list[Datum] = [
        {
            "rater": str(row.number),
            "severity": row.severity,
            "low": row.severity_ci[0] if row.severity_ci else None,
            "high": row.severity_ci[1] if row.severity_ci else None,
            "seconds": row.seconds,
            "shape": CROSS if row.excluded else "circle",
            "colour": ORANGE if row.excluded else BLUE,
        }
        for row in report.raters
    ]
    rows.sort(key=lambda row: (row["severity"] is None, row["severity"]))
    judged = [row for row in rows if row["severity"] is not None]
    timed = [row for row in rows if row["seconds"] is not None]
    if not judged:
        return None
    width = max(len(rows) * min(max(WIDTH / len(rows), NARROWEST), WIDEST), TITLE)
    order = alt.Scale(domain=[row["rater"] for row in rows])

    def x(title: str | None) -> alt.X:
        axis = alt.Axis(
            title=title,
            labels=bool(title),
            labelAngle=0,
            labelFontSize=SMALL,
            labelOverlap=False,
            ticks=False,
            grid=False,
        )
        return alt.X("rater:N", sort=None, scale=order, axis=axis)

    looks = {
        "shape": alt.Shape("shape:N", scale=None),
        "fill": alt.Fill("colour:N", scale=None),
        "stroke": alt.Stroke("colour:N", scale=None),
    }
    sheets, last = Sheets(), "Rater, most severe first"
    points = {"size": 70, "opacity": 1, "strokeWidth": 2.5}
    severity = alt.Y(
        "severity:Q", axis=alt.Axis(title="Severity", tickCount=5, minExtent=34), scale=alt.Scale(nice=True)
    )
    parts = [
        alt.layer(
            sheets.add([{"at": 0}]).mark_rule(stroke=INK, strokeDash=[4, 3], opacity=0.8).encode(y=alt.Y("at:Q")),
            sheets.add(row for row in judged if row["low"] is not None)
            .mark_rule(strokeWidth=2)
            .encode(x=x(None if timed else last), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), stroke=looks["stroke"]),
            sheets.add(judged).mark_point(**points).encode(x=x(None if timed else last), y=severity, **looks),
        ).properties(width=width, height=SEVERITY)
    ]
    if timed:
        pace = alt.Y("seconds:Q", axis=alt.Axis(title="Seconds", tickCount=3, minExtent=34), scale=alt.Scale(zero=True))
        parts.append(
            sheets.add(timed)
            .mark_point(**points)
            .encode(x=x(last), y=pace, **looks)
            .properties(width=width, height=PACE)
        )
    left_out = sum(row["shape"] == CROSS for row in rows)
    marked = f"; {left_out} excluded, marked with a cross" if left_out else ""
    title = (
        f"Severity with 95 % intervals{' and median seconds per screen' if timed else ''} of {len(rows)} raters{marked}"
    )
    return chart(title, alt.vconcat(*parts, spacing=14), sheets)
