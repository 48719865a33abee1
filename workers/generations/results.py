"""What people and judges say of generations, as plain values."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from annotations.models import Score
from annotations.reports.effect_words import primary_sentences
from annotations.reports.measures import measure_of
from annotations.reports.scales import places_of
from annotations.reports.schema.report import VERSION, Report
from annotations.reports.schema.results import Primary
from annotations.reports.words import primary_sentence, simulation_sentence, spaced
from modeling.metrics import METRICS, of_kind
from modeling.metrics.indistinguishable import HUMAN
from modeling.metrics.judge_metric import JudgeMetric
from workers.generations.scores import Scores
from workers.guarding import places_of_figure

JUDGE_PLACES, CHANCE = 3, 0.5
NEW, BEFORE, PEOPLE = "new", "before", "people"


class Outcome(StrEnum):
    """What the primary comparison says, in a few words: the new model is its first system."""

    GAIN = "the new model is ahead"
    LOSS = "the model before is ahead"
    NOTHING = "no gain shown"
    UNDEFINED = "undefined"


def declared(report: Report) -> Primary:
    """The primary comparison, which every campaign of a generation declares."""
    if report.primary is None:
        raise ValueError(f"campaign '{report.campaign.name}' declares no primary comparison")
    return report.primary


def outcome_of(primary: Primary) -> Outcome:
    if primary.difference is None:
        return Outcome.UNDEFINED
    if not primary.shown:
        return Outcome.NOTHING
    return Outcome.GAIN if primary.difference > 0 else Outcome.LOSS


def in_short(kept: bytes | None) -> str:
    """Of the report's bytes, for a list; one that was not kept after the close, in this layout, is made on the page."""
    report = json.loads(kept) if kept else {}
    if report.get("version") != VERSION or report["campaign"]["interim"]:
        return "see its page"
    found, simulated = outcome_of(Primary.model_validate(report["primary"])), report["campaign"]["simulation"]
    return f"{found}, simulated raters" if simulated else str(found)


class Verdict(NamedTuple):
    """The answer in a sentence, and the sentences with its figures."""

    answer: str
    figures: Sequence[str]


def verdict_of(report: Report) -> Verdict:
    """In the words of what was asked: not every protocol asks which text raters prefer."""
    simulation, higher = report.campaign.simulation, measure_of(report.campaign).higher
    who = "Simulated raters" if simulation else "People"
    answers = {
        Outcome.GAIN: f"{who}: the new model’s texts are {higher} those of the model before.",
        Outcome.LOSS: f"{who}: the texts of the model before are {higher} those of the new one.",
        Outcome.NOTHING: "Nothing was gained that these ratings could show.",
        Outcome.UNDEFINED: "These ratings do not say which model is better.",
    }
    simulated = [simulation_sentence(simulation)] if simulation else []
    figures = [primary_sentence(report), *primary_sentences(report), *simulated]
    return Verdict(answers[outcome_of(declared(report))], figures)


class Estimate(NamedTuple):
    """A value with its 95 % interval, where it has one."""

    whose: str
    value: float
    ci: Sequence[float] | None


class Compared(NamedTuple):
    """Estimates of one generation, by whose texts."""

    generation: str
    estimates: Sequence[Estimate]


class Panel(NamedTuple):
    """What is comparable, of one generation after the other; `even` is a value that says nothing for either side."""

    title: str
    domain: Sequence[float]
    places: int
    even: float | None
    rows: Sequence[Compared]


def rating_panels(reports: Mapping[str, Report]) -> list[Panel]:
    """Mean ratings, from the reports of generations by name: a panel for each criterion on each scale."""
    panels: dict[str, Panel] = {}
    for generation, report in reports.items():
        panel = rating_panel(generation, report)
        if panel.rows[0].estimates:
            earlier = panels[panel.title].rows if panel.title in panels else []
            panels[panel.title] = panel._replace(rows=[*earlier, *panel.rows])
    return list(panels.values())


def rating_panel(generation: str, report: Report) -> Panel:
    about, measure, criterion = report.campaign, measure_of(report.campaign), declared(report).criterion
    rows = {row.system: row for row in report.criteria[criterion].systems}
    called = ((NEW, declared(report).first), (BEFORE, declared(report).second), (PEOPLE, HUMAN))
    name = f"{generation} (simulated raters)" if about.simulation else generation
    estimates = [Estimate(whose, rows[system].mean, rows[system].ci) for whose, system in called if system in rows]
    title = f"{measure.mean_axis(about)}: {spaced(criterion)}"
    return Panel(title, measure.scale(about), places_of(report), measure.even, [Compared(name, estimates)])


def judge_panels(scores: Mapping[str, Scores]) -> list[Panel]:
    """Each judge's scores, from those of generations by name."""
    panels = []
    for metric in of_kind(JudgeMetric):
        compared = [Compared(name, estimates_of(metric.name, of)) for name, of in scores.items()]
        rows = [each for each in compared if each.estimates]
        if rows:
            highest = max(end for row in rows for each in row.estimates for end in (each.value, *(each.ci or ())))
            domain = (0.0, max(highest, CHANCE))
            panels.append(Panel(metric.name, domain, JUDGE_PLACES, CHANCE, rows))
    return panels


def estimates_of(metric: str, scores: Scores) -> list[Estimate]:
    found = [
        Estimate(whose, row.value, interval_of(row))
        for whose, rows in ((NEW, scores.new), (BEFORE, scores.before))
        if (row := rows.get(metric))
    ]
    theirs = scores.people.get(metric, {})
    return [*found, *([Estimate(PEOPLE, theirs["value"], theirs["ci"])] if theirs.get("value") is not None else [])]


def interval_of(row: Score) -> Sequence[float] | None:
    return None if row.ci_low is None or row.ci_high is None else (row.ci_low, row.ci_high)


class MetricRow(NamedTuple):
    """A metric of the model before, of the new one and of people, with how they were computed."""

    metric: str
    description: str
    less_is_better: bool
    places: int
    values: Sequence[tuple[str, Estimate | None]]
    signatures: Sequence[str]


def metric_rows(scores: Scores) -> list[MetricRow]:
    """A line for each metric that both models have, but for those that learned from raters: the new model did too."""
    return [
        MetricRow(
            name,
            before.metric.description,
            before.metric.less_is_better,
            places_of_figure(name),
            [(whose, found.get(whose)) for whose in (BEFORE, NEW, PEOPLE)],
            sorted({before.signed, new.signed}),
        )
        for name, before in scores.before.items()
        if name in METRICS and not METRICS[name].learned and (new := scores.new.get(name))
        for found in [{each.whose: each for each in estimates_of(name, scores)}]
    ]
