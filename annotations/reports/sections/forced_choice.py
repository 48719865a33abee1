"""How well raters told a person's text from the one beside it, where they were asked which of two a person wrote."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Heading, Number, Paragraph, PValue, Row, Section, Span, table
from annotations.documents.numbers import percent
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.scales import SHARES
from annotations.reports.schema.forced_choice import ForcedChoice, ForcedChoicePart, ToldApart, ToldFrom
from annotations.reports.schema.report import Report
from annotations.reports.scope import populations
from annotations.reports.sections.detection import Z, cells, equivalent, told
from annotations.reports.words import headed, spaced

CHANCE = 0.5
MEANING = (
    "Accuracy: the share of right choices; chance is one half, since on every screen exactly one text is a person's. "
    "d′: 0 if people's and machines' texts are not told apart, above 0 if people's are chosen more often. c: below 0 "
    "if raters lean towards the text shown first, above 0 if towards the second."
)


def compute(inputs: Inputs) -> ForcedChoicePart:
    found = measure_of(inputs.campaign).forced_choice(inputs.campaign, inputs.table, inputs.rule)
    return ForcedChoicePart(forced_choice=dict(found))


def section(report: Report) -> Section:
    return Section("forced-choice", "Which of two a person wrote", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = ForcedChoicePart.of(report)
    for name, found in part.forced_choice.items() if part else ():
        if len(report.criteria) > 1:
            yield Heading(spaced(name))
        if not found.told.n:
            yield Paragraph("No ratings yet.")
            continue
        yield from map(Paragraph, sentences(found.told))
        yield whole(report, name, found.told)
        yield by_system(report, name, found)
        yield by_confidence(report, name, found)


def sentences(found: ToldApart) -> Iterator[str]:
    yield (
        f"{percent(found.accuracy.value)} of the {found.n:,} choices were right; guessing would be right in "
        f"{percent(CHANCE)}, since exactly one of the two texts is a person's. {told(found)}"
    )
    yield equivalent(found)


def whole(report: Report, name: str, found: ToldApart) -> Block:
    rows: list[Row] = [
        ["Accuracy", *cells(found.accuracy, SHARES), None],
        ["Chance", Number(CHANCE, SHARES), None, None],
        ["Accuracy − chance", *cells(found.above_chance, SHARES), PValue(found.above_chance_p)],
        ["d′", *cells(found.d_prime, Z), PValue(found.d_prime_p)],
        ["c", *cells(found.bias, Z), PValue(found.bias_p)],
    ]
    about = (
        f"{headed(name)}: how well raters told a person's text from the one beside it, with 95 % intervals "
        f"{populations(report, name)}."
    )
    return table(f"told-{name}", about, ("", "Value", "95 % interval", "p"), rows, caption=MEANING)


def by_system(report: Report, name: str, found: ForcedChoice) -> Block:
    titles = ("Beside", "Choices", "Accuracy", "95 % interval", "p", "d′", "95 % interval")
    about = (
        f"{headed(name)}: how well people's texts were told from each system's, with 95 % intervals "
        f"{populations(report, name)}. p is that of accuracy being one half."
    )
    return table(f"told-from-{name}", about, titles, [beside(each) for each in found.systems])


def beside(found: ToldFrom) -> Row:
    told_from = found.told
    if found.undefined:
        return [found.system, 0, Span(str(found.undefined), 5)]
    accuracy = [*cells(told_from.accuracy, SHARES), PValue(told_from.above_chance_p)]
    return [found.system, told_from.n, *accuracy, *cells(told_from.d_prime, Z)]


def by_confidence(report: Report, name: str, found: ForcedChoice) -> Block:
    rows: list[Row] = [[each.confidence, each.n, *cells(each.accuracy, SHARES)] for each in found.confidences]
    about = (
        f"{headed(name)}: how often raters were right, by how sure they were, from 1 (possibly) to 3 (definitely), "
        f"with 95 % intervals {populations(report, name)}."
    )
    return table(f"told-by-confidence-{name}", about, ("Confidence", "Choices", "Accuracy", "95 % interval"), rows)
