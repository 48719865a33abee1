"""Who wins by each criterion, and how sure that is."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Figure, Heading, Paragraph, Run, Section, Strong
from annotations.reports import words
from annotations.reports.effect_words import primary_sentences
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.pairs import ranked_pairs
from annotations.reports.results import primary_result
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import ResultsPart
from annotations.reports.scope import scope_sentences
from annotations.reports.sections.results import choices, differences, effects, means, models, tests, worths

PARTS = {"strengths": choices.blocks, "means": means.blocks, "worths": worths.blocks}
PAIR_PARTS = {
    "differences": differences.blocks,
    "effects": effects.blocks,
    "by_system": effects.by_system,
    "missing": effects.missing,
    "tests": tests.blocks,
    "models": models.blocks,
}


def compute(inputs: Inputs) -> ResultsPart:
    criteria, pairs = inputs.results
    boundary = inputs.declared_look.p if inputs.declared_look else None
    primary = primary_result(pairs, inputs.campaign.primary, boundary=boundary)
    return ResultsPart(primary=primary, criteria=criteria, pairs=pairs)


def section(report: Report) -> Section:
    return Section("results", "Results", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    if untested := words.untested_sentence(report):
        yield Paragraph(untested, "note")
    if primary := words.primary_sentence(report):
        said = " ".join([primary, *primary_sentences(report)])
        yield Paragraph(Run([Strong(words.declared_label(report)), f" {said}"]), "note")
    for number, name in enumerate(report.criteria, start=1):
        yield Heading(words.spaced(name), name=f"by-{number}")
        yield from by_criterion(report, name)


def by_criterion(report: Report, name: str) -> Iterator[Block]:
    result, pairs = report.criteria[name], ranked_pairs(report, name)
    if not result.systems:
        yield Paragraph("No ratings yet.")
        return
    yield Paragraph(f"{words.leader_sentence(report, name)} {words.pairs_sentence(report, name)}".strip())
    for sentence in scope_sentences(report, name):
        yield Paragraph(sentence, "note")
    measure = measure_of(report.campaign)
    for part in measure.parts:
        yield from PARTS[part](report, name)
    for part in measure.pair_parts if pairs else ():
        yield from PAIR_PARTS[part](report, name, pairs)
    caption = "Distribution of scores, as shares of each system's scores; the line is the mean."
    yield Figure([f"distributions:{name}"], caption)
