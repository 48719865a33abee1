"""How each rater worked, and who was left out."""

from collections.abc import Iterator

from annotations.documents.blocks import (
    Block,
    Bullets,
    Column,
    Ends,
    Figure,
    Heading,
    Inline,
    Number,
    Paragraph,
    Percent,
    PValue,
    Row,
    Run,
    Section,
    Soft,
    Span,
    Strong,
    Why,
    table,
)
from annotations.reasons import worded
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.raters import exclusions_of, raters_of, withdrew
from annotations.reports.repeats import repeats_of
from annotations.reports.scales import places_of, places_of_difference
from annotations.reports.schema.raters import Exclusion, Exclusions, PairWithAll, RaterResult, RatersPart, SystemWithAll
from annotations.reports.schema.report import Report
from annotations.reports.words import headed, spaced, withdrawn_sentence

AGAIN = (
    "Texts that a rater had rated before: the first rating counts in the results, and each later one is compared with "
    "it. Alpha: Krippendorff's, for first and later ratings, a unit being one text as one rater rated it."
)
CONSISTENCY = ("Rater", "Shown twice", "Mean distance", "Correlation", "Within tolerance")


def compute(inputs: Inputs) -> RatersPart:
    repeats, by_rater = repeats_of(inputs.campaign)
    raters = raters_of(inputs.everybody, consistencies=by_rater)
    return RatersPart(raters=raters, repeats=repeats, exclusions=exclusions(inputs))


def exclusions(inputs: Inputs) -> Exclusions:
    """Who is left out; means and differences with them, where there are any."""
    left_out, everybody = exclusions_of(inputs.campaign), inputs.results_of_everybody
    gone = withdrew(inputs.campaign)
    if everybody is None:
        return Exclusions(raters=left_out, withdrew=gone, criteria_with_all={}, pairs_with_all=[])
    return Exclusions(
        raters=left_out,
        withdrew=gone,
        criteria_with_all={
            name: [SystemWithAll.model_validate(row, from_attributes=True) for row in result.systems]
            for name, result in everybody.criteria.items()
        },
        pairs_with_all=[PairWithAll.model_validate(pair, from_attributes=True) for pair in everybody.pairs],
    )


def section(report: Report) -> Section:
    given = report.exclusions
    title = "Raters and exclusions" if given.raters or given.withdrew else "Raters"
    return Section("raters", title, list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    places = places_of(report)
    if report.raters:
        yield from pace_and_severity(report, places)
        yield from again(report, places)
    else:
        yield Paragraph("No ratings yet.")
    yield from left_out(report)


def pace_and_severity(report: Report, places: int) -> Iterator[Block]:
    raters, measure = report.raters, measure_of(report.campaign)
    reasons = {rater.undefined for rater in raters if rater.undefined}
    scored, timed = (
        any(value is not None for value in column) for column in ([r.mean for r in raters], [r.seconds for r in raters])
    )
    excluded = any(rater.excluded for rater in raters)
    each_says_why = bool(reasons) if scored else len(reasons) > 1
    seconds = ", and median seconds per screen" if timed else ""
    cross = "; a cross marks an excluded rater" if excluded else ""
    yield Figure(["raters"], f"Severity with 95 % intervals{seconds}{cross}.")
    titles: list[str | Column] = ["Rater", "Screens"]
    titles += ["Median seconds", "Too fast"] * timed
    titles += [*measure.rater_columns] * scored
    titles += [Column("Undefined", "text")] * each_says_why + [Column("Left out", "text")] * excluded
    rows: list[Row] = []
    for rater in raters:
        row: list[Inline] = [rater.number, rater.screens]
        row += [Number(rater.seconds, 1), Number(rater.under_floor, 2)] * timed
        row += [cell(rater, places) for cell in measure.rater_columns.values()] * scored
        row += [Soft(worded(rater.undefined))] * each_says_why + [rater.excluded or ""] * excluded
        rows.append(row)
    fast = f"Too fast: share of screens answered in under {raters[0].floor}. " if timed else ""
    if scored:
        caption = f"{fast}{measure.rater_caption}"
    else:
        why = f": {reasons.pop()}" if len(reasons) == 1 else ""
        nobody = " Nobody is excluded for their pace." if timed else ""
        caption = f"{fast}Severity and agreement with others are undefined{why}.{nobody}"
    yield table("raters", "Activity of each rater.", titles, rows, caption=caption)


def again(report: Report, places: int) -> Iterator[Block]:
    """How far raters agree with themselves."""
    if report.repeats:
        yield Heading("Repeated ratings")
        undefined = any(row.undefined for row in report.repeats.values())
        titles: list[str | Column] = ["Criterion", "Repeated ratings", "Raters", "The same", "Mean distance", "Alpha"]
        titles += ["95 % interval", *[Column("Undefined", "text")] * undefined]
        rows: list[Row] = []
        for name, row in report.repeats.items():
            found: list[Inline] = [spaced(name), row.repeats, row.raters, Percent(row.same)]
            found += [Number(row.mean_difference, places), Number(row.alpha, 3), Ends(row.ci, 3)]
            rows.append([*found, *[Soft(worded(row.undefined))] * undefined])
        yield table("repeats", "Intra-rater agreement on repeated ratings.", titles, rows, caption=AGAIN)
    if any(rater.consistency for rater in report.raters):
        yield Heading("Quality control")
        rows = [consistency_row(rater, places) for rater in report.raters]
        caption = "Shown twice: how close a rater's second score of a text is to their first."
        yield table("consistency", "Intra-rater agreement.", CONSISTENCY, rows, caption=caption)


def consistency_row(rater: RaterResult, places: int) -> Row:
    same = rater.consistency
    if not same:
        return [rater.number, Span("not tested", 4)]
    if same.mean_difference is None and same.undefined:
        return [rater.number, same.repeats, Span(str(same.undefined), 3)]
    correlation = Why(str(same.undefined)) if same.undefined else Number(same.correlation, 2)
    return [
        rater.number,
        same.repeats,
        Number(same.mean_difference, places),
        correlation,
        Percent(same.within_tolerance),
    ]


def left_out(report: Report) -> Iterator[Block]:
    """Who was left out and why, and every result without and with them."""
    given = report.exclusions
    if said := withdrawn_sentence(report):
        yield Paragraph(said)
    if not given.raters:
        yield Paragraph("No rater was excluded.")
        return
    yield Heading("Excluded raters")
    yield Bullets([exclusion(each) for each in given.raters])
    if not given.criteria_with_all:
        yield Paragraph("They had given no answers that counted.")
        return
    yield Paragraph("All results above are without them. Sensitivity analysis, with them included:")
    for name, rows in given.criteria_with_all.items():
        places = places_of(report)
        alone = {row.system: row for row in report.criteria[name].systems}
        titles = (spaced(name), "Without", "95 % interval", "Ratings", "With all", "95 % interval", "Ratings")
        made: list[Row] = []
        for row in rows:
            without = alone.get(row.system)
            cells = (Number(without.mean, places), Ends(without.ci, places), without.n) if without else (None,) * 3
            made.append([row.system, *cells, Number(row.mean, places), Ends(row.ci, places), row.n])
        about = f"{headed(name)}: means without and with the excluded raters."
        yield table(f"means-with-all-{name}", about, titles, made)
        yield from pairs_with_all(report, name)


def exclusion(each: Exclusion) -> Inline:
    said = f"Rater {each.rater}: {each.reason}, on {each.at[:10]}"
    return Run([said, ", ", Strong("after results had been seen"), "."]) if each.after_results else f"{said}."


def pairs_with_all(report: Report, name: str) -> Iterator[Block]:
    places = places_of_difference(report)
    alone = {(pair.system_a, pair.system_b): pair for pair in report.pairs if pair.criterion == name}
    rows: list[Row] = []
    for pair in report.exclusions.pairs_with_all:
        if pair.criterion == name:
            cells: list[Inline] = []
            for found in (alone.get((pair.system_a, pair.system_b)), pair):
                cells += (
                    [Number(found.difference, places), Ends(found.ci, places), PValue(found.p)] if found else [None] * 3
                )
            rows.append([f"{pair.system_a} − {pair.system_b}", *cells])
    if rows:
        titles = (
            spaced(name), "Without", "95 % interval", "p, not adjusted", "With all", "95 % interval", "p, not adjusted",
        )  # fmt: skip
        about = f"{headed(name)}: differences without and with the excluded raters."
        yield table(f"differences-with-all-{name}", about, titles, rows)
