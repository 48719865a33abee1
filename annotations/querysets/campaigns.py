"""Reads of campaigns, items, raters and assignments."""

import uuid
from collections import Counter
from collections.abc import Container
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import (
    Avg,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, Least, Now

from annotations.assignment.order import ShownBefore

TAKEN_BY_RATER = ("open", "done", "skipped")


def done_by(rater: Any) -> Coalesce:
    """How many assignments the rater has answered, as a part of another query."""
    from annotations.models import Assignment

    answered = Assignment.objects.filter(rater=rater, state="done").order_by().values("rater")
    return Coalesce(Subquery(answered.annotate(count=Count("pk")).values("count")), 0)


class CampaignQuerySet(models.QuerySet):
    def current(self) -> "CampaignQuerySet":
        """Those not archived."""
        return self.filter(archived_at=None)

    def showing_pictures_of(self, photos: Container[int]) -> Any:
        """The first that shows raters a picture of one of the photos, by their primary keys; None where none does."""
        shown = self.filter(show__in=["photo", "both"]).exclude(state="draft")
        rows = shown.order_by("pk").values_list("pk", "items__source__photo").distinct()
        return next((self.get(pk=pk) for pk, photo in rows.iterator() if photo in photos), None)

    def with_progress(self) -> "CampaignQuerySet":
        """Each with `answered`: of its screens those that are answered, dry runs and what was rated again aside. Of an
        item they are no more than the overlap, though a readmitted rater may have made its answers more."""
        from annotations.models import Assignment, Item

        done = Assignment.objects.filter(item=OuterRef("pk"), state="done", rater__trial=False, place_given_back=False)
        answers = Subquery(done.order_by().values("item").annotate(count=Count("pk")).values("count"))
        items = Item.objects.filter(campaign=OuterRef("pk"), kind="regular")
        filled = items.annotate(
            filled=Least(Coalesce(answers, 0), F("campaign__overlap"), output_field=models.IntegerField())
        )
        counted = filled.order_by().values("campaign").annotate(sum=Sum("filled")).values("sum")
        return self.annotate(answered=Coalesce(Subquery(counted), 0))


class ItemQuerySet(models.QuerySet):
    def new_to(self, rater: Any) -> "ItemQuerySet":
        """Items of the rater's campaign that they neither answered nor skipped nor have open."""
        from annotations.models import Assignment

        theirs = Assignment.objects.filter(item=OuterRef("pk"), rater=rater, state__in=TAKEN_BY_RATER)
        return self.filter(~Exists(theirs), campaign=rater.campaign_id)

    def leased_elsewhere(self, rater: Any) -> "ItemQuerySet":
        """Those that others' open leases keep from the rater: they may come free again."""
        from annotations.models import Assignment

        leased = Assignment.objects.filter(item=OuterRef("pk"), state="open", rater__trial=False)
        return self.new_to(rater).filter(Exists(leased))


def screens_answered(campaign: Any) -> int:
    """Of a campaign's screens those that are answered, as `with_progress` counts them."""
    rows = type(campaign).objects.filter(pk=campaign.pk).with_progress()
    answered: int = rows.values_list("answered", flat=True).get()
    return answered


def items_by_answers(campaign: Any) -> dict[int, int]:
    """How many items have 0, 1, … answers; those aside whose place was given back with the rater who was left out."""
    from annotations.models import Item

    holding = Q(assignments__state="done", assignments__rater__trial=False, assignments__place_given_back=False)
    done = Count("assignments", filter=holding)
    answers = (
        Item.objects.filter(campaign=campaign, kind="regular").annotate(answers=done).values_list("answers", flat=True)
    )
    return dict(sorted(Counter(answers).items()))


def raters_without_screens(campaign: Any) -> "models.QuerySet":
    """Raters who have a screen neither open nor waiting: of each item they answered or skipped it, or others hold all
    its places."""
    from annotations.models import Assignment, Item, Rater

    taken = Assignment.objects.filter(item=OuterRef("pk"), rater=OuterRef(OuterRef("pk")), state__in=TAKEN_BY_RATER)
    waiting = Item.objects.filter(~Exists(taken), campaign=campaign, taken__lt=campaign.overlap)
    opened = Assignment.objects.open().filter(rater=OuterRef("pk"))
    raters = Rater.objects.filter(~Exists(opened), ~Exists(waiting), campaign=campaign, trial=False, replaced=False)
    return raters.select_related("campaign")


def rater_progress(campaign: Any) -> "models.QuerySet":
    """The campaign's raters, dry runs aside, each with `done`, `skipped`, `seconds` (mean a screen), and when they sent
    something `first` and `last`."""
    from annotations.models import Assignment, Rater, Rating

    def counted(state: str) -> Coalesce:
        theirs = Assignment.objects.filter(rater=OuterRef("pk"), state=state).order_by().values("rater")
        return Coalesce(Subquery(theirs.annotate(count=Count("pk")).values("count")), 0)

    answers = Rating.objects.filter(assignment__rater=OuterRef("pk")).order_by().values("assignment__rater")
    paced = answers.filter(kind="answer").annotate(seconds=Avg("seconds")).values("seconds")
    return (
        Rater.objects.filter(campaign=campaign, trial=False)
        .annotate(
            done=counted("done"),
            skipped=counted("skipped"),
            seconds=Subquery(paced, output_field=models.FloatField()),
            first=Subquery(answers.annotate(first=Min("created_at")).values("first")),
            last=Subquery(answers.annotate(last=Max("created_at")).values("last")),
        )
        .order_by("pk")
    )


class WaitingItem(NamedTuple):
    """An item that waits for a rater, and how many screens that rater has done."""

    pk: int
    position: int
    taken: int
    done: int


# Asked once a round by every rater, and most of a round's time if the ORM builds it anew each time. With the items that
# wait, of which there are none where the campaign or the rater's part has ended, come the orders in which texts were
# shown before: to this rater, answered or not; of those items, and of the items around the first, to raters who count;
# and the campaign's systems.
WAITING = """
WITH waiting AS (
    SELECT item.id, item.position, item.taken,
        (SELECT COUNT(*) FROM annotations_assignment mine WHERE mine.rater_id = %(rater)s AND mine.state = 'done') done
    FROM annotations_item item
    WHERE item.campaign_id = %(campaign)s AND item.taken < %(places)s AND NOT EXISTS (
        SELECT 1 FROM annotations_assignment mine
        WHERE mine.item_id = item.id AND mine.rater_id = %(rater)s AND mine.state IN ('open', 'done', 'skipped')
    ) AND EXISTS (
        SELECT 1 FROM annotations_rater who JOIN annotations_campaign its ON its.id = who.campaign_id
        WHERE who.id = %(rater)s AND NOT who.replaced AND (its.state = 'open' OR who.trial AND its.state <> 'closed')
    )
    ORDER BY {order} LIMIT %(window)s
)
SELECT 'waiting', id, position, taken, done, '' FROM waiting
UNION ALL
SELECT 'rater', 0, 0, 0, COUNT(*), shown FROM annotations_assignment
WHERE rater_id = %(rater)s GROUP BY shown
UNION ALL
SELECT 'item', waiting.id, 0, 0, 1, its.shown
FROM waiting JOIN annotations_assignment its ON its.item_id = waiting.id
JOIN annotations_rater who ON who.id = its.rater_id
WHERE its.state IN ('open', 'done') AND NOT who.trial AND who.excluded_at IS NULL
UNION ALL
SELECT 'around', 0, 0, 0, COUNT(*), its.shown
FROM annotations_item item JOIN annotations_assignment its ON its.item_id = item.id
JOIN annotations_rater who ON who.id = its.rater_id
WHERE item.campaign_id = %(campaign)s AND its.state IN ('open', 'done') AND NOT who.trial AND who.excluded_at IS NULL
    AND item.position >= (SELECT MIN(position) FROM waiting) - %(around)s
    AND item.position <= (SELECT MIN(position) FROM waiting) + %(around)s
GROUP BY its.shown
UNION ALL
SELECT 'system', decoding_id, 0, 0, 0, '' FROM annotations_campaignsystem WHERE campaign_id = %(campaign)s
"""
LEAST_TAKEN_FIRST, IN_ORDER = WAITING.format(order="item.taken, item.position"), WAITING.format(order="item.position")
ANY_NUMBER = 2**31 - 1
AROUND = 100  # items on either side: all of most campaigns, and not too many to count for each screen


def items_waiting(rater: Any, window: int) -> tuple[list[WaitingItem], ShownBefore]:
    """Items new to the rater that fewer raters than the overlap have taken, least taken first, at most `window`; and
    what their texts' order has to be even with.

    A dry run goes through all of them in their order, however many have taken them, and is even for itself.
    """
    sql, places = (IN_ORDER, ANY_NUMBER) if rater.trial else (LEAST_TAKEN_FIRST, rater.campaign.overlap)
    values = {"rater": rater.pk, "campaign": rater.campaign_id, "places": places, "window": window, "around": AROUND}
    waiting, before = [], ShownBefore()
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        for what, pk, position, taken, count, shown in cursor.fetchall():
            if what == "waiting":
                waiting.append(WaitingItem(pk, position, taken, count))
            elif what == "system":
                before.systems.append(pk)
            elif what == "rater":
                before.rater.add(shown, count)
            elif what == "around":
                before.around.add(shown, count)
            else:
                before.items.setdefault(pk, []).append(shown)
    waiting.sort(key=lambda item: item.position if rater.trial else (item.taken, item.position))
    return waiting, before


class ShownText(NamedTuple):
    """A candidate as it is shown, and the decodings that wrote it."""

    pk: int
    public_id: str
    text: str
    systems: list[int]


# Asked once a round like `WAITING`: with models it takes forty times as long.
SHOWN = """
SELECT candidate.id, candidate.public_id, candidate.text, output.decoding_id,
    source.id, source.text, photo.id, photo.image
FROM annotations_item item
JOIN annotations_candidate candidate ON candidate.item_id = item.id
LEFT JOIN annotations_candidateoutput shows ON shows.candidate_id = candidate.id
LEFT JOIN annotations_output output ON output.id = shows.output_id
JOIN annotations_source source ON source.id = item.source_id
LEFT JOIN annotations_photo photo ON photo.id = source.photo_id
WHERE item.id = %s ORDER BY candidate.id
"""


def item_shown(pk: int) -> tuple[Any, list[ShownText]]:
    """An item with what it shows of its source (all else is read when it is asked for), and its texts."""
    from annotations.models import Item, Photo, Source

    with connection.cursor() as cursor:
        cursor.execute(SHOWN, [pk])
        rows = cursor.fetchall()
    texts: dict[int, ShownText] = {}
    for candidate, public_id, text, decoding, *_ in rows:
        shown = texts.setdefault(candidate, ShownText(candidate, str(uuid.UUID(str(public_id))), text, []))
        if decoding is not None:
            shown.systems.append(decoding)
    source, caption, photo, image = rows[0][4:]
    item = Item.from_db(None, ["id", "source_id"], [pk, source])
    item.source = Source.from_db(None, ["id", "photo_id", "text"], [source, photo, caption])
    item.source.photo = Photo.from_db(None, ["id", "image"], [photo, image]) if photo else None
    return item, list(texts.values())


class AssignmentQuerySet(models.QuerySet):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state="open")

    def expired(self) -> "AssignmentQuerySet":
        return self.filter(state="open", leased_until__lte=Now())

    def released_of(self, rater: Any) -> "AssignmentQuerySet":
        """Those that the rater's lease ended on and whose place nobody else has taken, the last one first."""
        theirs = self.filter(rater=rater, state="released").order_by("-leased_until")
        return theirs if rater.trial else theirs.filter(item__taken__lt=rater.campaign.overlap)

    def with_held(self) -> "AssignmentQuerySet":
        """Each with `held`: how long ago it was first handed out, by the database's clock alone."""
        return self.annotate(held=ExpressionWrapper(Now() - F("created_at"), DurationField()))

    def open_of(self, rater: Any) -> "AssignmentQuerySet":
        """The rater's open assignment with what its screen shows of the source, `done` of the rater, and the `now` of
        the database's clock."""
        mine = self.open().filter(rater=rater)
        return mine.select_related("item__source__photo").annotate(done=done_by(rater), now=Now())
