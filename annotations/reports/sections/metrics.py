"""Automatic metrics beside what people said."""

from collections.abc import Iterator, Mapping

from annotations.documents.blocks import (
    Block,
    Bullets,
    Code,
    Column,
    Ends,
    Facts,
    Figure,
    Fold,
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
    table,
    undefined,
    undefined_row,
)
from annotations.documents.numbers import p_is, p_value
from annotations.reasons import Reason
from annotations.reports.inputs import Inputs
from annotations.reports.metrics import (
    correlation_of,
    disagreements_of,
    metric_differences_of,
    metric_facts_of,
    metrics_of,
    part_said,
    values_by_text,
)
from annotations.reports.scales import places_of
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.metrics import (
    Accuracy,
    Correlation,
    Disagreement,
    LevelCorrelation,
    MetricDifferences,
    MetricFacts,
    MetricPair,
    MetricsPart,
    WilliamsTest,
)
from annotations.reports.schema.report import Report
from annotations.reports.sections.examples import shown
from annotations.reports.words import headed, spaced
from annotations.systems.models import Metric

LEVELS = {"pooled": "all texts together", "within_item": "within items", "system": "between systems"}
ABOUT = "Metrics on the campaign's items, each with its 95 % interval by resampling."
DIFFERENCES = (
    "Differences between systems in each metric by the paired bootstrap over albums, each with its 95 % interval and "
    "two-sided p, neither adjusted for multiple comparisons."
)
UNADJUSTED = (
    "Below each difference: its 95 % interval and its p-value, in brackets the one computed as in sacrebleu. Neither "
    "is adjusted for the number of pairs and metrics."
)
TIED = (
    "Tie threshold: two texts whose metric values differ by no more than this count as tied; it is chosen to fit "
    "people's ties best."
)
WILLIAMS = "Williams' test of two correlations that share the human scores; p is not adjusted for the number of tests."


def compute(inputs: Inputs) -> MetricsPart:
    campaign, table = inputs.campaign, inputs.table
    values = values_by_text(campaign, table)
    return MetricsPart(
        metric_facts=metric_facts_of(campaign),
        metrics=metrics_of(campaign),
        metric_differences=metric_differences_of(campaign),
        correlation=correlation_of(campaign, table, values),
        disagreements=disagreements_of(campaign, table, values),
    )


def section(report: Report) -> Section:
    return Section("metrics", "Metrics and human ratings", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    if report.metrics:
        yield from values(report)
        if report.metric_differences:
            yield from differences(report.metric_differences)
    elif report.campaign.imported:
        yield Paragraph("Not scored.")
    else:
        yield Paragraph(Run(["Not scored yet: ", Code(f"manage.py score --campaign {report.campaign.name}"), "."]))
    reasons = {found.undefined for found in report.correlation.values()}
    if len(reasons) == 1 and (why := reasons.pop()):  # of all criteria the same: it is said once
        if report.metrics:
            yield not_compared(why)
        return
    for name, found in report.correlation.items():
        yield Heading(f"{spaced(name)} and metrics")
        yield from compared(report, name, found)


def not_compared(why: Reason) -> Paragraph:
    return Paragraph(f"Metrics and human ratings are not compared: {why}.", "note")


def values(report: Report) -> Iterator[Block]:
    """Every system's value by every metric, what of it is undefined and why, what the metrics are, and signatures."""
    metrics, by_system = list(report.metric_facts), report.metrics
    rows: list[Row] = []
    missing: dict[tuple[str, Reason | None], list[str]] = {}
    signatures: dict[str, str] = {}
    for system, cells in sorted(by_system.items()):
        row: list[Inline] = [system]
        for metric in metrics:
            cell = cells[metric]
            if cell.value is None:
                missing.setdefault((system, cell.undefined), []).append(metric)
            if cell.signature:
                signatures.setdefault(metric, cell.signature)
            row.append(Soft("undefined") if cell.value is None else valued(cell, 3))
        rows.append(row)
    yield table("metrics", ABOUT, ("System", *metrics), rows, dense=True)
    if missing:
        yield Bullets(
            [f"{system}, {', '.join(of)}: undefined: {why}." for (system, why), of in missing.items()], soft=True
        )
    if part := part_said(by_system):
        yield Paragraph(part, "note")
    yield Fold("What the metrics are", [Facts([(name, described(each)) for name, each in report.metric_facts.items()])])
    yield signed("Signatures", {metric: signatures[metric] for metric in metrics if metric in signatures})


def described(metric: MetricFacts) -> str:
    of = [str(Metric.Level(metric.level).label), *(["lower is better"] if metric.less_is_better else [])]
    return f"{metric.description} ({', '.join(of)})"


def signed(title: str, signatures: Mapping[str, str | None]) -> Fold:
    return Fold(title, [Paragraph(Code(f"{metric}: {signature}")) for metric, signature in signatures.items()])


def valued(found: Estimate, places: int) -> Inline:
    """A value with its interval below, or in words why there is none."""
    if found.value is None:
        return undefined(found.undefined)
    number = Number(found.value, places)
    return Lines([number, Soft(Ends(found.ci, places))]) if found.ci else number


def differences(by_metric: Mapping[str, MetricDifferences]) -> Iterator[Block]:
    """A row per pair of systems, a cell per metric."""
    pairs: dict[tuple[str, str], dict[str, MetricPair]] = {}
    for metric, found in by_metric.items():
        for pair in found.pairs:
            pairs.setdefault((pair.system_a, pair.system_b), {})[metric] = pair
    yield Heading("Differences by metric")
    if not pairs:
        yield Paragraph("No two systems were both scored.")
        return
    rows = [
        [f"{one} − {other}", *(difference(cells.get(metric)) for metric in by_metric)]
        for (one, other), cells in pairs.items()
    ]
    yield table("metric-differences", DIFFERENCES, ("Systems", *by_metric), rows, dense=True)
    lacking: dict[str, list[str]] = {}
    for metric, found in by_metric.items():
        if found.lacking:
            lacking.setdefault("; ".join(map(str, found.lacking)), []).append(metric)
    for why, metrics in lacking.items():
        yield Paragraph(f"{', '.join(metrics)}: {why}.", "note")
    yield Paragraph(UNADJUSTED, "soft")
    yield signed("How they were computed", {metric: found.signature for metric, found in by_metric.items()})


def difference(pair: MetricPair | None) -> Inline:
    if pair is None or pair.difference is None:
        return undefined(Reason("one_not_scored"))
    counted = "" if pair.p_sacrebleu is None else f" ({p_value(pair.p_sacrebleu)})"
    tested = pair.ci is not None or pair.p is not None or counted
    below: list[Inline] = [Ends(pair.ci, 3), f"{p_is(pair.p)}{'' if pair.note else counted}"] if tested else []
    below += [f"{pair.note}{counted}"] if pair.note else []
    number = Number(pair.difference, 3)
    return Lines([number, Soft(Lines(below))]) if below else number


def compared(report: Report, name: str, found: Correlation) -> Iterator[Block]:
    """How metrics go with people by one criterion, and the texts on which they differ most."""
    if found.undefined:
        yield not_compared(found.undefined)
    if found.left_out:
        excluded = ", ".join(found.left_out)
        yield Paragraph(f"Excluded from correlations, pairwise accuracy and Williams' test: {excluded}.")
    caption = "Each metric against human ratings, one point per system."
    yield Figure([f"metric:{name}:{metric}" for metric in found.points], caption, many=True)
    if found.metrics:
        yield from correlations(name, found)
    reasons = {each.undefined for each in found.williams}
    if len(reasons) == 1 and (why := reasons.pop()):  # of all pairs of metrics the same: it is said once
        yield Paragraph(f"Whether one metric correlates better with human ratings than another is undefined: {why}.")
    elif found.williams:
        titles = ("Does the first correlate better?", "t", "p, two-sided", "p, better")
        about = f"{headed(name)}: whether one metric correlates better with human ratings than another."
        yield table(
            f"williams-{name}", about, titles, [williams_row(each) for each in found.williams], caption=WILLIAMS
        )
    apart = [(metric, row) for metric, rows in report.disagreements.get(name, {}).items() for row in rows]
    if apart:
        yield Heading("Where people and metrics disagree most", 2)
        titles_apart = (
            Column("Text", "text"), "People", "Rank", "Against", "Metric", "Rank", Column("System", "names"),
        )  # fmt: skip
        places = places_of(report)
        about = f"{headed(name)}: the texts on which people and metrics disagree most."
        yield table(f"disagreements-{name}", about, titles_apart, [apart_row(*each, places) for each in apart])


def correlations(name: str, found: Correlation) -> Iterator[Block]:
    titles = (
        "Correlation with human "
        "ratings", Column("Level", "names"), "Pearson", "Spearman", "Kendall", "Units", "Left out",
    )  # fmt: skip
    rows = [
        [metric, called, *level_cells(getattr(levels, level))]
        for metric, levels in found.metrics.items()
        for level, called in LEVELS.items()
    ]
    left_out = f" Excluded: {', '.join(found.left_out)}." if found.left_out else ""
    about = f"{headed(name)}: correlation of metrics with human ratings, each with its 95 % interval.{left_out}"
    yield table(f"correlation-{name}", about, titles, rows)
    signatures = {metric: levels.signature for metric, levels in found.metrics.items() if levels.signature}
    yield signed("Signatures of the values of single texts", signatures)
    titles_pairs = (
        "Pairwise accuracy", "Texts", "Pairs of texts", "Tie threshold", "Systems", "Pairs of systems",
    )  # fmt: skip
    accuracies = [accuracy_row(metric, levels.accuracy) for metric, levels in found.metrics.items()]
    about = (
        f"{headed(name)}: share of pairs, of texts and of systems, that a metric orders as people do, each with its "
        f"95 % interval; two texts are tied if their metric values differ by no more than the threshold.{left_out}"
    )
    yield table(f"accuracy-{name}", about, titles_pairs, accuracies, caption=TIED)


def level_cells(level: LevelCorrelation) -> Row:
    """Three coefficients, or the reason why there is none of them."""
    found = [level.pearson, level.spearman, level.kendall]
    reasons = {each.undefined for each in found}
    if all(each.value is None for each in found) and len(reasons) == 1:
        return [undefined_row(reasons.pop(), 3), level.units, level.left_out]
    return [*(valued(each, 2) for each in found), level.units, level.left_out]


def accuracy_row(metric: str, found: Accuracy) -> Row:
    texts = [valued(found.text, 3), found.text_pairs, Number(found.tie, 3)]
    return [metric, *texts, valued(found.system, 3), found.system_pairs]


def williams_row(found: WilliamsTest) -> Row:
    between = f"{found.metric_a} over {found.metric_b}"
    if found.t is None:
        return [between, undefined_row(found.undefined, 3)]
    return [between, Number(found.t, 2), PValue(found.p), PValue(found.p_better)]


def apart_row(metric: str, row: Disagreement, places: int) -> Row:
    return [
        shown(row),
        Number(row.human, places),
        f"{row.human_rank:g} of {row.of}",
        metric,
        Number(row.metric, 3),
        f"{row.metric_rank:g} of {row.of}",
        ", ".join(row.systems),
    ]
