"""Each system's mean by a criterion, or the share of comparisons that it won."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Ends, Figure, Inline, Lines, Number, Row, Why, table
from annotations.reports.measures import measure_of
from annotations.reports.scales import is_adjusted, places_of
from annotations.reports.schema.report import Report
from annotations.reports.scope import populations
from annotations.reports.words import agreement_sentence, headed


def blocks(report: Report, name: str) -> Iterator[Block]:
    measure, places = measure_of(report.campaign), places_of(report)
    yield Figure([f"means:{name}"], f"{measure.means_caption}, with 95 % intervals.")
    rows: list[Row] = []
    for row in report.criteria[name].systems:
        interval: Inline = Ends(row.ci, places)
        if row.note:
            interval = Lines([interval, Why(str(row.note))])
        beside = [cell(row, places) for cell in measure.mean_columns.values()]
        first, last = row.rank_range
        rank = f"{first}" if first == last else f"{first}–{last}"
        counts: list[Inline] = [rank, row.cluster, row.n, row.raters, row.items]
        rows.append([row.system, Number(row.mean, places), interval, *beside, *counts])
    titles = ["System", measure.mean_title, "95 % interval", *measure.mean_columns]
    yield table(f"means-{name}", about(report, name), [*titles, "Rank", "Cluster", "Ratings", "Raters", "Items"], rows)


def about(report: Report, name: str) -> str:
    """What the means are of, and how ranks and clusters were found."""
    measure = measure_of(report.campaign)
    pairs = [pair for pair in report.pairs if pair.criterion == name]
    by_holm = ", by Holm-adjusted p-values" if any(is_adjusted(report, pair) for pair in pairs) else ""
    if by_holm and any(pair.primary for pair in pairs):
        by_holm += " (the primary comparison by its own)"
    return (
        f"{headed(name)}: {measure.mean_of(report.campaign)} with its 95 % interval, {populations(report, name)}. Rank "
        "is the range that the tests of differences leave open; every system in a cluster was shown to be "
        f"{measure.higher} every system in the next{by_holm}. "
        f"Agreement: {agreement_sentence(report.criteria[name])}."
    )
