"""Quality control as a campaign declares it: which screens are planned for every rater besides the ordinary ones, and
by which rules one is stopped. Plain values in, plain values out."""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from annotations.campaigns.assignment.order import secret_draw
from annotations.errors import InputError
from annotations.protocols.criteria import BUILT_IN
from annotations.protocols.labels import translatable as _
from texts.degrading import DEGRADATIONS

MAX_CHECKS, MAX_ATTENTION_LENGTH = 50, 300
REPEATED_AFTER = 3  # ordinary or hidden screens, at least
Degradation = Literal["word_order", "truncation", "swapped_source"]
Screens = Annotated[int, Field(ge=0, le=MAX_CHECKS)]
Needed = Annotated[int, Field(ge=1, le=MAX_CHECKS)] | None
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def once(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError("", f"'{twice[0]}' appears twice")
    return names


class Quality(BaseModel):
    """The table `quality` of a campaign file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    training: Screens = Field(
        default=0,
        title="Training screens",
        description="First of all each rater answers so many screens with a degraded text, and reads after each which "
        "text it was and how it was degraded. They stop nobody.",
    )
    qualification: Screens = Field(
        default=0,
        title="Qualification screens",
        description="Then so many screens with a degraded text, without feedback, which raters are told decide whether "
        "they take part.",
    )
    qualification_needed: Needed = Field(
        default=None,
        title="Pass mark of the qualification",
        description="In how many of them the degraded text has to be judged worse than the original. Skipped ones "
        "count as missed.",
    )
    degraded: Screens = Field(
        default=0,
        title="Screens with a degraded text",
        description="Hidden among each rater's screens: one text is degraded, and shown with its original where a "
        "screen has several texts.",
    )
    degraded_needed: Needed = Field(
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
    attention: Screens = Field(
        default=0,
        title="Attention items",
        description="Hidden among each rater's screens: in the place of one text stands which answer to give to it.",
    )
    attention_needed: Needed = Field(
        default=None,
        title="Attention items to be answered as asked",
        description="A rater who misses more is stopped. Skipped ones do not count.",
    )
    attention_text: Annotated[str, Field(max_length=MAX_ATTENTION_LENGTH)] = Field(
        default="",
        title="Text of the attention items",
        description="It has to ask for the worst answer to itself. Empty: the protocol's own, in English.",
    )
    repeats: Screens = Field(
        default=0,
        title="Planned repeats",
        description="So many of each rater's own screens come again later, in another order of the texts. The report "
        "says how far raters agree with themselves; the first answers alone enter the results.",
    )
    repeats_needed: Needed = Field(
        default=None,
        title="Repeats to be answered as before",
        description="A rater with fewer is stopped. An answer is as before if at least half of the choices are the "
        "same, or scores are on average no further apart than a quarter of the scale. Empty: repeats stop nobody.",
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
        for name in ("qualification", "degraded", "attention", "repeats"):
            count, needed = getattr(self, name), getattr(self, f"{name}_needed")
            if needed is None and name == "repeats":
                continue
            if bool(count) != (needed is not None):
                missing = f"{name}_needed" if count else name
                raise InputError(missing, "missing", f"{name} and {name}_needed go together")
            if needed and needed > count:
                raise InputError(f"{name}_needed", f"{needed} must be at most {name}, {count}")
        if self.degradations and not self.with_degraded:
            raise InputError("degraded", "missing", "degradations goes with degraded, training or qualification")
        if self.attention_text and not self.attention:
            raise InputError("attention", "missing", "attention_text goes with attention")
        return self

    @property
    def degrading(self) -> tuple[str, ...]:
        return self.degradations or tuple(DEGRADATIONS)[:2]

    @property
    def first(self) -> int:
        """Screens that come before all others."""
        return self.training + self.qualification

    @property
    def hidden(self) -> int:
        """Screens hidden among the others."""
        return self.degraded + self.attention + self.repeats

    @property
    def with_degraded(self) -> int:
        return self.first + self.degraded

    @property
    def planned(self) -> int:
        """Screens of a rater that are no ordinary ones."""
        return self.first + self.hidden

    @property
    def sources(self) -> int:
        """That they need besides those of the ordinary items: a repeat shows one of these again."""
        return self.planned - self.repeats

    @property
    def looks_at_screens(self) -> bool:
        """Whether ordinary screens are looked at, for the pace or for the same answers."""
        return self.seconds_per_word is not None or self.same_answers is not None

    def __bool__(self) -> bool:
        return bool(self.planned) or self.looks_at_screens

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


NO_QUALITY = Quality()


@lru_cache
def quality_of(stored: str) -> Quality:
    """What a campaign has stored, as JSON."""
    return Quality.model_validate_json(stored)


# By rule, what a rater reads who is stopped by it.
RULES = {
    "comprehension": _("Your answers to the questions about the instructions were wrong twice."),
    "qualification": _("The first screens decide who takes part, and your answers did not find the damaged texts."),
    "degraded": _("Some of the texts had been damaged on purpose, and your answers did not tell them apart."),
    "attention": _("Some texts asked for a certain answer, and yours were others."),
    "repeats": _("Some screens came twice, and your answers were not the same again."),
    "too_fast": _("Many of your answers came sooner than the texts can be read."),
    "same_answers": _("On most screens your answers were the same for all texts."),
}


# By rule, the kind of the items whose answers it counts.
COUNTED = {"qualification": "qualification", "degraded": "control", "attention": "attention", "repeats": "repeat"}
ATTENTION = "attention"  # in the place of a degradation


# The built-in criteria by which a degradation makes a text worse. A text whose words are shuffled can be true of its
# source, and one of another source well written.
TESTED: dict[str, tuple[str, ...]] = {
    "word_order": ("human_likeness", "fluency", "coherence"),
    "truncation": ("human_likeness", "fluency", "coherence"),
    "swapped_source": ("grounding",),
}


def criteria_tested(degradation: str, criteria: Sequence[str]) -> list[str]:
    """Those of a campaign's criteria by which a degraded text is held against its original: its own, where it asks for
    none of the built-in ones that show it. An attention item asks for the worst answer by all."""
    if degradation == ATTENTION:
        return list(criteria)
    tested = [name for name in criteria if name in TESTED[degradation]]
    return tested or [name for name in criteria if name not in BUILT_IN]


class PlannedScreen(NamedTuple):
    """A rater's next screen is an item of the kind once they have answered so many."""

    after: int
    kind: str


def screens_planned(quality: Quality, screens: int, secret: str, rater: int) -> list[PlannedScreen]:
    """Those of a rater who answers `screens`, in their order. What is hidden comes at one place drawn in each of as
    many equal parts, so that who leaves early has had their share, and a repeat not among the first screens."""
    draw = secret_draw(secret, "checks", rater)
    kinds = ["control"] * quality.degraded + ["attention"] * quality.attention + ["repeat"] * quality.repeats
    planned = [PlannedScreen(0, "training")] * quality.training
    planned += [PlannedScreen(0, "qualification")] * quality.qualification
    rest = screens - quality.first
    ends = [rest * part // len(kinds) for part in range(len(kinds) + 1)] if kinds else []
    if quality.repeats or quality.attention:
        draw.shuffle(kinds)
    for kind, (low, high) in zip(kinds, itertools.pairwise(ends), strict=True):
        least = REPEATED_AFTER if kind == "repeat" else 0
        planned.append(PlannedScreen(quality.first + max(draw.randrange(low, max(high, low + 1)), least), kind))
    return sorted(planned, key=lambda screen: screen.after)
