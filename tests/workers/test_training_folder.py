"""A worker that keeps a run's folder, such as one that was stopped, holds up neither its successor nor a cancel."""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from modeling import drawing, locks
from modeling.checkpoints import adopt_latest
from modeling.sealed import sealed
from tests.workers.test_killed_worker import write_pairs
from workers import lifecycle
from workers.jobs import perform
from workers.jobs.training_folder import training_folder
from workers.lifecycle import Claim, RunCancelled, holding, run_claim
from workers.models import Checkpoint, Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
STEPS = 6


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Claimed by a worker that was stopped in the middle of it, holding its folder; queued again."""
    monkeypatch.setattr(settings, "RUN_LOST_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(locks, "LOOK_SECONDS", 0.01)
    write_pairs(tmp_path / "train.jsonl", 40, seed=1)
    call_command("import_pairs", str(tmp_path / "train.jsonl"), "--dataset", "beach", "--split", "train", "--json")
    launch = ["train", "--dataset", "beach", "--preset", "tiny", "--name", "mine", "--json", "--set"]
    call_command(*launch, "vocabulary_size=80", "token_budget=128", f"max_steps={STEPS}", "save_every=0")
    capsys.readouterr()
    return Run.objects.get(kind="train")


@pytest.fixture
def stopped(training: Run) -> Iterator[Claim]:
    claim = run_claim(training.pk)
    assert claim is not None
    folder = settings.RUNS_DIR / str(training.public_id)
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        claim.release("given up")
        yield claim


def test_the_successor_goes_on_in_a_folder_of_its_own(stopped: Claim, training: Run) -> None:
    claim = run_claim(training.pk)
    assert claim is not None
    with holding(claim):
        perform(claim)
    run = Run.objects.get(pk=training.pk)
    assert (run.state, run.attempt) == ("done", 2)
    assert any("still holds the run's folder; this attempt works in training-2" in text for _, text in run.log)
    checkpoint = Checkpoint.objects.get()
    assert (settings.VAR_DIR / checkpoint.directory / "model.safetensors").is_file()
    assert stopped.finish(Run.State.DONE) is False


def test_what_an_attempt_has_drawn_whole_is_taken_along(stopped: Claim, training: Run) -> None:
    """By the attempt after it, and by the next one from that."""
    folder = settings.RUNS_DIR / str(training.public_id)
    rows = b'{"id": "1", "source": "a dog", "kind": "label", "text": "A dog!", "desirable": true}\n'
    manifest = {"format": drawing.FORMAT, "drawn_by": {}, "seconds": 3.0}
    manifest |= {"files": {drawing.FILE: hashlib.sha256(rows).hexdigest()}}
    drawing.keep(folder / "training", {drawing.FILE: rows[:-9], drawing.MANIFEST: sealed(manifest)})
    for attempt, whole in ((2, False), (3, True), (4, True)):
        if attempt == 3:
            drawing.keep(folder / "training", {drawing.FILE: rows})
        if attempt == 4:
            (folder / "training" / drawing.FILE).unlink()
        claim = run_claim(training.pk)
        assert claim is not None
        with training_folder(folder, claim) as directory:
            assert directory.name == f"training-{attempt}"
            assert (directory / drawing.FILE).is_file() is whole
            assert (drawing.kept_manifest(directory) or {}).get("seconds") == (3.0 if whole else None)
        claim.release("given up")


def test_a_cancel_is_heard_while_it_waits(stopped: Claim, training: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RUN_LOST_AFTER_SECONDS", 3600.0)
    claim = run_claim(training.pk)
    assert claim is not None
    lifecycle.run_cancel(claim.run)
    claim.beat()
    with pytest.raises(RunCancelled), holding(claim):
        perform(claim)
    assert Run.objects.get(pk=training.pk).state == "cancelled"


def test_the_newest_checkpoint_is_taken_along(tmp_path: Path) -> None:
    for place, names in {"training": ["step-000000002", "step-000000004"], "training-2": ["step-000000006"]}.items():
        for name in names:
            (tmp_path / place / name).mkdir(parents=True)
            (tmp_path / place / name / "manifest.json").write_text(json.dumps(name))
    mine = tmp_path / "training-3"
    everything: Any = lambda: tmp_path.glob("training*")  # noqa: E731
    adopt_latest(mine, everything())
    assert [path.name for path in mine.iterdir()] == ["step-000000006"]
    adopt_latest(tmp_path / "training-2", everything())
    assert [path.name for path in (tmp_path / "training-2").iterdir()] == ["step-000000006"]
    (tmp_path / "training" / "final").mkdir()
    adopt_latest(mine, everything())
    assert sorted(path.name for path in mine.iterdir()) == ["final", "step-000000006"]
