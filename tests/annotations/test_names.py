"""One rule of names at every door, and names as models have them the whole way from a file to every report."""

import csv
import io
import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.corpora.readers.pairs import PairFields, parse_systems, read_pairs
from annotations.documents.renderers.latex import label_of
from annotations.errors import InputError
from annotations.imports.ratings import system_rated
from annotations.names import check_name, file_name, fitted, name_problem, numbered
from annotations.storage.fields import NameField
from annotations.systems.services import system_for_file
from tests.annotations.hostile import TEXTS
from tests.annotations.raters import Rater
from workers.jobs import feedback
from workers.jobs.importing import with_names
from workers.jobs.training import default_name, system_reserve

GOOD = [
    "gpt-4.1", "Llama 3.1 8B", "meta-llama/Llama-3.1-8B-Instruct", "llama3:8b", "T5 (large)", "seq2seq+attention",
    "model@step1000", "seed_lstm", "유창성", "हिन्दी", "Zoë", "4", "__REFERENCE__", "x" * 100,
]  # fmt: skip
BAD = {
    "": "is empty",
    "x" * 101: "has 101 characters",
    " a": "begins or ends with a space",
    "a  b": "two in a row",
    "a\tb": r"contains '\\t'",
    "a\u00a0b": "contains NO-BREAK SPACE",
    "a,b": "contains ','",
    "a=b": "contains '='",
    "*": r"contains '\*'",
    "a|b": r"contains '\|'",
    "-a": "begins with '-'",
    "(a)": r"begins with '\('",
    "\u0301a": "begins with",
    "a\u200db": "contains ZERO WIDTH JOINER",
    "a\u3164b": "contains HANGUL FILLER",
    "a😀": "contains '😀'",
    'a"b': "contains '\"'",
}
BAD_TEXTS = {name: text for name, text in TEXTS.items() if name != "combining marks"}  # letters with accents are good


def spec(**values: Any) -> CampaignSpec:
    base: dict[str, Any] = {
        "name": "a", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human"],
        "criteria": ["fluency"], "items": 1,
    }  # fmt: skip
    return CampaignSpec.from_mapping(base | values)


def key_of_pairs(name: str, folder: Path) -> str:
    file = folder / "a.jsonl"
    file.write_text(json.dumps({"caption": "c", "story": "s", "machine": {name: "o"}}))
    (album,) = read_pairs(file, PairFields(systems=(("*", "machine"),)), split="test")
    return album.outputs[0][0]


def of_form(name: str) -> str:
    try:
        return str(NameField(strip=False).clean(name))
    except ValidationError as error:
        raise InputError("", " ".join(error.messages)) from error


DOORS: dict[str, Callable[[str, Path], str]] = {
    "campaign": lambda name, _: spec(name=name).name,
    "dataset": lambda name, _: spec(dataset=name).dataset,
    "system": lambda name, _: spec(systems=[name]).systems[0],
    "criterion": lambda name, _: spec(criteria=[name]).criteria[0],
    "key of pairs": key_of_pairs,
    "import": lambda name, _: with_names({"dataset": name})["dataset"],
    "form": lambda name, _: of_form(name),
}
WRITERS: dict[str, Callable[[str], Any]] = {
    "uploaded": lambda name: system_for_file(name=name).name,
    "rated": lambda name: system_rated(name=name).name,
    "trained": lambda name: system_reserve(name).name,
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_the_same_names(door: str, tmp_path: Path) -> None:
    for name in GOOD:
        assert DOORS[door](name, tmp_path) == name
    assert DOORS[door]("Zoe\u0308", tmp_path) == "Zoë", "an accent typed apart is the same name"
    for name in (*BAD, *BAD_TEXTS.values()):
        with pytest.raises(InputError):
            DOORS[door](name, tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("door", WRITERS)
def test_nothing_is_made_under_another_name(door: str) -> None:
    for name in GOOD:
        assert WRITERS[door](name) == name
    before = models.System.objects.count()
    for name in (*BAD, *BAD_TEXTS.values()):
        with pytest.raises(InputError):
            WRITERS[door](name)
    assert models.System.objects.count() == before


@pytest.mark.parametrize(("name", "problem"), BAD.items())
def test_what_is_wrong_is_said(name: str, problem: str) -> None:
    with pytest.raises(InputError, match=f"system: .* {problem}.*; a name has 1 to 100 characters"):
        check_name(name, "system")


@pytest.mark.parametrize(
    ("given", "says"),
    [(["a,b=out"], "systems: 'a,b' contains ','"), (["a=x", "a=y"], "systems: 'a=y': 'a' is given twice")],
)
def test_names_on_the_command_line(given: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_systems(given)
    assert parse_systems(["Llama 3.1 8B=out", "*=machine"]) == (("Llama 3.1 8B", "out"), ("*", "machine"))


@pytest.mark.parametrize("text", [*BAD, *TEXTS.values(), *GOOD, "a, b & c", "--x--", "x" * 99 + " yy"])
def test_the_nearest_name_is_a_name(text: str) -> None:
    found = fitted(text)
    assert not found or not name_problem(found)
    assert not found or not name_problem(numbered(found, 12))
    if text in GOOD:
        assert found == text


def test_names_of_files_and_labels() -> None:
    assert file_name("meta-llama/Llama 3.1: 8B-report.csv") == "meta-llama-Llama-3.1-8B-report.csv"
    assert label_of("means-human_likeness") == "means-human-likeness"
    labels = [label_of(name) for name in ("a b", "a.b", "유창성", "일관성", "a-b")]
    assert len(set(labels)) == 5
    assert all(label.replace("-", "").isalnum() and label.isascii() for label in labels)


@pytest.mark.django_db
def test_a_long_dataset_still_names_a_trained_system() -> None:
    models.System.objects.create(name="x" * 100, kind="file")
    assert default_name("x" * 60, "x" * 100, None) == fitted("x" * 60 + "-" + "x" * 100)[:100]
    assert not name_problem(default_name("hf:/models/a, b", "d", None))
    with pytest.raises(InputError, match="name: 'a,b' contains ','"):
        feedback.launch(name="a,b", campaigns=["none"])


SYSTEMS = ["gpt-4.1", "Llama 3.1 8B", "org/model_b:8b"]


@pytest.fixture
def rated(tmp_path: Path) -> models.Campaign:
    """Imported by the keys of an object, made by a file that was written by us, rated by two, and closed."""
    file = tmp_path / "a.jsonl"
    rows = [
        {"caption": f"caption {n}", "story": f"Story {n}.", "machine": {name: f"{name[0]} {n}" for name in SYSTEMS}}
        for n in range(4)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call_command("import_pairs", file, dataset="stories v1.0", split="test", systems=["*=machine"])
    made = spec(
        name="First look: 1.0", dataset="stories v1.0", systems=["human", *SYSTEMS], items=4, overlap=2,
        criteria=["human_likeness", "Ton (DE): neu", "유창성"], primary=["gpt-4.1", "Llama 3.1 8B", "Ton (DE): neu"],
    )  # fmt: skip
    written = tmp_path / "campaign.toml"
    written.write_text(campaign_toml(made))
    assert read_campaign_file(written) == made
    call_command("create_campaign", written)
    campaign = models.Campaign.objects.get(name="First look: 1.0")
    for number in range(2):
        rater = Rater(campaign)
        while screen := rater.next():
            assert rater.submit(screen, answers=rater.answers(screen, 40 + number)).status_code == 201
    return campaign_close(campaign=campaign)


@pytest.mark.django_db
def test_names_as_models_have_them_go_the_whole_way(rated: models.Campaign, tmp_path: Path) -> None:
    name, out = rated.name, tmp_path / "out"
    files = {}
    for form in ("json", "html", "csv", "latex", "heds"):
        call_command("report", name, format=form, out=out)
        files[form] = out.read_text(encoding="utf-8-sig")
    report = json.loads(files["json"])
    for criterion in ("human_likeness", "Ton (DE): neu", "유창성"):
        assert {row["system"] for row in report["criteria"][criterion]["systems"]} == {"human", *SYSTEMS}
    table = list(csv.DictReader(io.StringIO(files["csv"])))
    assert {row["system"] for row in table if row["kind"] == "rating"} == {"human", *SYSTEMS}
    page = unescape(files["html"])
    for system in SYSTEMS:
        assert f'<th scope="row">{system}</th>' in page
        assert system.replace("_", r"\_") + " & $" in files["latex"]
        assert system.replace("_", r"\_") in files["heds"]
    for text in (page, files["latex"]):
        assert "Ton (DE): neu" in text, "only the first letter of a heading is made a capital"
    labels = [line for line in files["latex"].splitlines() if line.startswith(r"\label")]
    assert len(set(labels)) == len(labels)
    call_command("export_ratings", name, format="csv", out=out)
    exported = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    assert {row["system"] for row in exported} == {"human", *SYSTEMS}
    call_command("preregister", name, out=out)
    assert "gpt-4.1" in out.read_text()
    call_command("import_ratings", export_of(rated, tmp_path), campaign="again 1.0", columns=["system=system"])
    again = models.Campaign.objects.get(name="again 1.0")
    assert set(again.entries.values_list("system__name", flat=True)) == {"human", *SYSTEMS}
    assert not again.import_facts["names"]
    call_command("compare", name, "again 1.0", out=tmp_path / "both.CSV")
    both = (tmp_path / "both.CSV").read_text(encoding="utf-8-sig")
    assert "again 1.0" in both
    assert name in both


def export_of(campaign: models.Campaign, folder: Path) -> Path:
    """The scores as a study publishes them."""
    call_command("export_ratings", campaign.name, format="csv", out=folder / "ratings.csv")
    return folder / "ratings.csv"


@pytest.mark.django_db
def test_pages_and_downloads_have_the_names(rated: models.Campaign) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = f"/campaigns/{rated.pk}"
    for address, called in (
        ("reports/{}/report.csv", "First-look-1.0-report.csv"),
        ("reports/{}/ratings.jsonl", "First-look-1.0-ratings.jsonl"),
        ("campaigns/{}/campaign.toml", "First-look-1.0.toml"),
    ):
        answer = client.get(f"/{address.format(rated.pk)}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{called}"'
    assert "campaign=First%20look%3A%201.0" in client.get(f"{page}/").content.decode()
    compared = client.get("/reports/compare/?campaign=First+look%3A+1.0&campaign=none")
    assert "campaign &#x27;none&#x27; does not exist" in compared.content.decode()
    system = models.System.objects.get(name="org/model_b:8b")
    assert "org/model_b:8b" in client.get(f"/models/{system.pk}/").content.decode()
