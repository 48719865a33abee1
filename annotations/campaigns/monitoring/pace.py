"""How many answers came in which hour, and how often each system was judged: counts alone, which say of no system how
good it is.

Ratings are only added, so that what was counted once is kept in the cache, and each look counts what has come since.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection
from django.db.models import Count

from annotations.campaigns.assignment.tally import NOBODY
from annotations.campaigns.models import Assignment, Campaign, Rating
from annotations.storage.clock import from_now

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FARTHEST = timedelta(days=365)
SETTLED_SECONDS = 600  # after which no transaction adds a rating with a lower number any more
KEPT_SECONDS = 30 * 24 * 3600
VERSION = 1  # raise it where something else is counted
FEW = 5  # answers in a day that say nothing of a pace
OF_DATABASE = {
    "sqlite": "substr(rating.created_at, 1, 13)",
    "postgresql": "to_char(rating.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')",
}
# The plus sign keeps SQLite to the ratings' own order. What was taken back is counted as such, but not skips that were.
SENT = """
SELECT {hour}, rating.kind, assignment.shown, rating.id <= %(settled)s, COUNT(*)
FROM annotations_rating rating
JOIN annotations_assignment assignment ON assignment.id = rating.assignment_id
JOIN annotations_rater rater ON rater.id = assignment.rater_id
WHERE rating.id > %(counted)s AND {plus}rater.campaign_id = %(campaign)s AND NOT rater.trial AND (
    rating.kind = 'answer' OR rating.kind = 'withdrawn' AND EXISTS (
        SELECT 1 FROM annotations_rating before WHERE before.assignment_id = rating.assignment_id
            AND before.revision = rating.revision - 1 AND before.kind = 'answer'
    )
)
GROUP BY 1, 2, 3, 4
"""


@dataclass
class Sent:
    """Answers by the hour in which they came, checks aside, and by decoding those that stand; both of all raters but
    dry runs."""

    hours: Counter[str] = field(default_factory=Counter)  # `YYYY-MM-DD HH`, UTC
    judged: Counter[int] = field(default_factory=Counter)

    def add(self, hour: str, kind: str, shown: str, count: int) -> None:
        systems = [int(system) for text in shown.split() if text != NOBODY for system in text.split(",")]
        if kind == "answer" and (systems or not shown):
            self.hours[hour] += count
        for system in systems:
            self.judged[system] += count if kind == "answer" else -count

    def as_json(self) -> list[dict[Any, int]]:
        return [dict(self.hours), dict(self.judged)]

    @classmethod
    def of(cls, stored: list[dict[str, int]]) -> "Sent":
        return cls(Counter(stored[0]), Counter({int(system): count for system, count in stored[1].items()}))


def answers_sent(campaign: Campaign) -> Sent:
    key, kept, counted = f"sent:{VERSION}:{campaign.pk}:{campaign.token}", Sent(), 0
    newest, rating_key, *stored = json.loads(cache.get(key) or "[0, null]")
    if newest and Rating.objects.filter(pk=newest, key=rating_key).exists():  # none where a backup was restored
        kept, counted = Sent.of(stored), newest
    before = Rating.objects.filter(created_at__lte=from_now(-SETTLED_SECONDS)).order_by("-pk")
    settled, settled_key = before.values_list("pk", "key").first() or (0, None)
    sql = SENT.format(hour=OF_DATABASE[connection.vendor], plus="+" if connection.vendor == "sqlite" else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, {"campaign": campaign.pk, "counted": counted, "settled": settled})
        rows = cursor.fetchall()
    sent = Sent(kept.hours.copy(), kept.judged.copy())
    for hour, kind, shown, is_settled, count in rows:
        sent.add(hour, kind, shown, count)
        if is_settled:
            kept.add(hour, kind, shown, count)
    if settled > counted:
        cache.set(key, json.dumps([settled, str(settled_key), *kept.as_json()]), KEPT_SECONDS)
    return sent


def times_judged(campaign: Campaign, sent: Sent) -> dict[str, int]:
    """By system, how many of the answers that count are of one of its texts."""
    left_out = Assignment.objects.filter(rater__campaign=campaign, rater__trial=False, state=Assignment.State.DONE)
    left_out = left_out.exclude(rater__excluded_at=None)
    without = Sent()
    for shown, count in left_out.order_by().values_list("shown").annotate(count=Count("pk")):
        without.add("", "answer", shown, count)
    entries = campaign.entries.order_by("system__name").values_list("system__name", "decoding")
    return {name: sent.judged[decoding] - without.judged[decoding] for name, decoding in entries}


class Pace(NamedTuple):
    answers: int  # of the last 24 hours
    end: datetime | None  # of what is missing at this pace; None where it is too slow to say


def pace_of(hours: Mapping[str, int], missing: int, now: datetime) -> Pace:
    """The pace of the last 24 hours, or of the time since the first answer where that is shorter, an hour at least."""
    moments = {hour_named(name): count for name, count in hours.items()}
    recent = sum(count for hour, count in moments.items() if hour > now - DAY)
    if recent < FEW or not missing:
        return Pace(recent, None)
    took = min(DAY, max(now - min(moments), HOUR))
    left = missing / recent * took
    return Pace(recent, now + left if left < FARTHEST else None)


def hour_named(name: str) -> datetime:
    return datetime.strptime(f"{name} +0000", "%Y-%m-%d %H %z")
