"""Quality control as a campaign declares it: which checks are hidden among a rater's screens, and by which rules one is
stopped. Plain values in, plain values out."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from annotations.campaigns.assignment.order import secret_draw
from annotations.errors import InputError
from annotations.protocols import AnyProtocol
from annotations.protocols.criteria import BUILT_IN
from annotations.protocols.labels import translatable as _
from texts.degrading import DEGRADATIONS

MAX_CHECKS = 50
Degradation = Literal["word_order", "truncation", "swapped_source"]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def once(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError("", f"'{twice[0]}' appears twice")
    return names


class Quality(BaseModel):
    """The table `quality` of a campaign file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    degraded: Annotated[int, Field(ge=0, le=MAX_CHECKS)] = Field(
        default=0,
        title="Screens with a degraded text",
        description="Hidden among each rater's screens: one text is degraded, and shown with its original where a "
        "screen has several texts.",
    )
    degraded_needed: Annotated[int, Field(ge=1, le=MAX_CHECKS)] | None = Field(
        default=None,
        title="Degraded texts to be found",
        description="How many of them have to be judged worse than the originals; a rater who misses more is stopped. "
        "Skipped ones do not count.",
    )
    degradations: Annotated[tuple[Degradation, ...], AfterValidator(once)] = Field(
        default=(),
        strict=False,
        title="How texts are degraded",
        description=f"Any of {', '.join(DEGRADATIONS)}; empty: the first two.",
    )
    seconds_per_word: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] | None = Field(
        default=None,
        title="Seconds a word",
        description="A screen answered in less than this for each word of its texts counts as too fast.",
    )
    too_fast: Share = Field(
        default=0.5,
        title="Share of screens too fast",
        description="A rater with a larger share of such screens is stopped.",
    )
    same_answers: Share | None = Field(
        default=None,
        title="Share of screens with the same answers",
        description="A rater is stopped who gives all texts the same answer on a larger share of the screens.",
    )
    after: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, title="Screens before shares count", description="Of the pace and of the same answers."
    )

    @model_validator(mode="after")
    def check_together(self) -> "Quality":
        if bool(self.degraded) != (self.degraded_needed is not None):
            missing = "degraded_needed" if self.degraded else "degraded"
            raise InputError(missing, "missing", "degraded and degraded_needed go together")
        if self.degraded_needed and self.degraded_needed > self.degraded:
            raise InputError("degraded_needed", f"{self.degraded_needed} must be at most degraded, {self.degraded}")
        return self

    @property
    def degrading(self) -> tuple[str, ...]:
        return self.degradations or tuple(DEGRADATIONS)[:2]

    @property
    def looks_at_screens(self) -> bool:
        """Whether ordinary screens are looked at, for the pace or for the same answers."""
        return self.seconds_per_word is not None or self.same_answers is not None

    def __bool__(self) -> bool:
        return bool(self.degraded) or self.looks_at_screens

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


NO_QUALITY = Quality()


@lru_cache
def quality_of(stored: str) -> Quality:
    """What a campaign has stored, as JSON."""
    return Quality.model_validate_json(stored)


class Standing(NamedTuple):
    """What a rater's answers have come to: screens answered, degraded texts found and missed, screens answered too fast
    and with the same answers."""

    answered: int = 0
    found: int = 0
    missed: int = 0
    too_fast: int = 0
    same: int = 0

    def plus(self, looked: "Looked", count: int = 1) -> "Standing":
        """With another answer, or so many in which the same was seen."""
        return Standing(
            self.answered + count,
            self.found + count * (looked.check_passed is True),
            self.missed + count * (looked.check_passed is False),
            self.too_fast + count * looked.too_fast,
            self.same + count * looked.same_answers,
        )


# By rule, what a rater reads who is stopped by it.
RULES = {
    "degraded": _("Some of the texts had been damaged on purpose, and your answers did not tell them apart."),
    "too_fast": _("Many of your answers came sooner than the texts can be read."),
    "same_answers": _("On most screens your answers were the same for all texts."),
}


# The built-in criteria by which a degradation makes a text worse. A text whose words are shuffled can be true of its
# source, and one of another source well written.
TESTED: dict[str, tuple[str, ...]] = {
    "word_order": ("human_likeness", "fluency", "coherence"),
    "truncation": ("human_likeness", "fluency", "coherence"),
    "swapped_source": ("grounding",),
}


def criteria_tested(degradation: str, criteria: Sequence[str]) -> list[str]:
    """Those of a campaign's criteria by which a degraded text is held against its original: its own, where it asks for
    none of the built-in ones that show it."""
    tested = [name for name in criteria if name in TESTED[degradation]]
    return tested or [name for name in criteria if name not in BUILT_IN]


class Looked(NamedTuple):
    """What is seen in an answer; `check_passed` is none of an ordinary screen's."""

    check_passed: bool | None = None
    too_fast: bool = False
    same_answers: bool = False


def looked_at(
    quality: Quality,
    protocol: AnyProtocol,
    stored: Any,
    *,
    candidates: Mapping[str, int],
    criteria: Sequence[str],
    planted: Mapping[str, str] | None,
    pace: float | None,
) -> Looked:
    """`candidates` are the screen's by random id, `planted` is what the screen hides, if anything, and `pace` the
    seconds a word that it took, if known."""
    passed = None
    if planted:
        original = candidates.get(planted.get("original", ""))
        passed = protocol.finds_worse(
            stored,
            str(candidates[planted["degraded"]]),
            None if original is None else str(original),
            criteria_tested(planted["degradation"], criteria),
        )
    too_fast = quality.seconds_per_word is not None and pace is not None and pace < quality.seconds_per_word
    return Looked(passed, too_fast, quality.same_answers is not None and protocol.gives_the_same(stored))


def rule_broken(quality: Quality, standing: Standing) -> str:
    """The first rule that a rater breaks who stands so; empty where none."""
    return next(rules_broken(quality, standing), "")


def rules_broken(quality: Quality, standing: Standing) -> Iterator[str]:
    if quality.degraded_needed is not None and standing.missed > quality.degraded - quality.degraded_needed:
        yield "degraded"
    if standing.answered < quality.after:
        return
    if quality.seconds_per_word is not None and standing.too_fast / standing.answered > quality.too_fast:
        yield "too_fast"
    if quality.same_answers is not None and standing.same / standing.answered > quality.same_answers:
        yield "same_answers"


def rules_in_words(quality: Quality, *, alone: bool) -> list[str]:
    """What a campaign declares, a sentence a rule; `alone`: a degraded text is shown without its original."""
    said = []
    if quality.degraded_needed is not None:
        ways = " or ".join(way.replace("_", " ") for way in quality.degrading)
        beside = "alone" if alone else "with its original"
        missed = "not bad" if alone else "no worse than the original"
        limit = quality.degraded - quality.degraded_needed
        many = f"more than {limit} of them" if limit else "any of them"
        said.append(
            f"{quality.degraded} degraded texts ({ways}), each shown {beside}, are hidden among a rater's screens; a "
            f"rater is stopped who judges {many} {missed}. Skipped ones do not count."
        )
    if quality.seconds_per_word is not None:
        said.append(
            f"A screen is too fast if it is answered in under {quality.seconds_per_word:g} seconds for each word of "
            f"its texts; from {quality.after} screens on, a rater is stopped who is too fast on more than "
            f"{100 * quality.too_fast:g} % of them."
        )
    if quality.same_answers is not None:
        said.append(
            f"From {quality.after} screens on, a rater is stopped who gives all texts of a screen the same answers on "
            f"more than {100 * quality.same_answers:g} % of the screens."
        )
    return said


def reason_of(rule: str, quality: Quality, standing: Standing, *, alone: bool) -> str:
    """Why a rater was stopped, as the report says it; `alone` as in `rules_in_words`."""
    if rule == "degraded":
        shown, missed = standing.found + standing.missed, "not bad" if alone else "no worse than their originals"
        return f"judged {standing.missed} of {shown} degraded texts {missed}"
    if rule == "too_fast":
        took = f"under {quality.seconds_per_word:g} seconds a word"
        return f"answered {standing.too_fast} of {standing.answered} screens in {took}"
    return f"gave all texts the same answer on {standing.same} of {standing.answered} screens"


def check_places(quality: Quality, screens: int, secret: str, rater: int) -> list[int]:
    """After how many answered screens each check of a rater is due, of the `screens` that they answer: one at a place
    drawn in each of as many equal parts, so that who leaves early has had their share."""
    draw, count = secret_draw(secret, "checks", rater), quality.degraded
    ends = [screens * part // count for part in range(count + 1)] if count else []
    return [draw.randrange(low, max(high, low + 1)) for low, high in itertools.pairwise(ends)]
