"""Words that reports, datasheets and preregistrations share: what raters see, and what the researcher has to say."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import Inline, Lines, Paragraph, Row, Run, Strong
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


def gap(what: Inline) -> Paragraph:
    return Paragraph(Run([Strong("TO BE ANSWERED BY THE RESEARCHER:"), " ", what]), "gap")
