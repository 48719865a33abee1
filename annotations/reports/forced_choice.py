"""What choices of the text that a person wrote say: how well raters told people's texts from each system's."""

import numpy as np

from annotations.campaigns.models import Campaign
from annotations.reasons import Reason
from annotations.reports.estimates import estimate_of
from annotations.reports.judgements import equivalence_of, estimate
from annotations.reports.looks import Rule
from annotations.reports.schema import forced_choice as schema
from annotations.reports.table import Bools, RatingTable
from annotations.statistics.choices import FIRST
from annotations.statistics.forced_choice import by_confidence, told
from annotations.systems.models import System


def forced_choice_of(campaign: Campaign, table: RatingTable, criterion: str, rule: Rule) -> schema.ForcedChoice:
    """Of the choices by a criterion, of which two texts by people and others are none."""
    kinds = dict(campaign.entries.values_list("system__name", "system__kind"))
    people = [code for code, name in enumerate(table.systems) if kinds[name] == System.Kind.HUMAN]
    first, second, outcome, rows = table.comparisons[criterion]
    human_first = np.isin(first, people)
    one_each = human_first != np.isin(second, people)
    first, second, outcome, rows, human_first = (
        column[one_each] for column in (first, second, outcome, rows, human_first)
    )
    machines, chose_first = np.where(human_first, second, first), outcome == FIRST

    def told_in(choices: Bools) -> schema.ToldApart:
        found = told(
            human_first[choices].astype(np.float64),
            chose_first[choices].astype(np.float64),
            table.albums[rows[choices]],
            table.raters[rows[choices]],
            margin=campaign.equivalence_margin,
        )
        above, tested, least = found.above_chance
        return schema.ToldApart(
            n=found.n,
            accuracy=estimate_of(estimate(found.accuracy)),
            above_chance=estimate_of(above),
            above_chance_p=above.p,
            equivalence=equivalence_of(tested, campaign.equivalence_margin, rule),
            least_margin=least,
            d_prime=estimate_of(found.d_prime),
            d_prime_p=found.d_prime.p,
            bias=estimate_of(found.bias),
            bias_p=found.bias.p,
        )

    once = np.zeros(len(rows), dtype=bool)  # a screen, however many systems wrote its other text
    once[np.unique(rows, return_index=True)[1]] = True
    sure = np.nanmax(np.abs(table.sureness[criterion][rows[once]]), axis=1, initial=0)
    return schema.ForcedChoice(
        told=told_in(once),
        systems=[
            schema.ToldFrom(
                system=name,
                told=told_in(machines == code),
                undefined=None if (machines == code).any() else Reason("not_beside", system=name),
            )
            for code, name in enumerate(table.systems)
            if code not in people
        ],
        confidences=[
            schema.ByConfidence(confidence=confidence, n=n, accuracy=estimate_of(estimate(share)))
            for confidence, n, share in by_confidence(
                (human_first == chose_first)[once].astype(np.float64),
                sure.astype(np.int64),
                table.albums[rows[once]],
                table.raters[rows[once]],
            )
        ],
    )
