"""A worked example, which raters read with the instructions: a screen, an answer to it, and why it is right. Plain
values in, plain values out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from annotations.campaigns.rules import table_read
from annotations.campaigns.wording import stored, worded
from annotations.errors import AnswerError, InputError
from annotations.protocols import AnyProtocol, Rules, cannot_say
from annotations.protocols.base import letter
from texts.storable import value_problem

MAX_TEXTS, MAX_LENGTH = 6, 2000


def check_differ(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(texts)) < len(texts):
        raise InputError("", "must be texts that differ, and two are the same")
    return texts


Words = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH), AfterValidator(worded)]
Texts = Annotated[tuple[Words, ...], Field(min_length=1, max_length=MAX_TEXTS), AfterValidator(check_differ)]


class WorkedExample(BaseModel):
    """The table `example` of a campaign file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source: Annotated[str, Field(max_length=MAX_LENGTH), AfterValidator(stored)] = Field(
        default="", description="What the texts are about, in words; of a sequence, a line for each picture."
    )
    texts: Texts = Field(strict=False, description="Those of a screen, in their order.")
    answers: dict[str, Any] = Field(description="As the API takes them from a rater; the texts are called A, B, …")
    why: Words = Field(description="Why this is how to answer.")

    @property
    def named(self) -> list[tuple[str, str]]:
        """The texts by their letters."""
        return [(letter(place), text) for place, text in enumerate(self.texts)]

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


def example_read(given: Any) -> Any:
    known = given is None or isinstance(given, WorkedExample)
    return given if known else table_read(WorkedExample, given, "example", ", ".join(WorkedExample.model_fields))


DeclaredExample = Annotated[WorkedExample | None, BeforeValidator(example_read)]


def example_of(stored: Mapping[str, Any]) -> WorkedExample | None:
    """Of what a campaign has stored."""
    return WorkedExample.model_validate(stored) if stored else None


def check_example(
    example: WorkedExample, protocol: AnyProtocol, *, criteria: Sequence[str], may: Collection[str], rules: Rules
) -> None:
    """Raises InputError where the protocol shows no screen of as many texts, or does not take the answer."""
    protocol.check_example(len(example.texts), MAX_TEXTS)
    if problem := value_problem(example.answers, "example.answers"):
        raise InputError(*problem)
    fields_of(example, protocol, criteria=criteria, may=may, rules=rules)


def fields_of(
    example: WorkedExample, protocol: AnyProtocol, *, criteria: Sequence[str], may: Collection[str], rules: Rules
) -> dict[str, str]:
    """The answer as the fields of the rating page hold it; `may` are the criteria that can be declined. Raises
    InputError with the place of what is wrong."""
    judged, declined = cannot_say.apart(example.answers, may)
    candidates = {name: place for place, (name, _) in enumerate(example.named, start=1)}
    try:
        read = protocol.read(
            judged,
            criteria=[criterion for criterion in criteria if criterion not in declined],
            candidates=candidates,
            rules=rules,
            texts=dict(enumerate(example.texts, start=1)),
        )
    except AnswerError as error:
        raise InputError(f"example.{error.field}", error.message, error.hint) from error
    names = {place: name for name, place in candidates.items()}
    return {**protocol.fields(read, names=names), **cannot_say.fields(read, criteria)}
