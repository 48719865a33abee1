"""Charts of the ratings: means, differences, distributions, and every pair of systems."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from annotations.reports.charts.drawing import BLUE, INK, ORANGE, SMALL, Chart, Sheets, chart, longest, names
from annotations.reports.pairs import ranked_pairs
from annotations.reports.scales import (
    adjusted,
    is_adjusted,
    is_choice,
    is_shown,
    limit_of,
    places_of,
    scale_is_found,
    scale_of,
    shares_won,
)
from annotations.templatetags.report_numbers import figure, interval, p_is, signed

WIDTH, ROW = 300, 30
MOST_PAIRS = 15  # of more, those with the best system are drawn
RIDGE, BARS = 46, 0.82  # pixels a system's distribution is high, and the part of them that its bars can fill
CELL_WIDTH, CELL_HEIGHT = 66, 40

Report = Mapping[str, Any]


def rating_charts(report: Report) -> dict[str, Chart]:
    drawn: dict[str, Chart | None] = {}
    for criterion, result in report["criteria"].items():
        if result["systems"]:
            drawn[f"means:{criterion}"] = means(report, criterion)
            drawn[f"differences:{criterion}"] = differences(report, criterion)
            drawn[f"distributions:{criterion}"] = distributions(report, criterion)
            drawn[f"matrix:{criterion}"] = matrix(report, criterion)
    return {name: each for name, each in drawn.items() if each}


def rows_with_intervals(
    title: str, rows: Sequence[Mapping[str, Any]], *, of: str, domain: Sequence[float], nice: bool, line: float | None
) -> Chart:
    """A point with its interval a row, and what it says in figures at the right; `of` names the axis."""
    import altair as alt

    sheets = Sheets()

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
    systems, places = report["criteria"][criterion]["systems"], places_of(report, criterion)
    short = names(row["system"] for row in systems)
    rows = [
        {
            "row": short[row["system"]],
            "value": row["mean"],
            "low": row["ci"] and row["ci"][0],
            "high": row["ci"] and row["ci"][1],
            "text": figure(row["mean"], places) + (f"  ({interval(row['ci'], places)})" if row["ci"] else ""),
            "colour": BLUE,
            "fill": BLUE,
            "shape": "circle",
        }
        for row in systems
    ]
    choice = is_choice(report, criterion)
    low, high = scale_of(report, criterion)
    ends = f"{low:g} to {high:g} found" if scale_is_found(report["campaign"]) else f"of {low:g} to {high:g}"
    of = "Share of comparisons won" if choice else f"Mean score, {ends}"
    systems_drawn = f"{len(rows)} {'system' if len(rows) == 1 else 'systems'}"
    title = f"Means and 95 % intervals of {systems_drawn} by {spaced(criterion)}, best first"
    return rows_with_intervals(title, rows, of=of, domain=[low, high], nice=False, line=0.5 if choice else None)


def pairs_drawn(report: Report, criterion: str) -> list[dict[str, Any]]:
    """All pairs with a difference; where they are many, those with the best system and the declared one."""
    pairs = [pair for pair in ranked_pairs(report, criterion) if pair["difference"] is not None]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    best = report["criteria"][criterion]["systems"][0]["system"]
    return [pair for pair in pairs if pair.get("primary") or best in (pair["system_a"], pair["system_b"])]


def differences(report: Report, criterion: str) -> Chart | None:
    """Pairs with their 95 % intervals around zero: filled where a difference was shown, a diamond where declared."""
    pairs, places = pairs_drawn(report, criterion), places_of(report, criterion)
    if not pairs:
        return None
    if is_choice(report, criterion):
        places = 2
    short = names((row["system"] for row in report["criteria"][criterion]["systems"]), 18)
    rows = []
    for pair in pairs:
        p, colour = adjusted(pair), ORANGE if pair.get("primary") else BLUE
        declared = ", declared" if pair.get("primary") else ""
        said = "" if p is None else f"  {p_is(p, limit_of(report, pair))}"
        rows.append(
            {
                "row": f"{short[pair['system_a']]} − {short[pair['system_b']]}",
                "value": pair["difference"],
                "low": pair["ci"] and pair["ci"][0],
                "high": pair["ci"] and pair["ci"][1],
                "text": f"{signed(pair['difference'], places)}{said}{declared}",
                "colour": colour,
                "fill": colour if is_shown(report, pair) else "transparent",
                "shape": "diamond" if pair.get("primary") else "circle",
            }
        )
    ends = [end for row in rows for end in (row["low"], row["value"], row["high"]) if end is not None]
    of = "Difference in log-strength" if is_choice(report, criterion) else "Difference in points"
    reach = [min(0, *ends), max(0, *ends)]
    domain = reach if reach[0] < reach[1] else [-1, 1]
    together = any(is_adjusted(report, pair) for pair in pairs)
    what = "95 % intervals, not adjusted, and p (Holm)" if together else "95 % intervals and p"
    title = f"Differences of {len(rows)} {'pair' if len(rows) == 1 else 'pairs'} by {spaced(criterion)}: {what}"
    return rows_with_intervals(title, rows, of=of, domain=domain, nice=True, line=0)


def distributions(report: Report, criterion: str) -> Chart | None:
    """What share of each system's scores lies where on the scale; a line marks the mean."""
    import altair as alt

    result = report["criteria"][criterion]
    given = result.get("distribution") or {}
    systems = [row for row in result["systems"] if sum(given.get("counts", {}).get(row["system"], []))]
    if not systems:
        return None
    edges, counts = given["edges"], {row["system"]: given["counts"][row["system"]] for row in systems}
    shares = {system: [count / sum(each) for count in each] for system, each in counts.items()}
    tallest = max(max(each) for each in shares.values())
    short, places = names(counts), places_of(report, criterion)
    bars, lines = [], []
    for place, row in enumerate(systems):
        system, base = row["system"], place + 1
        lines.append(
            {
                "row": short[system],
                "mean": row["mean"],
                "top": base - 0.9,
                "base": base,
                "middle": base - 0.35,
                "text": f"n = {sum(counts[system])}, mean {figure(row['mean'], places)}",
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
    title = f"Distribution of the scores of {of} by {spaced(criterion)}, means marked"
    return chart(title, drawn, sheets, left=longest(lines, "row"), right=longest(lines, "text"))


def matrix(report: Report, criterion: str) -> Chart | None:
    """Row minus column in every cell, with its p-value; of choices the share of comparisons that the row won. Of two
    systems it would say nothing that the chart of differences does not."""
    import altair as alt

    systems = [row["system"] for row in report["criteria"][criterion]["systems"]]
    cells = matrix_cells(report, criterion)
    if not cells or len(systems) < 3:
        return None
    short = names(systems)
    rows = [f"{short[system]} · {place + 1}" for place, system in enumerate(systems)]
    columns = [str(place + 1) for place in range(len(systems))]
    for cell in cells:
        cell["row"], cell["column"] = rows[systems.index(cell["one"])], columns[systems.index(cell["other"])]
    x = alt.X(
        "column:N",
        sort=None,
        scale=alt.Scale(domain=columns, padding=0),
        axis=alt.Axis(orient="top", title=None, labelAngle=0, ticks=False, domain=False),
    )
    y = alt.Y(
        "row:N",
        sort=None,
        scale=alt.Scale(domain=rows, padding=0),
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
    what = "share of comparisons that the row won" if is_choice(report, criterion) else "row minus column"
    title = f"Every pair of {len(systems)} systems by {spaced(criterion)}: {what}, with its p-value (Holm)"
    return chart(title, drawn, sheets, left=max(map(len, rows)))


def matrix_cells(report: Report, criterion: str) -> list[dict[str, Any]]:
    """Two cells a pair, one for each direction."""
    shares = shares_won(report["criteria"][criterion])
    places, cells = places_of(report, criterion), []
    pairs = [pair for pair in ranked_pairs(report, criterion) if pair["difference"] is not None]
    largest = max((abs(pair["difference"]) for pair in pairs), default=0) or 1
    for pair in pairs:
        p = adjusted(pair)
        for one, other, sign in (
            (pair["system_a"], pair["system_b"], 1),
            (pair["system_b"], pair["system_a"], -1),
        ):
            difference = sign * pair["difference"]
            if is_choice(report, criterion):
                share = shares.get((one, other))
                if share is None:
                    continue
                text, strength = figure(share, places), abs(share - 0.5) * 2
                better = share > 0.5
            else:
                text, strength, better = signed(difference, places), abs(difference) / largest, difference > 0
            cells.append(
                {
                    "one": one,
                    "other": other,
                    "text": text,
                    "p": "" if p is None else p_is(p, limit_of(report, pair)),
                    "shown": is_shown(report, pair),
                    "fill": BLUE if better else ORANGE,
                    "strength": round(0.05 + 0.3 * strength, 3),
                }
            )
    return cells


def spaced(name: str) -> str:
    return name.replace("_", " ")
