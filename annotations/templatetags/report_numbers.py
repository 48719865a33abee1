"""Numbers of a report as people read them."""

from collections.abc import Sequence

from django import template

register = template.Library()


@register.filter
def figure(value: float | None, places: int) -> str:
    return "–" if value in (None, "") else f"{value:z.{places}f}".replace("-", "−")


@register.filter
def interval(value: Sequence[float] | None, places: int) -> str:
    return "–" if value is None else f"{figure(value[0], places)} to {figure(value[1], places)}"


@register.filter
def p_value(value: float | None) -> str:
    """To three places; what would be 0.000 is said to be below a thousandth."""
    return "–" if value is None else "< 0.001" if value < 0.0005 else f"{value:.3f}"


@register.filter
def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


@register.filter
def boundary(value: float) -> str:
    """A boundary for p to two significant figures, however small."""
    return f"{value:.2g}"
