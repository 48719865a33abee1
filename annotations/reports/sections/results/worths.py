"""How often each system's texts were chosen as the best and the worst, and its worth in the maxdiff model."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Ends, Number, Paragraph, Row, table
from annotations.reports.schema.report import Report
from annotations.reports.words import headed

CAPTION = (
    "Worth: in the maxdiff model, in which a pair of texts is the more likely to be chosen as the best and the worst, "
    "the higher the worth of the first one's system is above that of the other's. The systems' worths add to zero."
)


def blocks(report: Report, name: str) -> Iterator[Block]:
    worths = report.criteria[name].worths
    if not worths:
        return
    if worths.undefined:
        what = "intervals of the worths" if any(row.worth is not None for row in worths.systems) else "worths"
        yield Paragraph(f"The {what} are undefined: {worths.undefined}.", "note")
    about = f"{headed(name)}: best and worst choices, and worths in the maxdiff model."
    titles = ("System", "Shown", "Best", "Worst", "Worth", "95 % interval")
    rows: list[Row] = [
        [row.system, row.shown, row.best, row.worst, Number(row.worth, 2), Ends(row.ci, 2)] for row in worths.systems
    ]
    yield table(f"worths-{name}", about, titles, rows, caption=CAPTION)
