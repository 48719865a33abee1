"""Reads of a round: an answer in, the next screen out. Rows are read column by column, and few of them are objects."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import CharField, F, OuterRef, Subquery

from annotations.campaigns.assignment.order import ShownBefore
from annotations.campaigns.assignment.tally import Tally
from annotations.campaigns.models import Assignment, Campaign, Candidate, Item, Rater, Rating
from annotations.campaigns.models.items import ShownPhoto
from annotations.corpora.models import Photo, SequencePhoto, Source
from annotations.protocols import protocol_named
from annotations.storage.prepared import Slot, selecting, slots


def columns_of(model: type[models.Model], names: str) -> list[str]:
    """In the model's own order, as `from_db` takes them."""
    return [field.attname for field in model._meta.concrete_fields if field.attname in names.split()]


# What rating needs of each; anything else is read when it is asked for.
RATER = columns_of(
    Rater,
    "id campaign_id public_id outside_id session_hash digest_key trial named_items replaced stopped_by rules_waived "
    "forms_due completion_code enough_answers",
)
CAMPAIGN = columns_of(
    Campaign,
    "id token state protocol criteria criterion_words instructions example consent organizer contact minutes scale "
    "ties categories texts_per_screen cannot_say comments overlap screens_per_rater quality recruiting show unit "
    "simulation item_count order_secret minimum_answers",
)
LOCKED = columns_of(Assignment, "id public_id item_id rater_id state candidate_order seconds_spent revision so_far")
LAST = columns_of(Rating, "id key kind")
RATER_OF_SESSION = selecting(
    lambda: Rater.objects.filter(session_hash=Slot("session_hash", CharField())).values_list(
        *RATER, *(f"campaign__{name}" for name in CAMPAIGN)
    )
)
CAMPAIGN_OF_TOKEN = selecting(lambda: Campaign.objects.filter(**slots(Campaign, "token")).values_list(*CAMPAIGN))
STANDING = selecting(
    lambda: (
        Rater.objects.filter(**slots(Rater, "id"))
        .order_by()
        .values_list("replaced", "stopped_by", "erased_at", "campaign__state")
    )
)
ASSIGNMENT_LOCKED = selecting(
    lambda: (
        Assignment.objects.select_for_update()
        .with_held()
        .filter(**slots(Assignment, "public_id", "rater"))
        .values_list(*LOCKED, "held")
    )
)
RATING_LAST = selecting(
    lambda: (
        Rating.objects.filter(assignment__rater=Slot("rater_id", Rater._meta.pk), revision=F("assignment__revision"))
        .exclude(kind=Rating.Kind.WITHDRAWN)
        .order_by("-pk")
        .values_list(*LAST)[:1]
    )
)
TEXTS = selecting(lambda: Candidate.objects.filter(**slots(Candidate, "item")).order_by().values_list("pk", "text"))


def rater_of_hash(session_hash: str) -> Rater | None:
    """The rater of a session's hash, with their campaign."""
    for row in RATER_OF_SESSION.rows(session_hash=session_hash):
        rater = Rater.from_db(None, RATER, row[: len(RATER)])
        rater.campaign = Campaign.from_db(None, CAMPAIGN, row[len(RATER) :])
        return rater
    return None


def campaign_of_token(token: str) -> Campaign | None:
    for row in CAMPAIGN_OF_TOKEN.rows(token=token):
        return Campaign.from_db(None, CAMPAIGN, row)
    return None


def standing_of(rater: Rater) -> tuple[bool, str, str]:
    """Whether the rater's part has ended, by which rule if by one, and the campaign's state; a draft may have been
    deleted meanwhile."""
    for replaced, stopped_by, erased_at, state in STANDING.rows(id=rater.pk):
        return replaced or erased_at is not None, stopped_by, state
    return False, "", Campaign.State.CLOSED


def assignment_locked(rater: Rater, public_id: uuid.UUID) -> Assignment | None:
    """The rater's assignment, with how long it is `held`, locked until the transaction ends."""
    for *row, held in ASSIGNMENT_LOCKED.rows(public_id=public_id, rater_id=rater.pk):
        assignment = Assignment.from_db(None, LOCKED, row)
        assignment.rater, assignment.held = rater, held
        return assignment
    return None


def rating_newest(rater: Rater) -> Rating | None:
    """The newest that counts or skips: its key and its kind."""
    for row in RATING_LAST.rows(rater_id=rater.pk):
        return Rating.from_db(None, LAST, row)
    return None


class Turn(NamedTuple):
    """When an item's turn is: of a campaign's items those come first that fewest have taken, of these those that never
    came back, and of these the first by position. What comes back goes behind all that are there."""

    taken: int
    turn: int
    position: int


class WaitingItem(NamedTuple):
    pk: int
    turn: Turn


@dataclass(frozen=True)
class SoFar:
    """What is known of a rater's screens up to one of them, so that the next claim need not count them all."""

    done: int  # answered
    stood: Tally
    start: Turn  # every item before it was taken by the rater then, or full
    newest: int  # assignment of any rater then: whose item came back later, its turn is not before this
    checks: int = 0  # planned screens that the rater had, this one with them
    kind: str = "regular"  # of this one's item
    words: int = 0  # that it shows, where quality control may ask

    def stored(self) -> dict[str, Any]:
        stood = [[system, place, count] for (system, place), count in self.stood.counts.items()]
        met = [[one, other, count] for (one, other), count in self.stood.met.items()]
        known = {"done": self.done, "stood": stood, "met": met, "start": self.start, "newest": self.newest}
        return known | {"checks": self.checks, "kind": self.kind, "words": self.words}

    @classmethod
    def of(cls, stored: Any) -> "SoFar":
        """Without what it says of its own screen."""
        stood = Tally()
        for system, place, count in stored["stood"]:
            stood.count(system, place, count)
        for one, other, count in stored["met"]:
            stood.met[one, other] = count
        return cls(stored["done"], stood, Turn(*stored["start"]), stored["newest"], stored["checks"])


NEW_TO_RATER = """NOT EXISTS (
    SELECT 1 FROM annotations_assignment mine
    WHERE mine.item_id = item.id AND mine.rater_id = %(rater)s AND mine.state IN ('open', 'done', 'skipped')
) AND EXISTS (
    SELECT 1 FROM annotations_rater who JOIN annotations_campaign its ON its.id = who.campaign_id
    WHERE who.id = %(rater)s AND NOT who.replaced AND who.erased_at IS NULL
        AND (its.state = 'open' OR who.trial AND its.state <> 'closed')
)"""
ITEMS = (
    "SELECT item.id, item.taken, item.turn, item.position FROM annotations_item item "
    "WHERE item.campaign_id = %(campaign)s AND item.kind = 'regular'"
)
FREE = f"{ITEMS} AND item.taken < %(places)s"
FROM_START = "(item.taken, item.turn, item.position) >= (%(from_taken)s, %(from_turn)s, %(from_position)s)"
IN_TURN = "ORDER BY item.taken, item.turn, item.position LIMIT"
ALL_IN_ORDER = f"{ITEMS} AND {NEW_TO_RATER} ORDER BY item.position LIMIT %(window)s"
# Of what was named for the rater none comes before another: no place of it is anybody else's.
NAMED = f"""SELECT item.id, 0 AS taken, 0 AS turn, item.position
FROM annotations_nameditem named JOIN annotations_item item ON item.id = named.item_id
WHERE named.campaign_id = %(campaign)s AND named.outside_id = %(outside_id)s AND {NEW_TO_RATER}
ORDER BY item.position LIMIT %(window)s"""
AHEAD = f"{FREE} AND {FROM_START} AND {NEW_TO_RATER} {IN_TURN} %(window)s"
# Of so many items from the start on, whether or not they are new to the rater.
NEAR = f"SELECT * FROM ({FREE} AND {FROM_START} {IN_TURN} %(near)s) item WHERE {NEW_TO_RATER} {IN_TURN} %(window)s"
# The plus signs keep both databases to the index `item_that_came_back`.
CAME_BACK = f"""{ITEMS} AND item.turn > 0 AND item.turn >= %(since)s AND +item.taken < %(places)s
AND (+item.taken, +item.turn, +item.position) < (%(from_taken)s, %(from_turn)s, %(from_position)s)
AND {NEW_TO_RATER} ORDER BY +item.taken, +item.turn, +item.position LIMIT %(window)s"""

# Asked once a round by every rater, and most of a round's time if the ORM builds it anew each time. With the items that
# wait, of which there are none where the campaign or the rater's part has ended, come the orders in which texts were
# shown before: of those items, and of the items around the first, to raters who count; the campaign's systems, and
# whether they are people; and the newest assignment.
WAITING = """
WITH waiting AS ({items})
SELECT 'waiting', id, taken, turn, position, '' FROM waiting
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
SELECT 'system', entry.decoding_id, 0, 0, CASE WHEN its.kind = 'human' THEN 1 ELSE 0 END, ''
FROM annotations_campaignsystem entry JOIN annotations_system its ON its.id = entry.system_id
WHERE entry.campaign_id = %(campaign)s
UNION ALL
SELECT 'newest', COALESCE(MAX(id), 0), 0, 0, 0, '' FROM annotations_assignment
"""
# And to this rater, answered or not.
HISTORY = """UNION ALL
SELECT 'rater', 0, 0, SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), COUNT(*), shown FROM annotations_assignment
WHERE rater_id = %(rater)s GROUP BY shown
"""


def beside_what_came_back(items: str) -> str:
    return f"SELECT * FROM ({items}) ahead UNION ALL SELECT * FROM ({CAME_BACK}) back"


COUNTED_IN_ORDER, COUNTED_NAMED, COUNTED = (
    WAITING.format(items=items) + HISTORY for items in (ALL_IN_ORDER, NAMED, AHEAD)
)
KNOWN_NEAR, KNOWN = (WAITING.format(items=beside_what_came_back(items)) for items in (NEAR, AHEAD))
AROUND = 100  # items on either side: all of most campaigns, and not too many to count for each screen
ROWS_NEAR = 256  # items looked at before one is taken to be far away


def items_waiting(
    rater: Rater, window: int, so_far: SoFar | None = None, *, near: bool = False
) -> tuple[list[WaitingItem], ShownBefore, int]:
    """Items new to the rater that fewer raters than the overlap have taken, by their turn, at most `window`; what their
    texts' order has to be even with; and the newest assignment of all.

    They are looked for from where `so_far` says, and among what came back since; with `near` only among the next
    items, however many the campaign has. A dry run goes through all items in their order, however many have taken
    them, and is even for itself. For whom items were named gets only these.
    """
    texts = rater.campaign.texts_per_screen
    if so_far:
        sql, before = KNOWN_NEAR if near else KNOWN, ShownBefore(rater=so_far.stood, done=so_far.done, texts=texts)
    else:
        among = COUNTED_NAMED if rater.named_items else COUNTED
        sql, before = COUNTED_IN_ORDER if rater.trial else among, ShownBefore(texts=texts)
    start = so_far.start if so_far else Turn(0, 0, 0)
    values = {
        "rater": rater.pk,
        "outside_id": rater.outside_id,
        "campaign": rater.campaign_id,
        "places": rater.campaign.overlap,
        "window": window,
        "around": AROUND,
        "near": ROWS_NEAR,
        "since": so_far.newest if so_far else 0,
        "from_taken": start.taken,
        "from_turn": start.turn,
        "from_position": start.position,
    }
    waiting, people, newest = list[WaitingItem](), list[int](), 0
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        for what, pk, taken, turn, number, shown in cursor.fetchall():
            if what == "waiting":
                waiting.append(WaitingItem(pk, Turn(taken, turn, number)))
            elif what == "system":
                before.systems.append(pk)
                if number:
                    people.append(pk)
            elif what == "newest":
                newest = pk
            elif what == "rater":
                before.done += turn
                before.rater.add(shown, number)
            elif what == "around":
                before.around.add(shown, number)
            else:
                before.items.setdefault(pk, []).append(shown)
    before.always = frozenset(protocol_named(rater.campaign.protocol).shown_always(people))
    waiting.sort(key=lambda item: item.turn.position if rater.trial else item.turn)
    return waiting[:window], before, newest


class ShownText(NamedTuple):
    """A candidate as it is shown, and the decodings that wrote it."""

    pk: int
    public_id: str
    text: str
    systems: list[int]


# Asked once a round like `WAITING`: with models it takes forty times as long. Behind an item's texts, which all have
# what there is of its caption and its photo, come the photos of a sequence with their first captions.
SHOWN = """
SELECT candidate.id, candidate.public_id, candidate.text, output.decoding_id,
    source.id, source.text, photo.id, photo.image, candidate.id
FROM annotations_item item
JOIN annotations_candidate candidate ON candidate.item_id = item.id
LEFT JOIN annotations_candidateoutput shows ON shows.candidate_id = candidate.id
LEFT JOIN annotations_output output ON output.id = shows.output_id
JOIN annotations_source source ON source.id = item.source_id
LEFT JOIN annotations_photo photo ON photo.id = source.photo_id
WHERE item.id = %s
UNION ALL
SELECT NULL, NULL, '', NULL, told.source_id, caption.text, photo.id, photo.image, told.position
FROM annotations_item item
JOIN annotations_sequencephoto told ON told.source_id = item.source_id
JOIN annotations_photo photo ON photo.id = told.photo_id
LEFT JOIN annotations_source caption ON caption.id = (
    SELECT MIN(each.id) FROM annotations_source each JOIN annotations_import its ON its.id = each.imported_by_id
    WHERE each.photo_id = photo.id AND each.kind = 'caption' AND its.state = 'complete'
)
WHERE item.id = %s
ORDER BY 9
"""


def item_shown(pk: int) -> tuple[Any, list[ShownText]]:
    """An item with what it shows of its source (all else is read when it is asked for), and its texts."""
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, [pk, pk])
        found = cursor.fetchall()
    rows = [row for row in found if row[0] is not None]
    told = [ShownPhoto(image, caption or "") for first, *_, caption, _, image, _ in found if first is None]
    texts: dict[int, ShownText] = {}
    for candidate, public_id, text, decoding, *_ in rows:
        shown = texts.setdefault(candidate, ShownText(candidate, str(uuid.UUID(str(public_id))), text, []))
        if decoding is not None:
            shown.systems.append(decoding)
    source, caption, photo, image, _ = rows[0][4:]
    item = Item.from_db(None, ["id", "source_id"], [pk, source])
    item.source = Source.from_db(None, ["id", "photo_id", "text"], [source, photo, caption])
    item.source.photo = Photo.from_db(None, ["id", "image"], [photo, image]) if photo else None
    item.shown_photos = told or photos_of(item)
    return item, list(texts.values())


def photos_of(item: Item) -> list[ShownPhoto]:
    """The photos of an item's source in their order, with their captions; of a sequence each with its first one."""
    if hasattr(item, "shown_photos"):
        return item.shown_photos
    source = item.source
    if source.photo:
        return [ShownPhoto(source.photo.image, source.text)]
    return photos_told([source.pk]).get(source.pk, [])


def photos_told(sequences: Collection[int]) -> dict[int, list[ShownPhoto]]:
    """The photos of sequences, by the sources' primary keys, in their order; each with its first caption."""
    visible = Source.objects.visible().captions()
    captions = visible.filter(photo=OuterRef("photo")).order_by("pk").values("text")[:1]
    told = SequencePhoto.objects.filter(source__in=sequences).annotate(caption=Subquery(captions))
    shown: dict[int, list[ShownPhoto]] = defaultdict(list)
    for source, image, caption in told.order_by("position").values_list("source", "photo__image", "caption"):
        shown[source].append(ShownPhoto(image, caption or ""))
    return shown


class ItemTexts(Mapping[int, str]):
    """Of an item's candidates, by their primary keys; they are read when the first of them is asked for."""

    def __init__(self, item: int) -> None:
        self.item = item

    @cached_property
    def texts(self) -> dict[int, str]:
        return item_texts(self.item)

    def __getitem__(self, pk: int) -> str:
        return self.texts[pk]

    def __iter__(self) -> Iterator[int]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


def item_texts(pk: int) -> dict[int, str]:
    """Of an item's candidates, by their primary keys."""
    return dict(TEXTS.rows(item_id=pk))
