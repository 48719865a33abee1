"""A campaign's result as one JSON-able mapping. Everything the pages and files show is taken from it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import Max, Min

from annotations.models import Assignment, Campaign, Rating
from annotations.protocols import protocol_named
from annotations.reports.choices import fitted_strengths
from annotations.reports.effects import by_system, with_effects
from annotations.reports.examples import examples_of
from annotations.reports.limits import cut_at_scale
from annotations.reports.looks import Rule, look_row, looks_taken, rule_of
from annotations.reports.method import method_of
from annotations.reports.metrics import (
    correlation_of,
    disagreements_of,
    metric_differences_of,
    metrics_of,
    values_by_text,
)
from annotations.reports.raters import exclusions_of, raters_of
from annotations.reports.repeats import repeats_of
from annotations.reports.results import contrasts, criterion_results, primary_row
from annotations.reports.table import RatingTable, rating_table

RESAMPLES = 1000  # of items and raters
VERSION = 2  # of the report's form


def report_build(campaign: Campaign, *, look: int | None = None, before: int | None = None) -> dict[str, Any]:
    """The result as it stands now; `look` is the number of the declared look that it is. Of the looks that were taken
    it tells those as far as the report with primary key `before`."""
    whole = rating_table(campaign)
    table = whole.without_excluded()
    look = campaign.looks if campaign.state == Campaign.State.CLOSED else look
    rule = rule_of(campaign, look)
    criteria, pairs = results_of(campaign, table, rule, resamples=RESAMPLES, models=True)
    pairs = with_effects(
        table,
        pairs,
        margin=campaign.equivalence_margin,
        family=campaign.family,
        rule=rule,
    )
    planned = None if campaign.imported_by_id else campaign.screens
    criteria = {name: each | by_system(table, name, each, planned=planned) for name, each in criteria.items()}
    values = values_by_text(campaign, table)
    this_look = look_row(campaign, look)
    repeats, by_rater = repeats_of(campaign)
    report = {
        "version": VERSION,
        "campaign": about(campaign, table),
        "look": this_look,
        "looks_taken": looks_taken(campaign, before),
        "primary": primary_row(pairs, campaign.primary, boundary=this_look["p"] if this_look else None),
        "criteria": criteria,
        "pairs": pairs,
        "metrics": metrics_of(campaign),
        "metric_differences": metric_differences_of(campaign),
        "correlation": correlation_of(campaign, table, values),
        "disagreements": disagreements_of(campaign, table, values),
        "examples": {name: examples_of(campaign, table, name) for name in campaign.criteria},
        "raters": raters_of(whole, consistencies=by_rater),
        "repeats": repeats,
        "exclusions": {"raters": exclusions_of(campaign), **with_all(campaign, whole, table, rule)},
        "method": method_of(
            campaign,
            raters=len(np.unique(table.raters)) or None,
            albums=len(np.unique(table.albums)) or None,
            estimators=[pair["estimator"] for pair in pairs],
        ),
    }
    return cut_at_scale(report)


def about(campaign: Campaign, table: RatingTable) -> dict[str, Any]:
    """What was asked, of whom, of what."""
    theirs = Rating.objects.filter(assignment__item__campaign=campaign, assignment__rater__trial=False)
    dated = Rating.objects.counting(campaign)
    if campaign.imported_by:  # a rating without a date of its own bears that of the import
        dated = dated.exclude(created_at=campaign.imported_by.created_at)
    dates = dated.aggregate(began=Min("created_at"), ended=Max("created_at"))
    kinds = dict(campaign.entries.values_list("system__name", "system__kind"))
    skipped = Assignment.objects.filter(item__campaign=campaign, rater__trial=False, state=Assignment.State.SKIPPED)
    return {
        "name": campaign.name,
        "purpose": campaign.purpose,
        "dataset": campaign.dataset.name,
        "split": campaign.split,
        "unit": campaign.unit,
        "protocol": campaign.protocol,
        "show": campaign.show,
        "systems": sorted(kinds),
        "system_kinds": kinds,
        "sources": campaign.items.values_list("source__kind", flat=True).first(),
        "criteria": campaign.criteria,
        "scale": list(protocol_named(campaign.protocol).ends(campaign.scale)),
        "scale_found": campaign.scale_found,
        "instructions": campaign.instructions,
        "consent": campaign.consent,
        "items": campaign.item_count,
        "albums": campaign.items.values("source__album").distinct().count(),
        "overlap": campaign.overlap,
        "family": campaign.family,
        "looks": campaign.looks,
        "spending": campaign.spending,
        "equivalence_margin": campaign.equivalence_margin,
        "seed": campaign.seed,
        "screens": campaign.screens,
        "state": campaign.state,
        "interim": campaign.state != Campaign.State.CLOSED,
        "imported": campaign.imported_by_id is not None,
        "import_facts": campaign.import_facts,
        "ratings": len(table.items),
        "raters": len(set(table.raters.tolist())),
        "skipped": skipped.count(),
        "withdrawn": theirs.filter(kind=Rating.Kind.WITHDRAWN).count(),
        **{key: at and at.isoformat() for key, at in dates.items()},
    }


def results_of(
    campaign: Campaign, table: RatingTable, rule: Rule, *, resamples: int, models: bool
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The results by criterion, and all pairs of systems."""
    strengths = {criterion: fitted_strengths(table, criterion) for criterion in table.comparisons}
    compared = contrasts(table, strengths, primary=campaign.primary, family=campaign.family, rule=rule)
    protocol = protocol_named(campaign.protocol)
    criteria, pairs = {}, []
    for criterion in campaign.criteria:
        criteria[criterion], rows = criterion_results(
            table,
            criterion,
            [each for each in compared if each.criterion == criterion],
            strengths.get(criterion),
            level=protocol.level,
            scale=protocol.ends(campaign.scale),
            resamples=resamples,
            models=models,
        )
        pairs += rows
    return criteria, pairs


def with_all(campaign: Campaign, whole: RatingTable, table: RatingTable, rule: Rule) -> dict[str, Any]:
    """Means and differences with the raters who are left out, where there are any."""
    if table is whole:
        return {"criteria_with_all": {}, "pairs_with_all": []}
    criteria, pairs = results_of(campaign, whole, rule, resamples=1, models=False)
    return {
        "criteria_with_all": {
            name: columns(each["systems"], "system", "n", "raters", "mean", "ci") for name, each in criteria.items()
        },
        "pairs_with_all": columns(pairs, "criterion", "system_a", "system_b", "difference", "ci", "p", "undefined"),
    }


def columns(rows: Sequence[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: row[key] for key in keys} for row in rows]
