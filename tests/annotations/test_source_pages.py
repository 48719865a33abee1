"""The sources of a dataset: their list, and each one's page."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotations import models
from annotations.systems import browsing
from tests.annotations.raters import Rater
from tests.annotations.stories import story_dataset
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    MetricFactory,
    OutputFactory,
    PhotoFactory,
    StorySentenceFactory,
    SystemFactory,
    make_campaign,
)

pytestmark = pytest.mark.django_db


def person(*permissions: str) -> Client:
    user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reader() -> Client:
    """May look at datasets, and do nothing else."""
    return person("view_dataset")


def texts_on(page: str) -> list[str]:
    return re.findall(r'<a href="/data/sources/\d+/">([^<]*)</a>', page)


def browsed(client: Client, address: str) -> list[list[str]]:
    """The captions of all pages, by the links that say `Next`."""
    pages = []
    while True:
        page = client.get(address)
        assert page.status_code == 200
        pages.append(texts_on(page.content.decode()))
        following = re.search(r'rel="next" href="([^"]*)"', page.content.decode())
        if not following:
            return pages
        address = address.partition("?")[0] + following[1].replace("&amp;", "&")


def test_pages_hold_every_source_once_in_both_directions(reader: Client, monkeypatch: Any) -> None:
    """By album, although captions of an album were added after those of others."""
    monkeypatch.setattr(browsing.page_of, "__kwdefaults__", {**browsing.page_of.__kwdefaults__, "size": 4})
    dataset = DatasetFactory()
    albums = [AlbumFactory(dataset=dataset, split=split) for split in ("train", "valid", "train", "test", "train")]
    written = {album.pk: [] for album in albums}
    for _ in range(2):
        for album in albums:
            photo = PhotoFactory(album=album)
            for _ in range(2):
                written[album.pk].append(CaptionFactory(photo=photo).text)
    CaptionFactory()  # of another dataset
    expected = [text for album in albums for text in written[album.pk]]
    address = f"/data/{dataset.pk}/sources/"
    pages = browsed(reader, address)
    assert list(chain.from_iterable(pages)) == expected
    assert [len(page) for page in pages] == [4] * 5
    of_train = [text for album in (albums[0], albums[2], albums[4]) for text in written[album.pk]]
    assert list(chain.from_iterable(browsed(reader, f"{address}?split=train"))) == of_train
    third = reader.get(address + re.search(r'rel="next" href="([^"]*)"', fetch(reader, address))[1])  # type: ignore[index]
    back = re.search(r'rel="prev" href="([^"]*)"', third.content.decode())
    assert back
    assert texts_on(fetch(reader, address + back[1])) == expected[:4]


def fetch(client: Client, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200
    return page.content.decode()


def test_filters_by_split_kind_picture_and_album(reader: Client, tmp_path: Path) -> None:
    dataset = story_dataset(albums=2, folder=tmp_path)
    plain = CaptionFactory(photo=PhotoFactory(album=AlbumFactory(dataset=dataset, split="valid", external_id="plain")))
    address = f"/data/{dataset.pk}/sources/"
    assert texts_on(fetch(reader, f"{address}?split=valid")) == [plain.text]
    assert texts_on(fetch(reader, f"{address}?album=plain")) == [plain.text]
    assert texts_on(fetch(reader, f"{address}?picture=no")) == [plain.text]
    assert len(texts_on(fetch(reader, f"{address}?picture=yes"))) == 2 * (5 * 2 + 5 + 1)
    assert len(texts_on(fetch(reader, f"{address}?kind=caption"))) == 2 * 5 * 2 + 1
    assert len(texts_on(fetch(reader, f"{address}?kind=sequence&picture=yes"))) == 2
    assert len(texts_on(fetch(reader, f"{address}?kind=photo&split=test"))) == 2 * 5
    album = dataset.albums.filter(split="test").first()
    page = fetch(reader, f"{address}?album={album.external_id}&kind=sequence")
    assert "Person 0 told words0x0! Person 0 told words0x1!" in " ".join(page.split())
    assert "nothing" not in page
    for asked, told in (
        ("album=other", "called “other”"),
        ("kind=photo&split=valid", "import_pairs"),
        ("split=train", "fits these filters"),
    ):
        page = fetch(reader, f"{address}?{asked}")
        assert not texts_on(page)
        assert told in page
    assert "come with an import" in fetch(reader, f"/data/{DatasetFactory().pk}/sources/")


@pytest.mark.parametrize(
    "query", ["after=x", "after=1-", "before=-1", "after=" + "9" * 40 + "-1", "split=other&kind=%F0%9F"]
)
def test_an_odd_address_is_no_error(reader: Client, query: str) -> None:
    source = CaptionFactory()
    assert source.text in fetch(reader, f"/data/{source.album.dataset_id}/sources/?{query}")


def test_a_row_shows_references_and_how_much_systems_wrote(reader: Client) -> None:
    parts = make_campaign(captions=1, references_each=3)
    page = fetch(reader, f"/data/{parts.dataset.pk}/sources/")
    assert "People told story 0 in way 0." in page
    assert "and 1 more" in page
    cells = re.findall(r'data-label="Outputs">(\d+)', page)
    assert cells == ["2"]  # what two systems wrote, and not which reference stands for people


def test_a_page_takes_as_many_queries_however_many_rows(reader: Client) -> None:
    counts = set()
    for albums in (1, 3):
        for system in models.System.objects.filter(kind="file"):  # of the dataset before
            models.System.objects.filter(pk=system.pk).update(name=f"{system.name} {albums}")
        dataset = story_dataset(albums=albums, people=albums)
        source = models.Source.objects.filter(album__dataset=dataset, kind="caption").first()
        assert source
        addresses = (
            f"/data/{dataset.pk}/sources/",
            f"/data/{dataset.pk}/sources/?kind=caption&picture=no",
            f"/data/{dataset.pk}/sources/?q=words*",
            f"/data/{dataset.pk}/sources/?q=told&texts=stories",
            f"/data/sources/{source.pk}/",
        )
        for address in addresses:
            reader.get(address)
        taken = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                assert reader.get(address).status_code == 200
            taken.append(len(queries))
        counts.add(tuple(taken))
    assert len(counts) == 1, counts
    assert max(max(each) for each in counts) <= 20


def test_nothing_of_an_import_that_is_not_complete_shows(reader: Client) -> None:
    source = CaptionFactory()
    listed, own = f"/data/{source.album.dataset_id}/sources/", f"/data/sources/{source.pk}/"
    assert source.text in fetch(reader, listed)
    assert source.text in fetch(reader, own)
    for state in ("writing", "removing"):
        models.Import.objects.update(state=state, completed_at=None)
        assert source.text not in fetch(reader, listed)
        assert reader.get(own).status_code == 404


def test_it_is_for_who_may_see_datasets() -> None:
    source = CaptionFactory()
    nobody = person()
    for address in (f"/data/{source.album.dataset_id}/sources/", f"/data/sources/{source.pk}/", "/data/search/?q=a"):
        assert Client().get(address).status_code == 302
        assert nobody.get(address).status_code == 403


def test_a_source_shows_what_was_written_for_it(reader: Client) -> None:
    source = CaptionFactory()
    dataset = source.album.dataset
    StorySentenceFactory(photo=source.photo, text="It was a <day> to remember.")
    older, newer = (DecodingFactory(dataset=dataset, system=SystemFactory(name=name)) for name in ("gru", "lstm"))
    again = DecodingFactory(dataset=dataset, system=older.system)
    models.Decoding.objects.filter(pk=older.pk).update(completed_at="2020-01-01T00:00Z")
    left = DecodingFactory(dataset=dataset, system=SystemFactory(name="half"), completed_at=None)
    for decoding, rank, text in (
        (older, 0, "an older text"), (again, 0, "the newest text"), (again, 1, "another sample"),
        (newer, 0, "what lstm wrote"), (left, 0, "nobody sees this"),
    ):  # fmt: skip
        OutputFactory(decoding=decoding, source=source, rank=rank, text=text)
    page = fetch(reader, f"/data/sources/{source.pk}/")
    assert "It was a &lt;day&gt; to remember." in page
    assert "nobody sees this" not in page
    places = [
        page.index(text)
        for text in ("the newest text", "<details>", "another sample", "an older text", "what lstm wrote")
    ]
    assert places == sorted(places)


def test_the_sources_before_and_behind_are_those_of_the_split(reader: Client) -> None:
    dataset = DatasetFactory()
    first, other, second = (
        CaptionFactory(photo=PhotoFactory(album=AlbumFactory(dataset=dataset, split=split)))
        for split in ("train", "test", "train")
    )
    page = fetch(reader, f"/data/sources/{first.pk}/")
    assert f'href="/data/sources/{second.pk}/" rel="next"' in page
    assert 'rel="prev"' not in page
    assert f'href="/data/sources/{first.pk}/" rel="prev"' in fetch(reader, f"/data/sources/{second.pk}/")
    page = fetch(reader, f"/data/sources/{other.pk}/")
    assert 'rel="next"' not in page
    assert 'rel="prev"' not in page


def rated_source() -> tuple[models.Campaign, models.Source]:
    """One rater gave each text a score of its own."""
    parts = make_campaign(captions=1, overlap=1, protocol="slider")
    rater = Rater(parts.campaign)
    rater.submit(rater.next())
    item = parts.campaign.items.get()
    MetricFactory(name="chrf")
    models.Score.objects.create(
        campaign=parts.campaign, decoding=parts.systems["gru"], metric_id="chrf", signature="chrf|1", value=41.5,
        by_item=[12.25],
    )  # fmt: skip
    return parts.campaign, item.source


def test_ratings_and_scores_show_once_their_campaign_is_closed() -> None:
    campaign, source = rated_source()
    allowed, reader = person("view_dataset", "view_report"), person("view_dataset")
    for state in ("draft", "open", "paused"):
        models.Campaign.objects.filter(pk=campaign.pk).update(state=state)
        page = fetch(allowed, f"/data/sources/{source.pk}/")
        assert campaign.name not in page
        assert "12.25" not in page
        assert "Rated in" not in page
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed", closed_at="2026-01-01T00:00Z")
    page = " ".join(fetch(allowed, f"/data/sources/{source.pk}/").split())
    assert f"Rated in {campaign.name}" in page
    assert "1 answer to" in page
    assert "chrf 12.250" in page
    for candidate in models.Candidate.objects.filter(item__campaign=campaign):
        answers = models.Rating.objects.get().answers["human_likeness"]
        score = answers[str(candidate.pk)]
        assert f"<b>{score:.1f}</b>" in page
        assert candidate.text.replace("'", "&#x27;") in page
    assert "Rated in" not in fetch(reader, f"/data/sources/{source.pk}/")


def test_what_an_open_campaign_drew_is_not_told() -> None:
    """Which reference stands for people is an output of its own, of the system `human`."""
    parts = make_campaign(captions=1, references_each=3)
    drawn = models.Output.objects.get(decoding__system__kind="human")
    page = fetch(person("view_dataset", "view_report"), f"/data/sources/{drawn.source_id}/")
    assert page.count(drawn.text) == 1  # among the references
    assert ">human<" not in page
    assert parts.campaign.name not in page


def test_a_choice_is_counted() -> None:
    parts = make_campaign(captions=1, overlap=2, protocol="pairwise", systems=["lstm", "gru"])
    for _ in range(2):
        rater = Rater(parts.campaign)
        screen = rater.next()
        first = screen["item"]["candidates"][0]["id"]
        assert rater.submit(screen, answers={"human_likeness": first}).status_code == 201
    models.Campaign.objects.update(state="closed", closed_at="2026-01-01T00:00Z")
    source = parts.campaign.items.get().source
    page = " ".join(fetch(person("view_dataset", "view_report"), f"/data/sources/{source.pk}/").split())
    chosen = [int(n) for n in re.findall(r"<b>chosen (\d)</b> of 2", page)]
    answers = [rating.answers["human_likeness"] for rating in models.Rating.objects.all()]
    assert sorted(chosen) == sorted(answers.count(str(candidate.pk)) for candidate in models.Candidate.objects.all())


def test_a_datasets_page_leads_to_its_sources_and_on(staff: Client) -> None:
    source = CaptionFactory(photo=PhotoFactory(album=AlbumFactory(dataset=DatasetFactory(name="Two words"))))
    page = fetch(staff, f"/data/{source.album.dataset_id}/").replace("&amp;", "&")
    assert f'/data/{source.album.dataset_id}/sources/?split=train&kind=caption"' in page
    for address in ("/runs/launch/train/", "/campaigns/new/", "/data/import/vist/"):
        assert f'href="{address}?dataset=Two%20words"' in page
        form = fetch(staff, f"{address}?dataset=Two%20words")
        assert "Two words" in form
    reader = fetch(person("view_dataset"), f"/data/{source.album.dataset_id}/")
    assert "Train on it" not in reader
