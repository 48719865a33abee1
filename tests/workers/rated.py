"""Campaigns whose raters say of each text what its words deserve."""

from collections.abc import Callable

from annotations.models import Campaign
from tests.annotations.raters import Rater


def rate_all(campaign: Campaign, worth: Callable[[str, int], float], raters: int = 2) -> None:
    """All screens, each text of a screen by its worth for that rater."""
    for number in range(raters):
        rater = Rater(campaign, f"rater-{number}")
        while screen := rater.next():
            candidates = screen["item"]["candidates"]
            scores = {each["id"]: worth(each["text"], number) for each in candidates}
            sent = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], scores))
            assert sent.status_code in (200, 201), sent.content
