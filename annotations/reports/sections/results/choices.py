"""The strengths of systems between which raters chose, and how often each won."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Ends, Inline, Lines, Number, Paragraph, Row, Why, table
from annotations.documents.numbers import figure, interval
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import WinRow
from annotations.reports.words import headed


def blocks(report: Report, name: str) -> Iterator[Block]:
    choices, result = report.criteria[name].choices, report.criteria[name]
    if not choices:
        return
    if choices.undefined:
        yield Paragraph(f"The strengths are undefined: {choices.undefined}.", "note")
    if choices.penalised:
        yield Paragraph(f"{choices.penalised}.", "note")
    wins = {row.system: row.value for row in result.expected_wins}
    rows: list[Row] = [
        [row.system, Number(row.worth, 2), Ends(row.ci, 2), Number(row.win_share, 3), Number(wins[row.system], 3)]
        for row in choices.systems
    ]
    titles = ("System", "Log-strength", "95 % interval", "Expected share won", "Expected wins")
    caption = (
        "Expected share won: according to the model, of decided comparisons with each other system equally often, in "
        "either position. Expected wins: the share won against each other system it met, ties excluded, averaged over "
        f"these systems. Ties, log ν: {parameter(choices.ties)}. Position effect (what being shown first adds to a "
        f"system's log-strength): {parameter(choices.position)}."
    )
    about = f"{headed(name)}: strengths in a model of paired comparisons with ties."
    yield table(f"strengths-{name}", about, titles, rows, caption=caption)
    titles_won = ("Systems", "Won", "Tied", "Lost", "Share won", "95 % interval", "Ties as half", "95 % interval")
    about = f"{headed(name)}: how often each system won, with the share of decided comparisons and of all."
    yield table(f"wins-{name}", about, titles_won, [won(row) for row in choices.table])


def parameter(found: Estimate) -> str:
    if found.value is None:
        return f"undefined: {found.undefined}"
    return f"{figure(found.value, 2)} ({interval(found.ci, 2)})"


def won(row: WinRow) -> Row:
    share: Inline = Ends(row.ci, 3)
    if why := row.undefined or row.note:
        share = Lines([share, Why(str(why))])
    counts: list[Inline] = [row.wins, row.ties, row.losses]
    halved: list[Inline] = [Number(row.halved, 3), Ends(row.halved_ci, 3)]
    return [f"{row.system_a} against {row.system_b}", *counts, Number(row.share, 3), share, *halved]
