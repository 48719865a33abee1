"""Trainings that go on from a model and learn from a feedback set: what they read, and what they cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from annotations import models
from annotations.errors import InputError
from modeling.config import load_preset, preset_names
from modeling.feedback import OBJECTIVES
from modeling.feedback_rows import Preference, read_feedback
from tests.annotations.feedback import built, choosing, feedback_campaign, rate, scoring
from tests.factories import AlbumFactory, CaptionFactory, PhotoFactory, StorySentenceFactory
from tests.workers.rewards import fit
from workers.forms import TrainForm
from workers.jobs import training
from workers.jobs.reward import pleasing
from workers.launch_form import trained_systems
from workers.models import Checkpoint, RewardModel, Run
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db
TINY = ["max_steps=10", "patience=0"]
THINGS = ["dog", "boat", "kite", "cake", "band", "tree"]


def human_texts(dataset: models.Dataset) -> None:
    for split, count in (("train", 12), ("valid", 4)):
        for n in range(count):
            photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split=split))
            CaptionFactory(photo=photo, text=f"a picture of thing {n} and a {THINGS[n % 6]}")
            StorySentenceFactory(photo=photo, text=f"We loved the {THINGS[n % 6]} so much.")


@pytest.fixture
def compared(tmp_path: Path, settings: Any) -> models.FeedbackSet:
    """A set of preferences alone, and a system that was trained on the same dataset, which is called `first`."""
    campaign = feedback_campaign(captions=6, protocol="pairwise", name="pairs")
    rate(campaign, choosing("human", "gru"))
    human_texts(campaign.dataset)
    train(campaign.dataset, name="first")
    return built(campaign, name="pairs")


def train(dataset: models.Dataset, *sets: str, **options: Any) -> Run:
    call_command("train", "--dataset", dataset.name, "--preset", "tiny", "--wait", "--set", *TINY, *sets, **options)
    return Run.objects.latest("pk")


def test_a_model_learns_from_the_preferences_of_a_set(compared: models.FeedbackSet) -> None:
    run = train(compared.dataset, "objective=dpo", "init=first", name="second", feedback=compared.name)
    assert run.state == "done"
    folder = settings.RUNS_DIR / str(run.public_id)
    rows = read_feedback(folder / "feedback.jsonl")
    assert len(rows) == compared.examples.filter(kind="preference").count() > 0
    assert all(isinstance(row, Preference) for row in rows)
    texts = [
        text for line in (folder / "train.jsonl").read_text().splitlines() for text in json.loads(line)["references"]
    ]
    assert not any(text.startswith("People told") for text in texts), "what was judged is in a file of its own"
    assert run.feedback_set == compared
    assert (run.result["feedback_left_out"], run.result["why_left_out"]) == (0, [])
    assert "left out" not in run.message
    checkpoint = Checkpoint.objects.get(system__name="second")
    figures = {each["name"]: each for each in checkpoint.metrics["guarding"]["figures"]}
    assert {"nll", "source_gain", "unique", "repetition", "nonword_rate", "length"} <= figures.keys()
    assert checkpoint.metrics["guarding"]["sources"] == 4
    first = Checkpoint.objects.get(system__name="first")
    assert figures["nll"]["before"] != figures["nll"]["after"]
    assert checkpoint.sha256 != first.sha256


def test_one_that_got_worse_is_marked_with_the_reason_and_not_offered(
    compared: models.FeedbackSet, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    sets = ["objective=dpo", "init=first", "max_nll_rise=0", "anchor=0", "learning_rate=0.05"]
    run = train(compared.dataset, *sets, name="second", feedback=compared.name)
    checkpoint = Checkpoint.objects.get(system__name="second")
    assert "the NLL of human texts rose by" in checkpoint.worse
    assert "not offered, as it is worse than before: " in run.message
    assert [system.name for system in trained_systems()] == ["first"]
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    for page in (f"runs/{run.pk}", f"models/{checkpoint.system.pk}"):
        said = client.get(f"/{page}/").content.decode()
        assert "<b>Worse than before:</b>" in said
        assert "What learning from feedback has cost" in said
        nll = next(each for each in checkpoint.metrics["guarding"]["figures"] if each["name"] == "nll")
        low, high = nll["difference_ci"]
        assert low < nll["difference"] < high
        assert f"+{nll['difference']:.3f}<br>" in said
        assert f">{low:.3f} to {high:.3f}</span>" in said.replace("−", "-")
        assert "Decode\n" not in said
    told = capsys.readouterr().out.replace("−", "-")
    assert "\nmeasured before and after: 4 validation sources, with 95 % intervals\n" in told
    (of_nll,) = (line for line in told.splitlines() if line.startswith("NLL of human texts, nats a word: "))
    assert of_nll.endswith(f" after, change +{nll['difference']:.3f} ({low:.3f} to {high:.3f})")
    assert "worse: the NLL of human texts rose by" in told
    assert "guarding" not in told


def test_likelihood_by_weights_is_measured_against_the_model_before_too(compared: models.FeedbackSet) -> None:
    run = train(compared.dataset, "init=first", name="second", feedback=compared.name)
    assert not (settings.RUNS_DIR / str(run.public_id) / "feedback.jsonl").exists()
    assert Checkpoint.objects.get(system__name="second").metrics["guarding"]["figures"]
    assert "guarding" not in Checkpoint.objects.get(system__name="first").metrics


@pytest.mark.parametrize(
    ("sets", "feedback", "why"),
    [
        (["objective=dpo", "init=first"], None, "objective=dpo learns from a feedback set"),
        (["objective=dpo"], "pairs", "set init to the one to be improved"),
        (["objective=unlikelihood", "init=first"], "pairs", "of kind spans; 'pairs' has preference"),
        (["objective=dpo", "init=first", "draws=4", "reward=r"], "pairs", "drawn texts are judged by the reward model"),
        (["objective=likes", "init=first"], "pairs", "objective=likes: must be likelihood or distillation"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_a_run_is_made(
    compared: models.FeedbackSet, sets: list[str], feedback: str | None, why: str
) -> None:
    before = Run.objects.count()
    with pytest.raises(CommandError, match=why):
        train(compared.dataset, *sets, name="second", feedback=feedback)
    assert Run.objects.count() == before
    assert not models.System.objects.filter(name="second").exists()


def test_a_set_that_became_invalid_meanwhile_is_not_learned_from(compared: models.FeedbackSet) -> None:
    run = training.launch(
        dataset=compared.dataset.name, preset="tiny", overrides=[*TINY, "objective=dpo", "init=first"],
        feedback=compared.name, name="second",
    )  # fmt: skip
    models.FeedbackSet.objects.update(valid=False)
    with pytest.raises(InputError, match="is invalid"):
        execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, "is invalid" in run.message) == ("failed", True)


def test_a_set_that_loses_a_raters_words_while_it_is_learned_from_makes_no_model(
    compared: models.FeedbackSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erasing(*_: Any) -> None:
        models.FeedbackSet.objects.update(valid=False)

    monkeypatch.setattr(training, "guarded", erasing)
    with pytest.raises(CommandError, match="is invalid"):
        train(compared.dataset, "objective=dpo", "init=first", name="second", feedback=compared.name)
    run = Run.objects.latest("pk")
    assert run.state == "failed"
    assert not Checkpoint.objects.filter(run=run).exists()
    left = {file.name for file in (settings.RUNS_DIR / str(run.public_id)).glob("*.jsonl")}
    assert left == {"valid.jsonl"}


@pytest.mark.parametrize("objective", ["likelihood", "dpo"])
def test_what_was_judged_for_photos_alone_is_said_to_be_left_out(compared: models.FeedbackSet, objective: str) -> None:
    judged = compared.examples.values("source")
    bare, *others = models.Source.objects.filter(pk__in=judged).select_related("album").order_by("pk")
    count = compared.examples.filter(source=bare).count()
    models.Source.objects.filter(pk=bare.pk).update(kind="photo", text="")
    run = train(compared.dataset, f"objective={objective}", "init=first", name="second", feedback=compared.name)
    examples = "1 example" if count == 1 else f"{count} examples"
    assert run.result["feedback_left_out"] == count
    assert run.result["why_left_out"] == [f"{examples} of '{bare.album.external_id}/{bare.key}': it has no caption"]
    assert f"steps, {examples} of the feedback set left out, whose source has no caption" in run.message
    models.Source.objects.filter(pk__in=[each.pk for each in others]).update(kind="photo", text="")
    with pytest.raises(CommandError, match="no source in feedback set 'pairs' has a caption"):
        train(compared.dataset, f"objective={objective}", "init=first", name="third", feedback=compared.name)


def test_texts_are_drawn_and_judged_by_a_reward_model(
    compared: models.FeedbackSet, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(capsys, "warm", "--feedback", "pairs")
    sets = ["objective=dpo", "init=first", "draws=6", "draw_sources=8", "reward=warm"]
    run = train(compared.dataset, *sets, name="second")
    assert run.feedback_set == compared, "which the reward model learned from"
    drawn = read_feedback(settings.RUNS_DIR / str(run.public_id) / "training" / "drawn.jsonl")
    assert drawn
    assert all(isinstance(row, Preference) and row.origin == "reward" for row in drawn)
    figures = {each["name"] for each in Checkpoint.objects.get(system__name="second").metrics["guarding"]["figures"]}
    assert "reward" in figures
    call_command("decode", "--system", "second", "--dataset", compared.dataset.name, "--split", "valid", "--wait")
    said = list(pleasing(RewardModel.objects.get(), models.Decoding.objects.filter(system__name="second")))
    assert said
    assert "learned from reward model 'warm'" in said[0]
    with pytest.raises(CommandError, match="reward model 'cold' does not exist; available: warm"):
        train(compared.dataset, *sets[:-1], "reward=cold", name="third")


@pytest.mark.parametrize(("objective", "beta"), [("dpo", 0.1), ("ipo", 0.1), ("kto", 0.1), ("simpo", 2.0)])
def test_the_form_says_what_holds_where_anchor_and_beta_are_left_empty(objective: str, beta: float) -> None:
    fields = TrainForm.base_fields
    sets = [f"objective={objective}", "init=x"]
    for preset in preset_names():
        config = load_preset(preset, [*sets, "denoising=0"])
        assert fields["anchor"].help_text.endswith(f" If empty: {config.anchor:g}.")
        assert OBJECTIVES[objective](config).beta == beta  # type: ignore[attr-defined]
    assert fields["beta"].help_text.endswith(" If empty: 0.1, with simpo 2.")


def test_the_form_launches_it(compared: models.FeedbackSet) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    sent = {
        "dataset": compared.dataset.name, "preset": "tiny", "name": "second", "feedback": "pairs", "budget": "",
        "objective": "kto", "init": "first", "source": "caption", "anchor": "0.5", "queue": "cpu", "robust": "false",
    }  # fmt: skip
    answer = client.post("/runs/launch/train/", sent)
    assert answer.status_code == 302, answer.content.decode()
    config = Run.objects.latest("pk").config
    asked = {key: config["training"][key] for key in ("objective", "anchor", "robust", "learning_rate")}
    assert asked == {"objective": "kto", "anchor": 0.5, "robust": False, "learning_rate": 0.001}
    assert (config["init"], config["feedback"]) == ("first", "pairs")


def test_kto_learns_from_scores() -> None:
    campaign = feedback_campaign(captions=4, name="scores")
    rate(campaign, scoring(human=90, gru=20, lstm=40), scoring(human=80, gru=30, lstm=30))
    human_texts(campaign.dataset)
    train(campaign.dataset, name="first")
    row = built(campaign, name="scores")
    run = train(campaign.dataset, "objective=kto", "init=first", name="second", feedback=row.name)
    assert run.state == "done"
