"""Pictures of attention on the pages: of a training's validation sources, of a decoding's outputs, of any sentence."""

import html
import re
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client

from annotations.models import Album, Dataset, Output, System
from tests.factories import CaptionFactory, DatasetFactory, DecodingFactory, OutputFactory, StorySentenceFactory
from workers.jobs import attention, decoding, training
from workers.jobs.attention_maps import attention_of, spread
from workers.jobs.decoding import PICTURES
from workers.models import Checkpoint, Run
from workers.services import checkpoint_prune
from workers.tasks import execute_run

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]  # drawn of a run's result
CELL = "{http://www.w3.org/2000/svg}g[@class='cells']/{http://www.w3.org/2000/svg}rect"


@pytest.fixture
def dataset() -> Dataset:
    made: Dataset = DatasetFactory(name="boats")
    for split, count in (("train", 6), ("valid", 3), ("test", PICTURES + 4)):
        for n in range(count):
            album = {"photo__album__dataset": made, "photo__album__split": split}
            caption = CaptionFactory(text=f"a dog & a <b> in boat {n}", **album)
            StorySentenceFactory(photo=caption.photo, text=f"Boat {n} was ours.")
    return made


def run(row: Run) -> Run:
    execute_run(row.pk)
    row.refresh_from_db()
    assert row.state == "done", row.message
    return row


def trained(architecture: str) -> Run:
    overrides = [f"architecture={architecture}", "max_steps=4"]
    return run(training.launch(dataset="boats", preset="tiny", name="little", overrides=overrides))


def pictures(page: str) -> list[int]:
    """How many cells each heat map of a page has."""
    found = re.findall(r'<div class="heatmap" tabindex="0">(<svg.*?</svg>)', page, re.DOTALL)
    return [len(ElementTree.fromstring(svg).findall(CELL)) for svg in found]


def test_from_a_training_to_the_picture_of_any_sentence(staff: Client, dataset: Dataset) -> None:
    trained_run = trained("transformer")
    page = staff.get(f"/runs/{trained_run.pk}/").content.decode()
    assert len(pictures(page)) == training.PICTURES
    assert "on validation sources" in page

    decoded = run(decoding.launch(system="little", dataset="boats", split="test"))
    kept = attention_of(decoded)
    assert len(kept) == PICTURES
    system = System.objects.get(name="little")
    page = staff.get(f"/models/{system.pk}/").content.decode()
    for output in Output.objects.filter(decoding__system=system):
        address = f"/models/outputs/{output.pk}/"
        assert address in page
        answer = staff.get(address).content.decode()
        drawn = kept.get(str(output.source_id))
        assert pictures(answer) == ([len(drawn.source) * len(drawn.target)] if drawn else [])
        assert ("Draw it" in answer) == (drawn is None)

    asked = Output.objects.filter(decoding__system=system).exclude(source__in=kept).first()
    assert asked is not None
    address = f"/models/outputs/{asked.pk}/"
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', staff.get(address).content.decode()))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    assert fields["source"] == asked.source.text
    staff.post("/runs/launch/attention/", fields)
    own = Run.objects.get(kind="attention")
    assert own.config["target"] == asked.text
    assert "see its run" in staff.get(address).content.decode()
    execute_run(own.pk)
    assert len(pictures(staff.get(address).content.decode())) == 1
    assert len(pictures(staff.get(f"/runs/{own.pk}/").content.decode())) == 1

    checkpoint = Checkpoint.objects.get()
    checkpoint_prune(checkpoint=checkpoint, root=settings.VAR_DIR)
    assert len(pictures(staff.get(address).content.decode())) == 1, "pictures outlive the checkpoint's files"


def test_a_model_that_reads_the_album_is_drawn_with_it(dataset: Dataset) -> None:
    """In the pictures of a training, of a decoding, and of one output that has none yet."""
    for split in ("train", "valid", "test"):
        for album in Album.objects.filter(dataset=dataset, split=split):
            other = CaptionFactory(text="a boat", photo__album=album)
            StorySentenceFactory(photo=other.photo, text="It was ours.")
    trained_run = run(
        training.launch(dataset="boats", preset="tiny", name="little", overrides=["context=album", "max_steps=1"])
    )
    decoded = run(decoding.launch(system="little", dataset="boats", split="test"))
    output = Output.objects.filter(source__text__startswith="a dog").exclude(source__in=attention_of(decoded)).first()
    assert output is not None
    own = run(attention.launch(system="little", source=output.source.text, output=output))
    for each in (trained_run, decoded, own):
        maps = attention_of(each)
        assert maps
        assert all(drawn.source.count("(caption)") == 1 for drawn in maps.values())  # behind the other photo's


def test_a_family_without_attention_has_no_pictures_and_says_so(staff: Client, dataset: Dataset) -> None:
    trained_run = trained("lstm")
    decoded = run(decoding.launch(system="little", dataset="boats", split="test"))
    assert attention_of(trained_run) == attention_of(decoded) == {}
    output = Output.objects.filter(decoding__system__name="little").first()
    assert output is not None
    answer = staff.get(f"/models/outputs/{output.pk}/").content.decode()
    assert "There is nothing to draw" in answer
    fields = {"system": "little", "source": "a dog", "queue": "cpu"}
    said = staff.post("/runs/launch/attention/", fields).content.decode()
    assert "has no attention: its architecture is lstm" in said
    assert not Run.objects.filter(kind="attention").exists()


def test_an_uploaded_systems_output_has_a_page_without_a_picture(staff: Client, dataset: Dataset) -> None:
    output = OutputFactory(decoding=DecodingFactory(dataset=dataset))
    answer = staff.get(f"/models/outputs/{output.pk}/").content.decode()
    assert output.text in answer
    assert "There is nothing to draw" in answer
    unfinished = OutputFactory(decoding=DecodingFactory(dataset=dataset, completed_at=None))
    assert staff.get(f"/models/outputs/{unfinished.pk}/").status_code == 404


def test_samples_are_spread_over_all_rows() -> None:
    assert spread(range(100), 4) == [0, 25, 50, 75]
    assert spread(range(3), 4) == [0, 1, 2]
