"""Charts of the ratings: means, differences, distributions, and every pair of systems."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from annotations.documents.numbers import figure, interval, p_is, signed
from annotations.reports.charts.drawing import BLUE, INK, ORANGE, SMALL, Chart, Sheets, chart, longest, names
from annotations.reports.measures import measure_of
from annotations.reports.pairs import ranked_pairs
from annotations.reports.scales import (
    adjusted,
    is_adjusted,
    limit_of,
    places_of,
    places_of_difference,
)
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult
from annotations.reports.words import spaced

WIDTH, ROW = 300, 30
MAX_PAIRS = 15  # of more, those with the best system are drawn
RIDGE, BARS = 46, 0.82  # pixels a system's distribution is high, and the part of them that its bars can fill
CELL_WIDTH, CELL_HEIGHT = 66, 40


def rating_charts(report: Report) -> dict[str, Chart]:
    drawn: dict[str, Chart | None] = {}
    for criterion, result in report.criteria.items():
        if result.systems:
            drawn[f"means:{criterion}"] = means(report, criterion)
            drawn[f"differences:{criterion}"] = differences(report, criterion)
            drawn[f"distributions:{criterion}"] = distributions(report, criterion)
            drawn[f"matrix:{criterion}"] = matrix(report, criterion)
    return {name: each for name, each in drawn.items() if each}


class PointRow(NamedTuple):
    """A point with its interval, and what it says in figures."""

    row: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    colour: str = BLUE
    fill: str = BLUE
    shape: str = "circle"


def rows_with_intervals(
    title: str, drawn_rows: Sequence[PointRow], *, of: str, domain: Sequence[float], nice: bool, line: float | None
) -> Chart:
    """A point with its interval per row, and what it says in figures at the right; `of` names the axis."""
    import altair as alt

    sheets, rows = Sheets(), [row._asdict() for row in drawn_rows]

    def y() -> alt.Y:
        axis = alt.Axis(title=None, ticks=False, domain=False, labelLimit=400)
        return alt.Y("row:N", sort=None, scale=alt.Scale(domain=[row["row"] for row in rows]), axis=axis)

    scale = alt.Scale(domain=list(domain), nice=nice, zero=False, clamp=True)
    x = alt.X("value:Q", scale=scale, axis=alt.Axis(title=of, tickCount=5))
    points, ranges = sheets.add(rows), sheets.add(row for row in rows if row["low"] is not None)
    colour = alt.Stroke("colour:N", scale=None)
    layers = [
        ranges.mark_rule(strokeWidth=3).encode(
            x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), y=y(), stroke=colour
        ),
        points.mark_point(size=95, strokeWidth=2.5, opacity=1, fillOpacity=1).encode(
            x=x, y=y(), stroke=colour, fill=alt.Fill("fill:N", scale=None), shape=alt.Shape("shape:N", scale=None)
        ),
        points.mark_text(align="left").encode(x=alt.XValue(WIDTH + 14), y=y(), text=alt.Text("text:N")),
    ]
    if line is not None:
        zero = sheets.add([{"at": line}]).mark_rule(stroke=INK, strokeDash=[4, 3], opacity=0.8)
        layers.insert(0, zero.encode(x=alt.X("at:Q", scale=scale)))
    drawn = alt.layer(*layers).properties(width=WIDTH, height=ROW * len(rows))
    return chart(title, drawn, sheets, left=longest(rows, "row"), right=longest(rows, "text"))


def means(report: Report, criterion: str) -> Chart:
    """Each system's mean with its 95 % interval on the campaign's scale, best first."""
    systems, places = report.criteria[criterion].systems, places_of(report)
    short = names(row.system for row in systems)
    rows = [
        PointRow(
            short[row.system],
            row.mean,
            row.ci and row.ci[0],
            row.ci and row.ci[1],
            figure(row.mean, places) + (f"  ({interval(row.ci, places)})" if row.ci else ""),
        )
        for row in systems
    ]
    measure = measure_of(report.campaign)
    of, domain = measure.mean_axis(report.campaign), measure.scale(report.campaign)
    systems_drawn = f"{len(rows)} {'system' if len(rows) == 1 else 'systems'}"
    title = f"Means and 95 % intervals of {systems_drawn} on {spaced(criterion)}, highest first"
    return rows_with_intervals(title, rows, of=of, domain=domain, nice=False, line=measure.even)


def pairs_drawn(report: Report, criterion: str) -> list[PairResult]:
    """All pairs with a difference; where they are many, those with the best system and the primary one."""
    pairs = [pair for pair in ranked_pairs(report, criterion) if pair.difference is not None]
    if len(pairs) <= MAX_PAIRS:
        return pairs
    best = report.criteria[criterion].systems[0].system
    return [pair for pair in pairs if pair.primary or best in (pair.system_a, pair.system_b)]


def differences(report: Report, criterion: str) -> Chart | None:
    """Pairs with their 95 % intervals around zero: filled where a difference was shown; the primary one a diamond."""
    pairs, places = pairs_drawn(report, criterion), places_of_difference(report)
    if not pairs:
        return None
    short = names((row.system for row in report.criteria[criterion].systems), 18)
    rows = []
    for pair in pairs:
        p, colour = adjusted(pair), ORANGE if pair.primary else BLUE
        primary = ", primary" if pair.primary else ""
        said = "" if p is None else f"  {p_is(p, limit_of(report, pair))}"
        rows.append(
            PointRow(
                f"{short[pair.system_a]} − {short[pair.system_b]}",
                pair.difference,
                pair.ci and pair.ci[0],
                pair.ci and pair.ci[1],
                f"{signed(pair.difference, places)}{said}{primary}",
                colour,
                fill=colour if pair.shown else "transparent",
                shape="diamond" if pair.primary else "circle",
            )
        )
    ends = [end for row in rows for end in (row.low, row.value, row.high) if end is not None]
    of = measure_of(report.campaign).difference_axis
    reach = [min(0, *ends), max(0, *ends)]
    domain = reach if reach[0] < reach[1] else [-1, 1]
    together = any(is_adjusted(report, pair) for pair in pairs)
    what = "95 % intervals, not adjusted, and p (Holm)" if together else "95 % intervals and p"
    title = f"Differences of {len(rows)} {'pair' if len(rows) == 1 else 'pairs'} on {spaced(criterion)}: {what}"
    return rows_with_intervals(title, rows, of=of, domain=domain, nice=True, line=0)


def distributions(report: Report, criterion: str) -> Chart | None:
    """What share of each system's scores lies where on the scale; a line marks the mean."""
    import altair as alt

    result = report.criteria[criterion]
    if not result.distribution or not result.systems:
        return None
    systems, edges = result.systems, result.distribution.edges
    counts = {row.system: result.distribution.counts[row.system] for row in systems}
    shares = {system: [count / sum(each) for count in each] for system, each in counts.items()}
    tallest = max(max(each) for each in shares.values())
    short, places = names(counts), places_of(report)
    bars, lines = [], []
    for place, row in enumerate(systems):
        system, base = row.system, place + 1
        lines.append(
            {
                "row": short[system],
                "mean": row.mean,
                "top": base - 0.9,
                "base": base,
                "middle": base - 0.35,
                "text": f"n = {sum(counts[system])}, mean {figure(row.mean, places)}",
            }
        )
        for (low, high), share, count in zip(pairwise(edges), shares[system], counts[system], strict=True):
            if count:
                top = base - BARS * share / tallest
                bars.append(
                    {"system": system, "low": low, "high": high, "base": base, "top": top, "share": share, "n": count}
                )
    x = alt.Scale(domain=[edges[0], edges[-1]], nice=False, zero=False, clamp=True)
    y = alt.Scale(domain=[len(systems), 0], nice=False, zero=False)
    sheets = Sheets()
    by, labels = sheets.add(lines), alt.Y("middle:Q", scale=y, axis=None)
    axis = alt.Axis(title="Score", tickCount=5, grid=False)
    drawn = alt.layer(
        by.mark_rule(stroke=INK, opacity=0.3).encode(
            y=alt.Y("base:Q", scale=y, axis=None), x=alt.XValue(0), x2=alt.X2Value(WIDTH)
        ),
        sheets.add(bars)
        .mark_rect(fill=BLUE, fillOpacity=0.75, stroke=BLUE, strokeWidth=0.5)
        .encode(
            x=alt.X("low:Q", scale=x, axis=axis),
            x2=alt.X2("high:Q"),
            y=alt.Y("top:Q", scale=y, axis=None),
            y2=alt.Y2("base:Q"),
        ),
        by.mark_rule(stroke=ORANGE, strokeWidth=2).encode(
            x=alt.X("mean:Q", scale=x), y=alt.Y("top:Q", scale=y, axis=None), y2=alt.Y2("base:Q")
        ),
        by.mark_text(align="right").encode(x=alt.XValue(-10), y=labels, text=alt.Text("row:N")),
        by.mark_text(align="left", fontSize=12).encode(x=alt.XValue(WIDTH + 10), y=labels, text=alt.Text("text:N")),
    )
    drawn = drawn.properties(width=WIDTH, height=RIDGE * len(systems))
    of = f"{len(systems)} {'system' if len(systems) == 1 else 'systems'}"
    title = f"Distribution of the scores of {of} for {spaced(criterion)}, means marked"
    return chart(title, drawn, sheets, left=longest(lines, "row"), right=longest(lines, "text"))


def matrix(report: Report, criterion: str) -> Chart | None:
    """Row minus column in every cell, with its p-value; of choices the share of comparisons that the row won. Of two
    systems it would say nothing that the chart of differences does not."""
    import altair as alt

    systems = [row.system for row in report.criteria[criterion].systems]
    short, columns = names(systems), {system: str(place) for place, system in enumerate(systems, start=1)}
    rows = {system: f"{short[system]} · {place}" for system, place in columns.items()}
    cells = [cell._asdict() for cell in matrix_cells(report, criterion, rows, columns)]
    if not cells or len(systems) < 3:
        return None
    x = alt.X(
        "column:N",
        sort=None,
        scale=alt.Scale(domain=list(columns.values()), padding=0),
        axis=alt.Axis(orient="top", title=None, labelAngle=0, ticks=False, domain=False),
    )
    y = alt.Y(
        "row:N",
        sort=None,
        scale=alt.Scale(domain=list(rows.values()), padding=0),
        axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=400),
    )
    sheets = Sheets()
    base = sheets.add(cells).encode(x=x, y=y)
    weight = sheets.add(cell for cell in cells if cell["shown"]).encode(x=x, y=y)
    plain = sheets.add(cell for cell in cells if not cell["shown"]).encode(x=x, y=y)
    drawn = alt.layer(
        base.mark_rect(stroke=INK, strokeOpacity=0.25, strokeWidth=1).encode(
            fill=alt.Fill("fill:N", scale=None), fillOpacity=alt.FillOpacity("strength:Q", scale=None)
        ),
        weight.mark_text(dy=-8, fontWeight="bold").encode(text=alt.Text("text:N")),
        plain.mark_text(dy=-8).encode(text=alt.Text("text:N")),
        base.mark_text(dy=9, fontSize=SMALL).encode(text=alt.Text("p:N")),
    ).properties(width=CELL_WIDTH * len(systems), height=CELL_HEIGHT * len(systems))
    what = measure_of(report.campaign).row_against_column_title
    title = f"Every pair of {len(systems)} systems on {spaced(criterion)}: {what}, with its p-value (Holm)"
    return chart(title, drawn, sheets, left=longest(cells, "row"))


class MatrixCell(NamedTuple):
    one: str
    other: str
    text: str
    p: str
    shown: bool
    fill: str
    strength: float
    row: str
    column: str


def matrix_cells(
    report: Report, criterion: str, rows: Mapping[str, str], columns: Mapping[str, str]
) -> Iterator[MatrixCell]:
    """Two cells per pair, one for each direction; `rows` and `columns` are titles by system."""
    pairs = [(pair, pair.difference) for pair in ranked_pairs(report, criterion) if pair.difference is not None]
    largest = max((abs(found) for _, found in pairs), default=0) or 1
    advantage = measure_of(report.campaign).advantages(report.criteria[criterion], largest, places_of(report))
    for pair, found in pairs:
        p = adjusted(pair)
        for one, other, sign in (
            (pair.system_a, pair.system_b, 1),
            (pair.system_b, pair.system_a, -1),
        ):
            better = advantage(one, other, sign * found)
            if better is None:
                continue
            text, strength, ahead = better
            by_p, fill = "" if p is None else p_is(p, limit_of(report, pair)), BLUE if ahead else ORANGE
            cell = (one, other, text, by_p, pair.shown, fill, round(0.05 + 0.3 * strength, 3))
            yield MatrixCell(*cell, rows[one], columns[other])
