"""Systems side by side by one criterion, in the campaigns that asked the same."""

from collections.abc import Iterator

from annotations.documents.blocks import (
    Block,
    Column,
    Ends,
    Figure,
    Heading,
    Inline,
    Lines,
    Number,
    Paragraph,
    PValue,
    Row,
    Run,
    Section,
    Soft,
    Strong,
    Why,
    table,
)
from annotations.reasons import sentence_of
from annotations.reports.comparison_schema import (
    CampaignDifference,
    CampaignMean,
    CriterionComparison,
    DifferenceOfDistances,
)
from annotations.reports.scales import places_on
from annotations.reports.words import counted, headed

MEANS = (
    "In bold the mean, below it its 95 % interval, on the shared items. z: standardised by rater within the campaign, "
    "so relative to the texts rated together."
)
AGAINST = (
    "Against the link: how far each system is from what both campaigns rated with the same texts, as scored by the "
    "same people, and the difference between these distances. It removes the difference between the groups of raters, "
    "if they differ on all systems alike."
)
DIFFERENCE = Lines(["Difference,", "95 % interval,", "not adjusted"])


def section(result: CriterionComparison, place: int) -> Section:
    """`place`: its number in the comparison, which has one criterion again for other campaigns."""
    return Section(f"by-{place + 1}", headed(result.criterion), list(blocks(result, place)))


def blocks(result: CriterionComparison, place: int) -> Iterator[Block]:
    if result.notes:
        yield Paragraph(" ".join(result.notes), "soft")
    if result.undefined:
        yield Paragraph(sentence_of(result.undefined), "note")
        return
    places, by, number = places_on(*result.scale), headed(result.criterion), place + 1
    yield Figure([f"means:{place}"], "Means and 95 % intervals on the shared items, by system.")
    titles: list[str | Column] = [Column("System", "names"), *result.campaigns]
    rows: list[Row] = [[row.system, *(mean_cell(cell, places) for cell in row.cells)] for row in result.systems]
    yield table(f"means-{number}", f"{by}: means with 95 % intervals.", titles, rows, caption=MEANS)
    if result.raters:
        yield Paragraph(result.raters, "note")
    if same := [row for row in result.differences if row.kind == "raters"]:
        yield Heading("The yardstick: the same texts, different raters")
        rows = [difference_row(row, places) for row in same]
        yield table(f"raters-{number}", f"{by}: the same system in two campaigns.", difference_titles("System"), rows)
    if across := [row for row in result.differences if row.kind == "systems"]:
        yield Heading("Systems that no campaign rated together")
        titles, caption = difference_titles("Systems"), AGAINST if result.links else ""
        rows = [difference_row(row, places) for row in across]
        if result.links:
            titles.append("Against the link")
            rows = [[*row, against(each.against_links, places)] for row, each in zip(rows, across, strict=True)]
        about = f"{by}: differences between systems across campaigns."
        yield table(f"systems-{number}", about, titles, rows, caption=caption)


def mean_cell(cell: CampaignMean | None, places: int) -> Inline:
    if cell is None:
        return Soft("not included")
    of = f" · {counted(cell.n, 'rating')}, {counted(cell.raters, 'rater')}"
    number = Strong(Number(cell.mean, places))
    return Lines([number, interval(cell, places), Soft(Run(["z ", Number(cell.z, 2), of]))])


def interval(cell: CampaignMean | CampaignDifference | DifferenceOfDistances, places: int) -> Inline:
    return Why(str(cell.undefined)) if cell.undefined else Ends(cell.ci, places)


def difference_titles(first: str) -> list[str | Column]:
    return [Column(first, "names"), Column(DIFFERENCE), "p, not adjusted", "p (Holm)", "Items"]


def difference_row(row: CampaignDifference, places: int) -> Row:
    return [
        Lines([systems_of(row), Soft(f"{row.campaign_a} − {row.campaign_b}")]),
        Lines([Strong(Number(row.difference, places)), interval(row, places)]),
        PValue(row.p),
        PValue(row.p_holm),
        row.items,
    ]


def systems_of(row: CampaignDifference) -> str:
    return row.system_a if row.kind == "raters" else f"{row.system_a} − {row.system_b}"


def against(found: DifferenceOfDistances | None, places: int) -> Inline:
    if found is None:
        return None
    by = Soft(f"by {', '.join(found.links)}")
    return Lines([Number(found.difference, places), interval(found, places), by])
