"""An album's page: the photos of each sequence, and every story beside."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from annotations import models
from annotations.systems.albums import sequences_of
from tests.annotations.stories import PLACES, story_campaign, story_dataset
from tests.factories import AlbumFactory, OutputFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    """May look at datasets, and do nothing else."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_dataset"))
    client = Client()
    client.force_login(user)
    return client


def test_five_photos_with_every_story_beside(tmp_path: Path, reader: Client) -> None:
    dataset = story_dataset(albums=2, folder=tmp_path)
    story_campaign(dataset, items=2)  # what is put together for it is nobody's own
    albums = list(dataset.albums.order_by("pk"))
    (sequence,) = sequences_of(albums[0])
    assert [(photo.external_id, caption) for photo, caption in sequence.photos] == [
        (f"0-of-album-{place}", f"a thing 0{place}") for place in PLACES
    ]
    told = {story.who: story for story in sequence.stories}
    assert list(told) == ["person 1", "person 2", "arel", "gru", "tapm"]
    assert told["person 2"].texts == [f"Person 1 told words0x{place}!" for place in PLACES]
    assert told["gru"].texts == [f"gru wrote words0x{place} ." for place in PLACES]
    assert told["tapm"].texts == [f"tapm wrote words0x{place}" for place in PLACES]
    assert told["arel"].texts == []
    assert told["arel"].whole.split(" . ")[1] == "arel wrote words0x1"

    page = reader.get(f"/data/{dataset.pk}/split/test/", follow=True)
    assert page.redirect_chain[-1][0] == f"/data/albums/{albums[0].pk}/"
    shown = page.content.decode()
    for story in sequence.stories:
        for text in story.texts or [story.whole.strip()]:
            assert text in shown
    pictures = re.findall(r'src="(/data/photos/\d+/)"', shown)
    bodies = [b"".join(reader.get(address).streaming_content) for address in pictures]
    assert bodies == [b"\x89PNG\r\n" + f"0{place}".encode() for place in PLACES]
    assert f"/data/albums/{albums[1].pk}/" in shown
    assert f'href="/data/{dataset.pk}/split/test/"' in reader.get(f"/data/{dataset.pk}/").content.decode()


def test_the_newest_decoding_of_a_system_is_shown_and_gaps_are_seen() -> None:
    dataset = story_dataset(albums=1)
    output = models.Output.objects.get(decoding__system__name="tapm", source__photo__external_id="0-of-album-2")
    output.delete()
    (sequence,) = sequences_of(dataset.albums.get())
    assert {story.who: story.texts for story in sequence.stories}["tapm"][1:4] == [
        "tapm wrote words0x1", "", "tapm wrote words0x3",
    ]  # fmt: skip
    five = "\n".join(f"line {place}" for place in PLACES)
    models.Output.objects.filter(decoding__system__name="arel").update(text=five)
    (sequence,) = sequences_of(dataset.albums.get())
    assert {story.who: story.texts for story in sequence.stories}["arel"] == five.split("\n")


def test_an_album_without_a_sequence_says_so(reader: Client) -> None:
    output = OutputFactory()
    page = reader.get(f"/data/albums/{output.source.album_id}/").content.decode()
    assert "This album has no sequence of photos" in page


def test_an_album_is_nobodys_who_may_not_see_it() -> None:
    album = AlbumFactory()
    for address in (f"albums/{album.pk}/", f"{album.dataset_id}/split/train/", "photos/1/"):
        assert Client().get(f"/data/{address}").status_code == 302
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(f"/data/albums/{album.pk}/").status_code == 403
    models.Import.objects.update(state="writing", completed_at=None)
    client.force_login(User.objects.create_superuser("all"))
    assert client.get(f"/data/albums/{album.pk}/").status_code == 404
