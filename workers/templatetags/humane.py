from typing import Any

from django import template

register = template.Library()

SMALL = 0.001  # of which three decimals would show nothing


@register.filter
def humane(value: Any) -> str:
    """A value of a run's result for a table: numbers short, mappings in words."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:,.3f}" if not value or abs(value) >= SMALL else f"{value:.2g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {humane(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(humane, value))
    return str(value)


@register.filter
def setting(value: Any) -> str:
    """A setting as a person would type it, or a figure with four digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return humane(value)
