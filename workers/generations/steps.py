"""The steps of a generation, in their order, and what each of them launches."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from annotations.models import Decoding, FeedbackExample, Split
from modeling.config import LEARNS_FROM, REWARD
from modeling.metrics import METRICS
from modeling.metrics.metric import Need
from workers.generations.asked import Asked
from workers.jobs import campaigns, decoding, feedback, reward, scoring, training
from workers.lookup import feedback_set_named
from workers.models import Checkpoint, Generation, Run

BY_PREFERENCE = ("dpo", "kto", "unlikelihood")  # the objective is the first for which there is feedback


class Step(NamedTuple):
    """`launch` makes its run from what was asked for; `problem` says why a chain does not go on behind it."""

    name: str
    label: str
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
    best = [f"samples={asked.best_of}", "keep=1", f"rerank={REWARD}{generation.name}"] if asked.best_of > 1 else []
    return decode(generation, asked, generation.name, best)


def decode(generation: Generation, asked: Asked, system: str, further: Sequence[str] = ()) -> Run:
    return decoding.launch(
        system=system,
        dataset=generation.dataset.name,
        split=Split.TEST,
        overrides=[*asked.decoding, *further],
        queue=asked.queue,
    )


def score(generation: Generation, asked: Asked) -> Run:
    """By all metrics but the learned one, of which it is no judge."""
    return scoring.launch(
        dataset=generation.dataset.name,
        split=Split.TEST,
        systems=[generation.before.name, generation.name],
        metrics=[metric.name for metric in METRICS.values() if Need.REWARD_MODEL not in metric.needs],
        queue=asked.queue,
    )


def open_campaign(generation: Generation, asked: Asked) -> Run:
    return campaigns.launch(spec=asked.spec, decodings=decodings_of(generation), queue=asked.queue)


def decodings_of(generation: Generation) -> dict[str, Decoding]:
    """What the model before and the new one wrote, by system."""
    runs = {run.step: run for run in generation.runs.filter(kind=Run.Kind.DECODE)}
    pks = [runs[name].result["decoding"] for name in (DECODE_BEFORE, DECODE)]
    return {row.system.name: row for row in Decoding.objects.filter(pk__in=pks).select_related("system")}


DECODE_BEFORE, DECODE = "decode_before", "decode"
STEPS = (
    Step("feedback", "Build the feedback set", build_feedback),
    Step("reward", "Fit a reward model", fit_reward, needed=lambda asked: asked.reward),
    Step("train", "Train the new model", train, problem=worse),
    Step(DECODE_BEFORE, "Decode with the model before", decode_before),
    Step(DECODE, "Decode with the new model", decode_new),
    Step("score", "Score both", score),
    Step("campaign", "Open the campaign", open_campaign),
)
