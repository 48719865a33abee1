from django import template

from workers import listeners

register = template.Library()


@register.simple_tag
def unheard_queues() -> dict[str, int]:
    """Queues with waiting runs that no living worker listens to, with the number of the runs."""
    return listeners.unheard_queues()
