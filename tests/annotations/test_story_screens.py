"""A screen of stories: five photos and every story, on the page and through the API, by every protocol."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.protocols import protocol_named, shown_here
from annotations.reports.build import report_build
from tests.annotations.raters import Rater
from tests.annotations.stories import PLACES, story_campaign, story_dataset
from tests.annotations.test_blindness import filled
from tests.annotations.visitor import Visitor

pytestmark = pytest.mark.django_db

SYSTEMS = ["human", "gru", "tapm"]


def served(address: str, client: Client | None = None) -> bytes:
    answer = (client or Client()).get(address)
    assert answer.status_code == 200, address
    return b"".join(answer.streaming_content)


def test_the_api_has_five_photos_their_captions_and_every_story(tmp_path: Path) -> None:
    campaign = story_campaign(folder=tmp_path, show="both", systems=SYSTEMS, layout="photos")
    rater = Rater(campaign)
    screen = rater.next()
    item = models.Assignment.objects.get(public_id=screen["assignment"]).item
    album = item.source.album.photos.order_by("pk")[0].external_id[0]
    shown = screen["item"]
    assert shown["source"].split("\n") == [f"a thing {album}{place}" for place in PLACES]
    assert len(shown["photos"]) == 5
    for place, address in zip(PLACES, shown["photos"], strict=True):
        assert served("/rate/" + address.partition("/rate/")[2]) == b"\x89PNG\r\n" + f"{album}{place}".encode()
    assert len(shown["candidates"]) == 3
    for candidate in shown["candidates"]:
        assert candidate["sentences"] == candidate["text"].split("\n")
        assert [each[-3:] for each in candidate["sentences"]] == [f"x{place}." for place in PLACES]
    again = rater.next()  # read anew
    assert again["item"] == shown
    models.Campaign.objects.update(show="caption")
    assert Rater(campaign).next()["item"]["photos"] == []
    assert Client().get(shown["photos"][0]).status_code == 404


def test_captions_of_an_import_that_is_not_complete_are_not_shown() -> None:
    campaign = story_campaign(show="caption")
    writing = models.Import.objects.create(
        dataset=campaign.dataset, fingerprint="0" * 64, description="another file", state="writing"
    )
    first = models.Source.objects.filter(kind="caption", key__endswith="#0")
    assert first.update(imported_by=writing, text="not complete") == 20
    rater = Rater(campaign)
    for screen in (rater.next(), rater.next()):  # newly claimed, and read anew
        captions = screen["item"]["source"].split("\n")
        assert len(captions) == 5
        assert all(caption.startswith("a thing ") for caption in captions)


def test_as_a_paragraph_a_story_is_one_text() -> None:
    screen = Rater(story_campaign()).next()
    assert screen["item"]["source"] is None
    assert screen["item"]["photos"] == []
    for candidate in screen["item"]["candidates"]:
        assert set(candidate) == {"id", "text"}
        assert "\n" not in candidate["text"]


def test_the_page_shows_what_the_api_has(tmp_path: Path) -> None:
    campaign = story_campaign(folder=tmp_path, show="both", systems=SYSTEMS, layout="photos")
    visitor = Visitor(campaign)
    visitor.join()
    page = visitor.page
    addresses = re.findall(
        r'<img src="(/rate/photo/[0-9a-f-]{36}/(\d)/)" width="320" height="240" loading="lazy"', page
    )
    assert [place for _, place in addresses] == ["1", "2", "3", "4", "5"]
    assert re.findall(r'alt="([^"]*)"', page) == [f"picture {place} of 5" for place in range(1, 6)]
    assert len({served(address) for address, _ in addresses}) == 5
    for candidate in models.Assignment.objects.get().item.candidates.all():
        for line in candidate.text.split("\n"):
            assert f"<span>{line}</span>" in page
    assert Client().get(addresses[0][0].replace("/1/", "/6/")).status_code == 404
    assert Client().get(addresses[0][0].replace("/1/", "/0/")).status_code == 404


def test_nothing_but_the_texts_names_a_system_a_photo_or_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "qqlstm"
    folder.mkdir()
    campaign = story_campaign(folder=folder, show="photo", systems=SYSTEMS, layout="photos")
    visitor = Visitor(campaign)
    visitor.join()
    page = visitor.page
    for place in range(1, 6):
        address = re.findall(rf'"(/rate/photo/[0-9a-f-]{{36}}/{place}/)"', page)[0]
        page += str(Client().get(address).headers)
    item = models.Assignment.objects.get().item
    for candidate in item.candidates.all():
        for line in candidate.text.split("\n"):
            page = page.replace(line, "")
    photos = [photo.external_id for photo in item.source.album.photos.all()]
    for word in ("gru", "tapm", "qqlstm", "picture-", item.source.key, item.source.album.external_id, *photos):
        assert not re.search(rf"(?<![0-9a-f-]){re.escape(word)}(?![0-9a-f-])", page), word


@pytest.mark.parametrize("layout", ["paragraph", "photos"])
@pytest.mark.parametrize("protocol", shown_here())
def test_every_protocol_rates_stories(protocol: str, layout: str, tmp_path: Path) -> None:
    """A page's form, filled, and simulated raters; then the report counts them."""
    whole = ["human", "gru", "tapm", *(["arel"] if layout == "paragraph" else [])]
    criterion = ["human_likeness"] if protocol_named(protocol).one_criterion else ["coherence", "repetition"]
    values: dict[str, Any] = {"protocol": protocol, "layout": layout, "systems": whole, "criteria": criterion}
    campaign = story_campaign(folder=tmp_path, show="photo", **values)
    visitor = Visitor(campaign)
    visitor.join()
    handed = visitor.assignment
    models.Assignment.objects.update(created_at="2020-01-01T00:00Z")
    visitor.send(f"answer/{handed}/", filled(visitor.page) | {"key": visitor.key("answer"), "seconds": "4"})
    assert "1 of 4 done" in visitor.page, visitor.page
    copy = story_campaign(campaign.dataset, name="simulated", **values)
    call_command("simulate_raters", copy.name, "--raters", "honest=3", "--json")
    campaign_close(campaign=copy)
    report = report_build(copy)
    assert report.campaign.unit == "story"
    assert report.campaign.sources == "sequence"
    assert report.campaign.ratings == copy.screens


def test_a_round_of_stories_asks_the_database_no_more_often(tmp_path: Path) -> None:
    campaign = story_campaign(folder=tmp_path, show="photo")
    rater = Rater(campaign)
    screen = rater.next()
    with CaptureQueriesContext(connection) as queries:
        following = rater.submit(screen).json()["next"]
    assert len(following["item"]["photos"]) == 5
    aside = r'SAVEPOINT|RELEASE|BEGIN|COMMIT|UPDATE "annotations_assignment" SET "created_at"'
    asked = [row["sql"] for row in queries if not re.match(aside, row["sql"])]
    assert len(asked) <= 8, "\n".join(asked)


def test_the_preview_shows_the_photos(tmp_path: Path, admin_client: Client, admin_user: User) -> None:
    campaign = story_campaign(folder=tmp_path, show="photo")
    page = admin_client.get(f"/campaigns/{campaign.pk}/preview/1/").content.decode()
    addresses = re.findall(rf'src="(/campaigns/{campaign.pk}/photo/[0-9a-f-]{{36}}/\d/)"', page)
    assert len({served(address, admin_client) for address in addresses}) == 5


def test_a_picture_that_raters_see_is_kept(tmp_path: Path) -> None:
    dataset = story_dataset(folder=tmp_path)
    story_campaign(dataset, show="photo")
    last = models.SequencePhoto.objects.filter(position=4)[0].photo_id
    assert models.Campaign.objects.showing_pictures_of({last}) is not None
