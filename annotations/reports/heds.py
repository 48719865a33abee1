"""A report as a Human Evaluation Datasheet: every question of HEDS 3.0 by its number, answered as far as the system
knows the answer, and marked where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from django.utils import translation

from annotations.documents.blocks import Block, Document, Heading, Paragraph, Quote, Run, Section, Strong
from annotations.documents.renderers.markdown import document_markdown
from annotations.protocols import Rules, protocol_named
from annotations.protocols.criteria import criterion_of
from annotations.reports.heds_questions import BY_CRITERION, MISSING, SECTIONS, Missing, Questions
from annotations.reports.measures import measure_of
from annotations.reports.schema.campaign import About
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import Agreement
from annotations.reports.scope import populations
from annotations.reports.sheet_words import UNSEEN, example_blocks, examples, gap, seen_of_source, texts_on_a_screen
from annotations.reports.words import counted, declared_sentence, simulation_sentence, withdrawn_sentence

Answer = str | Sequence[Block]
INPUTS = {
    "caption": "A sentence: the caption of a photo.",
    "photo": "A photo.",
    "sequence": "A sequence of photos.",
}
UNITS = {
    "sentence": "Text: a sentence for each source.",
    "story": "Text: a story of several sentences for each source.",
}
KINDS = {
    "human": "people, whose reference texts are among the outputs",
    "baseline": "a baseline",
    "model": "a model trained on this site",
    "file": "uploaded outputs",
}


# Where what is known is not the whole answer.
IN_PART = {"1.1.2", "1.3.2.2", "1.3.2.3", "2.1", "3.2.3", "3.2.4", "3.3.3.1", "3.3.5", "3.3.6", "5.2"}


def report_heds(report: Report) -> str:
    return document_markdown(datasheet_of(report))


class Filled(NamedTuple):
    """A section of the datasheet, and the questions that are left to the researcher."""

    section: Section
    questions: int
    left: list[str]


def datasheet_of(report: Report) -> Document:
    with translation.override("en"):
        filled = list(filled_sections(report))
    left = [number for each in filled for number in each.left]
    count = sum(each.questions for each in filled)
    state = "an unfinished campaign" if report.campaign.interim else "a closed campaign"
    opening = [
        Paragraph(
            "The numbers are those of the questions of HEDS 3.0 (Belz and Thomson 2025, arXiv 2412.07940), which are "
            "abridged here; their full wording is at https://nlp-heds.github.io. Answers are generated from the "
            f"report of {state}, and state only what the system knows."
        ),
        Paragraph(
            Run(
                [
                    Strong(f"{len(left)} of {count} answers are left to the researcher, in whole or in part:"),
                    f" {', '.join(left)}.",
                ]
            )
        ),
    ]
    if report.campaign.simulation:
        opening.insert(0, Paragraph(simulation_sentence(report.campaign.simulation), "note"))
    method = Section("method", "Method", [Paragraph(part) for part in report.method.split("\n\n")])
    title = f"Human Evaluation Datasheet: {report.campaign.name}"
    return Document(title, [*(each.section for each in filled), method], opening)


def filled_sections(report: Report) -> Iterator[Filled]:
    for part in SECTIONS:
        if part.number != BY_CRITERION:
            yield filled(report, part, study(report))
            continue
        for number, criterion in enumerate(report.criteria, start=1):
            yield filled(report, part, criterion_answers(report, criterion), criterion, number)


def filled(
    report: Report, part: Questions, known: Mapping[str, Answer], criterion: str | None = None, place: int | None = None
) -> Filled:
    """`place` is that of the criterion, for a section that is filled in for each of them."""
    blocks: list[Block] = []
    left = []
    for number, asked in part.questions.items():
        said = answer(number, known, imported=report.campaign.imported)
        blocks += [Heading(f"{number} {asked}"), *said]
        if any(isinstance(block, Paragraph) and block.kind == "gap" for block in said):
            left.append(number if criterion is None else f"{number} ({criterion})")
    words = report.campaign.criterion_words
    title = f"{part.number}. {part.title}" + (
        "" if criterion is None else f": {criterion_of(criterion, words).label.title}"
    )
    name = f"questions-{part.number}" + (f"-{place}" if place else "")
    return Filled(Section(name, title, blocks), len(part.questions), left)


def answer(number: str, known: Mapping[str, Answer], *, imported: bool) -> list[Block]:
    """Of an imported study a gap does not say what this site does."""
    missing = MISSING.get(number, Missing("the system does not know it"))
    rest = gap(f"{missing.what}." if imported else Run([missing.what, missing.here]))
    if number not in known:
        return [rest]
    said = known[number]
    blocks: list[Block] = [Paragraph(said)] if isinstance(said, str) else list(said)
    return [*blocks, rest] if number in IN_PART else blocks


def study(report: Report) -> dict[str, Answer]:
    """What is known of the questions that are asked once, by number."""
    campaign = report.campaign
    imported = campaign.imported
    known: dict[str, Answer] = {
        "1.1.2": experiment(report),
        "3.1.1": outputs(report),
        "3.2.1": evaluators(report),
        "3.3.3.2": quality(report),
    }
    if imported:
        return known
    known["3.3.3.1"] = "Automatic checks."
    if campaign.unit in UNITS:
        known["2.2"] = UNITS[campaign.unit]
    if campaign.sources in INPUTS:
        known["2.1"] = INPUTS[campaign.sources]
    known |= {
        "3.1.2": selection(campaign),
        "3.3.2": (
            "A web page, on any device with a browser, including the evaluators' own, or programs that use the site's "
            "HTTP API (Story Blender)."
        ),
        "3.3.4.2": form(report),
        "3.3.5": (
            "The site sets no time limit for a screen or for the whole study: evaluators can stop and come back as "
            "they like while the campaign is open, and unfinished answers are kept."
            f"{told_time(campaign)}{period(campaign)}"
        ),
        "3.3.6": (
            f"Evaluators can skip any screen and say why, in their own words if they like.{told_contact(campaign)}"
        ),
        "5.2": (
            "Answers are stored under a random pseudonym, without a name; an outside id is kept with it if evaluators "
            "came with one. Evaluators can leave comments when they skip a screen. Before the first screen they agree "
            f"to {consent(campaign)}."
        ),
    }
    known["3.2.4"] = training(campaign)
    if campaign.questions:
        asked = [f"{title}: {' '.join(questions)}" for title, questions in campaign.questions.items()]
        known["3.2.5"] = f"They were asked these questions. {' '.join(asked)} The report gives the answers."
    if campaign.recruiting:
        known["3.2.3"] = campaign.recruiting
    if campaign.pay:
        known["3.2.2.2"] = f"Yes. {campaign.pay}"
    if campaign.organizer:
        known["1.3.2.2"] = f"Evaluators read that this asks: {campaign.organizer}."
    if campaign.contact:
        known["1.3.2.3"] = f"Evaluators were given this contact: {campaign.contact}."
    return known


def told_time(campaign: About) -> str:
    return f" They read that it takes about {counted(campaign.minutes, 'minute')}." if campaign.minutes else ""


def told_contact(campaign: About) -> str:
    if not campaign.contact:
        return ""
    return (
        " The welcome page, the help and the last page say whom to write to with questions or problems: "
        f"{campaign.contact}."
    )


def experiment(report: Report) -> str:
    campaign = report.campaign
    systems = [f"{name} ({KINDS[campaign.system_kinds[name]]})" for name in campaign.systems]
    imported = campaign.imported
    split = "" if imported else f", split {campaign.split}"
    purpose = "an evaluation" if campaign.purpose == "evaluation" else "a campaign to collect feedback"
    return (
        f"The campaign {campaign.name}, {purpose}: systems {', '.join(systems)}; criteria "
        f"{', '.join(name for name in report.criteria)}; dataset {campaign.dataset}{split}; "
        f"{campaign.items} items.{period(campaign)}"
    )


def period(campaign: About) -> str:
    began, ended = campaign.began, campaign.ended
    return f" The first answer was received on {began[:10]}, the last on {ended[:10]}." if began and ended else ""


def outputs(report: Report) -> str:
    rated: dict[str, int] = {}
    for result in report.criteria.values():
        for row in result.systems:
            rated[row.system] = max(rated.get(row.system, 0), row.items)
    counts = set(rated.values())
    planned = report.campaign.items
    if counts == {planned} and len(rated) == len(report.campaign.systems):
        return f"{planned}, one for each item, the same items for every system."
    by_system = ", ".join(f"{system} {count}" for system, count in sorted(rated.items())) or "none"
    if report.campaign.imported:
        return f"Of {planned} items, rated at least once: {by_system}."
    return f"{planned} were planned, one for each item. Rated at least once: {by_system}."


def selection(campaign: About) -> str:
    once = "album" if campaign.unit == "story" else "photo"
    unseen = f" in albums {UNSEEN}," if campaign.unseen_albums else ""
    return (
        f"Drawn at random by a program (seed {campaign.seed}): {campaign.items} of the sources of "
        f"{campaign.dataset}/{campaign.split} for which every system had an output,{unseen} every {once} once before "
        f"any {once} was used twice. Every output was then detokenised and cased in the same way, and identical texts "
        "of several systems were shown once."
    )


def evaluators(report: Report) -> str:
    campaign = report.campaign
    left_out = sum(1 for rater in report.raters if rater.excluded)
    excluded = f" {left_out} more were excluded." if left_out else ""
    excluded += f" {withdrawn}" if (withdrawn := withdrawn_sentence(report)) else ""
    of = "" if campaign.imported else f" of {campaign.screens} planned"
    return (
        f"{len(report.raters) - left_out}. {campaign.ratings} screens{of} were answered, each item by at most "
        f"{campaign.overlap} evaluators.{excluded}"
    )


def training(campaign: About) -> Answer:
    said = "The site's own welcome page, which lists the criteria with their questions and gives instructions."
    own: list[Block] = [Paragraph("These instructions, before the first screen and on request:")]
    own = [*own, Quote(campaign.instructions)] if campaign.instructions else [Paragraph(said)]
    example = list(example_blocks(campaign.example))
    return [*own, *example] if campaign.instructions or example else said


def consent(campaign: About) -> str:
    return f"“{campaign.consent}”" if campaign.consent else "the site's own text about what is stored"


def quality(report: Report) -> str:
    """The checks that were made, and whom they left out."""
    computed = [
        what
        for name, what in (
            ("seconds", "pace"),
            ("severity", "severity"),
            ("agreement", "agreement with other evaluators"),
        )
        if any(getattr(rater, name) is not None for rater in report.raters)
    ]
    rules = report.campaign.quality
    apart = "" if rules else ", without excluding anybody"
    said = [f"Computed for the evaluators{apart}: {', '.join(computed)}."] if computed else []
    if report.campaign.imported:
        said.insert(
            0, "The quality assurance of the study is not known to the system. What follows was done after the import."
        )
    said += rules
    if not any("degraded text" in rule for rule in rules):
        said.append("Evaluators were not tested with degraded texts.")
    left_out = [rater.excluded for rater in report.raters if rater.excluded]
    if left_out:
        said.append(f"Excluded with all their answers: {len(left_out)} ({'; '.join(sorted(set(left_out)))}).")
    else:
        said.append("Nobody was excluded.")
    return " ".join(said)


def form(report: Report) -> str:
    campaign = report.campaign
    seen = seen_of_source(campaign.show, campaign.unit)
    return (
        f"Evaluators see {seen}; {texts_on_a_screen(campaign.texts_per_screen)} on one screen, without "
        "the names of their systems, in an order that is drawn with a secret of the campaign so that for every "
        "evaluator each system appears equally often in each position, to within one (identical texts of several "
        "systems and skipped screens can widen that); the criteria with their questions; and their progress. Help can "
        "be opened at any time."
    )


def criterion_answers(report: Report, criterion: str) -> dict[str, str]:
    """What is known of the questions about a criterion, by number."""
    campaign, result = report.campaign, report.criteria[criterion]
    agreement, protocol = result.agreement, protocol_named(campaign.protocol)
    asked = criterion_of(criterion, campaign.criterion_words)
    measure = measure_of(campaign)
    known = {
        "4.3.9": measure.aggregation,
        "4.3.10": significance(report, criterion),
        "4.3.11.1": (
            f"Krippendorff's alpha, {agreement.level} level, a unit being {measure.agreement_of}; its interval is "
            "from a bootstrap over albums."
        ),
        "4.3.11.2": agreement_value(agreement),
        **self_agreement(report),
    }
    if campaign.imported:
        return known | measure.imported_scale(campaign)
    known["4.2.1"] = "Subjective: evaluators give their own judgement."
    known["4.2.3"] = "Intrinsic: no effect of the texts on anything else is measured."
    rules = Rules(campaign.scale, campaign.ties, campaign.categories)
    allowed, instrument = protocol.allowed(rules), protocol.instrument
    known |= {"4.3.6": "N/A (there is a scale).", "4.3.8": instrument.response}
    declining = " Evaluators can also answer “I cannot say”." if criterion in campaign.cannot_say else ""
    known |= {"4.3.3": allowed.number, "4.3.4": f"{allowed.values}{declining}"}
    known |= {"4.3.5": instrument.presented, "4.3.7": f"{asked.said(protocol.question_in_full)}."}
    known["4.2.2"] = protocol.compares(len(campaign.systems), campaign.texts_per_screen)
    known["4.3.1.1"] = (
        f"{asked.said(lambda label: label.title)}. The page is in the language of the evaluator's browser, or in the "
        "one that the evaluator chooses."
    )
    shown = list(examples(asked))
    apart = "the question (4.3.7) and the instructions (3.2.4)"
    apart = f"{apart}, and examples" if shown else apart
    known["4.3.2"] = " ".join([f"No definition is given apart from {apart}.", *shown])
    if criterion == "grounding" and campaign.show != "none":
        known["4.1.3"] = f"Against what evaluators see of the input: {seen_of_source(campaign.show, campaign.unit)}."
    return known


def significance(report: Report, criterion: str) -> str:
    primary = report.primary
    declared = "No primary comparison was prespecified for this criterion."
    if report.campaign.imported:
        declared = declared_sentence(report)
    elif primary and primary.criterion == criterion:
        declared = f"Prespecified: {primary.first} against {primary.second}."
    effect = measure_of(report.campaign).effect_size
    return (
        f"Effect size: {effect} its 95 % interval {populations(report, criterion)}. {declared} The full method is "
        "given at the end."
    )


def agreement_value(agreement: Agreement) -> str:
    if agreement.alpha is None:
        return f"Undefined: {agreement.undefined}."
    ends = agreement.ci
    return f"{agreement.alpha:.3f}" + (f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})." if ends else ".")


def self_agreement(report: Report) -> dict[str, str]:
    """Of planned repeats; over all criteria together, as the report has it."""
    imported = report.campaign.imported
    found = [rater.consistency for rater in report.raters if rater.consistency and rater.consistency.repeats]
    if not found:
        why = "no text was rated twice by the same evaluator" if imported else "no planned repeats were answered"
        return dict.fromkeys(("4.3.12.1", "4.3.12.2"), f"Not assessed: {why}.")
    what = "Repeated ratings of the same texts" if imported else "Planned repeats"
    method = f"{what}, by {len(found)} evaluators; all criteria together."
    defined = [each.correlation for each in found if each.correlation is not None]
    apart = [each.mean_difference for each in found if each.mean_difference is not None]
    alike = [each.within_tolerance for each in found if each.within_tolerance is not None]
    if not defined and not apart and not alike:
        return {"4.3.12.1": method, "4.3.12.2": "Undefined: too few repeats by any one evaluator."}
    values = []
    if defined:
        values.append(
            f"median over evaluators of the correlation between first and second scores {median(defined):.3f}"
        )
    if apart:
        values.append(f"median over evaluators of the mean distance between the two {median(apart):.2f} points")
    if not apart:
        values.append(f"median over evaluators of the share of the same choices {median(alike):.1%}")
    return {"4.3.12.1": method, "4.3.12.2": f"{'; '.join(values).capitalize()}."}
