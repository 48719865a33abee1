"""Training runs beside each other, the page of one, and launching it once more."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from annotations.models import Dataset, System
from modeling import bases
from modeling.config import TrainingConfig, load_preset
from tests.factories import CaptionFactory, DatasetFactory, StorySentenceFactory
from tests.pages import in_one_line
from workers.curves import comparison_svg
from workers.forms import LAUNCH_FORMS, OF_PRESETS, PARTS
from workers.jobs import decoding, training
from workers.listeners import listener_beat
from workers.models import Checkpoint, Listener, Run

pytestmark = pytest.mark.django_db
COMPARE = "/runs/compare/"


@pytest.fixture
def dataset() -> Dataset:
    made: Dataset = DatasetFactory(name="boats")
    for n in range(6):
        caption = CaptionFactory(text=f"a dog in boat {n}", photo__album__dataset=made)
        StorySentenceFactory(photo=caption.photo, text=f"Boat {n} was ours.")
    return made


def trained(name: str, *overrides: str, losses: tuple[float, ...] = (4.0, 3.0), **result: Any) -> Run:
    """A training that is done, of these validation losses at steps 25, 50, …"""
    run = training.launch(dataset="boats", preset="tiny", overrides=overrides, name=name)
    history = [{"step": 25 * n, "loss": loss + 1, "valid_loss": loss} for n, loss in enumerate(losses, start=1)]
    ended = {
        "valid_nll": min(losses, default=None),
        "steps": 100,
        "seconds": 20.0,
        "words": 3000,
        "device": "CPU",
    } | result
    Run.objects.filter(pk=run.pk).update(
        state="done", history=history, result=ended, finished_at=timezone.now(), fraction=1.0
    )
    run.refresh_from_db()
    return run


def rows(page: str) -> dict[str, list[str]]:
    """The cells of the page's tables by the heading of their row."""
    found = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    cells = {name: re.findall("<td[^>]*>(.*?)</td>", rest, re.DOTALL) for name, rest in found}
    return {
        strip_tags(name.partition("<br>")[0]).strip(): [strip_tags(each) for each in row] for name, row in cells.items()
    }


def test_runs_are_compared_by_their_curves_settings_and_ends(staff: Client, dataset: Dataset) -> None:
    one = trained("one", "dropout=0.2", losses=(4.0, 3.5, 3.25))
    other = trained("other", "dropout=0.3", "budget=60", losses=(4.5, 3.0), words=6000)
    page = in_one_line(staff.get(f"{COMPARE}?run={one.pk}&run={other.pk}"))
    found = rows(page)
    assert found["Dropout"] == ["0.2", "0.3"]
    assert (found["Budget"], found["Max steps"]) == (["0", "60"], ["100", "0"])
    assert "Learning rate" not in found, "which is the same"
    assert "System" not in found
    assert found["Best validation loss, nats per token"] == ["3.25", "3"]
    assert found["Steps per second"] == ["5", "5"], "100 in 20 seconds"
    assert found["Words per second"] == ["150", "300"]
    assert page.count("<polyline") == 2
    assert f"{one.pk} one: 3.250 at best" in page
    assert "Losses are per token" not in page
    third = trained("third", "vocabulary_size=100", losses=())
    page = in_one_line(staff.get(f"{COMPARE}?run={one.pk}&run={third.pk}"))
    assert page.count("<polyline") == 1
    assert "Losses are per token" in page, "of other tokens"


def test_curves_lie_on_one_scale() -> None:
    whole = ElementTree.fromstring(comparison_svg([("a", [(10, 4.0), (20, 3.0)]), ("<b>", [(10, 5.0), (30, 3.0)])]))
    lines = [each.attrib["points"].split() for each in whole.iter("{http://www.w3.org/2000/svg}polyline")]
    heights = [[float(point.split(",")[1]) for point in line] for line in lines]
    assert heights[0][1] == heights[1][1], "both at 3.0"
    assert heights[1][0] < heights[0][0], "5.0 above 4.0"
    across = [[float(point.split(",")[0]) for point in line] for line in lines]
    assert across[0][1] == pytest.approx((across[1][0] + across[1][1]) / 2), "step 20 halfway"
    assert "&lt;b&gt;" in comparison_svg([("<b>", [(1, 2.0)])])
    assert comparison_svg([("a", [])]) == ""


def test_what_cannot_be_compared_is_said(staff: Client, dataset: Dataset) -> None:
    runs = [trained(f"run-{n}") for n in range(7)]
    decode = Run.objects.create(kind="decode", config={})
    for asked, says in (
        ([], "Choose two to six training runs"),
        ([runs[0].pk], "Choose two to six training runs"),
        ([runs[0].pk, runs[0].pk], "Choose two to six training runs"),
        ([run.pk for run in runs], "Six training runs at most are compared, and 7 were chosen"),
        ([runs[0].pk, decode.pk], "Some of these do not exist or are not training runs"),
        ([runs[0].pk, "9" * 30], "Some of these do not exist or are not training runs"),
        ([runs[0].pk, "x"], "Some of these do not exist or are not training runs"),
    ):
        answer = staff.get(f"{COMPARE}?{'&'.join(f'run={each}' for each in asked)}")
        assert answer.status_code == 200
        assert says in answer.content.decode()
    page = staff.get(f"{COMPARE}?run={runs[0].pk}&run={runs[1].pk}").content.decode()
    assert "launched with the same settings" in page
    assert Client().get(COMPARE).status_code == 302
    chosen = staff.get("/runs/").content.decode()
    assert chosen.count('name="run"') == 7, "trainings alone can be chosen"


def test_queries_do_not_grow_with_runs(staff: Client, dataset: Dataset) -> None:
    runs = [trained(f"run-{n}") for n in range(6)]

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            staff.get(f"{COMPARE}?{'&'.join(f'run={run.pk}' for run in runs[:count])}")
        return len(captured)

    assert queries(2) == queries(6)


def test_a_run_says_where_how_fast_and_what_was_written_meanwhile(staff: Client, dataset: Dataset) -> None:
    looks = [{"step": 25 * n, "texts": [f"text {n}", "", "<b>"]} for n in range(1, 7)]
    samples = {"sources": ["a dog", "a cat", "a kite"], "looks": looks}
    run = trained("one", "dropout=0.2", "learning_rate=0.0004", samples=samples)
    page = in_one_line(staff.get(f"/runs/{run.pk}/"))
    assert "<dt>Device</dt><dd>CPU</dd>" in page
    assert "<dt>Steps per second</dt><dd>5</dd>" in page
    assert "<dt>Words per second</dt><dd>150</dd>" in page
    assert re.findall(r"text \d", page) == [f"text {n}" for n in (6, 5, 4, 3, 2, 1)]
    assert "&lt;b&gt;" in page
    found = rows(page)
    assert found["Learning rate"] == ["0.0004"]
    assert found["Tied"] == ["yes"]
    assert "True" not in page
    bare = Run.objects.create(kind="score", config={}, state="done", finished_at=timezone.now())
    assert "Samples" not in staff.get(f"/runs/{bare.pk}/").content.decode()


def clone_of(staff: Client, run: Run) -> dict[str, list[str]]:
    page = staff.get(f"/runs/{run.pk}/").content.decode()
    [address] = re.findall(r'href="([^"]+)">Clone<', page)
    address = unescape(address)
    assert urlsplit(address).path == f"/runs/launch/{run.kind}/"
    return parse_qs(urlsplit(address).query, keep_blank_values=True)


def filled_in(staff: Client, kind: str, asked: dict[str, list[str]]) -> dict[str, Any]:
    """What the form sends as it stands once it was opened with these."""
    answer = staff.get(f"/runs/launch/{kind}/", asked)
    form = answer.context["form"]
    values = {field.name: field.value() for field in form}
    return {name: "" if value is None else value for name, value in values.items()}


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("dropout=0.2", "learning_rate=0.0004", "hidden_size=48", "patience=2", "detokenize=false"),
        ("budget=60", "pairing=positional"),
        ("epochs=3",),
    ],
)
def test_a_training_is_cloned_with_what_differs_from_its_preset(
    staff: Client, dataset: Dataset, overrides: tuple[str, ...]
) -> None:
    run = trained("one", *overrides)
    asked = clone_of(staff, run)
    names = {each.partition("=")[0] for each in overrides}
    assert set(asked) == {"dataset", "preset", "queue", "budget", *names}
    assert ("budget" in names) != (asked["budget"] == [""])
    sent = filled_in(staff, "train", asked)
    answer = staff.post("/runs/launch/train/", sent)
    assert answer.status_code == 302, answer.context["form"].errors
    again = Run.objects.latest("pk")
    assert {**again.config, "system": ""} == {**run.config, "system": ""}
    assert again.config["training"] == load_preset("tiny", list({*overrides} - {"pairing=positional"})).to_dict()


def test_a_decoding_and_a_scoring_are_cloned(staff: Client, dataset: Dataset) -> None:
    run = trained("one")
    system = System.objects.get(name="one")
    Checkpoint.objects.create(run=run, system=system, directory="x", sha256="1" * 64, size_bytes=1)
    decode = decoding.launch(
        system="one", dataset="boats", split="train", overrides=["method=beam", "beam=3", "patience=2"]
    )
    asked = clone_of(staff, decode)
    assert (asked["method"], asked["beam"], asked["split"]) == (["beam"], ["3"], ["train"])
    answer = staff.post("/runs/launch/decode/", filled_in(staff, "decode", asked))
    assert answer.status_code == 302, answer.context["form"].errors
    assert Run.objects.latest("pk").config == decode.config
    config = {
        "dataset": "boats",
        "split": "train",
        "campaign": None,
        "systems": ["one", "caption"],
        "metrics": ["bleu", "chrf"],
    }
    score = Run.objects.create(kind="score", config=config, dataset=dataset)
    asked = clone_of(staff, score)
    assert (asked["systems"], asked["metrics"]) == (["one", "caption"], ["bleu", "chrf"])
    page = staff.get("/runs/launch/score/", asked).content.decode()
    assert len(re.findall(r'type="checkbox"[^>]* checked', page)) == 4
    for kind in ("import", "feedback"):
        other = Run.objects.create(kind=kind, config={})
        assert "Clone" not in staff.get(f"/runs/{other.pk}/").content.decode()
    odd = Run.objects.create(kind="train", config={"preset": "gone"})
    assert "Clone" not in staff.get(f"/runs/{odd.pk}/").content.decode()


def test_the_form_has_every_setting_of_a_training(staff: Client, dataset: Dataset) -> None:
    """Under headings; what is left empty is the preset's."""
    form = LAUNCH_FORMS["train"]()
    settings = set(TrainingConfig.__dataclass_fields__)
    assert settings - set(form.fields) == set(OF_PRESETS)
    page = in_one_line(staff.get("/runs/launch/train/"))
    for part, names in PARTS.items():
        assert f"<legend>{part}</legend>" in page
        assert all(vars(form.fields[name])["part"] == part for name in names)
    plain = {each.name: "" if each.value() is None else each.value() for each in form} | {"queue": "cpu"}
    sent = staff.post("/runs/launch/train/", plain | {"preset": "tiny", "budget": ""})
    assert sent.status_code == 302, sent.context["form"].errors
    assert Run.objects.latest("pk").config["training"] == load_preset("tiny").to_dict()
    given = {"tied": "false", "gradient_clip": "0.5", "decay": "none", "threads": "2", "max_steps": "7"}
    assert staff.post("/runs/launch/train/", plain | {"preset": "tiny", "budget": ""} | given).status_code == 302
    expected = load_preset("tiny", [f"{name}={value}" for name, value in given.items()])
    assert Run.objects.latest("pk").config["training"] == expected.to_dict()
    said = staff.post("/runs/launch/train/", plain | {"preset": "tiny", "heads": "65"}).content.decode()
    assert "must be a whole number from 1 to 64" in said


def test_pretrained_models_on_workers_hosts_can_be_chosen(
    staff: Client, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    monkeypatch.setattr(bases, "MODELS", models)
    assert bases.presets_there() == []
    for name, config in (("t5", {"is_encoder_decoder": True}), ("talker", {}), ("broken", {}), ("empty", None)):
        (models / name).mkdir(parents=True)
        if config is not None:
            (models / name / "config.json").write_text(json.dumps(config))
            if name != "broken":
                (models / name / "model.safetensors").write_bytes(b"x")
    (models / "small.gguf").write_bytes(b"x")
    (models / ".part").mkdir()
    (models / "readme.txt").write_text("")
    there = bases.presets_there()
    assert there == [f"lm:{models / 'small.gguf'}", f"hf:{models / 't5'}", f"lm:{models / 'talker'}"]
    listener_beat(name="gpu-host:7", queues=["gpu"], presets=there)
    monkeypatch.setattr(bases, "MODELS", tmp_path / "others")  # the web process is on another host
    page = staff.get("/runs/launch/train/").content.decode()
    assert "hf:t5, on the host of worker gpu-host:7" in page
    assert "readme" not in page
    sent = {"dataset": "boats", "preset": f"hf:{models / 't5'}", "source": "caption", "queue": "gpu"}
    assert staff.post("/runs/launch/train/", sent).status_code == 302
    assert Run.objects.latest("pk").config["training"]["model_path"] == str(models / "t5")
    Listener.objects.update(seen_at=timezone.now() - timedelta(days=2))
    assert "gpu-host" not in staff.get("/runs/launch/train/").content.decode()
    assert "Select a valid choice" in staff.post("/runs/launch/train/", sent).content.decode()


def test_a_value_that_the_form_does_not_offer_is_said(admin_client: Client) -> None:
    """A browser would send the first choice instead, without a word."""
    page = admin_client.get("/runs/launch/train/?preset=hf:/gone&budget=5").content.decode()
    assert "Preset: &#x27;hf:/gone&#x27; cannot be chosen here" in page
    assert "cannot be chosen" not in admin_client.get("/runs/launch/train/?preset=tiny").content.decode()
