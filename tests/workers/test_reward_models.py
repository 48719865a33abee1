"""Reward models on the site: fitted by a run on a feedback set, whole or not there."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

import modeling.reward_training
from annotations import models
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.errors import InputError
from modeling.config import RewardConfig
from modeling.reward import HEAD, MANIFEST
from tests.annotations.feedback import built, feedback_campaign
from tests.pages import in_one_line
from tests.workers.rewards import RUNS, TEXTS, fit, folder_of, made_row, rated_set
from workers.jobs import corpus, reward
from workers.lifecycle import Claim, RunLost, holding
from workers.models import RewardModel, Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db


def test_the_command_fits_what_modeling_fits_on_the_sets_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    row = rated_set()
    told = fit(capsys, "warm", "--feedback", "liked")
    made = RewardModel.objects.get(name="warm")
    run = made.run
    assert (run.state, run.fraction, run.feedback_set, made.feedback_set, made.dataset) == (
        "done", 1.0, row, row, row.dataset,
    )  # fmt: skip
    assert corpus.write_records(corpus.feedback_rows(row), tmp_path / "file.jsonl") == row.counts["examples"]
    alone = modeling.reward_training.train_reward(
        RewardConfig(folds=3), feedback=tmp_path / "file.jsonl", folder=tmp_path / "alone"
    )
    folder = reward.reward_folder(reward.reward_named("warm"))
    for name in (HEAD, MANIFEST):
        assert (folder / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert made.sha256 == alone.reward.head_sha256
    assert made.size_bytes == sum(file.stat().st_size for file in (tmp_path / "alone").iterdir())
    assert made.agreement == json.loads(json.dumps(alone.figures.to_dict())) == told["agreement"]
    assert told["state"] == "done"
    assert not made.simulated
    assert not told["simulated"]
    assert [each.name for each in folder_of(run).iterdir()] == [folder.name], "no words of raters are left there"
    assert "pairwise accuracy 0." in run.message or "pairwise accuracy 1." in run.message


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--feedback", "none"], "feedback set 'none' does not exist; available: liked"),
        (["--feedback", "liked", "--set", "depth=3"], "unknown setting 'depth'; valid settings: device"),
        (["--feedback", "liked", "--set", "folds=1"], "folds=1: must be a whole number from 2 to 50"),
        (["--feedback", "liked", "--set", "folds=7"], "are of 6 albums, too few to hold out one part in 7"),
        (["--feedback", "liked", "--set", "states=/tmp"], "states: a folder of one machine cannot be given here"),
    ],
)
def test_what_cannot_be_fitted_makes_no_run(words: list[str], says: str) -> None:
    rated_set()
    with pytest.raises(CommandError, match=says):
        call_command("fit_reward", "warm", *words)
    models.FeedbackSet.objects.update(valid=False)
    with pytest.raises(CommandError, match="feedback set 'liked' is invalid"):
        call_command("fit_reward", "warm", "--feedback", "liked")
    assert not Run.objects.exists()


def test_a_name_is_taken_once_it_is_asked_for() -> None:
    row = rated_set()
    waiting = reward.launch(name="warm", feedback="liked", overrides=["folds=3"])
    with pytest.raises(InputError, match="reward model 'warm' already exists or is being fitted"):
        reward.launch(name="warm", feedback="liked", overrides=["folds=3"])
    made_row(row)
    with pytest.raises(IntegrityError), transaction.atomic():
        made_row(row)
    with pytest.raises(InputError, match="reward model 'warm' already exists"):
        execute_run(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == "failed"
    assert list(folder_of(waiting).iterdir()) == []


def test_a_claim_that_was_lost_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rated_set()
    fitting = modeling.reward_training.train_reward

    def meanwhile(*args: Any, **options: Any) -> Any:
        result = fitting(*args, **options)
        assert result.folder.is_dir()
        Run.objects.update(attempt=2)
        return result

    monkeypatch.setattr(modeling.reward_training, "train_reward", meanwhile)
    claim = Claim(reward.launch(name="warm", feedback="liked", overrides=["folds=3"], claimed=True))
    with pytest.raises(RunLost), holding(claim):
        reward.perform(claim)
    assert not RewardModel.objects.exists()
    assert list(folder_of(claim.run).iterdir()) == []
    assert Run.objects.get().state == "running", "another attempt's"


def test_a_worker_that_died_leaves_it_to_be_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rated_set()
    run = reward.launch(name="warm", feedback="liked", overrides=["folds=3"])
    # of an attempt that was killed in the middle, and of one that was killed before it could say that it had done it
    for name in ("feedback-9.jsonl", "feedback-9.abcd.part"):
        folder_of(run).mkdir(parents=True, exist_ok=True)
        (folder_of(run) / name).write_text("{}\n")
    (folder_of(run) / "reward-9").mkdir()
    Run.objects.update(state="running", attempt=1, heartbeat_at=run.created_at)
    reward.perform(Claim(Run.objects.get()))
    Run.objects.update(state="queued", heartbeat_at=None)
    monkeypatch.setattr(modeling.reward_training, "train_reward", None)  # is not asked again
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt, run.result["reward_model"]) == ("done", 2, "warm")
    assert [each.name for each in folder_of(run).iterdir()] == ["reward-1"]
    assert (RewardModel.objects.get().run, RewardModel.objects.get().directory[-9:]) == (run, "/reward-1")


def test_a_set_that_becomes_invalid_meanwhile_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rated_set()
    fitting = modeling.reward_training.train_reward

    def meanwhile(*args: Any, **options: Any) -> Any:
        models.FeedbackSet.objects.update(valid=False)
        return fitting(*args, **options)

    monkeypatch.setattr(modeling.reward_training, "train_reward", meanwhile)
    run = reward.launch(name="warm", feedback="liked", overrides=["folds=3"])
    with pytest.raises(InputError, match="is invalid"):
        execute_run(run.pk)
    assert not RewardModel.objects.exists()
    assert list(folder_of(run).iterdir()) == []


def test_the_form_launches_what_the_command_launches(staff: Client) -> None:
    row = rated_set()
    assert "launch/reward/" in staff.get(RUNS).content.decode()
    assert "launch/reward/?feedback=liked" in in_one_line(staff.get(f"/data/feedback/{row.pk}/"))
    values = {"name": "warm", "feedback": "liked", "folds": "3", "l2": "10", "seed": "2", "queue": "cpu"}
    assert staff.post(f"{RUNS}launch/reward/", values).status_code == 302
    call_command("fit_reward", "typed", "--feedback", "liked", "--set", "folds=3", "l2=10.0", "seed=2")
    filled, typed = Run.objects.order_by("pk")
    assert {**filled.config, "name": ""} == {**typed.config, "name": ""}
    assert filled.config["reward"] == RewardConfig(folds=3, l2=10.0, seed=2).to_dict()
    assert (filled.kind, filled.state, filled.feedback_set) == ("reward", "queued", row)
    assert "too few to hold out one part in 9" in staff.post(
        f"{RUNS}launch/reward/", values | {"name": "other", "folds": "9"}
    ).content.decode().replace("&#x27;", "'")
    models.FeedbackSet.objects.update(valid=False)
    assert 'value="liked"' not in staff.get(f"{RUNS}launch/reward/").content.decode()


def test_the_page_of_the_run_says_how_far_it_agrees_beside_the_raters(staff: Client) -> None:
    made = made_row(rated_set())
    page = in_one_line(staff.get(f"{RUNS}{made.run_id}/"))
    for words in (
        "0.70 [0.60, 0.80]",
        "0.65 [0.55, 0.75]",
        "0.72 [0.61, 0.83]",
        "40 judgements of a pair",
        "Few pairs.",
    ):
        assert words in page
    assert "no two raters judged the same" in page
    assert "<b>Learned</b> from what 3 raters said in feedback set" in page
    assert "simulated" not in page
    assert "rerank=reward:warm&amp;samples=8&amp;keep=1" in page
    listed = in_one_line(staff.get("/models/rewards/"))
    assert "0.70 [0.60, 0.80]" in listed
    assert "0.65 [0.55, 0.75]" in listed
    assert ">warm</a>" in in_one_line(staff.get(f"/data/feedback/{made.feedback_set_id}/"))


def test_of_simulated_raters_it_says_so_everywhere(staff: Client, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = feedback_campaign(captions=8, texts=TEXTS)
    simulation = simulation_of(raters={"honest": 3}, truth={}, systems=["human", "plain"], seed=1)
    raters_simulate(campaign=campaign, simulation=simulation)
    built(campaign, name="rehearsal", simulated=True)
    told = fit(capsys, "rehearsed", "--feedback", "rehearsal")
    made = RewardModel.objects.get()
    assert told["simulated"] is made.simulated is made.run.config["feedback_simulated"] is True
    assert made.run.message.startswith("learned; of simulated raters: 3 raters on 8 albums")
    assert "<b>Its raters are simulated:</b>" in staff.get(f"{RUNS}{made.run_id}/").content.decode()
    assert ">simulated</td>" in staff.get("/models/rewards/").content.decode()
    assert "(learned; of simulated raters)" in staff.get(f"{RUNS}launch/decode/").content.decode()
