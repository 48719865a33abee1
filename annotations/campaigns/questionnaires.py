"""What raters are asked before and after the screens: questionnaires, and whether they have understood the
instructions. Plain values in, plain values out."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from annotations.campaigns.rules import table_read
from annotations.campaigns.wording import Title, worded
from annotations.errors import AnswerError, InputError
from annotations.protocols.labels import LANGUAGES, get_language
from annotations.protocols.labels import translatable as _
from texts.limits import shown
from texts.storable import is_blank, without_unstorable

FORMS = {"entry": "Entry questionnaire", "comprehension": "Comprehension check", "exit": "Exit questionnaire"}
ATTEMPTS = {"comprehension": 2}  # of the others one: what is sent is the answer
MAX_QUESTIONS, MAX_OPTIONS, MAX_POINTS = 50, 30, 11
MAX_TYPED = 2000  # characters
ID = re.compile(r"[A-Za-z0-9_-]+")
PARTS = {"text": (), "choice": ("options",), "scale": ("low", "high", "low_label", "high_label")}  # of each kind
# What a rater reads at a question whose answer cannot be taken.
PROBLEMS = {
    "missing": _("Please answer this question."),
    "choice": _("Please choose one of the answers."),
    "scale": _("Please choose a point of the scale."),
    "long": _("This is too long. Please shorten it to 2,000 characters."),
    "wrong": _("This answer was not right. Please read the instructions again, and choose another answer."),
}


def check_id(value: str) -> str:
    if not ID.fullmatch(value):
        raise InputError("", f"{shown(value)} must be made of letters from A to Z, digits, _ and -")
    return value


def check_options(options: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [option for option in options if options.count(option) > 1]:
        raise InputError("", f"{shown(twice[0])} appears twice")
    return options


Id = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(check_id)]
Option = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(worded)]
Options = Annotated[tuple[Option, ...], Field(max_length=MAX_OPTIONS), AfterValidator(check_options)]
Asked = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(worded)]


class QuestionWords(BaseModel):
    """What raters read of a question in one language; the options in the order of the question's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: Asked = ""
    options: Options = Field(default=(), strict=False)
    low_label: Title = ""
    high_label: Title = ""


class Question(BaseModel):
    """With a table of its words for each other language."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, QuestionWords] = Field(init=False)  # by language
    keys: ClassVar[str] = "id, text, kind, options, low, high, low_label, high_label, required"

    id: Id = Field(description="Names the question in exports; raters do not see it.")
    text: Asked
    kind: Literal["text", "choice", "scale"]
    options: Options = Field(default=(), strict=False, description="Of a choice.")
    low: Annotated[int, Field(ge=0, le=100)] = Field(default=1, description="The lowest point of a scale.")
    high: Annotated[int, Field(ge=0, le=100)] = Field(default=5, description="The highest point of a scale.")
    low_label: Title = Field(default="", description="What the lowest point is called.")
    high_label: Title = Field(default="", description="What the highest point is called.")
    required: bool = Field(default=True, description="Whether the form cannot be sent without an answer.")

    @model_validator(mode="before")
    @classmethod
    def check_languages(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            if key not in cls.model_fields and key not in LANGUAGES:
                hint = f"the keys are {cls.keys}; the languages are {', '.join(LANGUAGES)}"
                raise InputError(str(key), "no such key", hint)
        return given

    @model_validator(mode="after")
    def check_kind(self) -> "Question":
        parts = PARTS[self.kind]
        for part in ("options", "low", "high", "low_label", "high_label"):
            if part in self.model_fields_set and part not in parts:
                raise InputError(part, "must be left out", f"kind is '{self.kind}'")
        if self.kind == "choice" and len(self.options) < 2:
            raise InputError("options", f"{len(self.options)} must be at least 2 to choose from")
        if self.kind == "scale":
            if not 1 <= self.high - self.low < MAX_POINTS:
                allowed = f"must be from {self.low + 1} to {self.low + MAX_POINTS - 1}"
                raise InputError("high", f"{self.high} {allowed}", f"low is {self.low}")
            for part in ("low_label", "high_label"):
                if not getattr(self, part):
                    raise InputError(part, "missing", "say what this end of the scale means")
        for language, words in self.translations.items():
            for part in words.model_fields_set - {"text"} - set(parts):
                raise InputError(f"{language}.{part}", "must be left out", f"kind is '{self.kind}'")
            if words.options and len(words.options) != len(self.options):
                said = f"{len(words.options)} must be {len(self.options)}, one for each of the options"
                raise InputError(f"{language}.options", said)
        return self

    @property
    def translations(self) -> dict[str, QuestionWords]:
        """In the site's order of languages."""
        there = self.model_extra or {}
        return {language: there[language] for language in LANGUAGES if language in there}

    @property
    def points(self) -> range:
        return range(self.low, self.high + 1)

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)

    def problem(self, value: object) -> str:
        """Which of PROBLEMS an answer has; empty where it can be taken."""
        if value is None or (isinstance(value, str) and is_blank(value)):
            return "missing" if self.required else ""
        if self.kind == "text":
            return "missing" if not isinstance(value, str) else "long" if len(value.strip()) > MAX_TYPED else ""
        if self.kind == "choice":
            return "" if value in self.options else "choice"
        return "" if isinstance(value, int) and not isinstance(value, bool) and value in self.points else "scale"

    def wanted(self) -> str:
        if self.kind == "text":
            return f"a text of at most {MAX_TYPED} characters"
        if self.kind == "choice":
            return f"one of {', '.join(self.options)}"
        return f"a whole number from {self.low} to {self.high}"


class CheckQuestion(Question):
    """A question of a comprehension check; nobody who is asked it is told the `answer`."""

    keys: ClassVar[str] = "id, text, options, answer"

    kind: Literal["choice"] = "choice"
    required: Literal[True] = True
    answer: Option = Field(description="The option that is right.")

    @model_validator(mode="after")
    def check_answer(self) -> "CheckQuestion":
        if self.answer not in self.options:
            raise InputError("answer", f"{shown(self.answer)} is not one of the options: {', '.join(self.options)}")
        return self


MODELS: dict[str, type[Question]] = {"entry": Question, "comprehension": CheckQuestion, "exit": Question}


def each_question(model: type[Question]) -> Callable[[Any, ValidationInfo], Any]:
    """Reads a form's questions one by one, so that what is wrong with one names it."""

    def read(given: Any, info: ValidationInfo) -> Any:
        form = str(info.field_name)
        if not isinstance(given, list | tuple):
            raise InputError(
                form, f"{shown(given)} must be a list of questions, each a table with the keys {model.keys}"
            )
        if len(given) > MAX_QUESTIONS:
            raise InputError(form, f"{len(given)} must be at most {MAX_QUESTIONS} questions")
        found: list[Question] = []
        for place, each in enumerate(given, start=1):
            name = each.get("id") if isinstance(each, dict) else None
            at = f"{form}.{name}" if isinstance(name, str) and ID.fullmatch(name) else f"{form}.{place}"
            found.append(each if isinstance(each, model) else table_read(model, each, at, model.keys))
            if found[-1].id in (question.id for question in found[:-1]):
                raise InputError(at, f"'{found[-1].id}' appears twice", "every question of a form has an id of its own")
        return tuple(found)

    return read


Questions = Annotated[tuple[Question, ...], BeforeValidator(each_question(Question))]
CheckQuestions = Annotated[tuple[CheckQuestion, ...], BeforeValidator(each_question(CheckQuestion))]


def questions_of(form: str, stored: Mapping[str, Any]) -> tuple[Question, ...]:
    """Those of a form, of what a campaign has stored of all."""
    return tuple(MODELS[form].model_validate(each) for each in stored.get(form, ()))


class ShownQuestion(NamedTuple):
    """A question as a rater reads it, in their language: of each option the value that is sent, and its words. What
    the right answer is has no place here."""

    id: str
    text: str
    kind: str
    options: Sequence[tuple[str, str]]
    points: Sequence[int]
    low_label: str
    high_label: str
    required: bool


def question_shown(question: Question) -> ShownQuestion:
    """In the active language."""
    words = question.translations.get(get_language() or "", QuestionWords())
    return ShownQuestion(
        question.id,
        words.text or question.text,
        question.kind,
        list(zip(question.options, words.options or question.options, strict=True)),
        list(question.points) if question.kind == "scale" else [],
        words.low_label or question.low_label,
        words.high_label or question.high_label,
        question.required,
    )


class FormError(AnswerError):
    """A form that cannot be taken as it was filled in: by question, which of PROBLEMS its answer has."""

    problems: Mapping[str, str]


def answers_read(questions: Sequence[Question], given: object) -> dict[str, str | int]:
    """What a rater sent, as it is stored: without what was left empty. Raises FormError for all that is wrong, with the
    first in its words."""
    if not isinstance(given, Mapping):
        raise AnswerError("answers", f"{shown(given)} must be an object with the questions' ids", code="form")
    ids = ", ".join(question.id for question in questions)
    if unknown := [key for key in given if key not in {question.id for question in questions}]:
        raise AnswerError(f"answers.{unknown[0]}", f"is not one of the questions, which are {ids}", code="form")
    problems = {each.id: problem for each in questions if (problem := each.problem(given.get(each.id)))}
    for question in questions:
        if question.id in problems:
            value = given.get(question.id)
            message = "not answered" if value is None else f"{shown(value)} must be {question.wanted()}"
            error = FormError(f"answers.{question.id}", message, question.wanted() if value is None else "")
            error.problems = problems
            raise error
    read = {each.id: as_stored(given.get(each.id)) for each in questions}
    return {name: value for name, value in read.items() if value not in (None, "")}


def as_stored(value: Any) -> Any:
    return without_unstorable(value).strip() if isinstance(value, str) else value


def wrong_in(questions: Sequence[Question], answers: Mapping[str, Any]) -> list[str]:
    """The questions that were answered wrongly."""
    return [
        question.id
        for question in questions
        if isinstance(question, CheckQuestion) and answers.get(question.id) != question.answer
    ]


def share_passing_by_chance(questions: Sequence[Question], attempts: int = ATTEMPTS["comprehension"]) -> float:
    """How probable it is that a rater passes a comprehension check who has read nothing and guesses. After an attempt a
    rater reads which answers were wrong, so that one who guesses keeps the others, and gives no wrong one again: of k
    options, `attempts` are tried."""
    return math.prod(min(attempts, len(question.options)) / len(question.options) for question in questions)
