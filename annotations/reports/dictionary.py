"""What each column of exported ratings means."""

from typing import Literal, NamedTuple

from annotations.campaigns.models import Campaign
from annotations.protocols import protocol_named
from annotations.reports.measures import measure_of
from annotations.reports.sheet_words import examples

Type = Literal["text", "integer", "number", "time", "boolean"]


class Column(NamedTuple):
    name: str
    type: Type
    unit: str
    meaning: str


COLUMNS = {
    column.name: column
    for column in [
        Column("campaign", "text", "", "name of the campaign"),
        Column(
            "item", "integer", "", "position of the item in the campaign's seeded order, from 0; it identifies the item"
        ),
        Column("album", "text", "", "album or document that the source belongs to; items of one album are a cluster"),
        Column("source", "text", "", "what the systems were given, by its name within its album"),
        Column("system", "text", "", "who wrote the text; empty for a quality-control text"),
        Column("candidate", "integer", "", "number of the text; several systems that wrote it share the number"),
        Column("text", "text", "", "the text as it was shown, after normalisation"),
        Column("rater", "text", "", "the rater's random pseudonym within the campaign"),
        Column("criterion", "text", "", "the criterion of the rating"),
        Column(
            "score",
            "number",
            "scale points",
            "the rater's score, on the campaign's scale; a slider runs from 0 to 100",
        ),
        Column(
            "errors",
            "text",
            "",
            "the errors that the rater marked, as a list in JSON, empty if none: start and end are offsets in code "
            "points, end being behind the last one; text is that part of the text",
        ),
        Column("human", "integer", "", "1 if the rater judged that a person wrote the text, 0 if a machine"),
        Column("confidence", "integer", "", "how sure the rater was of that, from 1 to 3"),
        Column("rewrite", "text", "", "the text as the rater would have written it; empty if the rater was erased"),
        Column("edits", "integer", "words", "inserted, deleted or replaced, at least, from the text to the rewrite"),
        Column("rewrite_words", "integer", "words", "of the rewrite"),
        Column("pasted", "number", "characters", "pasted into the rewrite; empty if unknown"),
        Column("typing_seconds", "number", "s", "of typing, without pauses of 5 s and more; empty if unknown"),
        Column("system_a", "text", "", "who wrote the text that was shown first"),
        Column("system_b", "text", "", "who wrote the other text"),
        Column("text_a", "text", "", "the text that was shown first"),
        Column("text_b", "text", "", "the other text"),
        Column("choice", "text", "", "the system whose text was preferred, or tie; of a control item text_a or text_b"),
        Column("place", "integer", "", "position of the text on this rater's screen, from 1; empty if unknown"),
        Column("order", "integer", "", "position of the screen among this rater's answers, from 1"),
        Column("revision", "integer", "", "1 for a first answer, higher if the rater withdrew an earlier one"),
        Column(
            "seconds",
            "number",
            "s",
            "that the rater had the screen in view, over all visits and including withdrawn answers; by the rater's "
            "clock, and never more than the time since the screen was handed out; empty if unknown",
        ),
        Column("submitted", "time", "UTC", "when the answer came in; ISO 8601"),
        Column(
            "kind",
            "text",
            "",
            "regular, repeat (planned, the same texts again), control (a hidden degraded text), attention, training or "
            "qualification",
        ),
        Column("excluded", "text", "", "why this rater is excluded from the results; empty for all others"),
        Column("simulated", "boolean", "", "true for simulated raters, false for people"),
        Column(
            "comment",
            "text",
            "",
            "what the rater said of the screen, the same in all rows of a screen; it can identify them: look through "
            "it before you publish it",
        ),
        Column(
            "completion_code",
            "text",
            "",
            "the code the rater was shown once they had earned it, otherwise empty; it can identify them: leave the "
            "column out of what you publish",
        ),
    ]
}


def columns_of(campaign: Campaign) -> list[Column]:
    """Of the rows that the campaign's answers make."""
    measure = measure_of(campaign)
    columns = [COLUMNS[name] for name in measure.row._fields]
    for place, column in enumerate(columns):
        unit, meaning = measure.column_words.get(column.name, (column.unit, column.meaning))
        columns[place] = column._replace(unit=unit, meaning=meaning)
        if column.name == "criterion" and not campaign.imported_by_id:
            columns[place] = column._replace(meaning=f"{meaning}. {criteria_said(campaign)}")
    return columns


def criteria_said(campaign: Campaign) -> str:
    """What raters read of each."""
    protocol = protocol_named(campaign.protocol)
    said = [[f"{each.name}: {each.said(protocol.question_in_full)}.", *examples(each)] for each in campaign.asked]
    return " ".join(part for parts in said for part in parts)
