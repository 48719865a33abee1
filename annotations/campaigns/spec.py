"""A campaign as it is asked for: what is asked, of what, and how often. Its file in TOML, the site's form and the JSON
schema all come from this one model."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from annotations.campaigns.example import DeclaredExample, check_example
from annotations.campaigns.quality import TESTED, Quality, criteria_tested, once
from annotations.campaigns.questionnaires import FORMS, CheckQuestions, Questions
from annotations.campaigns.recruiting import Recruiting
from annotations.campaigns.rules import choices_of, wanted_by
from annotations.campaigns.wording import RULES, CriterionWords, stored, tables, worded
from annotations.errors import InputError
from annotations.names import MAX_NAME_LENGTH, check_name
from annotations.protocols import (
    DEFAULT,
    Rules,
    check_shown_here,
    protocol_named,
    shown_here,
    with_categories,
    with_points,
    with_ties,
)
from annotations.protocols.labels import LANGUAGES
from texts.limits import shown

MAX_TEXT_LENGTH = 20_000
MAX_LINE_LENGTH = 200
MAX_LOOKS = 20
MAX_COUNT = 2**31 - 1
SPLIT_OF = {"evaluation": "test", "feedback": "feedback"}
Family = Literal["criterion", "campaign"]
Spending = Literal["obrien-fleming", "pocock"]


def contrast(names: tuple[str, ...]) -> tuple[str, ...]:
    if names and len(names) != 3:
        raise InputError("", f"{shown(list(names))} must be two systems and a criterion")
    return names


def shown_protocol(name: str) -> str:
    check_shown_here(name)
    return name


Name = Annotated[str, BeforeValidator(lambda value: check_name(value, "")), Field(max_length=MAX_NAME_LENGTH)]
Names = Annotated[tuple[Name, ...], AfterValidator(once)]
Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH), AfterValidator(stored)]
Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE_LENGTH), AfterValidator(worded)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class CampaignSpec(BaseModel):
    """A human evaluation to set up. Whether its names exist is checked as the campaign is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name = Field(description="Raters do not see it.")
    purpose: Literal["evaluation", "feedback"]
    dataset: Name
    split: Literal["test", "feedback"]
    systems: Names = Field(
        min_length=1,
        strict=False,
        description="Two to four fit well on a phone. 'caption' can be included only if the caption is not shown.",
    )
    criteria: Names = Field(min_length=1, strict=False)
    cannot_say: Names = Field(
        default=(),
        strict=False,
        title="Criteria that need not be judged",
        description="By these criteria a rater can answer “I cannot say” on any screen.",
    )
    comments: bool = Field(default=False, title="Room for comments", description="On every screen; optional.")
    items: Count = Field(description="Number of distinct sources, one screen each.")
    protocol: Annotated[Name, AfterValidator(shown_protocol)] = Field(
        default=DEFAULT, description="How a screen is answered.", json_schema_extra={"enum": list(shown_here())}
    )
    points: Annotated[int, Field(ge=2, le=max(with_points().values()))] | None = Field(
        default=None,
        title="Points of the scale",
        description=f"For the protocol {', '.join(with_points())}; empty: its default.",
    )
    ties: bool | None = Field(
        default=None, title="Allow ties", description=f"For the protocol {', '.join(with_ties())}."
    )
    categories: Names | None = Field(
        default=None,
        strict=False,
        title="Categories of errors",
        description=f"For the protocol {', '.join(with_categories())}; empty: its default.",
    )
    texts_per_screen: Count | None = Field(
        default=None,
        description="Where a screen shows fewer texts than there are systems, which ones is balanced for every rater. "
        "Empty: those of all systems, or as many as the protocol is for.",
    )
    unit: Literal["sentence", "story"] = Field(
        default="sentence", description="One text: a sentence for a caption or a photo, or a story for its photos."
    )
    layout: Literal["paragraph", "photos"] | None = Field(
        default=None,
        title="Layout of stories",
        description="“photos”: photo by photo, a line each; every system needs a sentence for each photo. Empty: as "
        "one paragraph.",
    )
    show: Literal["photo", "caption", "both", "none"] = Field(default="caption", title="What raters see of the source")
    overlap: Count = Field(default=3, description="The largest number of raters per item.")
    seed: Annotated[int, Field(ge=0, le=MAX_COUNT)] = Field(
        default=1, description="Draws the items, their order and the human texts."
    )
    unseen_albums: bool = Field(
        default=False,
        title="Only unseen albums",
        description="Items are drawn only from albums of which no earlier campaign of the dataset has shown an item.",
    )
    screens_per_rater: Count | None = Field(
        default=None, description="The largest number of screens that one rater answers. Empty: those of all items."
    )
    quality: Quality = Field(
        default=Quality(), description="A table: checks hidden among a rater's screens, and when a rater is stopped."
    )
    recruiting: Recruiting = Field(
        default=Recruiting(),
        description="A table: how raters are recruited, which codes they get, and what they are paid.",
    )
    minimum_answers: Count = Field(
        default=1,
        title="Answers needed for a completion code",
        description="Fewer are enough for a rater who skipped none and has no screens left.",
    )
    instructions: Text = Field(
        default="",
        description="Read before the first screen, and on request. Empty: the built-in text, in the rater's language.",
    )
    example: DeclaredExample = Field(
        default=None,
        title="Worked example",
        description="A table: a screen, an answer to it and why, which raters read with the instructions.",
    )
    consent: Text = Field(default="", description="What raters agree to by beginning. Empty: the built-in text.")
    organizer: Line | None = Field(
        default=None, title="Who asks", description="The people or the institution that raters read the study is by."
    )
    contact: Line | None = Field(
        default=None,
        title="Whom raters can write to",
        description="An e-mail address, of which raters get a link, or how else to reach you.",
    )
    minutes: Count | None = Field(
        default=None,
        title="Minutes it takes",
        description="Your estimate of how long taking part takes, which raters read. Empty: nothing is said.",
    )
    criterion: dict[Name, CriterionWords] = Field(
        default={},
        description="Of a criterion, a table of what raters read, and within it one for each language that has other "
        f"words: {', '.join(LANGUAGES)}.",
    )
    entry: Questions = Field(
        default=(), title="Entry questionnaire", description="Asked before the first screen: a list of questions."
    )
    comprehension: CheckQuestions = Field(
        default=(),
        title="Comprehension check",
        description="Questions about the instructions, asked before the first screen; who answers one wrongly twice is "
        "stopped.",
    )
    exit: Questions = Field(
        default=(),
        title="Exit questionnaire",
        description="Asked after the last screen, before the completion code is given.",
    )
    primary: Annotated[Names, AfterValidator(contrast)] = Field(
        default=(),
        strict=False,
        title="Primary comparison",
        description="The one difference the campaign is designed to test: two systems and a criterion. It is tested "
        "on its own; all other comparisons are adjusted for multiple testing.",
    )
    family: Family = Field(default="criterion", title="Family for Holm's adjustment")
    looks: Annotated[int, Field(ge=1, le=MAX_LOOKS)] = Field(
        default=1,
        title="Number of analyses",
        description="At equal shares of the screens: interim analyses, and the final one after the close. More than "
        "one needs a primary comparison, which then has to pass a boundary at each analysis, so that repeated "
        "testing does not raise the false positive rate.",
    )
    spending: Spending = Field(default="obrien-fleming", title="Alpha spending")
    equivalence_margin: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="The largest difference that would not matter, in scale points (for choices, the distance of a "
        "share won from one half). The report then tests whether two systems differ by less. Empty: no equivalence "
        "test.",
    )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "CampaignSpec":
        """Raises InputError for the first key that is wrong; an unknown one comes before others."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            wrong = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
            raise in_words(wrong[0]) from None

    @model_validator(mode="after")
    def check_together(self) -> "CampaignSpec":
        protocol = protocol_named(self.protocol)
        protocol.check_campaign(
            points=self.points,
            ties=self.ties,
            categories=self.categories or (),
            texts=self.texts_per_screen,
            systems=self.systems,
            criteria=self.criteria,
            purpose=self.purpose,
        )
        self.check_words()
        if self.example:
            rules = Rules(protocol.scale_of_points(self.points), self.ties is not False, self.categories or ())
            check_example(self.example, protocol, criteria=self.criteria, may=self.cannot_say, rules=rules)
        if self.split != (split := SPLIT_OF[self.purpose]):
            raise InputError(
                "split",
                f"'{self.split}' does not go with purpose '{self.purpose}', which shows the split '{split}'",
            )
        for what, named, there in (
            ("systems", self.primary[:2], self.systems),
            ("criteria", self.primary[2:], self.criteria),
        ):
            if strangers := [name for name in named if name not in there]:
                raise InputError("primary", f"'{strangers[0]}' is not one of the {what}: {', '.join(there)}")
        if strangers := [name for name in self.cannot_say if name not in self.criteria]:
            raise InputError("cannot_say", f"'{strangers[0]}' is not one of the criteria: {', '.join(self.criteria)}")
        if self.minimum_answers > self.items:
            raise InputError(
                "minimum_answers", f"{self.minimum_answers} must be at most the number of items, {self.items}"
            )
        screens = self.items + self.quality.planned
        if self.screens_per_rater and not self.minimum_answers <= self.screens_per_rater <= screens:
            within = f"from minimum_answers, {self.minimum_answers}, to the number of screens, {screens}"
            raise InputError("screens_per_rater", f"{self.screens_per_rater} must be {within}")
        self.check_quality()
        if self.looks > 1 and not self.primary:
            raise InputError("looks", f"{self.looks} looks need the primary comparison that is tested at each of them")
        most, unit = protocol.widest_margin(self.points)
        if self.equivalence_margin is not None and self.equivalence_margin >= most:
            raise InputError("equivalence_margin", f"{self.equivalence_margin:g} must be below {most:g}, {unit}")
        if self.unit == "story" and self.purpose == "feedback":
            raise InputError(
                "unit", "'story' does not go with purpose 'feedback'", "models learn to write sentences for captions"
            )
        if self.unit != "story" and self.layout == "photos":
            raise InputError("layout", f"'{self.layout}' is for stories", f"unit is '{self.unit}'")
        if "caption" in self.systems and self.show in ("caption", "both"):
            raise InputError(
                "systems", "'caption' competes only where the caption is not shown", f"show is '{self.show}'"
            )
        return self

    def check_quality(self) -> None:
        """Whether the checks fit among the screens, and can be judged on them."""
        protocol = protocol_named(self.protocol)
        texts = protocol.texts_shown(self.texts_per_screen, len(self.systems)) or len(self.systems)
        if self.quality.same_answers is not None:
            protocol.check_same_answers(texts)
        if not self.quality.planned:
            return
        if self.screens_per_rater is None:
            raise InputError("screens_per_rater", "missing", "the planned screens are spread over a rater's screens")
        rest = self.screens_per_rater - self.quality.first
        if rest < 1:
            key = "training" if self.quality.training else "qualification"
            problem = f"{self.quality.first} training and qualification screens leave none of {self.screens_per_rater}"
            raise InputError(f"quality.{key}", problem, "fewer, or a larger screens_per_rater")
        if self.quality.hidden > rest // 2:
            key = next(key for key in ("degraded", "attention", "repeats") if getattr(self.quality, key))
            raise InputError(
                f"quality.{key}",
                f"{self.quality.hidden} hidden screens of {rest} are too many",
                "at most half of screens_per_rater, less those of training and qualification",
            )
        if not (self.quality.with_degraded or self.quality.attention):
            return
        protocol.check_degraded(texts)
        if not self.quality.with_degraded:
            return
        for way in self.quality.degrading:
            if not criteria_tested(way, self.criteria):
                wanted = " or ".join(TESTED[way])
                raise InputError(
                    "quality.degradations", f"'{way}' makes no text worse by these criteria", f"ask for {wanted}"
                )

    def check_words(self) -> None:
        for (name, *language), words in tables(self.criterion):
            if name not in self.criteria:
                raise InputError(f"criterion.{name}", f"is not one of the criteria: {', '.join(self.criteria)}")
            protocol_named(self.protocol).check_words(name, words, *language)

    @property
    def criterion_words(self) -> dict[str, Any]:
        """What is stored of them."""
        return {name: words.model_dump(exclude_defaults=True) for name, words in self.criterion.items()}

    @property
    def questionnaires(self) -> dict[str, Any]:
        """What is stored of them, by form."""
        return {form: [each.stored() for each in asked] for form in FORMS if (asked := getattr(self, form))}


SCHEMA: dict[str, Any] = CampaignSpec.model_json_schema()


def rule_of(rule: dict[str, Any]) -> dict[str, Any]:
    """A key's rule in the schema, where it may also be empty or is written down elsewhere."""
    own = rule | rule.get("anyOf", [{}])[0]
    return own | SCHEMA["$defs"].get(own.get("$ref", "").rpartition("/")[2], {})


KEYS: dict[str, dict[str, Any]] = {key: rule_of(rule) for key, rule in SCHEMA["properties"].items()}
QUALITY_KEYS, RECRUITING_KEYS = (
    {key: rule_of(rule) for key, rule in KEYS[table]["properties"].items()} for table in ("quality", "recruiting")
)
TABLES = {"quality": QUALITY_KEYS, "recruiting": RECRUITING_KEYS}  # with rules of their own


def choices(key: str) -> list[str]:
    return list(choices_of(KEYS[key]))


def in_words(error: Any) -> InputError:
    """One of pydantic's errors as a person reads it."""
    top, kind, value = str((*error["loc"], "")[0]), error["type"], error["input"]
    if top in ("criterion", *TABLES) and (len(error["loc"]) > 1 or kind == "value_error"):
        return in_words_of_table(error)
    field = top
    if kind == "value_error":
        raised = error["ctx"]["error"]
        return InputError(raised.field or field, raised.message, raised.hint)
    if kind == "extra_forbidden":
        near = [f"the nearest is {key}" for key in difflib.get_close_matches(field, KEYS, n=1)]
        return InputError(field, "no such key", "; ".join([*near, f"the keys are {', '.join(KEYS)}"]))
    if kind == "missing":
        return InputError(field, "missing", f"give {wanted(field)}")
    if kind == "literal_error":
        return InputError(field, f"{shown(value)} is not one of {', '.join(choices(field))}")
    return InputError(field, f"{shown(value)} must be {wanted(field)}")


def in_words_of_table(error: Any) -> InputError:
    """The same of a table, with the path to what is wrong."""
    path, kind, value = [str(part) for part in error["loc"] if part != "[key]"], error["type"], error["input"]
    rules, place = (TABLES[path[0]], 1) if path[0] in TABLES else (RULES, len(path) - 1)
    if kind == "value_error":
        raised = error["ctx"]["error"]
        return InputError(".".join([*path, *filter(None, [raised.field])]), raised.message, raised.hint)
    if kind == "extra_forbidden":
        return InputError(".".join(path), "no such key", f"the keys are {', '.join(rules)}")
    rule: Mapping[str, Any] = rules.get(path[place], {"type": "object"})
    if kind == "literal_error":
        there = ", ".join(rule["enum"] if "enum" in rule else rule["items"]["enum"])
        return InputError(".".join(path[: place + 1]), f"{shown(value)} is not one of {there}")
    return InputError(".".join(path), f"{shown(value)} must be {wanted_by(rule)}")


def wanted(key: str) -> str:
    """What a key's value has to be, by its rule in the schema."""
    rule = KEYS[key]
    if "enum" in rule or "const" in rule:
        return f"one of {', '.join(choices(key))}"
    return wanted_by(rule)
