"""Raters who are no people: with a truth planted in the systems, and habits that real raters have.

A simulated rater perceives each text as a number in standard deviations, 0 being the middle of a scale: what is true of
its system, plus what is particular to the text, plus the rater's own severity and noise. Its protocol makes an answer
of that. Plain values in, plain values out, all drawn from one seed.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from annotations.campaigns.quality import ATTENTION
from annotations.campaigns.questionnaires import CheckQuestion, Question
from annotations.campaigns.taste import Taste, check_taste
from annotations.errors import InputError

TEXT_DEVIATION, RATER_DEVIATION = 0.5, 0.3
NOISE, MUCH_NOISE = 0.7, 2.0
STRICT, FIRST_BONUS = -1.0, 0.8
DEGRADED = -2.0  # how much worse than its original a degraded text is
ASKED_FOR = -8.0  # how bad the text of an attention item is taken to be by who reads it
BASE_SECONDS, SECONDS_PER_WORD = 4.0, 0.35
MAX_TRUTH = 3.0
KINDS = {
    "honest": "perceives the truth, with noise",
    "noisy": "perceives it with much noise",
    "strict": "finds all texts worse by a standard deviation",
    "biased": "prefers whatever is shown first",
    "lazy": "gives every text the same answer, in a few seconds",
    "random": "answers without reading",
}


@dataclass(frozen=True)
class Simulation:
    """How many raters of each kind there are, what is true of each system, the seed of all that is drawn, and what the
    raters like besides."""

    raters: Mapping[str, int]
    truth: Mapping[str, float]
    seed: int
    taste: Taste | None = None

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def count(self) -> int:
        return sum(self.raters.values())

    def kinds(self) -> list[str]:
        """Of each rater, as they join: kinds are mixed."""
        kinds = [kind for kind, count in self.raters.items() for _ in range(count)]
        random.Random(f"{self.seed}:kinds").shuffle(kinds)
        return kinds


def simulation_of(
    *,
    raters: Mapping[str, int],
    truth: Mapping[str, float],
    systems: Sequence[str],
    seed: int,
    taste: Taste | None = None,
) -> Simulation:
    """Checked; a system without a truth has one from +0.5 to −0.5, evenly spaced in the campaign's order. Raises
    InputError."""
    if strangers := [kind for kind in raters if kind not in KINDS]:
        raise InputError("raters", f"'{strangers[0]}' is not a kind of simulated rater", f"use {', '.join(KINDS)}")
    if any(count < 0 for count in raters.values()) or not any(raters.values()):
        raise InputError("raters", "at least one simulated rater is needed", "for example honest=10")
    if strangers := [system for system in truth if system not in systems]:
        raise InputError("truth", f"'{strangers[0]}' is not in the campaign", f"its systems are {', '.join(systems)}")
    if far := [system for system, value in truth.items() if not -MAX_TRUTH <= value <= MAX_TRUTH]:
        limits = f"from {-MAX_TRUTH:g} to {MAX_TRUTH:g} standard deviations"
        raise InputError("truth", f"{far[0]}={truth[far[0]]:g} is out of range", f"values run {limits}")
    if taste:
        check_taste(taste)
    steps = max(len(systems) - 1, 1)
    spaced = {system: 0.5 - place / steps for place, system in enumerate(systems)}
    return Simulation({kind: count for kind, count in raters.items() if count}, spaced | dict(truth), seed, taste)


class SeenText(NamedTuple):
    """A text of a screen: its random id, what it says, and the systems that wrote it."""

    name: str
    text: str
    systems: Sequence[str]
    worse: float = 0.0  # below 0, where quality control made it worse


def made_worse(planted: Mapping[str, str] | None, name: str) -> float:
    """How much worse quality control made the text of that random id."""
    if not planted or planted["degraded"] != name:
        return 0.0
    return ASKED_FOR if planted["degradation"] == ATTENTION else DEGRADED


class SimulatedRater:
    def __init__(self, simulation: Simulation, number: int, kind: str) -> None:
        self.simulation, self.number, self.kind = simulation, number, kind
        self.draw = random.Random(f"{simulation.seed}:rater:{number}")
        self.severity = self.draw.gauss(0, RATER_DEVIATION) + (STRICT if kind == "strict" else 0)

    def perceives(self, texts: Sequence[SeenText], criterion: str) -> dict[str, float]:
        """By random id, in the order of the screen."""
        if self.kind == "lazy":
            return {text.name: 0.0 for text in texts}
        if self.kind == "random":
            return {text.name: self.draw.gauss(0, MUCH_NOISE) for text in texts}
        noise = MUCH_NOISE if self.kind == "noisy" else NOISE
        perceived = {
            text.name: self.worth(text, criterion) + self.severity + self.draw.gauss(0, noise) for text in texts
        }
        if self.kind == "biased":
            perceived[texts[0].name] += FIRST_BONUS
        return perceived

    def worth(self, text: SeenText, criterion: str) -> float:
        """A text's own, the same to all raters: its systems' on average, and what is particular to it. One that stands
        on a screen of quality control is of no system, and as good as those are on average."""
        particular = random.Random(f"{self.simulation.seed}:text:{criterion}:{text.text}").gauss(0, TEXT_DEVIATION)
        truth = self.simulation.truth
        systems = text.systems or list(truth)
        worth = sum(truth[system] for system in systems) / len(systems) + particular
        liked = self.simulation.taste.worth(text.text) if self.simulation.taste else 0.0
        return worth + liked + text.worse

    def fills_in(
        self, form: str, questions: Sequence[Question], before: Mapping[str, Any], wrong: Sequence[str]
    ) -> dict[str, Any]:
        """A form; in a second attempt as `share_passing_by_chance` says, where they guess. All but who answers without
        reading have understood the instructions."""
        draw = random.Random(f"{self.simulation.seed}:{form}:{self.number}:{len(before)}")
        answers: dict[str, Any] = {}
        for question in questions:
            if isinstance(question, CheckQuestion) and self.kind != "random":
                answers[question.id] = question.answer
            elif question.id in before and question.id not in wrong:
                answers[question.id] = before[question.id]
            elif question.kind == "text":
                answers[question.id] = "simulated"
            else:
                choices: Sequence[Any] = question.options or question.points
                answers[question.id] = draw.choice([each for each in choices if each != before.get(question.id)])
        return answers

    def seconds(self, words: int) -> float:
        """That a screen with so many words takes."""
        if self.kind in ("lazy", "random"):
            return self.draw.uniform(1, 3)
        return (BASE_SECONDS + SECONDS_PER_WORD * words) * self.draw.lognormvariate(0, 0.4)
