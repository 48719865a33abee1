"""How often one client may join a campaign, and one rater ask for screens.

Counted in the cache `limits`, which all web processes share where there is Redis. A count that is lost or cannot be
had lets the request through: a limit is there to slow one client down, and never to keep raters from rating.
"""

from uuid import UUID

from django.conf import settings
from django.core.cache import caches

from annotations.errors import TooOftenError

HOUR, MINUTE = 3600, 60


def count_join(campaign: int, address: str) -> None:
    """Of a new rater without a signed link. Raises TooOftenError; so do all of these."""
    if address:
        count(f"join:{campaign}:{address}", settings.JOINS_PER_ADDRESS, HOUR)


def count_next(rater: UUID) -> None:
    """Of the rater with that public id, which nobody else ever has."""
    count(f"next:{rater}", settings.SCREENS_PER_RATER, MINUTE)


def count(key: str, allowed: int, seconds: int) -> None:
    """Once more within a window that begins with the first time. `allowed` 0: no limit."""
    if not allowed:
        return
    cache = caches["limits"]
    cache.add(key, 0, timeout=seconds)
    try:
        times = cache.incr(key)
    except ValueError:  # the window ended this very moment
        return
    if times > allowed:
        raise TooOftenError(f"too many requests: at most {allowed} in {seconds} seconds; wait and try again", seconds)
