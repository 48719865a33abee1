"""Automatic metrics of campaigns side by side, where they hold the same items."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from annotations.reports.comparison_schema import MetricCell, MetricComparison, MetricTable, SystemMetric
from annotations.reports.studies import Shown, Study, counted, listed, systems_shown
from annotations.systems.models import Score

WITHHELD = (
    "A campaign's metrics withhold the reference that it showed as the human candidate; if campaigns showed different "
    "ones, a system's figures also differ because of that."
)


def metrics_comparison(studies: Sequence[Study]) -> MetricComparison:
    """Metrics side by side where campaigns have the same items, each metric computed in the same way."""
    found: dict[int, dict[str, dict[str, Score]]] = {}
    scores = Score.objects.filter(campaign__in=[study.campaign for study in studies]).order_by("pk")
    for score in scores.select_related("decoding__system"):
        by_metric = found.setdefault(score.campaign_id or 0, {}).setdefault(score.metric_id, {})
        by_metric[score.decoding.system.name] = score
    with_scores = [study for study in studies if study.campaign.pk in found]
    left_out = [
        f"{listed([study])} has no metric scores: run score --campaign {study.name}."
        for study in studies
        if study not in with_scores
    ]
    groups: dict[frozenset[int], list[Study]] = {}
    for study in with_scores:
        groups.setdefault(study.sources, []).append(study)
    for one, other in combinations(groups.values(), 2):
        sizes = counted({group[0].name: len(group[0].sources) for group in (one, other)})
        same = len(one[0].sources & other[0].sources)
        left_out.append(
            f"{listed(one)} {'were' if len(one) > 1 else 'was'} scored on different items than {listed(other)} "
            f"({sizes}, {same:,} of them shared), and a metric covers all its items."
        )
    tables = []
    for group in groups.values():
        if len(group) < 2:
            continue
        shown, _ = systems_shown(group, sorted(group[0].sources))
        for metric in sorted({metric for study in group for metric in found[study.campaign.pk]}):
            having = [study for study in group if metric in found[study.campaign.pk]]
            cells = [found[study.campaign.pk][metric] for study in having]
            signatures = sorted({score.signed for each in cells for score in each.values()})
            if len(having) < 2:
                others = listed([study for study in group if study not in having])
                left_out.append(f"{metric}: scored in {listed(having)}, not in {others}.")
            elif any(score.part for each in cells for score in each.values()):
                left_out.append(f"{metric}: scored on part of the items ({'; '.join(signatures)}).")
            elif len(signatures) > 1:
                left_out.append(f"{metric}: not computed in the same way ({'; '.join(signatures)}).")
            else:
                tables.append(metric_table(metric, signatures[0], group, having, shown, cells))
    with_human = any("human" in study.decodings for study in studies)
    notes = [WITHHELD] if tables and with_human else []
    return MetricComparison(tables=tables, left_out=left_out, notes=notes)


def metric_table(
    metric: str,
    signature: str,
    group: Sequence[Study],
    having: Sequence[Study],
    shown: Sequence[Shown],
    cells: Sequence[Mapping[str, Score]],
) -> MetricTable:
    rows = []
    for system in shown:
        scores = [
            by_system.get(system.name) if group.index(study) in system.places else None
            for study, by_system in zip(having, cells, strict=True)
        ]
        if any(scores):
            rows.append(SystemMetric(system=system.label, cells=[metric_cell(score) for score in scores]))
    return MetricTable(metric=metric, signature=signature, campaigns=[study.name for study in having], systems=rows)


def metric_cell(score: Score | None) -> MetricCell | None:
    if score is None:
        return None
    ends = None if score.ci_low is None or score.ci_high is None else (score.ci_low, score.ci_high)
    return MetricCell(value=score.value, ci=ends)
