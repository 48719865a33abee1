"""A decoding's quality by the length of its sources, as the newest scoring run of it found."""

from django.utils.safestring import SafeString, mark_safe

from annotations.models import Decoding
from annotations.reports.charts.drawing import CONFIG, Chart, svg_of
from modeling.metrics.by_length import length_spec
from workers.models import Run


def length_picture(decoding: Decoding) -> SafeString:
    """Empty where no run has found it."""
    scored = Run.objects.filter(kind=Run.Kind.SCORE, result__by_length__has_key=str(decoding.pk), campaign=None)
    run = scored.order_by("-pk").first()
    if run is None:
        return mark_safe("")
    spec = length_spec(run.result["by_length"][str(decoding.pk)])
    return mark_safe(svg_of(Chart("Quality by source length in words", spec | {"config": CONFIG, "padding": 5})))
