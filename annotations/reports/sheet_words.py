"""Words that reports, datasheets and preregistrations share: what raters see, and what the researcher has to say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotations.campaigns.example import example_of
from annotations.documents.blocks import Block, Bullets, Inline, Lines, Paragraph, Row, Run, Strong
from annotations.protocols import AnyProtocol
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label

SEEN = {
    "photo": "the photo",
    "caption": "the photo's caption, but not the photo",
    "both": "the photo and its caption",
    "none": "nothing of what the systems were given",
}

SEEN_OF_STORIES = {
    "photo": "the photos of the sequence",
    "caption": "a caption of each photo, but not the photos",
    "both": "the photos of the sequence and a caption of each",
    "none": "nothing of what the systems were given",
}

UNSEEN = "of which no earlier campaign had shown an item"


def seen_of_source(show: str, unit: str) -> str:
    return (SEEN_OF_STORIES if unit == "story" else SEEN)[show]


def texts_on_a_screen(texts: int) -> str:
    """How many of an item's texts are shown together, 0 being all."""
    return {0: "the texts of an item", 1: "one text of an item"}.get(texts, f"{texts} texts of an item")


def criterion_rows(protocol: AnyProtocol, criteria: Sequence[Criterion]) -> list[Row]:
    """Of a table of criteria: the name, the name shown, and all else that raters read."""
    return [
        [
            criterion.name,
            criterion.label.title,
            Lines([f"{criterion.said(protocol.question_in_full)}.", *examples(criterion)]),
        ]
        for criterion in criteria
    ]


def examples(criterion: Criterion) -> Iterator[str]:
    for end, text in (("high", "example_high"), ("low", "example_low")):

        def say(label: Label, end: str = end, text: str = text) -> str:
            example = getattr(label, text)
            return f"Example of “{getattr(label, end)}”: “{example}”" if example else ""

        if criterion.reworded and (said := criterion.said(say)):
            yield f"{said}."


def example_blocks(stored: Mapping[str, Any]) -> Iterator[Block]:
    """The worked example of a campaign that has one."""
    if not (example := example_of(stored)):
        return
    lines = [line.strip() for line in example.source.splitlines() if line.strip()]
    yield Paragraph("A worked example, which raters read with the instructions:")
    yield Bullets(
        [
            *([f"What the texts are about: {'; '.join(lines)}"] if lines else []),
            *(f"Text {name}: {text}" for name, text in example.named),
            *(f"Answer by {criterion}: {answer_in_words(given)}" for criterion, given in example.answers.items()),
            f"Why: {example.why}",
        ]
    )


def answer_in_words(given: Any, inside: bool = False) -> str:
    """An answer as the API takes it, of whatever protocol: `A 91, B 8`."""
    if given is None or isinstance(given, bool):
        return {None: "cannot say", True: "yes", False: "no"}[given]
    if isinstance(given, float):
        return f"{given:g}"
    if isinstance(given, Mapping):
        parts = [f"{key} {answer_in_words(each, True)}" for key, each in given.items()]
    elif isinstance(given, list):
        parts = [answer_in_words(each, True) for each in given]
    else:
        return str(given)
    said = ", ".join(parts) or "nothing"
    return f"({said})" if inside and parts else said


def gap(what: Inline) -> Paragraph:
    return Paragraph(Run([Strong("TO BE ANSWERED BY THE RESEARCHER:"), " ", what]), "gap")
