"""Writes of campaigns whose ratings were collected elsewhere: their content first, then a campaign that nobody sees
before the import completes, all in short writes.

Ratings are never deleted, but those of an import that was not completed, which nobody has seen (`triggers`).
"""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from annotations.campaigns.models import (
    Assignment,
    Campaign,
    CampaignSystem,
    Candidate,
    CandidateOutput,
    Item,
    Rater,
    Rating,
)
from annotations.campaigns.models.campaigns import new_secret
from annotations.campaigns.readers.content import Place, RatedScreen, RatingContent
from annotations.campaigns.services.raters import session_hash
from annotations.corpora.models import Import, Split
from annotations.errors import ConflictError, InputError
from annotations.imports.writing import albums_write
from annotations.names import check_name
from annotations.progress import OnShare
from annotations.protocols import TIE, protocol_named
from annotations.storage.bulk import batched, database_uuid, ids_reserve, rows_insert, statistics_gather
from annotations.storage.clock import database_now
from annotations.storage.fields import digest_of
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write
from annotations.storage.unfinished import finish, lease_fields, lease_renew, unfinished_name
from annotations.systems.models import Decoding, Output, System

OUTPUT_BATCH_SIZE = 5000
SCREENS_PER_NOTE = 5000
CONTENT_SHARE = 0.5  # of the progress of writing
MAX_RATERS = 32_767  # of an item: what the column holds


def campaign_name_check(*, name: str, dataset: str) -> None:
    """Raises ConflictError where the campaign is there, unless an import into the same dataset made it, with which the
    file is then compared; and where the dataset holds anything but rated items."""
    there = Campaign.objects.filter(name=name).select_related("imported_by", "dataset").first()
    if there and not (there.imported_by and there.dataset.name == dataset):
        raise ConflictError(
            "campaign", f"'{name}' already exists, and its ratings cannot be changed", "choose another name"
        )
    first = Import.objects.complete().filter(dataset__name=dataset).order_by("pk").first()
    if first and not Campaign.objects.filter(imported_by=first).exists():
        raise ConflictError(
            "dataset",
            f"'{dataset}' already has other content",
            "import ratings into a dataset of their own, or into one with imported ratings of the same items",
        )


@transaction.atomic
def system_rated(*, name: str) -> System:
    """The system of that name, whoever it is; made as one of uploaded outputs if it is not there."""
    return System.objects.get_or_create(name=check_name(name, "system"), defaults={"kind": System.Kind.FILE})[0]


def rated_content_write(*, import_row: Import, content: RatingContent, on_progress: OnShare) -> dict[str, int]:
    """Write the rated items and texts, a thousand rows a transaction. Returns the rows written by kind."""
    counts = albums_write(
        import_row=import_row,
        split=Split.TEST,
        albums=content.albums(),
        on_progress=lambda share: on_progress(CONTENT_SHARE * share),
        system_named=system_rated,
    )
    return {kind: rows for kind, rows in counts.items() if rows}


Showing = tuple[Place, int]  # a place, and how many times it was shown to the same rater before


class Rows(NamedTuple):
    model: type[Model]
    fields: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass
class ImportedCampaign:
    """A campaign on its way into the tables: rows with reserved primary keys, in the order in which they go in."""

    import_row: Import
    name: str
    content: RatingContent
    family: str = Campaign.Family.CRITERION.value
    looks: int = 1
    spending: str = Campaign.Spending.OBRIEN_FLEMING.value
    equivalence_margin: float | None = None
    pk: int = 0
    overlap: int = 0
    tables: list[Rows] = field(default_factory=list)
    # by system: key, random id; of each showing of a place, the repeats apart
    candidates: dict[Showing, dict[str, tuple[int, str]]] = field(default_factory=dict)

    def prepare(self, on_progress: OnShare) -> dict[str, int]:
        """Make the rows. Returns how many there are by kind."""
        content = self.content
        raters = list(dict.fromkeys(screen.rater for screen in content.screens))
        repeats = dict.fromkeys((screen.place, screen.repeat) for screen in content.screens if screen.repeat)
        showings = [*((place, 0) for place in content.texts), *repeats]
        (self.pk,), item_ids, rater_ids = reserve((Campaign, 1), (Item, len(showings)), (Rater, len(raters)))
        items = dict(zip(showings, item_ids, strict=True))
        shared = self.prepare_items(items)
        people = dict(zip(raters, rater_ids, strict=True))
        rows = [
            (pk, self.pk, database_uuid(uuid.uuid4()), name, session_hash(token_urlsafe(32)), new_secret(), False, "")
            for name, pk in people.items()
        ]
        fields = ("id", "campaign", "public_id", "outside_id", "session_hash", "digest_key", "trial", "exclusion")
        self.tables.append(Rows(Rater, fields, rows))
        self.prepare_ratings(items, people, on_progress)
        return {
            "items": len(content.texts),
            "candidates": len({pk for (_, n), by in self.candidates.items() if not n for pk, _ in by.values()}),
            "texts_of_several_systems": shared,
            "raters": len(people),
            "ratings": sum(not screen.repeat for screen in content.screens),
            **({"repeats": content.facts.repeats} if repeats else {}),
            protocol_named(content.protocol).noun: content.answers,
        }

    def prepare_items(self, items: Mapping[Showing, int]) -> int:
        """Items and candidates with the outputs they show; what a rater rated again is an item of its own kind. Returns
        how many texts several systems wrote."""
        raters = dict.fromkeys(items, 0)
        for screen in self.content.screens:
            raters[screen.place, screen.repeat] += 1
        self.overlap = max(count for (_, repeat), count in raters.items() if not repeat)
        if self.overlap > MAX_RATERS:
            raise InputError(
                "rater", f"an item has ratings from {self.overlap:,} raters", f"the limit is {MAX_RATERS:,}"
            )
        outputs = written_outputs(self.import_row)
        texts = {place: self.content.shown_texts(place) for place in self.content.texts}
        different = sum(len(set(texts[place].values())) for place, _ in items)
        (ids,) = reserve((Candidate, different))
        free = iter(ids)
        item_rows, candidate_rows, shown_rows, shared = [], [], [], 0
        for position, ((place, repeat), item) in enumerate(items.items()):
            source = outputs[place, next(iter(texts[place]))][1]
            kind = Item.Kind.REPEAT.value if repeat else Item.Kind.REGULAR.value
            item_rows.append(
                (item, self.pk, database_uuid(uuid.uuid4()), kind, source, position, raters[place, repeat])
            )
            by_text: dict[str, tuple[int, str]] = {}
            for system, text in texts[place].items():
                if text not in by_text:
                    public_id = uuid.uuid4()
                    by_text[text] = next(free), str(public_id)
                    candidate_rows.append((by_text[text][0], database_uuid(public_id), item, text, digest_of(text)))
                shown_rows.append((by_text[text][0], outputs[place, system][0]))
                self.candidates.setdefault((place, repeat), {})[system] = by_text[text]
            shared += 0 if repeat else sum(systems > 1 for systems in Counter(texts[place].values()).values())
        item_fields = ("id", "campaign", "public_id", "kind", "source", "position", "taken")
        self.tables += [
            Rows(Item, item_fields, item_rows),
            Rows(Candidate, ("id", "public_id", "item", "text", "digest"), candidate_rows),
            Rows(CandidateOutput, ("candidate", "output"), shown_rows),
        ]
        return shared

    def prepare_ratings(self, items: Mapping[Showing, int], raters: Mapping[str, int], on_progress: OnShare) -> None:
        """An assignment and a rating per screen, in the order in which they came in; those without a time bear that of
        the import, and stand in the order of the table."""
        undated = self.import_row.created_at
        screens = sorted(self.content.screens, key=lambda screen: screen.submitted or undated)
        (ids,) = reserve((Assignment, len(screens)))
        stored_as = protocol_named(self.content.protocol).number
        assignments, ratings = [], []
        for number, (pk, screen) in enumerate(zip(ids, screens, strict=True)):
            at = database_time(screen.submitted or undated)
            showing = screen.place, screen.repeat
            candidates = self.candidates[showing]
            order = list(dict.fromkeys(candidates[system] for system in screen.systems))
            assignments.append(
                (
                    pk, items[showing], raters[screen.rater], database_uuid(uuid.uuid4()),
                    Assignment.State.DONE.value, json.dumps(order), "{}", at, 1, at,
                )
            )  # fmt: skip
            answers = json.dumps(stored_answers(screen, candidates, stored_as))
            key = database_uuid(uuid.uuid4())
            ratings.append((pk, 1, Rating.Kind.ANSWER.value, answers, key, self.import_row.fingerprint, at))
            if number % SCREENS_PER_NOTE == 0:
                on_progress(CONTENT_SHARE + (1 - CONTENT_SHARE) * number / len(screens))
        assignment_fields = (
            "id", "item", "rater", "public_id", "state", "candidate_order", "draft", "leased_until", "revision",
            "created_at",
        )  # fmt: skip
        rating_fields = ("assignment", "revision", "kind", "answers", "key", "body_hash", "created_at")
        self.tables += [Rows(Assignment, assignment_fields, assignments), Rows(Rating, rating_fields, ratings)]


def campaign_write(*, prepared: ImportedCampaign) -> None:
    """Write the campaign with its items, raters and ratings, closed. Nobody sees it before `campaign_show`; it goes
    with an import that is discarded. Raises ConflictError where there is a campaign of that name by now."""
    content, import_row = prepared.content, prepared.import_row
    decodings = Decoding.objects.filter(imported_by=import_row).order_by("pk")
    by_name = {decoding.system.name: decoding for decoding in decodings.select_related("system")}
    with short_write():
        if Campaign.objects.filter(name=prepared.name).exists():
            raise name_taken(prepared)
        campaign = Campaign.all_rows.create(
            pk=prepared.pk,
            name=unfinished_name(prepared.name),
            **lease_fields(),
            purpose=Campaign.Purpose.EVALUATION,
            dataset=import_row.dataset,
            split=Split.TEST,
            unit=Campaign.Unit.SENTENCE,
            protocol=content.protocol,
            show=Campaign.Show.NONE,
            criteria=list(content.criteria),
            overlap=prepared.overlap,
            scale=list(content.scale or ()),
            scale_found=content.scale_found,
            import_facts=content.facts.as_json(),
            primary=list(content.primary),
            family=prepared.family,
            looks=prepared.looks,
            spending=prepared.spending,
            equivalence_margin=prepared.equivalence_margin,
            imported_by=import_row,
            item_count=len(content.texts),
            state=Campaign.State.CLOSED,
        )
        CampaignSystem.objects.bulk_create(
            CampaignSystem(campaign=campaign, system=by_name[name].system, decoding=by_name[name])
            for name in content.systems
        )
    for table in prepared.tables:
        for part in batched(table.rows, WRITE_BATCH_SIZE):
            with short_write():
                lease_renew(campaign)
                rows_insert(table.model, table.fields, part)
    statistics_gather(sum(len(table.rows) for table in prepared.tables), *(table.model for table in prepared.tables))


def campaign_show(*, prepared: ImportedCampaign) -> None:
    """Call it in the transaction that completes the import. Raises ConflictError where somebody has made a campaign of
    that name meanwhile, or it was given up."""
    try:
        with transaction.atomic():
            finish(Campaign(pk=prepared.pk), name=prepared.name, closed_at=database_now())
    except IntegrityError as error:
        raise name_taken(prepared) from error


def name_taken(prepared: ImportedCampaign) -> ConflictError:
    return ConflictError("campaign", f"'{prepared.name}' was created in the meantime", "choose another name")


def written_outputs(import_row: Import) -> dict[tuple[Place, str], tuple[int, int]]:
    """The primary keys of the import's outputs and of their sources, by place and system."""
    rows = Output.objects.filter(decoding__imported_by=import_row).values_list(
        "source__album__external_id", "source__key", "decoding__system__name", "pk", "source_id"
    )
    return {
        ((album, photo), system): (pk, source)
        for album, photo, system, pk, source in rows.iterator(chunk_size=OUTPUT_BATCH_SIZE)
    }


def stored_answers(
    screen: RatedScreen, candidates: Mapping[str, tuple[int, str]], number: type[int] | type[float]
) -> dict[str, dict[str, float] | str]:
    """As the protocol stores them: candidates by primary key, steps of a scale as whole numbers."""
    scores: dict[str, dict[str, float] | str] = {
        criterion: {str(candidates[system][0]): number(given.value) for system, given in by_system.items()}
        for criterion, by_system in screen.scores.items()
    }
    choices = {
        criterion: TIE if given.value == TIE else str(candidates[str(given.value)][0])
        for criterion, given in screen.choices.items()
    }
    return scores | choices


def reserve(*wanted: tuple[type[Model], int]) -> list[Sequence[int]]:
    with transaction.atomic():
        return [ids_reserve(model, count) for model, count in wanted]


def database_time(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)
