"""What each column of exported ratings means."""

from typing import Literal, NamedTuple

from annotations.models import Campaign
from annotations.reports.rows import row_of

Type = Literal["text", "integer", "number", "time"]


class Column(NamedTuple):
    name: str
    type: Type
    unit: str
    meaning: str


COLUMNS = {
    column.name: column
    for column in [
        Column("campaign", "text", "", "name of the campaign"),
        Column("item", "integer", "", "place of the item in the campaign's seeded order, from 0; it names the item"),
        Column("album", "text", "", "album or document that the source belongs to; items of one album are a cluster"),
        Column("source", "text", "", "what the systems were given, by its name within its album"),
        Column("system", "text", "", "who wrote the text; empty for a text made for quality control"),
        Column("candidate", "integer", "", "number of the text; several systems that wrote it share the number"),
        Column("text", "text", "", "the text as it was shown, after normalisation"),
        Column("rater", "text", "", "the rater's random pseudonym within the campaign"),
        Column("criterion", "text", "", "what the text was rated by"),
        Column(
            "score",
            "number",
            "points of the scale",
            "what the rater gave, on the campaign's scale; a slider runs from 0 to 100",
        ),
        Column("system_a", "text", "", "who wrote the text that was shown first"),
        Column("system_b", "text", "", "who wrote the other text"),
        Column("text_a", "text", "", "the text that was shown first"),
        Column("text_b", "text", "", "the other text"),
        Column("choice", "text", "", "the system whose text was preferred, or tie"),
        Column("place", "integer", "", "the text's place on this rater's screen, from 1; empty where it is not known"),
        Column("order", "integer", "", "place of the screen among this rater's answers, from 1"),
        Column("revision", "integer", "", "1 for a first answer, more where the rater took back what came before"),
        Column(
            "seconds",
            "number",
            "s",
            "that the rater had the screen in view, over all visits and whatever was taken back; by the rater's clock, "
            "and never more than since the screen was handed out; empty where it is not known",
        ),
        Column("submitted", "time", "UTC", "when the answer came in; ISO 8601"),
        Column("kind", "text", "", "regular, repeat (planned, the same text again) or control (quality control)"),
        Column("excluded", "text", "", "why this rater is left out of the results; empty for all others"),
        Column(
            "completion_code",
            "text",
            "",
            "the code the rater was shown once they had earned it, else empty; it can tell who they are: leave the "
            "column out of what you publish",
        ),
    ]
}


def columns_of(campaign: Campaign) -> list[Column]:
    """Of the rows that the campaign's answers make."""
    return [COLUMNS[name] for name in row_of(campaign)._fields]
