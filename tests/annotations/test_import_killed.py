"""An import is whole or not there at all."""

import json
import os
import signal
from pathlib import Path

import pytest

from annotations import models
from annotations.corpora.mended_rows import Writing
from annotations.corpora.readers.content import AlbumContent, StoryContent
from annotations.corpora.selectors import pairs
from annotations.errors import ConflictError
from annotations.imports import replacing
from annotations.imports import writing as imports
from annotations.imports.identity import Comparison
from annotations.systems.services import decoding_begin
from tests.factories import DatasetFactory
from tests.site import Site
from workers.removal import removals_finish


@pytest.mark.django_db
def test_nothing_shows_before_the_import_is_complete() -> None:
    dataset = DatasetFactory()
    row = imports.import_begin(dataset=dataset, fingerprint="f", description="half")
    album = AlbumContent("a", photos={"p": ("", "")}, captions=[("p", 0, "a caption")])
    album.stories.append(StoryContent("s", [("p", "A sentence.")]))
    album.outputs.append(("lstm", "p", range(1), ["an output"]))
    counts = imports.albums_write(import_row=row, split="train", albums=[album], on_progress=lambda share: None)
    assert models.Source.objects.exists()
    assert not models.Source.objects.of_split(dataset, "train").exists()
    assert not pairs(dataset, "train").exists()
    assert not models.Decoding.objects.complete().exists()
    with pytest.raises(imports.ConflictError, match="another import is writing"):
        imports.import_begin(dataset=dataset, fingerprint="g", description="second")
    imports.import_complete(import_row=row, counts=counts)
    assert pairs(dataset, "train").count() == 1
    assert models.Decoding.objects.complete().count() == 1
    with pytest.raises(imports.ConflictError, match="complete"):
        imports.import_discard(import_row=row)


@pytest.mark.django_db
def test_a_late_worker_replaces_nothing_of_an_import_that_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It wakes while the sweeper is putting back what it replaced; whoever comes next goes on with that."""
    monkeypatch.setattr(replacing, "WRITE_BATCH_SIZE", 1)
    dataset = DatasetFactory()
    first = imports.import_begin(dataset=dataset, fingerprint="f", description="first")
    captions = [("p", place, f"old {place}") for place in range(3)]
    albums = [AlbumContent("a", photos={"p": ("", "")}, captions=captions)]
    counts = imports.albums_write(import_row=first, split="train", albums=albums, on_progress=lambda share: None)
    imports.import_complete(import_row=first, counts=counts)
    late = imports.import_begin(dataset=dataset, fingerprint="g", description="late")
    making = decoding_begin(
        system=models.System.objects.get(name="caption"), dataset=dataset, split="train", settings={}, fingerprint="b"
    )
    writings: list[Writing] = [(models.Source, "text", source.pk, "new") for source in models.Source.objects.all()]

    def given_up(share: float) -> None:
        assert models.Source.objects.filter(text="new").count() == 1
        next(imports.import_discarding(import_row=late))

    with pytest.raises(ConflictError, match=rf"import {late.pk} \(late\) was given up"):
        replacing.values_replace(
            comparison=Comparison(dataset, "train", replaced=writings), import_row=late, on_progress=given_up
        )
    with pytest.raises(ConflictError, match="was given up"):
        imports.albums_write(import_row=late, split="train", albums=albums, on_progress=lambda share: None)
    with pytest.raises(ConflictError, match="was given up"):
        imports.import_complete(import_row=late, counts={})
    assert removals_finish() == 1
    assert list(models.Source.objects.order_by("pk").values_list("text", flat=True)) == ["old 0", "old 1", "old 2"]
    assert list(models.Import.objects.all()) == [first]
    assert models.Decoding.objects.filter(pk=making.pk).exists(), "a baseline that is being made"


def test_a_killed_import_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.migrate()
    rows = ({"caption": f"caption {n}", "story": f"Story {n}.", "out": "x"} for n in range(30_000))
    file = tmp_path / "many.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["import_pairs", str(file), "--dataset", "mine", "--split", "train", "--system", "lstm=out"]
    watcher = site.start("manage.py", "shell", "-c", WAIT_FOR_ROWS, log="watcher.log")
    process = site.start("manage.py", *command, log="import.log")
    assert watcher.wait(60) == 0
    assert process.poll() is None, "the import was done before it could be killed: make the file longer"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    site.manage_plain("sweeper", "--once")
    states = list(site.manage("runs").values())
    assert len(states) == 1
    assert states[0].startswith("import failed")
    left = site.manage_plain("shell", "-c", COUNT)
    assert json.loads(left.splitlines()[-1]) == 0

    again = site.manage(*command)
    assert again["counts"]["sources"] == 30_000


WAIT_FOR_ROWS = """
import time
from annotations.models import Source
while not Source._default_manager.exists():
    time.sleep(0.01)
"""
COUNT = """
import json
from annotations import models as m
models = (m.Import, m.Album, m.Photo, m.Source, m.Story, m.StorySentence, m.Decoding, m.Output)
print(json.dumps(sum(model._default_manager.count() for model in models)))
"""
