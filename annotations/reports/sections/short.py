"""The answer, before anything else, and of what kind of study it is."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Bullets, Inline, Paragraph, Run, Section, Strong
from annotations.reports.effect_words import primary_sentences
from annotations.reports.measures import measure_of
from annotations.reports.schema.report import Report
from annotations.reports.words import declared_label, in_short, seen, simulation_sentence

IMPORTED = "These ratings were collected elsewhere and imported. How they were collected is not known."


def section(report: Report) -> Section:
    return Section("short", "Summary", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    campaign = report.campaign
    yield Paragraph(kind_of_study(report), "soft")
    if campaign.interim:
        yield Paragraph(f"The campaign is {campaign.state}. These are interim results and will change.", "note")
    if campaign.imported:
        yield Paragraph(IMPORTED, "note")
    if campaign.simulation:
        yield Paragraph(simulation_sentence(campaign.simulation), "note")
    yield Bullets(sentences(report))


def kind_of_study(report: Report) -> str:
    campaign = report.campaign
    if campaign.simulation:
        return f"Rehearsal with simulated raters · {campaign.protocol}"
    if campaign.imported:
        return f"Imported study · {measure_of(campaign).imported}"
    evaluation, feedback = "Evaluation on test albums of {}", "Feedback campaign on {}: not a test result"
    kind = (evaluation if campaign.purpose == "evaluation" else feedback).format(campaign.dataset)
    return f"{kind} · {campaign.protocol} · raters saw {seen(campaign.show, campaign.unit)}"


def sentences(report: Report) -> list[Inline]:
    """That on the primary comparison comes first, where there is one."""
    said: list[Inline] = list(in_short(report))
    if report.primary:
        declared = " ".join([str(said[0]), *primary_sentences(report)])
        said[0] = Run([Strong(declared_label(report)), f" {declared}"])
    return said
