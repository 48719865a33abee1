"""Launching from forms, the live run page, the banner, pruning."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from annotations.models import Campaign, Dataset, Import, Output, Source, System
from modeling.config import DecodingConfig, load_preset
from tests.factories import CaptionFactory, DatasetFactory, MetricFactory, StorySentenceFactory, make_campaign
from tests.pages import in_one_line
from workers import lifecycle, sweeping, time_left
from workers.listeners import listener_beat, listeners_forget, unheard_queues
from workers.models import Checkpoint, Listener, Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db
RUNS, DATA = "/runs/", "/data/"


@pytest.fixture
def dataset() -> Dataset:
    made: Dataset = DatasetFactory()
    for n in range(6):
        caption = CaptionFactory(text=f"a dog in boat {n}", photo__album__dataset=made)
        StorySentenceFactory(photo=caption.photo, text=f"Boat {n} was ours.")
    return made


def launch(staff: Client, path: str, data: dict[str, Any]) -> Run | str:
    """The run that a form made, or what the page says."""
    answer = staff.post(f"{RUNS if path.startswith('launch') else DATA}{path}", data)
    if answer.status_code == 302:
        return Run.objects.latest("pk")
    return answer.content.decode().replace("&#x27;", "'")


def train_form(dataset: Dataset, **values: Any) -> dict[str, Any]:
    return {
        "dataset": dataset.name, "preset": "tiny", "name": "little", "feedback": "", "budget": "2",
        "pairing": "aligned", "source": "caption", "learning_rate": "", "dropout": "0.2", "seed": "", "queue": "cpu",
    } | values  # fmt: skip


def test_the_form_launches_what_the_command_launches(staff: Client, dataset: Dataset) -> None:
    run = launch(staff, "launch/train/", train_form(dataset))
    assert isinstance(run, Run)
    call_command("train", dataset=dataset.name, preset="tiny", overrides=["budget=2.0", "dropout=0.2"], name="typed")
    typed = Run.objects.latest("pk")
    assert {**run.config, "system": ""} == {**typed.config, "system": ""}
    assert run.config["training"] == load_preset("tiny", ["budget=2", "dropout=0.2"]).to_dict()
    assert (run.state, run.queue) == ("queued", "cpu")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"dropout": "3"}, "must be a number from 0 to 0.95"),
        ({"budget": "-1"}, "greater than or equal to 1"),
        ({"name": "human"}, "choose another name"),
        ({"source": "nobody"}, "is not 'caption', '*' or a system"),
        ({"preset": "huge"}, "Select a valid choice"),
    ],
)
def test_a_mistake_in_a_form_is_said_and_makes_no_run(
    staff: Client, dataset: Dataset, values: dict[str, str], says: str
) -> None:
    page = str(launch(staff, "launch/train/", train_form(dataset, **values)))
    assert says in page
    assert ("name" in values) != (f'id="id_{next(iter(values))}_error"' in page), "a taken name stands above the form"
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_train_decode_score_from_forms(staff: Client, dataset: Dataset, tmp_path: Path) -> None:
    Source.objects.filter(text="a dog in boat 2").update(text="a small dog in boat 2")
    run = launch(staff, "launch/train/", train_form(dataset, budget="1"))
    assert isinstance(run, Run)
    assert "queued" in staff.get(f"{RUNS}{run.pk}/").content.decode()
    assert staff.get(f"{RUNS}{run.pk}/watch/").status_code == 200
    execute_run(run.pk)
    watched = staff.get(f"{RUNS}{run.pk}/watch/")
    assert watched.status_code == 286, "htmx stops asking"
    assert "trained" in watched.content.decode()
    checkpoint = Checkpoint.objects.get(system__name="little")

    blank = CaptionFactory(text="\u200b", photo__album__dataset=dataset)
    long = CaptionFactory(text="a dog " * 300, photo__album__dataset=dataset)
    values = {"system": "little", "dataset": dataset.name, "split": "train", "method": "nucleus", "top_p": "",
              "temperature": "0", "samples": "2", "source": "", "seed": "1", "queue": "cpu"}  # fmt: skip
    decode = launch(staff, "launch/decode/", values)
    assert isinstance(decode, Run)
    execute_run(decode.pk)
    assert Output.objects.filter(decoding__system__name="little").count() == 2 * 7
    decode.refresh_from_db()
    assert (decode.decoding.settings["temperature"], decode.decoding.settings["top_p"]) == (0.7, 0.9), "from scratch"
    assert (
        decode.message == "decoded 7 of 8 sources, 1 left out (no words), 1 truncated to the input length of the model"
    )
    assert Output.objects.filter(decoding__settings__engine="torch").count() == 2 * 7, "what auto took"
    for source, what in ((blank, "left_out"), (long, "cut")):
        assert decode.result[what]["count"] == 1
        assert f"source of '{source.album.external_id}/{source.key}'" in decode.result[what]["first"][0]
    twin = lifecycle.run_create(
        kind="train", config=run.config, system=System.objects.create(name="twin", kind="model")
    )
    same = {"directory": checkpoint.directory, "sha256": "1" * 64, "size_bytes": 1}
    Checkpoint.objects.create(run=twin, system=twin.system, **same)
    values |= {"method": "greedy", "samples": "1", "ensemble": "twin"}
    together = launch(staff, "launch/decode/", values)
    assert isinstance(together, Run)
    execute_run(together.pk)
    together.refresh_from_db()
    assert together.decoding.settings["ensemble"] == {"twin": "1" * 64}
    assert together.decoding.outputs.count() == 7
    score = launch(staff, "launch/score/", {"dataset": dataset.name, "split": "train", "campaign": "", "queue": "cpu"})
    assert isinstance(score, Run)
    execute_run(score.pk)
    assert "random_story" in staff.get(f"{RUNS}{score.pk}/").content.decode()

    system = System.objects.get(name="little")
    page = staff.get(f"/models/{system.pk}/").content.decode()
    shown = ("a dog in boat 1", "Boat 1 was ours.", checkpoint.sha256, str(run.public_id), "top_share")
    for text in (*shown, "<title>Quality by source length in words</title>"):
        assert text in page

    folder = settings.VAR_DIR / checkpoint.directory
    assert folder.is_dir()
    address = f"/models/checkpoints/{checkpoint.pk}"
    assert "are removed permanently" in in_one_line(staff.get(f"{address}/confirm/"))
    assert "MB freed" in staff.post(f"{address}/prune/", follow=True).content.decode()
    assert not folder.exists()
    assert "have already been removed" in staff.post(f"{address}/prune/", follow=True).content.decode()
    assert "Select a valid choice" in str(launch(staff, "launch/decode/", values))
    assert checkpoint.sha256 in staff.get(f"/models/{system.pk}/").content.decode()


def test_a_form_without_a_trained_system_says_what_to_do(staff: Client, dataset: Dataset) -> None:
    for kind in ("decode", "attention"):
        address = f"{RUNS}launch/{kind}/"
        assert "No model has been trained yet" in staff.get(address).content.decode()
    trained_system(dataset)
    assert "No model has been trained yet" not in staff.get(address).content.decode()


def test_a_result_shows_what_there_is(staff: Client) -> None:
    """Scores with their intervals; noughts, and no row for what is empty."""
    for order, name in enumerate(("unique", "nll")):
        MetricFactory(name=name, order=order)
    scores = {"gru": {"nll": {"value": 4.1815, "ci": [4.1, 4.254]}, "unique": {"value": 24, "ci": None}}, "human": {}}
    result = {"left_out": 0, "why_left_out": [], "cut": {}, "valid_nll": None, "scores": scores}
    run = Run.objects.create(kind="score", state="done", result=result, finished_at=timezone.now())
    page = staff.get(f"{RUNS}{run.pk}/").content.decode()
    rows = [
        " ".join(strip_tags(row.replace("<", " <")).replace("&nbsp;", " ").split())
        for row in re.findall("<tr>.*?</tr>", page, re.DOTALL)
    ]
    assert [row for row in rows if row.startswith(("gru", "human"))] == ["gru 24 4.182 4.100 to 4.254", "human – –"]
    assert "left_out 0" in rows
    for empty in ("why_left_out", "cut", "valid_nll"):
        assert f'<th scope="row">{empty}</th>' not in page


def test_a_feedback_set_from_a_form(staff: Client) -> None:
    campaign = make_campaign(purpose="feedback").campaign
    said = launch(staff, "launch/feedback/", {"name": "liked", "campaigns": [campaign.name], "beta": "1"})
    assert "has no ratings yet" in str(said)


ROWS = [{"text": f"a dog {n}", "story": f"Dog {n}.", "out": f"dog {n}"} for n in range(5)]


def upload(name: str, rows: list[dict[str, Any]] | bytes) -> SimpleUploadedFile:
    content = rows if isinstance(rows, bytes) else "\n".join(map(json.dumps, rows)).encode()
    return SimpleUploadedFile(name, content)


def pairs_form(file: SimpleUploadedFile, **values: Any) -> dict[str, Any]:
    return {
        "dataset": "dogs", "split": "test", "file": file, "source_field": "text", "reference_field": "story",
        "album_field": "", "photo_field": "", "systems": "lstm=out",
    } | values  # fmt: skip


def uploads() -> list[Path]:
    folder = settings.VAR_DIR / "uploads"
    return sorted(folder.rglob("*.*")) if folder.is_dir() else []


@pytest.mark.django_db(transaction=True)
def test_an_uploaded_file_is_imported_by_a_worker_and_then_removed(staff: Client) -> None:
    run = launch(staff, "import/pairs/", pairs_form(upload("dogs.jsonl", ROWS)))
    assert isinstance(run, Run)
    assert [file.name for file in uploads()] == ["dogs.jsonl"]
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result["counts"]["outputs"]) == ("done", 5)
    assert not uploads()
    page = staff.get(f"/data/{Dataset.objects.get().pk}/").content.decode()
    assert "dogs.jsonl" in page

    again = launch(staff, "import/pairs/", pairs_form(upload("dogs.jsonl", ROWS)))
    assert isinstance(again, Run)
    execute_run(again.pk)
    again.refresh_from_db()
    assert "nothing changed" in again.message
    assert Source.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_bad_uploaded_file_is_refused_by_name_line_and_key(staff: Client) -> None:
    run = launch(staff, "import/pairs/", pairs_form(upload("dogs.jsonl", [*ROWS, {"text": "a cat"}])))
    assert isinstance(run, Run)
    with pytest.raises(ValueError, match="story"):
        execute_run(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.message.startswith("InputError: dogs.jsonl: line 6: the key 'story' is missing")
    assert not uploads()
    assert not Import.objects.exists()
    assert "dogs.jsonl: line 6" in staff.get(f"{RUNS}{run.pk}/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_worker_died_is_done_again(staff: Client) -> None:
    run = launch(staff, "import/pairs/", pairs_form(upload("dogs.jsonl", ROWS)))
    assert isinstance(run, Run)
    claim = lifecycle.run_claim(run.pk)
    assert claim
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert sweeping.sweep()["requeued"] == 1
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("done", 2)
    assert Source.objects.count() == 5


def test_vist_and_outputs_forms_say_what_is_missing(staff: Client) -> None:
    said = launch(staff, "import/vist/", {"dataset": "v", "split": "train", "images": ""})
    assert "choose a captions file, a stories file, or both" in str(said)
    said = launch(staff, "import/pairs/", pairs_form(upload("a.jsonl", ROWS), systems="lstm"))
    assert "must be NAME=FIELD" in str(said)
    said = launch(staff, "import/outputs/", {"dataset": "v", "system": "s"})
    assert "This field is required" in str(said)
    assert not Run.objects.exists()


def test_cancel_and_try_again(staff: Client) -> None:
    run = lifecycle.run_create(kind="score", config={})
    staff.post(f"{RUNS}{run.pk}/cancel/act/")
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "Try again" in staff.get(f"{RUNS}{run.pk}/").content.decode()
    staff.post(f"{RUNS}{run.pk}/retry/act/")
    run.refresh_from_db()
    assert run.state == "queued"
    assert "only a failed or cancelled run" in staff.post(f"{RUNS}{run.pk}/retry/act/", follow=True).content.decode()


def test_the_time_left_follows_from_the_pace_of_this_attempt() -> None:
    now = timezone.now()
    run = Run(state="running", fraction=0.6, fraction_at_claim=0.5, started_at=now - timedelta(seconds=30))
    assert time_left.seconds_left(run, now) == pytest.approx(120)
    run.fraction = 0.501
    assert time_left.seconds_left(run, now) is None


def test_a_banner_tells_of_a_queue_that_nobody_listens_to(staff: Client) -> None:
    assert unheard_queues() == {}
    for _ in range(2):
        lifecycle.run_create(kind="score", config={}, queue="gpu")
    lifecycle.run_create(kind="score", config={}, queue="cpu")
    listener_beat(name="here:1", queues=["cpu"])
    assert unheard_queues() == {"gpu": 2}
    assert "2 runs wait on the queue <b>gpu</b>" in in_one_line(staff.get("/"))
    listener_beat(name="there:2", queues=["gpu"])
    assert "no worker listens" not in staff.get("/").content.decode()
    Listener.objects.update(seen_at=timezone.now() - timedelta(days=2))
    assert unheard_queues() == {"cpu": 1, "gpu": 2}
    assert listeners_forget() == 2


def test_the_log_keeps_the_last_lines() -> None:
    run = lifecycle.run_create(kind="score", config={})
    claim = lifecycle.run_claim(run.pk)
    assert claim
    for n in range(lifecycle.LOG_LINES + 20):
        claim._saved_at = float("-inf")
        claim.progress(0.5, f"line {n}")
    run.refresh_from_db()
    assert len(run.log) == lifecycle.LOG_LINES
    assert run.log[-1][1] == f"line {lifecycle.LOG_LINES + 19}"


POLYLINE = "{http://www.w3.org/2000/svg}polyline"


def test_a_curve_has_a_point_for_every_measurement() -> None:
    from workers.curves import training_svg

    rows = [{"step": n, "loss": 5 - n / 10, "valid_loss": 3.0 if n > 5 else None} for n in range(20)]
    svg = training_svg(rows)
    assert svg.count("<circle") == 20 + 1, "an old validation loss that is repeated is no new measurement"
    assert training_svg(rows[:1]) == ""


def test_a_loss_that_is_no_number_of_nats_stands_apart_from_the_validation() -> None:
    from workers.curves import training_svg

    rows = [{"step": n, "loss": 0.69 - n / 100, "valid_loss": 4.6 if n < 9 else 4.7} for n in range(20)]
    whole = ElementTree.fromstring(training_svg(rows, "dpo"))
    texts = {text.text for text in whole.iter("{http://www.w3.org/2000/svg}text")}
    assert {"loss of dpo", "nats per token", "training 0.50", "validation 4.70"} <= texts
    heights = [[float(place.split(",")[1]) for place in line.attrib["points"].split()] for line in whole.iter(POLYLINE)]
    training, validation = heights
    assert max(training) < min(validation), "each in a chart of its own, the loss above"


def test_a_curve_has_the_learning_rate_below_the_loss_where_it_was_noted() -> None:
    from workers.curves import round_values, training_svg

    rows = [{"step": 10 * n, "loss": 5 - n / 10, "valid_loss": None, "learning_rate": n / 1e4} for n in range(1, 20)]
    svg = training_svg(rows)
    both = ElementTree.fromstring(svg)
    old = ElementTree.fromstring(training_svg([{**row, "learning_rate": None} for row in rows]))
    assert [len(each.findall(".//{*}polyline")) for each in (both, old)] == [2, 1]
    texts = {text.text for text in both.iter("{http://www.w3.org/2000/svg}text")}
    assert {"loss, nats per token", "learning rate", "step", "0.001", "100"} <= texts
    assert "learning rate" not in {text.text for text in old.iter("{http://www.w3.org/2000/svg}text")}
    rate = both.findall(".//{*}polyline")[1].attrib["points"].split()
    assert len(rate) == 19
    assert round_values(0.0, 0.0019, 2) == [0.0, 0.001]
    assert round_values(3, 3, 4) == [3]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"method": "beam", "samples": "7"}, "a beam of 5 gives at most 5 texts"),
        ({"method": "diverse_beam", "groups": "3"}, "must divide beam=5"),
        ({"min_length": "90"}, "must not exceed max_length=80"),
        ({"precision": "fp16"}, "Select a valid choice"),
        ({"rerank": "pmi"}, "a single text cannot be reordered"),
        ({"ensemble": "little"}, "appears twice; name systems other than"),
    ],
)
def test_settings_of_a_decoding_that_do_not_go_together_are_said_at_their_field(
    staff: Client, dataset: Dataset, values: dict[str, str], says: str
) -> None:
    trained_system(dataset)
    page = str(launch(staff, "launch/decode/", decode_form(dataset, **values)))
    assert says in page
    assert f'id="id_{next(iter(set(values) - {"method"}))}_error"' in page
    assert Run.objects.filter(kind="decode").count() == 0


def test_the_decode_form_launches_a_diverse_beam(staff: Client, dataset: Dataset) -> None:
    trained_system(dataset)
    values = {"method": "diverse_beam", "beam": "6", "groups": "3", "diversity": "1", "no_repeat_ngram": "3"}
    run = launch(staff, "launch/decode/", decode_form(dataset, **values))
    assert isinstance(run, Run)
    wanted = DecodingConfig(method="diverse_beam", beam=6, groups=3, diversity=1.0, no_repeat_ngram=3)
    assert run.config["decoding"] == wanted.for_family("gru-luong").to_dict()


def decode_form(dataset: Dataset, **values: str) -> dict[str, str]:
    return {"system": "little", "dataset": dataset.name, "split": "train", "method": "nucleus", "queue": "cpu"} | values


def trained_system(dataset: Dataset, preset: str = "tiny") -> System:
    """A system with the row of a checkpoint, whose files nobody reads."""
    system = System.objects.create(name="little", kind="model")
    config = {"dataset": dataset.name, "source": "caption", "training": load_preset(preset).to_dict()}
    run = lifecycle.run_create(kind="train", config=config, system=system)
    Checkpoint.objects.create(run=run, system=system, directory="none", sha256="0" * 64, size_bytes=0)
    return system


@pytest.mark.django_db(transaction=True)
def test_uploaded_ratings_become_a_campaign(staff: Client) -> None:
    table = b"item,system,rater,criterion,score,part\n1,a,r,c,4,x\n1,b,r,c,2,x\n1,d,r,c,good,y\n"
    form = {"campaign": "study", "dataset": "", "where": "part=x", "low": "1", "high": ""}
    said = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table)})
    assert "give both ends of the scale" in str(said)
    said = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table), "high": "5", "where": "x"})
    assert "'x' must have the form COLUMN=VALUE" in str(said)
    run = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table), "high": "5"})
    assert isinstance(run, Run)
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result["columns_left_aside"]) == ("done", ["part"])
    assert "2 scores" in run.message
    campaign = Campaign.objects.get(name="study")
    assert (campaign.dataset.name, campaign.scale, campaign.state) == ("study", [1, 5], "closed")
    assert staff.get(f"/reports/{campaign.pk}/").status_code == 200
    assert not uploads()
    again = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table), "high": "5"})
    assert isinstance(again, Run)
    execute_run(again.pk)
    again.refresh_from_db()
    assert "nothing changed" in again.message
    said = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table), "high": "5", "dataset": "other"})
    assert "already exists" in str(said)
    run = launch(
        staff, "import/ratings/", form | {"file": upload("r.csv", table), "campaign": "all", "low": "", "where": ""}
    )
    assert isinstance(run, Run)
    with pytest.raises(ValueError, match="line 4"):
        execute_run(run.pk)
    run.refresh_from_db()
    assert run.message.startswith("InputError: r.csv: line 4: score='good' must be a number")


@pytest.mark.django_db
def test_a_file_of_ratings_is_checked_before_it_is_imported(staff: Client) -> None:
    """The page says what is what and which rows are wrong, in the page alone for htmx; nothing is written or kept."""
    table = b"Input.id,Model,Worker,Q1,Q2\n1,GPT=3.5,ann,4,2\n1,human,ann,5,good\n2,human,bob,,3\n"
    form = {"campaign": "study", "columns": "item=Input.id\nsystem=Model\nrater=Worker", "criteria": "Q1\nQ2"}
    address = "/data/import/ratings/"
    asked = form | {"check": "1", "file": upload("r.csv", table)}
    page = staff.post(address, asked).content.decode()
    assert "score of criterion Q1" in page
    assert "line 3" in page
    assert "give a word its number with “Meaning of words” &quot;good=5&quot;" in page
    assert "Q2=&#x27;good&#x27; must be a number" in page
    assert "&#x27;GPT=3.5&#x27; became GPT-3.5" in page
    assert "Blank ratings were skipped: Q1 1." in page
    part = staff.post(address, asked | {"file": upload("r.csv", table)}, headers={"HX-Request": "true"})
    assert "1 error to fix" in part.content.decode()
    assert "<form" not in part.content.decode()
    unknown = staff.post(address, asked | {"file": upload("r.csv", table), "columns": "item=Id\nsystem=Model"})
    assert "there is no column &#x27;Id&#x27;; available: Input.id, Model" in unknown.content.decode()
    assert not Run.objects.exists()
    assert not uploads()
    run = launch(staff, "import/ratings/", form | {"file": upload("r.csv", table), "values": "good=4"})
    assert isinstance(run, Run)
    execute_run(run.pk)
    assert Campaign.objects.get(name="study").criteria == ["Q1", "Q2"]
