"""Numbers as people read them."""

from collections.abc import Sequence

LEVEL, MAX_PLACES = 0.05, 17
ABSENT = (None, "")  # a template gives its filters "" for what is not there


def figure(value: float | None, places: int) -> str:
    """Rounded, with a minus sign proper and none before zero."""
    if value in ABSENT:
        return "–"
    shown = f"{value:.{places}f}"
    return shown.lstrip("-") if not shown.strip("-0.") else shown.replace("-", "−")


def signed(value: float | None, places: int) -> str:
    """With its sign, as a difference is read; what rounds to zero has none."""
    shown = figure(value, places)
    return f"+{shown}" if value not in ABSENT and value > 0 and shown.strip("0.") else shown


def interval(value: Sequence[float] | None, places: int) -> str:
    return "–" if value in ABSENT else f"{figure(value[0], places)} to {figure(value[1], places)}"


def p_value(value: float | None, boundary: float | None = None) -> str:
    """To three places, or as many as keep it on its side of 0.05 and of a look's `boundary`. What would be 0.000 is
    said to be below a thousandth, or below a smaller power of ten where the boundary is smaller."""
    if value in ABSENT:
        return "–"
    limits = [limit for limit in (LEVEL, boundary) if limit not in ABSENT and limit > 0]
    smallest = next((place for place in range(3, MAX_PLACES) if 10.0**-place <= min(limits)), MAX_PLACES)
    if value < 0.5 * 10.0**-smallest:
        return f"< {10.0**-smallest:.{smallest}f}"
    for places in range(3, MAX_PLACES):
        shown = float(f"{value:.{places}f}")
        if shown and all(on_its_side(shown, value, limit) for limit in limits):
            return f"{value:.{places}f}"
    return f"{value:g}"


def on_its_side(shown: float, value: float, limit: float) -> bool:
    """Whether a rounded value is below, at, or above a limit as the value itself is."""
    return (shown < limit, shown == limit) == (value < limit, value == limit)


def p_is(value: float | None, boundary: float | None = None) -> str:
    """As a p-value stands in a sentence: `p = 0.031`, `p < 0.001`."""
    if value in ABSENT:
        return "no p"
    shown = p_value(value, boundary)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def percent(value: float | None) -> str:
    return "–" if value in ABSENT else f"{100 * value:.0f} %"


def boundary(value: float | None) -> str:
    """A boundary for p to four places, of a smaller one to two significant figures."""
    return "–" if value in ABSENT else f"{value:.4f}" if value >= 0.01 else f"{value:.2g}"
