"""What raters answered before and after the screens."""

from collections.abc import Iterator

from annotations.campaigns.questionnaires import FORMS
from annotations.documents.blocks import Block, Column, Number, Paragraph, Percent, Row, Section, table
from annotations.reports.inputs import Inputs
from annotations.reports.questionnaires import answers_of, comprehension_of
from annotations.reports.schema.questionnaires import ComprehensionResult, QuestionAnswers, QuestionnairesPart
from annotations.reports.schema.report import Report
from annotations.reports.words import counted

OPEN = "What was typed is in the export alone."


def compute(inputs: Inputs) -> QuestionnairesPart:
    campaign = inputs.campaign
    asked = {form: answers_of(campaign, form) for form in ("entry", "exit")}
    return QuestionnairesPart(
        questionnaires={form: answers for form, answers in asked.items() if answers},
        comprehension=comprehension_of(campaign),
    )


def section(report: Report) -> Section:
    return Section("questionnaires", "Questionnaires", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = QuestionnairesPart.of(report)
    if not part:
        return
    for form, answers in part.questionnaires.items():
        rows = [row for each in answers for row in rows_of(each)]
        titles = (Column("Question", "text"), Column("Answer", "text"), "Raters", "Share", "Mean")
        typed = f" {OPEN}" if any(each.kind == "text" for each in answers) else ""
        caption = f"Of raters who are not excluded.{typed}"
        yield table(f"questionnaire-{form}", f"{FORMS[form]}.", titles, rows, caption=caption)
    if part.comprehension:
        yield Paragraph(comprehension(part.comprehension))


def rows_of(asked: QuestionAnswers) -> list[Row]:
    if asked.kind == "choice":
        return [
            [asked.text, option, count, Percent(count / asked.n) if asked.n else None, None]
            for option, count in asked.counts.items()
        ]
    said = f"{asked.low}, to {asked.high}" if asked.kind == "scale" else "text"
    return [[asked.text, said, asked.n, None, Number(asked.mean, 2) if asked.mean is not None else None]]


def comprehension(found: ComprehensionResult) -> str:
    return (
        f"Comprehension check, {counted(len(found.questions), 'question')}: {counted(found.first, 'rater')} passed in "
        f"the first attempt, {found.second} in the second, and {found.failed} failed. Of raters who guess, "
        f"{100 * found.by_chance:.3g} % would pass."
    )
