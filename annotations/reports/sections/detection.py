"""How well raters told people's texts from machines', where they were asked who wrote."""

from collections.abc import Iterator

from annotations.documents.blocks import (
    Block,
    Cell,
    Ends,
    Heading,
    Lines,
    Number,
    Paragraph,
    PValue,
    Row,
    Section,
    Span,
    Why,
    table,
    undefined,
)
from annotations.documents.numbers import figure, interval, p_is, percent
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.scales import LEVEL, SHARES
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.detection import Detection, DetectionPart
from annotations.reports.schema.forced_choice import ToldApart
from annotations.reports.schema.report import Report
from annotations.reports.scope import populations
from annotations.reports.words import headed, spaced

Z = 2  # decimals of what is in units of z
MEANING = (
    "Base rate: the share of judgements that were of people's texts. Chance: the accuracy of the same answers if they "
    "did not depend on who wrote. d′: 0 if people's and machines' texts are not told apart, above 0 if people's are "
    "judged human more often. c: below 0 if raters lean towards “a person”, above 0 if towards “a machine”. Area under "
    "the ROC curve: how probable it is that a person's text is rated as more surely human than a machine's, a tie "
    "counting as half; 0.5 is chance."
)


def compute(inputs: Inputs) -> DetectionPart:
    found = measure_of(inputs.campaign).detection(inputs.campaign, inputs.table, inputs.rule)
    return DetectionPart(detection=dict(found))


def section(report: Report) -> Section:
    return Section("detection", "Human or machine", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = DetectionPart.of(report)
    for name, found in part.detection.items() if part else ():
        if len(report.criteria) > 1:
            yield Heading(spaced(name))
        if not found.n:
            yield Paragraph("No ratings yet.")
            continue
        yield from map(Paragraph, sentences(found))
        yield whole(report, name, found)
        yield by_system(report, name, found)


def sentences(found: Detection) -> Iterator[str]:
    """Whether raters could tell, and whether that is equivalent to chance."""
    base = f"{percent(found.base_rate)} of the {found.n:,} judgements were of people's texts (the base rate)."
    if found.accuracy.value is None or found.above_chance.value is None:
        yield f"{base} {headed(str(found.undefined))}."
        return
    yield (
        f"{base} {percent(found.accuracy.value)} of the judgements were right; the same answers would be right in "
        f"{percent(found.chance)} by chance, and always giving the more frequent answer in {percent(found.majority)}. "
        f"{told(found)}"
    )
    yield equivalent(found)


def told(found: Detection | ToldApart) -> str:
    """Whether raters could tell."""
    above, p = found.above_chance, found.above_chance_p
    if above.ci is None or p is None:
        return f"Accuracy − chance is {figure(above.value, SHARES)}, with no interval: {above.undefined}."
    sure = f"accuracy − chance {figure(above.value, SHARES)}, 95 % interval {interval(above.ci, SHARES)}, {p_is(p)}"
    if p >= LEVEL:
        return f"It was not shown that raters can tell people's texts from machines' ({sure})."
    if (above.value or 0.0) > 0:
        return f"Raters told people's texts from machines' better than by chance ({sure})."
    return f"Raters took machines' texts for people's more often than people's own ({sure})."


def equivalent(found: Detection | ToldApart) -> str:
    """By the declared margin, or which one would have been enough."""
    tested, least = found.equivalence, found.least_margin
    if tested is None and found.above_chance.ci is None:
        return "Equivalence to chance was not tested: accuracy − chance has no interval."
    if tested is None and least is None:
        return (
            "No equivalence margin was declared, and none would have been enough: the 90 % interval of accuracy − "
            "chance is wider than what is possible."
        )
    if tested is None:
        return (
            "No equivalence margin was declared. Accuracy would count as equivalent to chance for a margin above "
            f"{figure(least, SHARES)} (the further end of the 90 % interval)."
        )
    within = f"of accuracy to chance within ±{tested.margin:g}"
    if tested.p is None:
        return f"Equivalence {within} was not tested: {tested.undefined}."
    shown = "was shown" if tested.shown else "was not shown"
    return f"Equivalence {within} {shown} (90 % interval {interval(tested.ci, SHARES)}, {p_is(tested.p)})."


def whole(report: Report, name: str, found: Detection) -> Block:
    rows: list[Row] = [
        ["Base rate", Number(found.base_rate, SHARES), None, None],
        ["Accuracy", *cells(found.accuracy, SHARES), None],
        ["Chance", Number(found.chance, SHARES), None, None],
        ["Accuracy − chance", *cells(found.above_chance, SHARES), PValue(found.above_chance_p)],
        ["d′", *cells(found.d_prime, Z), PValue(found.d_prime_p)],
        ["c", *cells(found.criterion, Z), None],
        ["Area under the ROC curve", *cells(found.auc, SHARES), PValue(found.auc_p)],
    ]
    about = (
        f"{headed(name)}: how well raters told people's texts from machines', with 95 % intervals "
        f"{populations(report, name)}."
    )
    return table(f"detection-{name}", about, ("", "Value", "95 % interval", "p"), rows, caption=MEANING)


def by_system(report: Report, name: str, found: Detection) -> Block:
    rows: list[Row] = [
        [each.system, each.n, *cells(each.judged_human, SHARES), *cells(each.d_prime, Z)] for each in found.systems
    ]
    titles = ("System", "Judgements", "Judged human", "95 % interval", "d′ of people's texts", "95 % interval")
    about = (
        f"{headed(name)}: how often each system's texts were judged human, and how well people's texts were told from "
        f"them, with 95 % intervals {populations(report, name)}."
    )
    return table(f"detected-{name}", about, titles, rows)


def cells(found: Estimate, places: int) -> list[Cell]:
    """A value and its interval, with what there is to say of it."""
    if found.value is None:
        return [Span(str(found.undefined), 2)] if found.undefined else [None, None]
    if found.undefined and found.ci:
        return [Number(found.value, places), Lines([Ends(found.ci, places), Why(str(found.undefined))])]
    return [Number(found.value, places), undefined(found.undefined) if found.undefined else Ends(found.ci, places)]
