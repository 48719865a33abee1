"""A plan as a page of text."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH = 110
Row = Mapping[str, Any]
Columns = Mapping[str, tuple[str, str]]  # by key: its title and how its numbers are written
DESIGN: Columns = {"items": ("items", "d"), "overlap": ("raters per item", "d"), "raters": ("raters", "d")}
FOUND: Columns = {
    "power": ("power", ".3f"),
    "above_chance": ("power above chance", ".3f"),
    "detectable": ("detectable", ".3g"),
    "items_needed": ("items needed", "d"),
    "equivalence": ("equivalence", ".3f"),
    "equivalence_to_chance": ("chance equivalence", ".3f"),
    "inflation": ("inflation", ".2f"),
}
COST: Columns = {
    "screens": ("screens", "d"),
    "screens_a_rater": ("screens a rater", "d"),
    "minutes_a_rater": ("minutes a rater", ".0f"),
    "raters_needed": ("raters needed", "d"),
    "invite": ("invite", "d"),
    "hours": ("hours", ".1f"),
    "cost": ("pay", ",.2f"),
    "fee": ("fee", ",.2f"),
    "total": ("total", ",.2f"),
}
LOOK: Columns = {
    "look": ("analysis", "d"),
    "screens": ("after screens", "d"),
    "information": ("information", ".3f"),
    "z": ("z", ".3f"),
    "p": ("p below", ".2g"),
}
STOPPED: Columns = {"kind": ("kind", ""), "stopped": ("stopped", ".3f"), "screens": ("screens", ".1f")}


def page_of(plan: Row) -> Iterator[str]:
    rows, unit = plan["plans"], plan["unit"]
    yield f"Plan of a campaign: {plan['protocol']}, {plan['systems']} systems, {texts_in_words(plan)}"
    yield ""
    yield from wrapped(plan["sentence"])
    yield from (f"Note: {reason}" for reason in plan["assumed"]["said"])
    yield from wrapped(
        f"Two-sided test at {plan['alpha']:g}, as the report makes it. Items are taken to be of albums of their own."
    )
    yield ""
    yield "What it finds"
    yield from table_of(rows, DESIGN, FOUND)
    yield from notes_of(rows)
    yield from wrapped(f"detectable: {unit} that is found with power {plan['power']:g}")
    if plan["effect"] is not None:
        yield from wrapped(f"power: to find {unit} of {plan['effect']:.4g}; items needed: for power {plan['power']:g}")
    if plan["margin"] is not None:
        yield from wrapped(
            f"equivalence: power to conclude that two systems that do not differ lie within ± {plan['margin']:g}"
        )
    yield from sources(rows)
    if plan["looks"]:
        yield from wrapped("inflation: by which the analyses raise the number of screens for the same power, in theory")
        yield ""
        yield "Analyses: a result counts if its p-value is below the boundary"
        yield from table_of(plan["looks"], DESIGN, LOOK)
    yield ""
    yield "What it costs"
    yield from table_of(rows, DESIGN, COST)
    yield from cost_notes(plan)
    if plan["quality"]:
        yield ""
        yield "Whom its quality control stops: shares of simulated raters, with 95 % intervals of simulating so many"
        yield from table_of(plan["quality"], {}, stopped_columns(plan["quality"]))
        yield from wrapped(
            "Honest raters who are stopped are excluded falsely; careless ones (lazy, random) who are not stopped are "
            "missed. screens: answered on average, until they are stopped or done."
        )


def texts_in_words(plan: Row) -> str:
    return "1 text a screen" if plan["texts_per_screen"] == 1 else f"{plan['texts_per_screen']} texts a screen"


def notes_of(rows: Sequence[Row]) -> Iterator[str]:
    for number, row in enumerate(rows, start=1):
        if row["undefined"]:
            yield f"row {number}: {row['undefined']}"
        yield from (f"row {number}: {reason}" for reason in row["said"])
    if any(row["power"] is not None and row["items_needed"] is None for row in rows):
        yield "items needed: - where no number of items is enough, as raters differ too much; more raters help"


def sources(rows: Sequence[Row]) -> Iterator[str]:
    simulated = {row["simulated"] for row in rows if row["simulated"]}
    if simulated:
        counts = " and ".join(f"{count:,}" for count in sorted(simulated))
        yield from wrapped(
            f"Intervals in brackets [ ] are of simulating {counts} campaigns, each analysed as the report does it."
        )
    if any(row["detectable_interval"] for row in rows):
        yield from wrapped("Intervals in parentheses ( ) are what the pilot leaves open, 95 %.")


def cost_notes(plan: Row) -> Iterator[str]:
    yield f"{plan['seconds']:g} seconds a screen"
    stopped, leave = plan["stopped"], plan["leave"]
    low, high = stopped["interval"] or (stopped["share"], stopped["share"])
    about = f" ({low:.3f} to {high:.3f})" if stopped["interval"] else ""
    mix = ", ".join(f"{share:g} {kind}" for kind, share in stopped["mix"].items())
    yield from wrapped(
        f"{stopped['share']:.3f}{about} of the raters are stopped"
        + (f" if {mix} come" if mix else "")
        + f", and {leave:g} leave. invite: so many that every screen is answered with 95 % probability; in "
        "parentheses the middle 95 % of how many it takes"
    )


def stopped_columns(rows: Sequence[Row]) -> Columns:
    others = dict.fromkeys(key for row in rows for key in row if key not in (*STOPPED, "raters"))
    rules = (key for key in others if not key.endswith("_interval"))
    return {**STOPPED, **{rule: (rule.replace("_", " "), ".3f") for rule in rules}}


def table_of(rows: Sequence[Row], first: Columns, then: Columns) -> Iterator[str]:
    """Without the columns that are empty. The first are those of a design, left out where they never change."""
    kept = {key: about for key, about in first.items() if len(rows) == 1 or len({row[key] for row in rows}) > 1}
    kept |= {key: about for key, about in then.items() if any(row.get(key) is not None for row in rows)}
    titles = [title for title, _ in kept.values()]
    yield from lines([titles, *([cell(row, key, form) for key, (_, form) in kept.items()] for row in rows)])


def cell(row: Row, key: str, form: str) -> str:
    value = row.get(key)
    if value is None:
        return "-"
    parts = [str(value) if not form else format(value, form)]
    if simulated := row.get(f"{key}_simulated"):
        parts.append(f"[{between(simulated, form)}]")
    if interval := row.get(f"{key}_interval"):
        parts.append(f"({between(interval, form)})")
    return " ".join(parts)


def between(interval: Sequence[float | None], form: str) -> str:
    low, high = (None if end is None else format(end, form) for end in interval)
    if high is None:
        return "none is enough" if low is None else f"at least {low}"
    return f"{low} to {high}"


def lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Right-aligned columns; titles that are longer than their column take several lines."""
    head, *body = rows
    widths = [max(len(row[column]) for row in body) for column in range(len(head))]
    widths = [max(width, max(map(len, title.split()))) for width, title in zip(widths, head, strict=True)]
    titles = [textwrap.wrap(title, width) for title, width in zip(head, widths, strict=True)]
    deep = max(map(len, titles))
    for place in range(deep):
        parts = [title[place - deep + len(title)] if place >= deep - len(title) else "" for title in titles]
        yield "  ".join(part.rjust(width) for part, width in zip(parts, widths, strict=True))
    for row in body:
        yield "  ".join(part.rjust(width) for part, width in zip(row, widths, strict=True))


def wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH)
