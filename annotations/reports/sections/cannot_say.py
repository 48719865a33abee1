"""How often raters said that they could not judge a screen, where they could say so."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Paragraph, Section
from annotations.reports.inputs import Inputs
from annotations.reports.schema.cannot_say import CannotSayPart, Declined
from annotations.reports.schema.report import Report
from annotations.reports.words import spaced


def compute(inputs: Inputs) -> CannotSayPart:
    table = inputs.table
    found = {
        criterion: Declined(declined=int((~table.judged(criterion)).sum()), answers=len(table.items))
        for criterion in inputs.campaign.cannot_say
    }
    return CannotSayPart(cannot_say=found)


def section(report: Report) -> Section:
    return Section("cannot-say", "Not judged", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = CannotSayPart.of(report)
    for name, each in part.cannot_say.items() if part else ():
        yield Paragraph(
            f"In {each.declined} of {each.answers} answers raters said that they could not judge the screen by "
            f"{spaced(name)}. These answers enter no result by that criterion."
        )
