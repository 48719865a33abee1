"""What the ratings say of the systems by each criterion: means, every pair compared, agreement."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from annotations.campaigns.models import Campaign
from annotations.protocols import protocol_named
from annotations.reasons import Reason
from annotations.reports.analysis import Analysis
from annotations.reports.contrasts import contrasts
from annotations.reports.looks import Rule
from annotations.reports.measures import measure_of
from annotations.reports.pairs import turned_to
from annotations.reports.schema.results import CriterionResult, PairResult, Primary
from annotations.reports.table import RatingTable


class Results(NamedTuple):
    """By criterion, and of all pairs of systems."""

    criteria: dict[str, CriterionResult]
    pairs: list[PairResult]


def analyses_of(campaign: Campaign, table: RatingTable) -> dict[str, Analysis]:
    """By criterion."""
    protocol, analysis = protocol_named(campaign.protocol), measure_of(campaign).analysis
    scale = protocol.ends(campaign.scale)
    return {criterion: analysis(table, criterion, protocol.level, scale) for criterion in table.criteria}


def results_of(
    campaign: Campaign, analyses: Mapping[str, Analysis], rule: Rule, *, resamples: int, models: bool
) -> Results:
    compared = contrasts(analyses, primary=campaign.primary, family=campaign.family, rule=rule)
    results = Results({}, [])
    for criterion, analysis in analyses.items():
        of_it = [each for each in compared if each.criterion == criterion]
        results.criteria[criterion], pairs = analysis.results(of_it, resamples=resamples, models=models)
        results.pairs.extend(pairs)
    return results


def primary_result(pairs: Sequence[PairResult], primary: Sequence[str], *, boundary: float | None) -> Primary | None:
    """The primary comparison in the direction in which it was declared; None if there is none.

    `boundary` is what p has to be below at a declared look.
    """
    if not primary:
        return None
    first, second, criterion = primary
    pair = next((turned_to(pair, first) for pair in pairs if pair.primary), None)
    if pair is None:
        not_rated = Reason("not_rated")
        return Primary(first=first, second=second, criterion=criterion, boundary=boundary, undefined=not_rated)
    return Primary(
        first=first,
        second=second,
        criterion=criterion,
        boundary=boundary,
        difference=pair.difference,
        ci=pair.ci,
        p=pair.p,
        shown=pair.shown,
        n=pair.n,
        items=pair.items,
        undefined=pair.undefined,
        exact=pair.exact,
        unvaried=pair.unvaried,
        note=pair.note,
    )
