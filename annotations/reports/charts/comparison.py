"""Campaigns side by side: each system's means, campaign under campaign."""

from collections.abc import Sequence

from annotations.documents.numbers import figure, interval
from annotations.reports.charts.drawing import BLUE, GREEN, ORANGE, Chart, Sheets, chart, longest, names
from annotations.reports.comparison_schema import CampaignComparison, CriterionComparison
from annotations.reports.scales import places_on
from annotations.reports.words import spaced

WIDTH, ROW = 300, 24
BETWEEN = 0.5  # of a row, left free between systems
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")
COLOURS = (BLUE, ORANGE, GREEN)  # three, so that with eight shapes 24 campaigns look different
LEGEND = 40  # characters of a campaign's name


def comparison_charts(comparison: CampaignComparison) -> dict[str, Chart]:
    """By the place of what is compared among the criteria: one criterion can be there twice, in other campaigns."""
    drawn = {f"means:{place}": means(result) for place, result in enumerate(comparison.criteria)}
    return {name: each for name, each in drawn.items() if each}


def means(result: CriterionComparison) -> Chart | None:
    """Of one criterion: means with their 95 % intervals on its scale, and in figures; a shape is a campaign."""
    import altair as alt

    campaigns = names(result.campaigns, LEGEND)
    short = names(row.system for row in result.systems)
    places, rows, labels, bottom = places_on(*result.scale), [], [], 0.0
    for row in result.systems:
        cells = [cell for cell in row.cells if cell and cell.mean is not None]
        if not cells:
            continue
        bottom += BETWEEN
        labels.append({"label": short[row.system], "at": bottom + 0.5})
        for cell in cells:
            low, high = cell.ci or (None, None)
            between = f"  ({interval(cell.ci, places)})" if cell.ci else ""
            rows.append(
                {
                    "system": row.system,
                    "campaign": campaigns[cell.campaign],
                    "mean": cell.mean,
                    "low": low,
                    "high": high,
                    "at": bottom + 0.5,
                    "text": figure(cell.mean, places) + between,
                }
            )
            bottom += 1
    if not rows:
        return None
    lowest, highest = result.scale
    x = alt.Scale(domain=[lowest, highest], nice=False, zero=False, clamp=True)
    y = alt.Y("at:Q", scale=alt.Scale(domain=[bottom + BETWEEN, 0], nice=False, zero=False), axis=None)
    shown, legend = list(campaigns.values()), alt.Legend(title=None, orient="top", direction="vertical")

    def by_campaign(values: Sequence[str]) -> alt.Scale:
        return alt.Scale(domain=shown, range=[values[place % len(values)] for place in range(len(shown))])

    stroke = alt.Stroke("campaign:N", scale=by_campaign(COLOURS), legend=legend)
    fill = alt.Fill("campaign:N", scale=by_campaign(COLOURS), legend=legend)
    shape = alt.Shape("campaign:N", scale=by_campaign(SHAPES), legend=legend)
    ends = f"observed {lowest:g} to {highest:g}" if result.scale_found else f"of {lowest:g} to {highest:g}"
    axis = alt.Axis(title=f"Mean score, {ends}", tickCount=5)
    sheets = Sheets()
    points = sheets.add(rows)
    drawn = alt.layer(
        sheets.add(row for row in rows if row["low"] is not None)
        .mark_rule(strokeWidth=3)
        .encode(x=alt.X("low:Q", scale=x), x2=alt.X2("high:Q"), y=y, stroke=stroke),
        points.mark_point(size=120, strokeWidth=1, opacity=1, fillOpacity=1).encode(
            x=alt.X("mean:Q", scale=x, axis=axis), y=y, stroke=stroke, fill=fill, shape=shape
        ),
        points.mark_text(align="left").encode(x=alt.XValue(WIDTH + 14), y=y, text=alt.Text("text:N")),
        sheets.add(labels).mark_text(align="right").encode(x=alt.XValue(-10), y=y, text=alt.Text("label:N")),
    ).properties(width=WIDTH, height=ROW * (bottom + BETWEEN))
    title = f"Means and 95 % intervals for {spaced(result.criterion)} in {len(shown)} campaigns, by system"
    return chart(title, drawn, sheets, left=longest(labels, "label"), right=longest(rows, "text"))
