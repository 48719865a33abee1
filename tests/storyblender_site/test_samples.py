"""The synthetic set, and what a first start makes of it."""

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from annotations.models import Campaign, Photo
from modeling.config import TrainingConfig
from samples.generate import ALBUMS, generate
from samples.outings import OUTINGS
from samples.pictures import BACKDROPS, MOTIFS
from storyblender_site import first_start
from workers.models import Run
from workers.tasks import execute_run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    generate(folder)
    return folder


def annotations(folder: Path, name: str) -> list[dict[str, str]]:
    return [row[0] for file in folder.glob(f"*.{name}.json") for row in json.loads(file.read_text())["annotations"]]


def test_there_is_enough_of_it_and_it_says_what_it_is(written: Path) -> None:
    captions, stories = annotations(written, "description-in-isolation"), annotations(written, "story-in-sequence")
    assert sum(ALBUMS.values()) >= 100
    assert len(captions) >= 1500
    assert len(stories) >= 1500
    for file in written.glob("*.json"):
        content = json.loads(file.read_text())
        assert "synthetic" in content["info"]["description"]
        assert all("synthetic" in album["title"] for album in content["albums"])
    texts = Counter(row["text"] for row in captions)
    assert max(texts.values()) < 40, "captions differ"
    assert not [row["text"] for row in captions + stories if "{" in row["text"]]


def test_every_photo_has_a_picture_that_is_well_formed(written: Path) -> None:
    photos = {row["photo_flickr_id"] for row in annotations(written, "description-in-isolation")}
    assert photos == {file.stem for file in (written / "images").iterdir()}
    for file in (written / "images").iterdir():
        drawn = file.read_text()
        ElementTree.fromstring(drawn)
        assert "synthetic" in drawn
        assert '"C"' not in drawn


def test_the_same_seed_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = sorted(folder.rglob("*.*"))
        return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}

    generate(tmp_path)
    assert digest(tmp_path) == digest(written)


def test_every_scene_can_be_drawn_and_told() -> None:
    for outing in OUTINGS:
        assert outing.backdrop in BACKDROPS
        assert len(outing.scenes) == 6
        for scene in outing.scenes:
            assert set(scene.motifs) <= set(MOTIFS)
            assert all((*scene.captions, *scene.stories))


@pytest.mark.django_db(transaction=True)
def test_a_first_start_makes_something_to_rate_and_a_second_reuses_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_start, "PRESET", "tiny")
    monkeypatch.setattr(first_start, "SETTINGS", ("max_steps=3",))
    waited = first_start.wait

    def do_then_wait(run: Run, what: str, watch: first_start.OnProgress) -> None:
        execute_run(run.pk)  # as the site's worker does
        waited(run, what, watch)

    monkeypatch.setattr(first_start, "wait", do_then_wait)
    call_command("first_start", "--json")
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    campaign = Campaign.objects.get()
    assert campaign.state == "open"
    assert campaign.token in first["rate"]
    assert sorted(campaign.systems.values_list("name", flat=True)) == ["human", "random_story", "synthetic-gru"]
    assert User.objects.get().check_password(first["password"])
    assert not Photo.objects.filter(image="").exists()

    runs = Run.objects.count()
    call_command("first_start", "--json")
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (second["rate"], second["password"]) == (first["rate"], None)
    assert (Run.objects.count(), Campaign.objects.count()) == (runs, 1)


def test_its_settings_are_valid() -> None:
    from modeling.config import load_preset

    assert isinstance(load_preset(first_start.PRESET, first_start.SETTINGS), TrainingConfig)
