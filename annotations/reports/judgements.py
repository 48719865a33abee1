"""What judgements say of the systems: the shares of their texts judged human, and how well raters told who wrote."""

from collections.abc import Sequence

import numpy as np

from annotations.campaigns.models import Campaign
from annotations.reasons import Reason
from annotations.reports.analysis import Contrast
from annotations.reports.estimates import estimate_of
from annotations.reports.looks import Rule
from annotations.reports.schema import detection as schema
from annotations.reports.schema.results import CriterionResult, Effects, PairResult
from annotations.reports.scores import ScoreAnalysis
from annotations.reports.table import RatingTable
from annotations.statistics.detection import Judged, detection
from annotations.statistics.equivalence import ALPHA, Equivalence
from annotations.statistics.estimate import Estimate
from annotations.statistics.shares import Share, clustered_share
from annotations.statistics.uncertainty import Floats, Ints
from annotations.systems.models import System


class JudgementAnalysis(ScoreAnalysis):
    def mean(self, scores: Floats, albums: Ints, raters: Ints) -> Estimate:
        """A share, whose interval stays between 0 and 1."""
        return estimate(clustered_share(scores, albums, raters))

    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        """Without the models, which are of a rater's two scores on a screen, and two scores have no distribution."""
        result, pairs = super().results(compared, resamples=resamples, models=False)
        return result.model_copy(update={"distribution": None}), pairs

    def effects(self, pair: PairResult) -> Effects | None:
        return None


def detection_of(campaign: Campaign, table: RatingTable, criterion: str, rule: Rule) -> schema.Detection:
    """Of all judgements by a criterion; a text of several systems is one for each of them."""
    kinds = dict(campaign.entries.values_list("system__name", "system__kind"))
    people = [code for code, name in enumerate(table.systems) if kinds[name] == System.Kind.HUMAN]
    scores = table.scores[criterion]
    rows, systems = np.nonzero(~np.isnan(scores))
    found = detection(
        systems,
        scores[rows, systems] > 0,
        table.albums[rows],
        table.raters[rows],
        people=people,
        sureness=table.sureness[criterion][rows, systems],
        names=table.systems,
        margin=campaign.equivalence_margin,
    )
    d_prime, c = found.sensitivity
    return schema.Detection(
        n=len(rows),
        base_rate=found.base_rate,
        accuracy=estimate_of(estimate(found.accuracy)),
        chance=found.chance,
        majority=found.majority,
        above_chance=estimate_of(found.above_chance),
        above_chance_p=found.above_chance.p,
        equivalence=equivalence_of(found.equivalence, campaign.equivalence_margin, rule),
        least_margin=found.least_margin,
        d_prime=estimate_of(d_prime),
        d_prime_p=d_prime.p,
        criterion=estimate_of(c),
        auc=estimate_of(found.auc),
        auc_p=found.auc.p,
        systems=[judged_system(each) for each in found.systems],
        undefined=found.undefined,
    )


def judged_system(found: Judged) -> schema.JudgedSystem:
    share = estimate(found.human)
    return schema.JudgedSystem(
        system=found.system,
        n=found.n,
        judged_human=estimate_of(share._replace(undefined=found.undefined)),
        d_prime=estimate_of(found.sensitivity.d_prime),
    )


def equivalence_of(tested: Equivalence | None, margin: float | None, rule: Rule) -> schema.ChanceEquivalence | None:
    if margin is None or tested is None:
        return None
    if rule.others is None:
        tested = Equivalence(None, None, Reason("tested_at_last_look"))
    shown = tested.p is not None and tested.p < ALPHA
    return schema.ChanceEquivalence(
        margin=margin, ci=tested.interval, p=tested.p, shown=shown, undefined=tested.undefined
    )


def estimate(share: Share) -> Estimate:
    return Estimate(share.share, share.interval, share.note)
