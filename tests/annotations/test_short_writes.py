"""Nothing in the background keeps raters waiting: it writes in short transactions, whatever there is to write."""

import errno
import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from structlog.testing import capture_logs

from annotations import models
from annotations.campaigns.services import items as campaign_items
from annotations.campaigns.services import making as campaign_making
from annotations.campaigns.services.items import items_write
from annotations.campaigns.spec import CampaignSpec
from annotations.corpora.readers.content import AlbumContent, StoryContent
from annotations.errors import ConflictError
from annotations.imports import writing as imports
from annotations.removal import services as removal
from annotations.removal.services import removal_begin
from annotations.storage import bulk
from annotations.storage.short_writes import raters_at_work, short_write, turns_missing, writers_turn
from annotations.storage.unfinished import lease_renew
from annotations.systems.services import decoding_begin, outputs_add
from tests.annotations.raters import Rater
from tests.factories import DatasetFactory, DecodingFactory, make_campaign
from workers.formats import ratings
from workers.jobs.importing import import_here
from workers.removal import removals_finish, remove

ITEMS = 1100
MAX_ROWS = 2500  # in one transaction: some 25 ms
KEPT = (models.Campaign, models.Item, models.Candidate, models.CandidateOutput, models.CampaignSystem)
Rows = list[int]


@contextmanager
def rows_of_transactions() -> Iterator[Rows]:
    """The rows that each transaction of this connection changes."""
    found: Rows = [0]

    def counting(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("BEGIN") or not connection.in_atomic_block:
            found.append(0)
        done = execute(sql, params, many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            found[-1] += max(context["cursor"].rowcount, 0)
        return done

    with connection.execute_wrapper(counting):
        yield found


def spec_of(dataset: models.Dataset, **values: Any) -> CampaignSpec:
    spec = {"name": "c", "purpose": "evaluation", "dataset": dataset.name, "split": "test", "criteria": ["x"]}
    return CampaignSpec.from_mapping(spec | {"systems": ["human", "lstm"], "items": ITEMS} | values)


def imported() -> models.Import:
    dataset = DatasetFactory()
    row = imports.import_begin(dataset=dataset, fingerprint="f", description="many")
    albums = []
    for n in range(ITEMS):
        album = AlbumContent(f"a{n}", photos={"p": ("", "")}, captions=[("p", 0, f"caption {n}")])
        album.stories.append(StoryContent("s", [("p", f"A sentence {n}.")]))
        album.outputs.append(("lstm", "p", range(1), [f"an output {n}"]))
        albums.append(album)
    counts = imports.albums_write(import_row=row, split="test", albums=albums, on_progress=lambda share: None)
    imports.import_complete(import_row=row, counts=counts)
    return row


def campaigns(tmp_path: Path) -> None:
    row = imported()
    campaign = campaign_making.campaign_create(spec=spec_of(row.dataset), state="draft")
    assert campaign.items.count() == ITEMS
    campaign_making.draft_replace(draft=campaign, spec=spec_of(row.dataset, items=ITEMS - 1))
    campaign_making.draft_delete(draft=models.Campaign.objects.get())


def removals(tmp_path: Path) -> None:
    remove(imported())
    remove(imported().dataset)
    assert not models.Output.objects.exists()


def ratings_elsewhere(tmp_path: Path) -> None:
    import_here(config=ratings_of(tmp_path), watch=lambda share, message: None)
    assert models.Rating.objects.count() == 3 * ITEMS


def ratings_elsewhere_killed(tmp_path: Path) -> None:
    """Before the campaign showed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ratings, "campaign_show", Mock(side_effect=ConflictError("", "killed")))
        with pytest.raises(ConflictError, match="killed"):
            import_here(config=ratings_of(tmp_path), watch=lambda share, message: None)
    for model in (models.Rating, models.Item, models.Source, models.Import):
        assert not model._default_manager.exists()
    assert not models.Campaign.all_rows.exists()


def ratings_of(folder: Path) -> dict[str, Any]:
    file = folder / "ratings.csv"
    rated = (
        f"i{n},{system},r{rater},fluency,{n % 5 + 1},text {n} of {system}\n"
        for n in range(ITEMS)
        for rater in range(3)
        for system in ("lstm", "gru")
    )
    file.write_text("item,system,rater,criterion,score,text\n" + "".join(rated))
    return {"form": "ratings", "dataset": "rated", "campaign": "rated", "files": {"file": [str(file)]}}


def replacing(tmp_path: Path) -> None:
    for mark, update in (("", False), ("!", True)):
        file = tmp_path / f"pairs{mark}.jsonl"
        rows = ({"id": f"a{n}", "caption": f"caption {n}{mark}", "story": f"A story {n}{mark}"} for n in range(ITEMS))
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        options = {"album_field": "id", "photo_field": "id", "update": update}
        call_command("import_pairs", file, dataset="replaced", split="test", **options)
    for texts in (models.Source.objects, models.StorySentence.objects):
        assert texts.filter(text__endswith="!").count() == ITEMS
    assert not models.Replaced.objects.exists()


ONE_WRITER = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite alone has one writer at a time")
WRITERS = [pytest.param(write, marks=ONE_WRITER) for write in (campaigns, removals, ratings_elsewhere, replacing)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [*WRITERS, ratings_elsewhere_killed])
def test_no_transaction_writes_many_rows(write: Callable[[Path], None], tmp_path: Path) -> None:
    with rows_of_transactions() as rows:
        write(tmp_path)
    if connection.vendor == "sqlite":
        assert sum(rows) > 5 * ITEMS
        assert max(rows) <= MAX_ROWS, rows


@ONE_WRITER
@pytest.mark.django_db(transaction=True)
def test_what_depends_is_looked_for_before_others_are_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    row = imported()
    looked: list[bool] = []
    whole = removal.dependents

    def noting(target: Any) -> list[str]:
        looked.append(connection.in_atomic_block)
        return whole(target)

    monkeypatch.setattr(removal, "dependents", noting)
    removal_begin(target=row)
    assert looked == [False]


def half_made(made: models.Campaign) -> models.Campaign:
    """What is there of a campaign whose maker was killed before the last item."""
    spec = spec_of(made.dataset, items=5)
    campaign = campaign_making.campaign_begin(spec, "open", None)
    _, written, sources, _ = campaign_making.content_choose(spec, made.dataset)
    items_write(campaign=campaign, sources=sources, decodings=[decoding.pk for decoding in written.values()])
    return campaign


@pytest.mark.django_db
def test_a_killed_maker_leaves_nothing_and_the_name_is_free() -> None:
    made = make_campaign(captions=5).campaign
    before = [model._default_manager.count() for model in KEPT]
    left = half_made(made)
    assert models.Item.objects.filter(campaign=left).count() == 5
    assert list(models.Campaign.objects.all()) == [made]
    with pytest.raises(ConflictError, match="a campaign is being created or removed"):
        removal_begin(target=DecodingFactory(dataset=made.dataset).system)
    again = campaign_making.campaign_create(spec=spec_of(made.dataset, items=5))
    assert again.name == "c"
    assert removals_finish() == 0, "it may still be at work"
    models.Campaign.all_rows.filter(pk=left.pk).update(unfinished_until="2020-01-01T00:00Z")
    assert removals_finish() == 1
    with pytest.raises(ConflictError, match="given up"):
        lease_renew(left)
    models.Campaign.all_rows.filter(pk=again.pk).update(unfinished_until="2020-01-01T00:00Z")
    assert removals_finish() == 1
    assert [model._default_manager.count() for model in KEPT] == before


@pytest.mark.django_db
def test_a_baseline_whose_maker_was_killed_goes() -> None:
    dataset = make_campaign(captions=2).dataset
    caption = models.System.objects.get(name="caption")
    left = decoding_begin(system=caption, dataset=dataset, split="test", settings={}, fingerprint="of nobody else")
    outputs_add(decoding=left, rows=[(source.pk, 0, source.text, None) for source in models.Source.objects.all()])
    assert removals_finish() == 0, "it may still be at work"
    models.Decoding.objects.filter(pk=left.pk).update(created_at="2020-01-01T00:00Z")
    assert removals_finish() == 1
    assert not models.Decoding.objects.filter(pk=left.pk).exists()
    assert not models.Output.objects.filter(decoding=left.pk).exists()


@pytest.mark.django_db
def test_a_name_that_was_taken_meanwhile_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_campaign(captions=5).campaign
    whole = campaign_making.items_write

    def beside(**given: Any) -> None:
        whole(**given)
        models.Campaign.objects.filter(pk=made.pk).update(name="c")

    monkeypatch.setattr(campaign_making, "items_write", beside)
    with pytest.raises(ConflictError, match="campaign 'c' already exists"):
        campaign_making.campaign_create(spec=spec_of(made.dataset, items=5))
    assert models.Campaign.all_rows.count() == 1
    assert models.Item.objects.count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize("replaced", [False, True])
def test_a_last_write_that_is_refused_leaves_nothing_and_the_name_is_free(replaced: bool) -> None:
    made = make_campaign(captions=5).campaign
    spec = spec_of(made.dataset, items=5)
    draft = campaign_making.campaign_create(spec=spec, state="draft") if replaced else None
    before = [model._default_manager.count() for model in (*KEPT, models.AuditEntry)]

    @contextmanager
    def refused_after(row: models.Campaign) -> Iterator[None]:
        with transaction.atomic():
            yield
            assert models.Campaign.objects.get(name="c").pk == row.pk
            raise ConflictError("", "the claim on the run was lost")

    with pytest.raises(ConflictError, match="the claim on the run was lost"):
        campaign_making.campaign_create(spec=spec, instead_of=draft, last_write=refused_after)
    assert [model._default_manager.count() for model in (*KEPT, models.AuditEntry)] == before
    assert models.Campaign.all_rows.count() == models.Campaign.objects.count()
    assert list(models.Campaign.objects.filter(name="c")) == ([draft] if draft else [])
    assert campaign_making.campaign_create(spec=spec, instead_of=draft).name == "c"


@ONE_WRITER
@pytest.mark.django_db(transaction=True)
def test_a_writer_in_the_background_pauses_while_raters_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("annotations.storage.short_writes.time.sleep", pauses.append)
    campaign = make_campaign(captions=2).campaign
    with short_write():
        pass
    assert not pauses
    assert Rater(campaign).next()
    with short_write(), short_write():
        assert not gc.isenabled(), "that may take longer than the write"
    assert len(pauses) == 1
    assert gc.isenabled()
    models.Assignment.objects.update(leased_until="2020-01-01T00:00Z")
    with short_write():
        pass
    assert len(pauses) == 1


@pytest.mark.django_db
def test_the_texts_of_a_campaign_are_set_without_looking_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among so many objects that takes a third of the time."""
    collecting: list[bool] = []
    whole = campaign_items.items_ready

    def noting(*args: Any, **options: Any) -> Any:
        collecting.append(gc.isenabled())
        return whole(*args, **options)

    monkeypatch.setattr(campaign_items, "items_ready", noting)
    make_campaign(captions=2)
    assert collecting == [False]
    assert gc.isenabled()


@ONE_WRITER
@pytest.mark.django_db(transaction=True)
def test_writers_in_the_background_take_turns_and_wait_for_no_stopped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once would fill each other's pauses, and leave raters none."""
    longest = 0.3
    monkeypatch.setattr("annotations.storage.short_writes.MAX_WRITERS_TURN_SECONDS", longest)

    def seconds_of_a_write() -> float:
        began = time.perf_counter()
        with short_write():
            pass
        return time.perf_counter() - began

    with writers_turn():
        assert seconds_of_a_write() >= longest
    assert seconds_of_a_write() < longest


@pytest.mark.parametrize("refused", ["open", "lock"])
def test_where_no_file_can_be_locked_writers_go_on_without_turns(
    refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """As on a mount that refuses locks, or a folder that somebody else may write to."""
    settings.VAR_DIR = tmp_path if refused == "lock" else tmp_path / "missing"
    error = OSError(errno.EBADF, "Bad file descriptor")
    monkeypatch.setattr("annotations.storage.short_writes.fcntl.flock", Mock(side_effect=error))
    turns_missing.cache_clear()
    with capture_logs() as said:
        for _ in range(2):
            with writers_turn():
                pass
    assert [line["log_level"] for line in said] == ["warning"]


@pytest.mark.django_db
@pytest.mark.parametrize(("submitted", "at_work"), [("", False), ("2020-01-01T00:00Z", True)])
def test_imported_ratings_are_no_raters_at_work(tmp_path: Path, submitted: str, at_work: bool) -> None:
    """Those without a time are of now, and those with one are newer rows of an older time."""
    if at_work:
        assert Rater(make_campaign(captions=2).campaign).next()
    file = tmp_path / "ratings.csv"
    rows = (f"i,lstm,r{score},fluency,{score},{submitted}\n" for score in (1, 5))
    file.write_text("item,system,rater,criterion,score,submitted\n" + "".join(rows))
    call_command("import_ratings", file, campaign="rated")
    assert raters_at_work() is at_work


def test_the_planner_of_postgresql_knows_of_a_campaign_before_raters_do(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite plans by its indexes alone")
    monkeypatch.setattr(bulk, "MANY_ROWS", 5)
    make_campaign(captions=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'annotations_candidate'::regclass")
        (rows,) = cursor.fetchone()
    assert rows == models.Candidate.objects.count() > 0
