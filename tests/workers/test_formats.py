"""An import format is one file and a line of the registry: what it declares is a page, a command and a run."""

import json
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser
from django.test import Client

from annotations.corpora.readers.content import AlbumContent, ImportFileError, PlaceNames, StoryContent, fingerprint
from annotations.models import Import, Source, StorySentence
from workers import formats
from workers.formats.form import ImportFields, update_field
from workers.formats.import_format import ImportFormat, add_dataset, add_update, updated
from workers.formats.reading import Config, Note, Reading, albums_reading
from workers.management.base import import_command
from workers.models import Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db
TABLE = "a dog on a pier\twe brought the dog\na boat\tthe boat was late\n"


class Form(ImportFields):
    title = "Import captions and sentences with a tab between"
    file = forms.FileField()
    update = update_field()

    def options(self) -> dict[str, Any]:
        return self.updated()


class Tabbed(ImportFormat):
    name = "tabbed"
    help = "Import lines of a caption, a tab and what a person wrote."
    Form = Form

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        add_dataset(parser)
        add_update(parser)

    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"files": {"file": [str(options["file"])]}, **updated(options)}

    def reading(self, config: Config) -> Reading:
        file = Path(config["files"]["file"][0])

        def read(note: Note) -> list[AlbumContent]:
            return [album(file, number, line) for number, line in enumerate(file.read_text().splitlines(), start=1)]

        return albums_reading({**config, "split": "train"}, fingerprint([file], ["tabbed"]), PlaceNames([file]), read)


def album(file: Path, number: int, line: str) -> AlbumContent:
    caption, tab, sentence = line.partition("\t")
    if not tab:
        raise ImportFileError(file, f"line {number}", "has no tab between caption and sentence")
    name = str(number)
    told = StoryContent(name, [(name, sentence)], places=(number,))
    return AlbumContent(name, "", {name: ("", "")}, [(name, 0, caption)], {}, [told], [], [number])


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats.FORMATS, Tabbed.name, Tabbed())


def stored() -> list[tuple[str, str]]:
    captions = Source.objects.visible().order_by("pk").values_list("text", flat=True)
    return list(
        zip(captions, StorySentence.objects.visible().order_by("pk").values_list("text", flat=True), strict=True)
    )


def test_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "days.tsv"
    file.write_text(TABLE)
    command = import_command("tabbed")
    call_command(command(), file, dataset="pier", json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["counts"]["sentences"] == 2
    assert stored() == [tuple(line.split("\t")) for line in TABLE.splitlines()]
    call_command(command(), file, dataset="pier", json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["unchanged"]
    file.write_text("no tab here\n")
    with pytest.raises(CommandError, match=r"days.tsv: line 1: has no tab between caption and sentence"):
        call_command(command(), file, dataset="pier")
    assert Import.objects.count() == 1


def test_as_a_page_and_a_run(admin_client: Client) -> None:
    address = "/data/import/tabbed/"
    page = admin_client.get(address).content.decode()
    assert page.count("Import captions and sentences with a tab between") >= 2  # its tab and its title
    answer = admin_client.post(address, {"dataset": "pier", "file": SimpleUploadedFile("days.tsv", TABLE.encode())})
    assert answer.status_code == 302
    execute_run(Run.objects.get().pk)
    assert len(stored()) == 2
    assert Run.objects.get().result["counts"]["sources"] == 2
