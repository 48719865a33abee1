"""Every pair of systems by a criterion: what there is between them, and which differences count."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from annotations.reasons import Reason
from annotations.reports.analysis import Analysis, Contrast
from annotations.reports.exact import deciding_p, nothing_varied, testable_p, tests_shown
from annotations.reports.looks import Rule
from annotations.reports.mixed_models import NO_MODELS, Models
from annotations.reports.schema.base import Interval
from annotations.reports.schema.results import PairResult, SystemMean, SystemResult
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.uncertainty import holm


def contrasts(analyses: Mapping[str, Analysis], *, primary: Sequence[str], family: str, rule: Rule) -> list[Contrast]:
    """Every pair of systems rated by a criterion, by name. `primary` (two systems and a criterion, or nothing) is
    tested by itself; all others are adjusted by Holm, within each criterion or over the whole campaign."""
    drawn = []
    for criterion, analysis in analyses.items():
        compared, size, systems = analysis.differences(), analysis.size, analysis.table.systems
        tests = analysis.exact([(systems.index(one), systems.index(other)) for one, other in compared])
        for (pair, found), exact in zip(compared.items(), tests, strict=True):
            p, declared = deciding_p(found, exact, size), is_primary(criterion, *pair, primary)
            drawn.append(Contrast(criterion, *pair, found, exact, size, p, declared))
    families: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(drawn):
        if each.p is not None and not each.primary:
            families[each.criterion if family == "criterion" else "campaign"].append(place)
    for places in families.values():
        for place, p in zip(places, holm(np.array([drawn[place].p for place in places])).tolist(), strict=True):
            drawn[place] = drawn[place]._replace(p=p)
    return [each._replace(shown=counts(each, rule)) for each in drawn]


def counts(contrast: Contrast, rule: Rule) -> bool:
    needed = rule.primary if contrast.primary else rule.others
    return contrast.p is not None and needed is not None and contrast.p < needed


def is_primary(criterion: str, one: str, other: str, primary: Sequence[str]) -> bool:
    return bool(primary) and criterion == primary[2] and {one, other} == set(primary[:2])


def ranked(means: Mapping[str, SystemMean], compared: Sequence[Contrast]) -> list[SystemResult]:
    """The systems, best first, with the ranks and clusters that the differences leave."""
    names = sorted(means, key=lambda name: (-means[name].mean, name))
    order = {
        (each.one, each.other): (
            each.found.estimate.value or 0.0,
            each.p if each.shown else None,
        )
        for each in compared
    }
    ranges, cluster = rank_ranges(names, order), clusters(names, order)
    return [SystemResult(**dict(means[name]), rank_range=ranges[name], cluster=cluster[name]) for name in names]


def pair_result(
    contrast: Contrast,
    *,
    expected_share: float | None = None,
    bootstrap_ci: Interval | None = None,
    models: Models = NO_MODELS,
) -> PairResult:
    found, estimate = contrast.found, contrast.found.estimate
    unvaried = nothing_varied(estimate, contrast.size)
    return PairResult(
        criterion=contrast.criterion,
        system_a=contrast.one,
        system_b=contrast.other,
        primary=contrast.primary,
        shown=contrast.shown,
        difference=estimate.value,
        ci=None if unvaried else estimate.interval,
        error=None if unvaried else estimate.error,
        freedom=None if unvaried else estimate.freedom,
        estimator=found.estimator,
        p=testable_p(found, contrast.size),
        p_holm=None if contrast.primary else contrast.p,
        n=estimate.n,
        items=found.items,
        undefined=estimate.undefined,
        unvaried=unvaried,
        note=Reason("nothing_varied") if unvaried else None,
        exact=tests_shown(contrast.exact),
        expected_share=expected_share,
        bootstrap_ci=bootstrap_ci,
        mixed_model=models.mixed,
        cumulative_link_model=models.cumulative_link,
    )
