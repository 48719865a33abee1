"""The steps of a generation, in their order, and what each of them launches."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from annotations.models import Decoding, FeedbackExample, Split
from modeling.config import LEARNS_FROM
from modeling.metrics import METRICS
from modeling.metrics.metric import Need
from workers.generations.asked import Asked, best_settings
from workers.jobs import campaigns, decoding, feedback, reward, scoring, training
from workers.lookup import feedback_set_named
from workers.models import Checkpoint, Generation, Run

BY_PREFERENCE = ("dpo", "kto", "unlikelihood")  # the objective is the first for which there is feedback


class StepJob(NamedTuple):
    """`launch` makes its run from what was asked for; `problem` says why a chain does not go on behind it."""

    step: Generation.Step
    launch: Callable[[Generation, Asked], Run]
    needed: Callable[[Asked], bool] = lambda asked: True
    problem: Callable[[Generation], str] = lambda generation: ""


def build_feedback(generation: Generation, asked: Asked) -> Run:
    return feedback.launch(name=generation.name, campaigns=asked.campaigns, queue=asked.queue, **asked.feedback)


def fit_reward(generation: Generation, asked: Asked) -> Run:
    return reward.launch(name=generation.name, feedback=generation.name, queue=asked.queue)


def train(generation: Generation, asked: Asked) -> Run:
    """From the model before, with the objective that was asked for or the first that the feedback is for."""
    given = dict(each.partition("=")[::2] for each in asked.training)
    objective = given.get("objective") or objective_for(generation.name)
    draws = given.get("draws", "0") != "0"
    settings = [*asked.likeness, f"init={generation.before.name}", *asked.training, f"objective={objective}"]
    return training.launch(
        dataset=generation.dataset.name,
        preset=asked.preset,
        overrides=[*settings, *([f"reward={generation.name}"] if asked.reward else [])],
        feedback=None if draws else generation.name,
        name=generation.name,
        queue=asked.queue,
    )


def objective_for(feedback_set: str) -> str:
    """Preferences teach most, scores and labels of single texts come next, and marked errors last."""
    kinds = FeedbackExample.objects.filter(feedback_set=feedback_set_named(feedback_set))
    there = set(kinds.order_by().values_list("kind", flat=True).distinct())
    return next(each for each in BY_PREFERENCE if there & set(LEARNS_FROM[each]))


def worse(generation: Generation) -> str:
    """Why raters are not to be asked about the new model."""
    if generation.accepts_worse:
        return ""
    found = Checkpoint.objects.filter(system__name=generation.name).exclude(worse="").first()
    return f"the new model is worse than the one before: {found.worse}" if found else ""


def decode_before(generation: Generation, asked: Asked) -> Run:
    return decode(generation, asked, generation.before.name)


def decode_new(generation: Generation, asked: Asked) -> Run:
    return decode(generation, asked, generation.name, best_settings(generation.name, asked.best_of))


def decode(generation: Generation, asked: Asked, system: str, further: Sequence[str] = ()) -> Run:
    return decoding.launch(
        system=system,
        dataset=generation.dataset.name,
        split=Split.TEST,
        overrides=[*asked.decoding, *further],
        queue=asked.queue,
    )


def score(generation: Generation, asked: Asked) -> Run:
    """By all metrics but the learned one, which is no judge of what it chose."""
    return scoring.launch_decodings(
        decodings=list(decodings_of(generation).values()),
        metrics=[metric.name for metric in METRICS.values() if Need.REWARD_MODEL not in metric.needs],
        queue=asked.queue,
    )


def open_campaign(generation: Generation, asked: Asked) -> Run:
    return campaigns.launch(spec=asked.spec, decodings=decodings_of(generation), queue=asked.queue)


def decodings_of(generation: Generation) -> dict[str, Decoding]:
    """What the model before and the new one wrote, by system."""
    pks = [run.result["decoding"] for run in generation.runs.filter(kind=Run.Kind.DECODE)]
    return {row.system.name: row for row in Decoding.objects.filter(pk__in=pks).select_related("system")}


STEPS = (
    StepJob(Generation.Step.FEEDBACK, build_feedback),
    StepJob(Generation.Step.REWARD, fit_reward, needed=lambda asked: asked.reward),
    StepJob(Generation.Step.TRAIN, train, problem=worse),
    StepJob(Generation.Step.DECODE_BEFORE, decode_before),
    StepJob(Generation.Step.DECODE, decode_new),
    StepJob(Generation.Step.SCORE, score),
    StepJob(Generation.Step.CAMPAIGN, open_campaign),
)
