"""Every pair of systems by a criterion: the difference, its interval, and whether it counts."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import (
    Block,
    Bullets,
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
    Soft,
    Strong,
    Why,
    table,
    undefined,
)
from annotations.reports import words
from annotations.reports.charts.ratings import pairs_drawn
from annotations.reports.measures import measure_of
from annotations.reports.scales import LEVEL, adjusted, is_adjusted, limit_of, places_of_difference
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult
from annotations.reports.scope import populations

PRIMARY = Soft("primary")
ADJUSTED = (
    Column(Lines(["95 % interval,", "not adjusted"])),
    Column(Lines(["Simultaneous", "95 % interval"])),
    Column(Lines(["p, not", "adjusted"])),
    "p (Holm)",
)
SIMULTANEOUS = (
    "Simultaneous: intervals that all hold jointly in at least 95 of 100 studies, by Bonferroni over the pairs of a "
    "family; Holm's method may show a few more differences."
)


def blocks(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    drawn = pairs_drawn(report, name)
    together, declared = any(is_adjusted(report, pair) for pair in pairs), any(pair.primary for pair in pairs)
    yield Heading(f"Differences for {words.spaced(name)}", 2)
    sentences = [words.contrast_sentence(report, pair, name_criterion=False) for pair in drawn if not pair.primary]
    if sentences:
        yield Bullets(sentences)
    yield Figure([f"differences:{name}"], chart_caption(together, declared, some=len(drawn) < len(pairs)))
    rows = [difference_row(report, pair, together=together) for pair in pairs]
    titles = ["Systems", "Difference", *(ADJUSTED if together else ("95 % interval", "p")), "Screens", "Items"]
    about = differences_about(report, name, together, declared)
    yield table(f"differences-{name}", about, titles, rows)
    yield Paragraph(" ".join(what_bold_means(report, name, together, declared)), "soft")


def differences_about(report: Report, name: str, together: bool, declared: bool) -> str:
    unit = measure_of(report.campaign).unit_after
    adjustment = "."
    if together:
        alone = " The primary comparison is tested on its own." if declared else ""
        adjustment = (
            f", not adjusted for multiple comparisons.{alone} p is Holm-adjusted within the {report.campaign.family}; "
            "the simultaneous 95 % intervals are Bonferroni-adjusted over the same pairs."
        )
    return (
        f"{words.headed(name)}: differences{unit} between systems on the same items, each with its 95 % interval "
        f"{populations(report, name)}{adjustment}"
    )


def chart_caption(together: bool, declared: bool, *, some: bool) -> str:
    said = "Differences with 95 % intervals"
    said += ", not adjusted for multiple comparisons, and Holm-adjusted p-values" if together else " and p-values"
    said += ", for the pairs with the highest mean; all pairs are in the tables" if some else ""
    return f"{said}. Filled marks: shown to differ.{' Diamond: the primary comparison.' if declared else ''}"


def what_bold_means(report: Report, name: str, together: bool, declared: bool) -> Iterator[str]:
    bold = f"In bold: a difference was shown, at {LEVEL:g}{' after Holm adjustment' if together else ''}"
    if declared and report.primary and report.primary.boundary:
        bold += ", or for the primary comparison below the boundary of this analysis"
    elif declared and together:
        bold += " (the primary comparison by its own p)"
    yield f"{bold}."
    yield from measure_of(report.campaign).difference_note
    if together:
        yield SIMULTANEOUS


def difference_row(report: Report, pair: PairResult, *, together: bool) -> Row:
    places, limit = places_of_difference(report), limit_of(report, pair)
    number = Number(pair.difference, places)
    interval: Inline = undefined(pair.undefined) if pair.undefined else Ends(pair.ci, places)
    if pair.note and not pair.undefined:
        interval = Lines([interval, Why(str(pair.note))])
    if together:
        simultaneous = PRIMARY if pair.primary else Ends(pair.ci_simultaneous, places)
        by_holm = PRIMARY if pair.primary else PValue(pair.p_holm)
        tested: list[Inline] = [simultaneous, PValue(pair.p, limit), by_holm]
    else:
        p = adjusted(pair)
        exact = pair.unvaried and p is not None
        tested = [Run([PValue(p, limit), Soft(" (exact)")]) if exact else PValue(p, limit)]
    shown = Strong(number) if pair.shown else number
    return [f"{pair.system_a} − {pair.system_b}", shown, interval, *tested, pair.n, pair.items]
