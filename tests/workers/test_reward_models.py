"""Reward models on the site: fitted by a run on a feedback set, whole or not there, and used by decodings."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

import modeling.reward_training
from annotations import models
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.errors import InputError
from annotations.removal.erasing import identities, person_erase
from modeling.config import RewardConfig
from modeling.reward import HEAD, MANIFEST, Reward
from tests.annotations.feedback import built, feedback_campaign, rate
from tests.factories import CaptionFactory, StorySentenceFactory
from tests.pages import in_one_line
from tests.workers.test_pages import decode_form, trained_system
from workers import removal
from workers.jobs import corpus, reward
from workers.jobs.decoding import checkpoint_of, decoding_fingerprint
from workers.lifecycle import Claim, RunLost, holding
from workers.lineage import lineage
from workers.models import RewardModel, Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db
RUNS = "/admin/workers/run/"
TEXTS = {"plain": lambda n: f"there is thing {n}"}


def rated_set(name: str = "liked", captions: int = 6, **spec: Any) -> models.FeedbackSet:
    """Three raters like what people wrote better, each a little otherwise."""
    campaign = feedback_campaign(captions=captions, texts=TEXTS, name=f"rated for {name}", **spec)

    def says(shift: int) -> Any:
        def scores(by: Any, caption: str) -> dict[str, int]:
            turn = int(caption.rsplit(" ", 1)[1]) * 7 % 20
            return {text: (70 if system == "human" else 30) + (turn + shift) % 20 for system, text in by.items()}

        return scores

    rate(campaign, says(0), says(5), says(11))
    return built(campaign, name=name)


def folder_of(run: Run) -> Path:
    return Path(settings.RUNS_DIR) / str(run.public_id)


def fit(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    call_command("fit_reward", *words, "--set", "folds=3", "--wait", "--json")
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


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


def made_row(feedback_set: models.FeedbackSet, name: str = "warm", **fields: Any) -> RewardModel:
    """A row whose files nobody reads."""
    side = {"value": 0.7, "ci": [0.6, 0.8], "count": 40, "ceiling": 0.65, "ceiling_ci": [0.55, 0.75]}
    side |= {"ceiling_count": 30, "beside": 0.72, "beside_ci": [0.61, 0.83]}
    figures = {
        "groups": 12,
        "raters": 3,
        "pairwise_accuracy": side,
        "spearman": side | {"value": 0.25, "ceiling": None},
    }
    run = Run.objects.create(
        kind="reward", state="done", dataset=feedback_set.dataset, feedback_set=feedback_set, config={"name": name},
        finished_at=feedback_set.created_at,
    )  # fmt: skip
    values = {"directory": "none", "sha256": "0" * 64, "size_bytes": 1, "agreement": figures | {"notes": ["few pairs"]}}
    return RewardModel.objects.create(
        name=name, run=run, feedback_set=feedback_set, dataset=feedback_set.dataset, **values | fields
    )


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
    assert "launch/reward/?feedback=liked" in in_one_line(staff.get(f"/admin/annotations/feedbackset/{row.pk}/change/"))
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
    page = in_one_line(staff.get(f"{RUNS}{made.run_id}/change/"))
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
    listed = in_one_line(staff.get("/admin/workers/rewardmodel/"))
    assert "0.70 [0.60, 0.80]" in listed
    assert "0.65 [0.55, 0.75]" in listed
    assert ">warm</a>" in in_one_line(staff.get(f"/admin/annotations/feedbackset/{made.feedback_set_id}/change/"))


def test_of_simulated_raters_it_says_so_everywhere(staff: Client, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = feedback_campaign(captions=8, texts=TEXTS)
    simulation = simulation_of(raters={"honest": 3}, truth={}, systems=["human", "plain"], seed=1)
    raters_simulate(campaign=campaign, simulation=simulation)
    built(campaign, name="rehearsal", simulated=True)
    told = fit(capsys, "rehearsed", "--feedback", "rehearsal")
    made = RewardModel.objects.get()
    assert told["simulated"] is made.simulated is made.run.config["feedback_simulated"] is True
    assert made.run.message.startswith("learned; of simulated raters: 3 raters on 8 albums")
    assert "<b>Its raters are simulated:</b>" in staff.get(f"{RUNS}{made.run_id}/change/").content.decode()
    assert ">simulated</td>" in staff.get("/admin/workers/rewardmodel/").content.decode()
    assert "(learned; of simulated raters)" in staff.get(f"{RUNS}launch/decode/").content.decode()


@pytest.fixture
def trained(capsys: pytest.CaptureFixture[str]) -> models.FeedbackSet:
    """A feedback set, a reward model `warm` fitted on it, and a trained system `little` on the same dataset."""
    row = rated_set()
    photo = models.Album.objects.earliest("pk").photos.get()
    album = models.Album.objects.create(
        dataset=row.dataset, imported_by=photo.imported_by, external_id="t", split="train"
    )
    for n in range(8):
        caption = CaptionFactory(text=f"a dog in boat {n}", photo__album=album, photo__imported_by=photo.imported_by)
        StorySentenceFactory(photo=caption.photo, text=f"Boat {n} was ours on a sunny day.")
    fit(capsys, "warm", "--feedback", "liked")
    call_command(
        "train", "--dataset", row.dataset.name, "--preset", "tiny", "--name", "little", "--set", "max_steps=40",
        "threads=1", "--wait", "--json",
    )  # fmt: skip
    capsys.readouterr()
    return row


def decode(row: models.FeedbackSet, *overrides: str) -> models.Decoding:
    call_command(
        "decode", "--system", "little", "--dataset", row.dataset.name, "--split", "feedback", "--set", "samples=6",
        "seed=3", "temperature=1.5", "top_p=1", "max_length=12", "engine=torch", *overrides, "--wait", "--json",
    )  # fmt: skip
    return models.Decoding.objects.latest("pk")


def test_a_decoding_keeps_the_text_that_the_reward_model_likes_best(trained: models.FeedbackSet, staff: Client) -> None:
    drawn = decode(trained)
    best = decode(trained, "rerank=reward:warm", "keep=1")
    scores = Reward.load(reward.reward_folder(RewardModel.objects.get())).scores
    moved = 0
    for source in models.Source.objects.filter(outputs__decoding=drawn).distinct():
        texts = list(drawn.outputs.filter(source=source).order_by("rank").values_list("text", flat=True))
        kept = best.outputs.get(source=source)
        rewards = dict(zip(texts, scores([(source.text, text) for text in texts]), strict=True))
        assert rewards[kept.text] == pytest.approx(max(rewards[text] for text in texts if text), abs=1e-4)
        moved += kept.text != texts[0]
    assert moved, "the first is not always the best"
    made = RewardModel.objects.get()
    assert best.settings["rerank"] == "reward:warm"
    assert best.settings["reward"] == {"name": "warm", "sha256": made.sha256}
    assert str(settings.VAR_DIR) not in json.dumps([best.settings, Run.objects.get(decoding=best).config])
    assert best.row_name == "little, reranked by reward:warm"
    line = lineage(best.system)
    assert [each["reranked_by"] and each["reranked_by"]["feedback_set"] for each in line["decodings"]] == [
        None,
        "liked",
    ]
    page = in_one_line(staff.get(f"/admin/annotations/system/{best.system_id}/change/"))
    assert "reward model warm, learned from feedback set liked" in page

    again = decode(trained, "rerank=reward:warm", "keep=1")
    assert again == best, "the same head gives the same decoding"
    RewardModel.objects.update(sha256="0" * 64)
    with pytest.raises(CommandError, match="the files of reward model 'warm' are missing or were altered"):
        decode(trained, "rerank=reward:warm", "keep=1")
    (Path(settings.VAR_DIR) / made.directory / HEAD).unlink()
    with pytest.raises(CommandError, match="are missing or were altered"):
        decode(trained, "rerank=reward:warm", "keep=1")


def test_another_head_of_the_name_is_another_decoding(trained: models.FeedbackSet) -> None:
    config = {"decoding": {"rerank": "reward:warm"}, "source": "caption"}
    checkpoint, one = checkpoint_of(models.System.objects.get(name="little")), RewardModel.objects.get()
    prints = {decoding_fingerprint(checkpoint, [], config, one), decoding_fingerprint(checkpoint, [], config)}
    one.sha256 = "1" * 64
    assert len(prints | {decoding_fingerprint(checkpoint, [], config, one)}) == 3


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["samples=4", "rerank=reward:cold"], "reward model 'cold' does not exist; available: warm"),
        (["rerank=reward:warm"], "a single text cannot be reordered; set samples to 2 or more"),
    ],
)
def test_a_decoding_by_no_reward_model_makes_no_run(overrides: list[str], says: str) -> None:
    row = rated_set()
    made_row(row)
    trained_system(row.dataset)
    before = Run.objects.count()
    with pytest.raises(CommandError, match=says):
        call_command(
            "decode", "--system", "little", "--dataset", row.dataset.name, "--split", "feedback", "--set", *overrides
        )
    assert Run.objects.count() == before


def test_the_decode_form_offers_the_reward_models_that_there_are(staff: Client) -> None:
    row = rated_set()
    made_row(row)
    trained_system(row.dataset)
    values = decode_form(row.dataset, split="feedback", samples="4", keep="1", rerank="reward:warm")
    assert 'value="reward:warm"' in staff.get(f"{RUNS}launch/decode/").content.decode()
    assert staff.post(f"{RUNS}launch/decode/", values).status_code == 302
    assert Run.objects.latest("pk").config["decoding"]["rerank"] == "reward:warm"
    page = staff.post(f"{RUNS}launch/decode/", values | {"samples": "1", "keep": "0"}).content.decode()
    assert "a single text cannot be reordered" in page
    assert (
        "Select a valid choice"
        in staff.post(f"{RUNS}launch/decode/", values | {"rerank": "reward:cold"}).content.decode()
    )


def test_a_dataset_and_an_import_say_which_reward_models_stand_on_them() -> None:
    row = rated_set()
    made_row(row)
    says = "reward model 'warm' was fitted on what raters said of its texts"
    for target in (row.dataset, models.Source.objects.earliest("pk").imported_by):
        assert says in removal.all_dependents(target)
    with pytest.raises(CommandError, match=says):
        call_command("remove", "dataset", row.dataset.name, "--yes")


def test_erasing_a_rater_whose_words_a_set_holds_ends_its_reward_models(staff: Client) -> None:
    campaign = feedback_campaign(captions=2, texts=TEXTS, protocol="edit", name="rewritten")
    texts = {str(each.public_id): each.text for each in models.Candidate.objects.all()}
    rate(campaign, lambda by, caption: {text: f"Warmer: {texts[text]}" for text in by.values()}, outside_ids=["her"])
    made = made_row(built(campaign))
    assert reward.reward_named("warm") == made
    person_erase(list(identities("her", [campaign])))
    made.refresh_from_db()
    assert not made.valid
    with pytest.raises(InputError, match="reward model 'warm' is invalid: some texts of its feedback set 'set' were"):
        reward.reward_named("warm")
    with pytest.raises(InputError, match="reward model 'cold' does not exist; available: none yet"):
        reward.reward_named("cold")
    assert 'value="reward:warm"' not in staff.get(f"{RUNS}launch/decode/").content.decode()
    page = in_one_line(staff.get(f"{RUNS}{made.run_id}/change/"))
    assert "<b>It is invalid:</b>" in page
    assert "rerank=reward" not in page
