"""A campaign's result as one JSON-able mapping. Everything the pages and files show is taken from it."""

from typing import Any

import numpy as np
from django.db.models import F

from annotations.models import Assignment, Campaign, Rating, Score
from annotations.reports.examples import examples_of
from annotations.reports.results import contrasts, criterion_results, primary_row
from annotations.reports.table import RatingTable, rating_table
from annotations.statistics.raters import Answers, Ratings, agreements, paces, severities

RESAMPLES = 1000  # of items and raters

METHOD = (
    "Means are over ratings. Intervals are 95 %, from a two-way cluster-robust variance over albums and raters "
    "(Cameron, Gelbach and Miller 2011) with Student's t. Differences are paired by item; the primary contrast, if one "
    "was declared with the campaign, is tested by itself, and the p-values of all others are adjusted by Holm within "
    "their family; rank ranges and clusters follow from those at 0.05. Beside them stand a linear mixed "
    "model of the raters' own differences, with a slope of the system by item and by rater (restricted maximum "
    "likelihood, Satterthwaite's degrees of freedom), and percentiles of a bootstrap over albums and raters. z is the "
    "mean of scores standardised by their rater, shrunk towards all raters. Agreement is Krippendorff's alpha, "
    "interval level, a unit being one text, its interval a bootstrap over albums. A text that several systems wrote "
    "was shown once and counts for each. The reference shown as the human candidate is withheld from the metrics' "
    "references of every system. A rater's severity is their mean distance from what others gave the same texts, below "
    "zero being severe, shrunk towards zero; agreement is the correlation with the mean of the others. Neither "
    "excludes anybody."
)
HUMAN_UNDEFINED = "undefined: where a source has a single reference, that one is the human's text itself"


def report_build(campaign: Campaign) -> dict[str, Any]:
    table = rating_table(campaign)
    compared = contrasts(table, primary=campaign.primary, family=campaign.family)
    criteria, pairs = {}, []
    for criterion in campaign.criteria:
        theirs = [each for each in compared if each.criterion == criterion]
        criteria[criterion], rows = criterion_results(table, criterion, theirs, resamples=RESAMPLES)
        pairs += rows
    counting = Rating.objects.counting(campaign)
    return {
        "campaign": {
            "name": campaign.name,
            "purpose": campaign.purpose,
            "dataset": campaign.dataset.name,
            "split": campaign.split,
            "unit": campaign.unit,
            "protocol": campaign.protocol,
            "show": campaign.show,
            "systems": sorted(campaign.entries.values_list("system__name", flat=True)),
            "items": campaign.item_count,
            "overlap": campaign.overlap,
            "family": campaign.family,
            "screens": campaign.screens,
            "state": campaign.state,
            "interim": campaign.state != Campaign.State.CLOSED,
            "ratings": counting.count(),
            "raters": counting.values("assignment__rater").distinct().count(),
            "skipped": Assignment.objects.filter(
                item__campaign=campaign, rater__trial=False, state=Assignment.State.SKIPPED
            ).count(),
            "withdrawn": Rating.objects.filter(
                assignment__item__campaign=campaign, assignment__rater__trial=False, kind=Rating.Kind.WITHDRAWN
            ).count(),
        },
        "primary": primary_row(pairs, campaign.primary),
        "criteria": criteria,
        "pairs": pairs,
        "metrics": metrics_of(campaign),
        "correlation": {},
        "examples": {name: examples_of(campaign, table, name) for name in campaign.criteria},
        "raters": raters_of(table),
        "method": METHOD,
    }


def metrics_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """The campaign's scores by system and metric, the newest of each; a metric that a system lacks says why."""
    found: dict[str, dict[str, Any]] = {name: {} for name in campaign.entries.values_list("system__name", flat=True)}
    scores = Score.objects.filter(campaign=campaign).order_by("pk")
    for score in scores.annotate(system=F("decoding__system__name")):
        interval = None if score.ci_low is None else [score.ci_low, score.ci_high]
        cell = {"value": score.value, "ci": interval, "signature": score.signature}
        found.setdefault(score.system, {})[score.metric] = cell
    metrics = sorted({metric for cells in found.values() for metric in cells})
    for system, cells in found.items():
        for metric in metrics:
            why = HUMAN_UNDEFINED if system == "human" else "not scored"
            cells.setdefault(metric, {"value": None, "ci": None, "signature": None, "undefined": why})
    return found if metrics else {}


def raters_of(table: RatingTable) -> list[dict[str, Any]]:
    """Each rater's screens, pace, mean score, severity and agreement with the others, over all criteria."""
    given = np.stack([np.where(table.first, table.scores[criterion], np.nan) for criterion in table.criteria])
    scored = ~np.isnan(given)
    criterion, screen, _ = np.nonzero(scored)
    scores, raters = given[scored], table.raters[screen]
    texts = np.broadcast_to(table.shown, given.shape)[scored] * len(table.criteria) + criterion
    count = len(table.rater_names)
    timed = ~np.isnan(table.seconds)
    answers = Answers(table.raters[timed], table.seconds[timed], table.words[table.items[timed]])
    ratings = Ratings(raters, texts, scores)
    screens = np.bincount(table.raters, minlength=count)
    means = np.bincount(raters, scores, minlength=count) / np.maximum(np.bincount(raters, minlength=count), 1)
    found = paces(count, answers), severities(count, ratings), agreements(count, ratings)
    return [
        {
            "rater": name,
            "screens": int(screens[code]),
            "seconds": pace.median,
            "under_floor": pace.under_floor,
            "floor": pace.floor,
            "mean": float(means[code]),
            "severity": severity.value,
            "severity_ci": severity.interval,
            "agreement": agreement.correlation,
            "undefined": severity.undefined or agreement.undefined,
        }
        for code, (name, pace, severity, agreement) in enumerate(zip(table.rater_names, *found, strict=True))
    ]
