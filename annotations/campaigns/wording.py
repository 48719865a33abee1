"""The words that a campaign has for a criterion: a table of the campaign's file, with one within for each language."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from annotations.errors import InputError
from annotations.protocols.labels import LANGUAGES
from texts.storable import text_problem


def stored(text: str) -> str:
    if problem := text_problem(text):
        raise InputError("", problem)
    return text.strip()


def worded(text: str) -> str:
    if not (kept := stored(text)):
        raise InputError("", "must be a text, and has only white space")
    return kept


Title = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(worded)]
Sentence = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(worded)]
Example = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(worded)]


class Words(BaseModel):
    """What raters read of a criterion in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: Title = Field(default="", title="Name shown", description="Empty: the criterion's own name.")
    question: Sentence = Field(default="", description="As asked of one text.")
    which: Sentence = Field(
        default="", title="Question of two texts", description="Such as: Which one is warmer? Empty: from the question."
    )
    best: Sentence = Field(
        default="", title="Question for the best text", description="Such as: Which one is the warmest?"
    )
    worst: Sentence = Field(
        default="", title="Question for the worst text", description="Such as: Which one is the least warm?"
    )
    low: Title = Field(default="", title="Low end of the scale", description="Empty: “not at all”.")
    high: Title = Field(default="", title="High end of the scale", description="Empty: “entirely”.")
    example_low: Example = Field(default="", title="Example of the low end", description="A short text.")
    example_high: Example = Field(default="", title="Example of the high end", description="A short text.")

    @model_validator(mode="before")
    @classmethod
    def check_not_empty(cls, given: Any) -> Any:
        if given == {}:
            raise InputError("", "must have at least one of the keys", ", ".join(Words.model_fields))
        return given


class CriterionWords(Words):
    """The researcher's words, and what they are in other languages."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"propertyNames": {"enum": [*Words.model_fields, *LANGUAGES]}},
    )
    __pydantic_extra__: dict[str, Words] = Field(init=False)  # by language

    @model_validator(mode="before")
    @classmethod
    def check_languages(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            if key not in Words.model_fields and key not in LANGUAGES:
                raise InputError(
                    str(key),
                    "no such key",
                    f"the keys are {', '.join(Words.model_fields)}; the languages are {', '.join(LANGUAGES)}",
                )
        return given

    @property
    def translations(self) -> dict[str, Words]:
        """In the site's order of languages."""
        there = self.model_extra or {}
        return {language: there[language] for language in LANGUAGES if language in there}


def tables(criterion: Mapping[str, CriterionWords]) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """The tables of a campaign's file: where each stands, and the words in it."""
    for name, words in criterion.items():
        yield (name,), words.model_dump(exclude_defaults=True, include=set(Words.model_fields))
        for language, translation in words.translations.items():
            yield (name, language), translation.model_dump(exclude_defaults=True)


RULES: dict[str, dict[str, Any]] = Words.model_json_schema()["properties"]
