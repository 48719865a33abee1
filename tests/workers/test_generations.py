"""Generations: a chain of runs from ratings to a new campaign, each made once, whoever notices that it is due."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.errors import ConflictError, InputError
from tests.annotations.feedback import beside, feedback_campaign, rate
from tests.factories import AlbumFactory, CaptionFactory, PhotoFactory, StorySentenceFactory, SystemFactory
from workers.generations.asked import comparison_spec
from workers.generations.chain import generation_advance, generation_begin, generation_resume, generation_stop, steps_of
from workers.lifecycle import run_cancel
from workers.models import Checkpoint, Generation, RewardModel, Run
from workers.services import checkpoint_prune
from workers.sweeping import generations_advance
from workers.tasks import execute_run

pytestmark = pytest.mark.django_db
LIMITS = ["max_nll_rise=100", "max_gain_fall=100", "max_length_change=100", "max_flaw_rise=1"]  # of four sources
TINY = ["max_steps=10", "patience=0", "learning_rate=0.00001", *LIMITS]
THINGS = ["dog", "boat", "kite", "cake", "band", "tree"]
EVERY_STEP = ["feedback", "reward", "train", "decode_before", "decode", "score", "campaign"]


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are done by hand here, so that nobody is told of them."""
    monkeypatch.setattr("workers.lifecycle.doorbell_ring", lambda run: None)


@pytest.fixture
def rated(tmp_path: Any, settings: Any) -> models.Campaign:
    """A closed feedback campaign of people and a trained system, which is called `first`."""
    settings.VAR_DIR, settings.RUNS_DIR = tmp_path, tmp_path / "runs"
    campaign = feedback_campaign(captions=6, name="liked")
    dataset = campaign.dataset
    for split, count in (("train", 12), ("valid", 4), ("test", 8)):
        for n in range(count):
            photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split=split))
            CaptionFactory(photo=photo, text=f"a picture of thing {n} and a {THINGS[n % 6]}")
            StorySentenceFactory(photo=photo, text=f"We loved the {THINGS[n % 6]} so much.")
    train = ["train", "--dataset", dataset.name, "--preset", "tiny", "--name", "first", "--wait", "--set", *TINY]
    call_command(*train)
    call_command("decode", "--system", "first", "--dataset", dataset.name, "--split", "feedback", "--wait")
    campaign = beside(campaign, name="rated", systems=["human", "first"])

    def says(shift: int) -> Any:
        return lambda by, caption: {
            text: (70 if system == "human" else 30) + (len(caption) + shift) % 20 for system, text in by.items()
        }

    rate(campaign, says(0), says(5), says(11))
    campaign_close(campaign=campaign)
    return campaign


def begun(**asked: Any) -> Generation:
    values: dict[str, Any] = {"name": "second", "campaigns": ["rated"], "overrides": TINY}
    return generation_begin(**values | asked)


def due(generation: Generation) -> Run | None:
    """The run that waits, of which there is at most one."""
    waiting = list(generation.runs.filter(state=Run.State.QUEUED))
    assert len(waiting) <= 1
    return waiting[0] if waiting else None


def step_by_step(generation: Generation) -> Iterator[Run]:
    while run := due(generation):
        yield run
        execute_run(run.pk)


def go(generation: Generation, to: str) -> Run:
    """Do all that comes before a step."""
    return next(run for run in step_by_step(generation) if run.step == to)


def test_ratings_become_a_model_and_a_campaign_that_compares_it(rated: models.Campaign) -> None:
    generation = begun()
    assert [run.step for run in step_by_step(generation)] == EVERY_STEP
    generation.refresh_from_db()
    assert generation.completed_at
    assert not generation.problem
    assert not generation.runs.exclude(state=Run.State.DONE).exists()

    trained = generation.runs.get(step="train")
    assert trained.system
    assert trained.system.name == "second"
    assert trained.feedback_set == models.FeedbackSet.objects.get(name="second")
    asked = trained.config["training"]
    assert (trained.config["init"], asked["objective"], asked["max_steps"]) == ("first", "dpo", 10)
    figures = Checkpoint.objects.get(system__name="second").metrics["guarding"]["figures"]
    assert "reward" in {each["name"] for each in figures}
    assert RewardModel.objects.get().name == "second"

    made = generation.runs.get(step="campaign").campaign
    assert made
    assert (made.name, made.state, made.purpose, made.split) == ("second", "open", "evaluation", "test")
    assert (made.protocol, made.criteria, made.show) == (rated.protocol, rated.criteria, rated.show)
    assert made.primary == ["second", "first", rated.criteria[0]]
    shown = {entry.system.name: entry.decoding for entry in made.entries.select_related("system", "decoding")}
    assert set(shown) == {"human", "first", "second"}
    for step, system in (("decode_before", "first"), ("decode", "second")):
        assert generation.runs.get(step=step).result["decoding"] == shown[system].pk
    assert set(generation.runs.get(step="score").result["scores"]) >= {"first", "second"}


def test_a_run_that_was_done_twice_makes_nothing_twice(rated: models.Campaign) -> None:
    """A worker that dies after its last write, and before it could say that the run is done, leaves it to another."""
    generation = begun()
    for run in step_by_step(generation):
        execute_run(run.pk)
        Run.objects.filter(pk=run.pk).update(state=Run.State.QUEUED, finished_at=None)
        Run.objects.filter(generation=generation, state=Run.State.QUEUED).exclude(pk=run.pk).delete()
    generation.refresh_from_db()
    assert generation.completed_at
    assert [run.step for run in generation.runs.order_by("pk")] == EVERY_STEP
    for rows in (models.FeedbackSet, RewardModel):
        assert rows.objects.count() == 1
    assert Checkpoint.objects.filter(system__name="second").count() == 1
    assert models.Decoding.objects.complete().filter(split="test", system__name__in=["first", "second"]).count() == 2
    assert models.Campaign.objects.filter(name="second").count() == 1


def test_the_run_that_is_due_is_made_once_whoever_asks(rated: models.Campaign) -> None:
    generation = begun()
    assert generation_advance(generation.pk) is None
    assert generations_advance() == 0
    run = due(generation)
    assert run
    Run.objects.filter(pk=run.pk).update(generation=None)  # as if its worker died before it went on
    execute_run(run.pk)
    Run.objects.filter(pk=run.pk).update(generation=generation)
    assert due(generation) is None
    assert generations_advance() == 1
    assert generations_advance() == 0
    assert generation_advance(generation.pk) is None


def test_a_worse_model_is_not_shown_to_raters_unless_a_person_says_so(rated: models.Campaign) -> None:
    harm = ["max_nll_rise=0", "anchor=0", "learning_rate=0.05"]
    generation = begun(overrides=[*TINY, *harm], reward=False)
    assert [run.step for run in step_by_step(generation)] == ["feedback", "train"]
    generation.refresh_from_db()
    assert generation.problem.startswith("the new model is worse than the one before: the NLL of human texts rose by")
    with pytest.raises(ConflictError, match="is complete or is going on"):
        generation_resume(begun(name="third", reward=False))
    generation_resume(generation)
    assert due(generation) is None
    generation_resume(generation, accepts_worse=True)
    assert [run.step for run in step_by_step(generation)] == ["decode_before", "decode", "score", "campaign"]


def test_it_is_stopped_and_gone_on_with(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    run = go(generation, "train")
    generation_stop(generation)
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert generations_advance() == 0
    with pytest.raises(ConflictError, match="is complete or was stopped already"):
        generation_stop(generation)
    generation_resume(generation)
    assert due(generation) == run
    assert go(generation, "decode_before")


def test_what_it_goes_on_from_keeps_its_files(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    with pytest.raises(ConflictError, match="generation 'second' still uses it"):
        checkpoint_prune(checkpoint=Checkpoint.objects.get(), root=settings.VAR_DIR)
    generation_stop(generation)
    assert checkpoint_prune(checkpoint=Checkpoint.objects.get(), root=settings.VAR_DIR) > 0


def test_it_is_not_gone_on_with_while_its_run_is_still_ending(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    generation.runs.update(state=Run.State.RUNNING, heartbeat_at=generation.runs.get().created_at)
    generation_stop(generation)
    with pytest.raises(ConflictError, match="is still being cancelled"):
        generation_resume(generation)


def test_what_it_wrote_is_scored_though_there_is_newer(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    go(generation, "score")
    decode = ["decode", "--system", "first", "--dataset", rated.dataset.name, "--split", "test", "--wait"]
    call_command(*decode, "--set", "temperature=0.5")
    go(generation, "campaign")
    old = models.Decoding.objects.get(pk=generation.runs.get(step="decode_before").result["decoding"])
    assert old.scores.filter(campaign=None).exists()


def test_a_fault_in_one_generation_does_not_hold_up_the_sweeper(
    rated: models.Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = begun(reward=False), begun(name="third", reward=False)
    for generation in (broken, sound):
        run = due(generation)
        assert run
        Run.objects.filter(pk=run.pk).update(generation=None)
        execute_run(run.pk)
        Run.objects.filter(pk=run.pk).update(generation=generation)
    Generation.objects.filter(pk=broken.pk).update(config={})
    assert generations_advance() == 1
    assert due(sound)


def test_it_waits_for_a_run_that_a_person_cancelled(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    run = due(generation)
    assert run
    run_cancel(run)
    assert generations_advance() == 0
    call_command("runs", str(run.public_id), "--retry")
    assert go(generation, "train")


def test_what_cannot_be_launched_is_said_and_tried_again(rated: models.Campaign) -> None:
    generation = begun(reward=False)
    run = due(generation)
    assert run
    models.System.objects.create(name="second", kind=models.System.Kind.FILE)
    execute_run(run.pk)
    generation.refresh_from_db()
    assert generation.problem == "system 'second' is uploaded outputs; choose another name with --name"
    assert [each.run and each.run.step for each in steps_of(generation)] == ["feedback", *[None] * 5]
    assert generations_advance() == 0
    models.System.objects.filter(name="second").delete()
    generation_resume(generation)
    assert go(generation, "decode_before")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "rated"}, "campaign 'rated' already exists"),
    ({"name": "first"}, "system 'first' already exists"),
    ({"campaigns": []}, "give at least one feedback campaign"),
    ({"campaigns": ["liked"]}, "campaign 'liked' has no ratings yet"),
    ({"system": "human"}, "'human' no longer has a checkpoint"),
    ({"overrides": ["layers=many"]}, "layers=many: must be a whole number"),
    ({"decoding": ["temperature=hot"]}, "temperature=hot"),
    ({"decoding": ["method=greedy"], "best_of": 8}, "greedy decoding gives one text per source"),
    ({"overrides": ["objective=dpoo"]}, "objective=dpoo: must be likelihood or"),
    ({"overrides": ["hidden_size=48"]}, "built with different settings"),
    ({"overrides": ["init=other"]}, "init: cannot be set: the generation goes on from 'first'"),
    ({"overrides": ["draws=8"], "reward": False}, "set reward as well"),
    ({"best_of": 8, "reward": False}, "the best of several texts is what the reward model says"),
    ({"campaign": {"items": 9}}, "9 requested, but .* has 8 unseen sources"),
    ({"campaign": {"protocol": "voting"}}, "'voting' cannot be shown to raters"),
]


def test_what_is_wrong_is_said_before_the_first_run(rated: models.Campaign) -> None:
    before = Run.objects.count()
    for asked, why in WRONG:
        with pytest.raises(ValueError, match=why):
            begun(**asked)
    assert (Generation.objects.count(), Run.objects.count()) == (0, before)


def test_too_few_albums_for_a_reward_model_are_said_at_once(rated: models.Campaign) -> None:
    models.Item.objects.filter(campaign=rated, position__gt=3).update(kind=models.Item.Kind.REPEAT)
    with pytest.raises(InputError, match="too few to fit a reward model"):
        begun()


def test_the_best_of_several_texts_is_what_the_new_model_shows(rated: models.Campaign) -> None:
    generation = begun(best_of=2, campaign={"items": 4, "overlap": 2, "protocol": "pairwise"})
    for _ in step_by_step(generation):
        pass
    made = generation.runs.get(step="campaign").campaign
    assert made
    assert (made.item_count, made.overlap, made.protocol) == (4, 2, "pairwise")
    new, old = (made.entries.get(system__name=name).decoding for name in ("second", "first"))
    assert (new.settings["rerank"], new.settings["samples"], new.settings["reward"]["name"]) == (
        "reward:second", 2, "second",
    )  # fmt: skip
    assert old.settings["rerank"] == "none"


def test_a_command_does_all_of_it(rated: models.Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["next_generation", "second", "--campaign", "rated", "--no-reward", "--set", *TINY, "--wait", "--json"]
    call_command(*command)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["complete"] is True
    assert list(told["runs"]) == [step for step in EVERY_STEP if step != "reward"]
    assert told["campaign"] == "second"
    assert "/rate/" in told["link"]
    with pytest.raises(CommandError, match="generation 'second' already exists"):
        call_command(*command)


def test_what_a_generation_goes_on_from_cannot_be_removed(rated: models.Campaign) -> None:
    begun()
    Generation.objects.update(before=SystemFactory(name="base", kind="model"))
    with pytest.raises(CommandError, match="generation 'second' goes on from it"):
        call_command("remove", "system", "base", "--yes")


def test_the_new_campaign_asks_as_the_first_one_did(tmp_path: Any) -> None:
    words: dict[str, Any] = {"instructions": "Read both.", "organizer": "A laboratory", "minimum_answers": 5}
    words["quality"] = {"attention": 1, "attention_needed": 1}
    first = feedback_campaign(captions=12, items=8, protocol="likert", points=5, screens_per_rater=8, **words)
    before = models.System.objects.get(name="gru")
    spec = comparison_spec("new", [first], before, {"items": 4})
    assert (spec.protocol, spec.points, spec.instructions, spec.organizer) == (
        "likert",
        5,
        "Read both.",
        "A laboratory",
    )
    assert (spec.items, spec.minimum_answers, spec.screens_per_rater) == (4, 4, 5)
    assert (spec.systems, spec.purpose, spec.split, spec.unseen_albums) == (
        ("human", "gru", "new"),
        "evaluation",
        "test",
        True,
    )
    other = comparison_spec("new", [first], before, {"protocol": "pairwise", "unseen_albums": False})
    assert (other.protocol, other.points, other.items, other.unseen_albums) == ("pairwise", None, 8, False)


def test_a_command_lists_and_leads_generations(rated: models.Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> Any:
        call_command("generations", *words, "--json")
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    begun(reward=False)
    assert said() == {"second": "going on: Build the feedback set"}
    assert said("second", "--stop")["state"] == "stopped"
    resumed = said("second", "--resume")
    assert (resumed["state"], resumed["before"]) == ("going on", "first")
    assert resumed["runs"]["feedback"].endswith("feedback queued 0%")
    with pytest.raises(CommandError, match="is complete or is going on"):
        call_command("generations", "second", "--accept-worse")
    with pytest.raises(CommandError, match="name the generation"):
        call_command("generations", "--stop")
    with pytest.raises(CommandError, match="generation 'third' does not exist; available: second"):
        call_command("generations", "third")
