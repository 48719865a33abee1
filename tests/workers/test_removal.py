"""What nothing depends on can be removed, and what depends is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client, RequestFactory
from django.utils import timezone

from annotations import models
from annotations.errors import ConflictError
from annotations.removal import services as removals
from annotations.storage import bulk
from modeling.config import load_preset
from storyblender_site.accounts import account_make
from tests.annotations.test_import_pairs import import_pairs, lines
from tests.annotations.test_import_vist import import_vist, vist_files
from tests.factories import (
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    MetricFactory,
    StorySentenceFactory,
    make_campaign,
)
from tests.pages import in_one_line
from workers import removal
from workers.lineage import lineage
from workers.models import Checkpoint, Run
from workers.services import checkpoint_prune

pytestmark = pytest.mark.django_db
EVERYTHING = (
    *(models.Album, models.Photo, models.Source, models.SequencePhoto, models.Story, models.StorySentence),
    *(models.Decoding, models.Output),
)


def left() -> dict[str, int]:
    return {model.__name__: count for model in EVERYTHING if (count := model._default_manager.count())}


def remove(kind: str, name: Any, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    call_command("remove", kind, str(name), yes=True, json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def two_imports(folder: Path) -> tuple[models.Import, models.Import]:
    """VIST, then pairs on one of its photos with outputs of a system."""
    import_vist(*vist_files(folder))
    row = {"a": "train-album-0", "p": "train-0-1", "caption": "a boat", "story": "They left at dawn.", "out": "fun"}
    pairs = lines(folder / "p.jsonl", row)
    call_command(
        *("import_pairs", pairs), dataset="vist", split="train", album_field="a", photo_field="p", systems=["lstm=out"]
    )
    first, second = models.Import.objects.order_by("pk")
    return first, second


def test_an_import_goes_once_nothing_stands_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two_imports(tmp_path)
    models.Score.objects.create(decoding=models.Decoding.objects.get(), metric=MetricFactory(), signature="s", value=1)
    says = rf"import {first.pk} cannot be removed: import {second.pk} \(p.jsonl\) has 3 rows for its albums and photos"
    with pytest.raises(CommandError, match=says):
        remove("import", first.pk, capsys)
    assert remove("import", second.pk, capsys)["rows"] == {
        **{"sources": 1, "stories": 1, "sentences": 1, "decodings": 1, "outputs": 1}
    }
    assert not models.Score.objects.exists()
    assert left()["StorySentence"] == 20
    remove("import", first.pk, capsys)
    assert left() == {}
    assert not models.Import.objects.exists()
    assert Run.objects.count() == 2  # what was done stays in the history
    import_vist(*vist_files(tmp_path))
    assert left()["StorySentence"] == 20


def test_a_killed_removal_shows_nothing_and_the_sweeper_ends_it(tmp_path: Path) -> None:
    two_imports(tmp_path)
    dataset = models.Dataset.objects.get()
    removal.take_from_view(dataset)
    assert left()
    assert not models.Dataset.objects.exists()
    assert not models.Source.objects.visible().exists()
    assert not models.StorySentence.objects.visible().exists()
    assert not models.Decoding.objects.complete().exists()
    import_vist(*vist_files(tmp_path))  # the name is free
    models.Output.objects.first().delete()  # and a part of it is gone already
    assert removal.removals_finish() == 1
    assert models.Dataset.all_rows.count() == models.Import.objects.count() == 1
    assert left()["StorySentence"] == 20


def test_a_round_of_the_sweeper_gives_a_removal_a_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and leases wait no longer; the next round goes on with it."""
    two_imports(tmp_path)
    removal.take_from_view(models.Dataset.objects.get())
    monkeypatch.setattr(bulk, "WRITE_BATCH_SIZE", 5)
    before = left()
    with monkeypatch.context() as short:
        short.setattr(removal, "SECONDS_PER_ROUND", 0.0)
        assert removal.removals_finish() == 0
    rows = sum(before.values()), sum(left().values())
    assert 0 < rows[0] - rows[1] <= 5
    assert removal.removals_finish() == 1
    assert left() == {}


def test_a_removal_that_cannot_be_finished_is_said_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command has one clear error; the sweeper goes on to others, and does not try it again every round."""
    import_vist(*vist_files(tmp_path))
    tries = []

    def refused(*, target: Any) -> Any:
        tries.append(target)
        raise IntegrityError("FOREIGN KEY constraint failed")
        yield

    monkeypatch.setattr(removal, "removal_finishing", refused)
    with pytest.raises(CommandError, match=r"^dataset 'vist' is hidden, but not all of its rows could be removed: "):
        remove("dataset", "vist", capsys)
    assert [removal.removals_finish() for _ in range(3)] == [0, 0, 0]
    assert len(tries) == 2
    monkeypatch.undo()
    removal.stuck.clear()
    assert removal.removals_finish() == 1


def test_a_system_goes_with_its_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, second = two_imports(tmp_path)
    assert remove("system", "lstm", capsys)["rows"] == {"decodings": 1, "outputs": 1}
    assert not models.System.objects.filter(name="lstm").exists()
    assert left()["Source"] == 35
    with pytest.raises(CommandError, match="'human' is built in"):
        remove("system", "human", capsys)
    call_command(
        *("import_pairs", tmp_path / "p.jsonl"),
        **{"dataset": "vist", "split": "train", "album_field": "a", "photo_field": "p", "systems": ["lstm=out"]},
    )
    assert models.Output.objects.get().text == "fun"
    second.refresh_from_db()
    assert second.superseded


def test_what_depends_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    parts = make_campaign(captions=3)
    name, dataset = parts.campaign.name, parts.dataset
    row = models.Import.objects.get(dataset=dataset)
    for kind, what, says in (
        ("dataset", dataset.name, rf"campaign '{name}' uses it \(open, 0 ratings\)"),
        ("system", "lstm", f"campaign '{name}' shows 3 of its texts"),
        (
            "import",
            row.pk,
            f"campaign '{name}' has 3 items from its sources; campaign '{name}' shows 3 of its sentences",
        ),
    ):
        with pytest.raises(CommandError, match=says):
            remove(kind, what, capsys)
    assert models.Candidate.objects.exists()


def test_runs_at_work_hold_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_vist(*vist_files(tmp_path))
    Run.objects.create(kind="score", dataset=models.Dataset.objects.get())
    with pytest.raises(CommandError, match=r"score run .* is queued and uses it"):
        remove("dataset", "vist", capsys)


def test_a_run_queued_after_the_first_look_holds_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_vist(*vist_files(tmp_path))
    row = models.Import.objects.get()
    take = removals.view_take

    def meanwhile(*args: Any) -> None:
        Run.objects.create(kind="train", dataset=row.dataset)
        take(*args)

    monkeypatch.setattr(removals, "view_take", meanwhile)
    with pytest.raises(ConflictError, match=r"train run .* is queued and uses it"):
        removal.take_from_view(row)
    assert models.Import.objects.complete().filter(pk=row.pk).exists()


def trained(dataset: models.Dataset, name: str, source: str, sources: str = "own") -> None:
    config = {"source": source, "sources": sources, "training": load_preset("tiny").to_dict()}
    run = Run.objects.create(kind="train", state="done", dataset=dataset, config=config, finished_at=timezone.now())
    system = models.System.objects.create(name=name, kind="model")
    Checkpoint.objects.create(run=run, system=system, directory=name, sha256="0" * 64, size_bytes=1)


def dependent_models(target: removal.Removable) -> list[str]:
    return [said.split("'")[1] for said in removal.all_dependents(target) if "was trained on" in said]


def test_models_are_named_that_were_trained_on_it(tmp_path: Path) -> None:
    import_vist(*vist_files(tmp_path))
    dataset = models.Dataset.objects.get()
    trained(dataset, "before", "caption")
    row = {"a": "train-album-0", "p": "train-0-1", "caption": "a boat", "story": "They left at dawn.", "out": "fun"}
    ids = {"dataset": "vist", "album_field": "a", "photo_field": "p"}
    call_command("import_pairs", lines(tmp_path / "p.jsonl", row), split="train", systems=["lstm=out"], **ids)
    outputs = lines(tmp_path / "o.jsonl", {"id": "train-0-1#0", "album": "train-album-0", "text": "we had fun"})
    call_command("import_outputs", outputs, dataset="vist", system="gru")
    call_command("import_pairs", lines(tmp_path / "t.jsonl", {**row, "a": "test"}), split="test", **ids)
    for name, source in (("of-captions", "caption"), ("of-any", "*"), ("of-lstm", "lstm"), ("of-gru", "gru")):
        trained(dataset, name, source)
    trained(dataset, "of-all", "lstm", "all")
    elsewhere = models.Dataset.objects.create(name="elsewhere")
    trained(elsewhere, "of-any-elsewhere", "*")
    vist, pairs, gru, test = models.Import.objects.order_by("pk")
    everything = ["of-all", "of-any", "of-captions", "of-gru", "of-lstm"]
    assert dependent_models(vist) == ["before", *everything]
    assert dependent_models(pairs) == everything
    assert dependent_models(gru) == ["of-all", "of-any", "of-gru"]
    assert dependent_models(test) == []
    assert dependent_models(models.System.objects.get(name="lstm")) == ["of-all", "of-any", "of-lstm"]
    assert dependent_models(models.System.objects.get(name="gru")) == ["of-all", "of-any", "of-gru"]
    tested = DecodingFactory(dataset=dataset, split="test")
    assert dependent_models(tested.system) == []  # nobody trains on what is written for a test
    assert dependent_models(dataset) == ["before", *everything]


def test_a_system_stays_while_a_training_began_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name or its checkpoint's folder; the lineage tells the way back, and files stay while a run reads them."""
    dataset = DatasetFactory(name="boats")
    StorySentenceFactory(photo=CaptionFactory(photo__album__dataset=dataset).photo)
    trained(dataset, "first", "caption")
    folder = settings.VAR_DIR / "first"
    with pytest.raises(
        CommandError,
        match="the model of 'first' was built with different settings; match them \\(hidden_size=32 in the checkpoint, "
        "64 here\\)",
    ):
        call_command("train", dataset="boats", preset="tiny", overrides=["init=first", "hidden_size=64"], name="other")
    with pytest.raises(CommandError, match=r"\(architecture=gru-luong in the checkpoint, lstm here\)"):
        call_command(
            "train", dataset="boats", preset="tiny", overrides=["init=first", "architecture=lstm"], name="other"
        )
    assert not models.System.objects.filter(name__in=["other", "lstm"]).exists()
    for init in ("first", str(folder)):
        call_command("train", dataset="boats", preset="tiny", overrides=[f"init={init}"], name="second")
        run = Run.objects.latest("pk")
        assert (run.config["init"], run.config["training"]["init"]) == ("first", str(folder))
        with pytest.raises(CommandError, match=f"train run {run.public_id} is queued and uses it"):
            remove("system", "first", capsys)
        with pytest.raises(ConflictError, match="still uses it"):
            checkpoint_prune(checkpoint=Checkpoint.objects.get(), root=settings.VAR_DIR)
        Run.objects.filter(pk=run.pk).update(state="cancelled", finished_at=timezone.now())
    Run.objects.filter(pk=run.pk).update(state="done")
    Checkpoint.objects.create(run=run, system=run.system, directory="second", sha256="1" * 64, size_bytes=1)
    with pytest.raises(CommandError, match="system 'second' was initialised from its checkpoint"):
        remove("system", "first", capsys)
    told = lineage(run.system)["began_from"]
    assert told == [{"system": "first", "sha256": "0" * 64, "feedback_set": None, "valid": True, "simulated": False}]
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = in_one_line(client.get(f"/models/{run.system_id}/"))
    assert f"Initialised from</th><td>first <code>{'0' * 64}</code>" in page
    remove("system", "second", capsys)
    remove("system", "first", capsys)


def test_it_asks(tmp_path: Path) -> None:
    import_pairs(lines(tmp_path / "a.jsonl", {"caption": "a", "story": "A."}))
    with pytest.raises(CommandError, match="--yes"):
        call_command("remove", "dataset", "mine")
    assert models.Dataset.objects.exists()


def test_the_page_says_what_goes_and_asks(tmp_path: Path) -> None:
    first, second = two_imports(tmp_path)
    client = Client()
    client.force_login(account_make(name="rosa", role="researcher"))
    page = client.get(f"/data/{first.dataset_id}/").content.decode()
    assert "Written: 2 albums, 12 photos" in page
    held, free = (f"/data/remove/import/{row.pk}/" for row in (first, second))
    assert held in page
    assert f"import {second.pk} (p.jsonl) has 3 rows" in client.get(held).content.decode()
    asked = client.get(free).content.decode()
    assert "1 source, 1 story, 1 sentence, 1 decoding, 1 output" in asked
    assert models.Import.objects.complete().count() == 2
    client.post(free)
    assert models.Import.objects.complete().get() == first
    client.post(held)
    client.post(f"/data/remove/dataset/{first.dataset_id}/")
    assert not models.Dataset.objects.exists()


def test_the_admin_deletes_nothing_by_itself() -> None:
    """No list's action and no delete page takes rows away whose ratings would go with them."""
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("admin", password="x")
    for model in (models.Dataset, models.System, models.Campaign, Run):
        admin = site._registry[model]
        assert not admin.has_delete_permission(request)
        assert admin.get_actions(request) == {}
    assert models.Import not in site._registry


def test_a_member_of_an_ensemble_at_work_stays() -> None:
    dataset = DatasetFactory()
    member = models.System.objects.create(name="member", kind="model")
    first = models.System.objects.create(name="first", kind="model")
    trained = Run.objects.create(kind="train", state="done", finished_at=timezone.now())
    checkpoint = Checkpoint.objects.create(
        run=trained, system=member, directory="runs/x", sha256="0" * 64, size_bytes=1, metrics={}
    )
    run = Run.objects.create(kind="decode", system=first, dataset=dataset, config={"ensemble": ["other", "member"]})
    assert removal.all_dependents(member) == [f"decode run {run.public_id} is queued and uses it"]
    with pytest.raises(ConflictError, match="still uses it"):
        checkpoint_prune(checkpoint=checkpoint, root=settings.VAR_DIR)
