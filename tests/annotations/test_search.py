"""Searching captions, story sentences and outputs by their words, on either database."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.corpora.readers.content import AlbumContent
from annotations.imports.writing import albums_write, import_begin, import_complete, import_discard
from annotations.removal.services import removal_begin, removal_finishing
from annotations.search.hits import MAX_HITS, SEARCHED, Hits, hits_of
from annotations.search.indexes import (
    ROWS_A_WRITE,
    create_missing_indexes,
    drop_indexes,
    unindexed,
    words_are_indexed,
)
from annotations.search.words import MAX_SHOWN, marked, words_of
from annotations.storage.bulk import exhaust
from tests.annotations.stories import story_dataset
from tests.annotations.test_source_pages import fetch, person
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StorySentenceFactory,
    SystemFactory,
    make_campaign,
)
from workers.sweeping import words_index

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    return person("view_dataset")


def texts(found: Hits) -> list[str]:
    return [re.sub(r"</?mark>", "", str(hit.text)) for hit in found.rows]


def sought(kind: str, typed: str, **asked: Any) -> Hits:
    """Once the sweeper has been there."""
    words_index()
    return hits_of(kind, words_of(typed), **{"dataset": None, **asked})


def captions(typed: str, **asked: Any) -> list[str]:
    return texts(sought("captions", typed, **asked))


def test_a_caption_is_found_by_its_words_in_any_order_and_case() -> None:
    for text in (
        "A Boat, on the lake.",
        "the boats are [male] 's",
        "über-große Straße",
        "강아지가 잔디에서 놀고 있다",
        "p.m.and/or x@y",
    ):
        CaptionFactory(text=text)
    for typed, expected in {
        "LAKE boat": ["A Boat, on the lake."],
        "boat": ["A Boat, on the lake."],
        "boat*": ["A Boat, on the lake.", "the boats are [male] &#x27;s"],
        "the": ["A Boat, on the lake.", "the boats are [male] &#x27;s"],
        "male": ["the boats are [male] &#x27;s"],
        "Über große": ["über-große Straße"],
        "uber": [],
        "강아지가": ["강아지가 잔디에서 놀고 있다"],
        "강아지*": ["강아지가 잔디에서 놀고 있다"],
        "p m": ["p.m.and/or x@y"],
        "or y": ["p.m.and/or x@y"],
        "lake ocean": [],
    }.items():
        assert captions(typed) == expected, typed


ODD = (
    *('"', "'", "boat\"'", "*", "**", "a*", "-boat", "boat OR lake", "NEAR(boat lake)", "text:boat", "^boat", "("),
    *("boat & | !", "boat:*", "\\", "%", "%s", "{}", "boat\x00lake", "\ud83d", "²", "ª", "AND", "NOT", "🙂", "e\u0301"),
    *("a" * 5000, "boat " * 500),
)


def test_whatever_is_typed_is_no_error() -> None:
    CaptionFactory(text="a boat on the lake")
    for typed in ODD:
        for kind in SEARCHED:
            sought(kind, typed)


@given(typed=st.text(max_size=60))
def test_nothing_that_can_be_typed_is_an_error(typed: str) -> None:
    sought("captions", typed)


def test_the_page_says_what_is_wrong_with_an_address(reader: Client) -> None:
    dataset = CaptionFactory(text="a boat").album.dataset
    words_index()
    address = f"/data/{dataset.pk}/sources/"
    assert reader.get(f"{address}?q=a%00b").status_code == 400
    assert "Type the words" in fetch(reader, f"{address}?q=%22*")
    assert "No caption, story or output holds" in fetch(reader, f"{address}?q=zeppelin")
    for odd in ("texts=other", "split=none", "texts=captions&after=x", "texts=captions&before=" + "9" * 30):
        assert "<mark>boat</mark>" in fetch(reader, f"{address}?q=boat&{odd}")


def test_hits_are_marked_say_who_wrote_them_and_lead_on(reader: Client) -> None:
    dataset = story_dataset(albums=1)
    words_index()
    album = dataset.albums.get()
    output = models.Output.objects.get(decoding__system__name="gru", text__contains="0x3")
    page = fetch(reader, f"/data/{dataset.pk}/sources/?q=words0x3")
    assert f'<a href="/data/sources/{output.source_id}/">gru wrote <mark>words0x3</mark> .</a>' in page
    assert f'<a href="/data/albums/{album.pk}/">Person 0 told <mark>words0x3</mark>!</a>' in page
    assert re.search(r"gru · test · album", " ".join(page.split()))
    assert "people · test" in page
    caption = models.Source.objects.filter(kind="caption", text="a thing 03").first()
    assert caption
    page = fetch(reader, "/data/search/?q=thing+03")
    assert f'<a href="/data/sources/{caption.pk}/">a <mark>thing</mark> <mark>03</mark></a>' in page
    assert f"caption · {dataset} / test" in page
    only = fetch(reader, f"/data/{dataset.pk}/sources/?q=wrote&texts=outputs&split=test")
    assert "arel" in only
    assert "Story sentences" not in re.sub(r"<select.*?</select>", "", only, flags=re.S)
    assert "Nothing found" in fetch(reader, f"/data/{dataset.pk}/sources/?q=wrote&texts=outputs&split=train")


def test_a_text_is_text_and_a_long_one_is_shown_around_the_first_hit() -> None:
    assert (
        marked("<b>boat</b> & 'boats'", words_of("boat"))
        == "&lt;b&gt;<mark>boat</mark>&lt;/b&gt; &amp; &#x27;boats&#x27;"
    )
    long = marked("a " * 2000 + "boat" + " b" * 2000, words_of("boat"))
    assert "<mark>boat</mark>" in long
    assert long.startswith("…")
    assert long.endswith("…")
    assert len(long) < MAX_SHOWN + 30


def test_a_dataset_and_a_split_are_kept_apart() -> None:
    one, other = DatasetFactory(), DatasetFactory()
    for dataset in (one, other):
        for split in ("train", "test"):
            CaptionFactory(text=f"boat {dataset.name} {split}", photo__album=AlbumFactory(dataset=dataset, split=split))
    assert captions("boat", dataset=one) == [f"boat {one.name} train", f"boat {one.name} test"]
    assert captions("boat", dataset=one, split="test") == [f"boat {one.name} test"]
    assert len(captions("boat")) == 4


def test_pages_hold_every_hit_once_in_both_directions() -> None:
    dataset = DatasetFactory()
    photo = PhotoFactory(album=AlbumFactory(dataset=dataset))
    written = [CaptionFactory(text=f"boat {n}", photo=photo).text for n in range(7)]
    first = sought("captions", "boat", dataset=dataset, per_page=3)
    second = sought("captions", "boat", dataset=dataset, per_page=3, after=first.after)
    third = sought("captions", "boat", dataset=dataset, per_page=3, after=second.after)
    assert texts(first) + texts(second) + texts(third) == written
    assert (first.before, third.after) == (None, None)
    back = sought("captions", "boat", dataset=dataset, per_page=3, before=third.before)
    assert texts(back) == texts(second)
    assert texts(sought("captions", "boat", dataset=dataset, per_page=3, before=back.before)) == texts(first)


def test_no_more_than_so_many_are_counted() -> None:
    photo = PhotoFactory()
    models.Source.objects.bulk_create(
        models.Source(
            album=photo.album, photo=photo, imported_by=photo.imported_by, kind="caption", key=f"{n}", text="boat"
        )
        for n in range(MAX_HITS + 5)
    )
    found = sought("captions", "boat")
    assert (found.total, found.more) == (MAX_HITS, True)


def test_nothing_of_an_import_shows_before_it_is_complete_nor_once_it_is_removed(transactional_db: None) -> None:
    """By the services that write and remove."""
    dataset = DatasetFactory()
    row = import_begin(dataset=dataset, fingerprint="f", description="files")
    album = AlbumContent("1")
    album.photos = {"p": ("", "")}
    album.captions = [("p", 0, "a zeppelin over the town")]
    counts = albums_write(import_row=row, split="train", albums=[album], on_progress=lambda share: None)
    assert captions("zeppelin") == []
    import_complete(import_row=row, counts=counts)
    assert captions("zeppelin") == ["a zeppelin over the town"]
    removal_begin(target=row)
    assert captions("zeppelin") == []
    exhaust(removal_finishing(target=row))
    assert captions("zeppelin") == []
    killed = import_begin(dataset=dataset, fingerprint="g", description="files")
    albums_write(import_row=killed, split="train", albums=[album], on_progress=lambda share: None)
    import_discard(import_row=killed)
    assert captions("zeppelin") == []


def test_a_text_that_is_replaced_is_found_by_its_new_words_alone() -> None:
    caption = CaptionFactory(text="an old boat")
    assert captions("boat") == ["an old boat"]
    models.Source.objects.filter(pk=caption.pk).update(text="a new ship")
    assert captions("boat") == []
    assert captions("ship") == ["a new ship"]
    caption.delete()
    assert captions("ship") == []


def test_outputs_of_complete_decodings_alone_and_not_who_stands_for_people() -> None:
    written = OutputFactory(text="a zeppelin")
    assert len(sought("outputs", "zeppelin").rows) == 1
    assert sought("outputs", "zeppelin", dataset=written.decoding.dataset, split="train").rows == []
    models.Decoding.objects.update(completed_at=None)
    assert sought("outputs", "zeppelin").rows == []
    make_campaign(captions=1, references_each=2)
    assert models.Output.objects.filter(decoding__system__kind="human").exists()
    assert sought("outputs", "people told story").rows == []
    assert len(sought("stories", "people told story").rows) == 2


def test_stories_put_together_from_sentences_are_not_found_twice() -> None:
    decoding = DecodingFactory(system=SystemFactory(name="gru"))
    again = DecodingFactory(system=decoding.system, dataset=decoding.dataset, sentences_of=decoding)
    OutputFactory(decoding=decoding, text="zeppelin")
    OutputFactory(decoding=again, text="zeppelin again")
    assert texts(sought("outputs", "zeppelin")) == ["zeppelin"]


def test_an_index_that_is_missing_is_made_again_of_all_rows() -> None:
    StorySentenceFactory(text="a zeppelin in the evening")
    drop_indexes(connection)
    tables = ["annotations_source", "annotations_storysentence", "annotations_output"]
    assert unindexed(connection) == tables
    assert [warning.id for warning in words_are_indexed(None, ["default"])] == ["annotations.W002"] * 3
    CaptionFactory(text="a zeppelin")
    connection.check_constraints()  # those of PostgreSQL that wait for the end of the transaction
    create_missing_indexes(using="default")
    assert unindexed(connection) == []
    assert captions("zeppelin") == ["a zeppelin"]
    assert len(sought("stories", "zeppelin evening").rows) == 1


sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's index has every row at once")


@sqlite_only
def test_a_table_without_one_of_its_triggers_is_indexed_anew() -> None:
    first = CaptionFactory(text="a boat")
    assert captions("boat") == ["a boat"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER annotations_source_words_update")
    models.Source.objects.filter(pk=first.pk).update(text="a zeppelin")
    assert captions("zeppelin") == []
    assert unindexed(connection) == ["annotations_source"]
    create_missing_indexes(using="default")
    assert captions("zeppelin") == ["a zeppelin"]


@sqlite_only
def test_rows_are_found_whenever_they_are_written_changed_or_removed() -> None:
    """A row under a key that was passed, one that changed or went before it was read, and rows of many short writes;
    FTS5's own check compares the index with the texts in the end."""
    photo = PhotoFactory()
    of = {"album": photo.album, "photo": photo, "imported_by": photo.imported_by, "kind": "caption"}

    def write(*keys: int) -> None:
        models.Source.objects.bulk_create(models.Source(pk=pk, **of, key=f"{pk}", text=f"boat n{pk}") for pk in keys)

    write(*range(10, 20), 40)
    assert words_index() == 11
    write(30, *range(50, 50 + 2 * ROWS_A_WRITE))
    assert captions("n30") == ["boat n30"]
    models.Source.objects.filter(pk__in=[11, 51, 30]).update(text="ship")
    models.Source.objects.filter(pk__in=[12, 52]).delete()
    write(60 + 2 * ROWS_A_WRITE)
    models.Source.objects.filter(pk=60 + 2 * ROWS_A_WRITE).update(text="ship")
    assert len(captions("ship")) == 4
    assert captions("n11") == captions("n12") == captions("n51") == captions("n52") == []
    assert words_index() == 0
    with connection.cursor() as cursor:
        words = "annotations_source_words"
        cursor.execute(f"INSERT INTO {words}({words}, rank) VALUES ('integrity-check', 1)")
