from typing import Any

from django import template

register = template.Library()


@register.filter
def humane(value: Any) -> str:
    """A value of a run's result for a table: numbers short, mappings in words."""
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {humane(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(humane, value))
    return str(value)
