"""What is computed from raters' answers and how reports say it: a file for each measure, which protocols name."""

from annotations.campaigns.models import Campaign
from annotations.protocols import AnyProtocol, protocol_named
from annotations.reports.measures.best_minus_worst import BestMinusWorst
from annotations.reports.measures.chosen_as_human import ChosenAsHuman
from annotations.reports.measures.error_score import ErrorScore
from annotations.reports.measures.judged_human import JudgedHuman
from annotations.reports.measures.measure import Measure
from annotations.reports.measures.share_kept import ShareKept
from annotations.reports.measures.share_ranked_above import ShareRankedAbove
from annotations.reports.measures.strength import Strength
from annotations.reports.schema.campaign import About

KNOWN = (
    Measure(),
    Strength(),
    BestMinusWorst(),
    ShareRankedAbove(),
    JudgedHuman(),
    ChosenAsHuman(),
    ShareKept(),
    ErrorScore(),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in KNOWN}


def measure_of(campaign: Campaign | About) -> Measure:
    return measure_by(protocol_named(campaign.protocol))


def measure_by(protocol: AnyProtocol) -> Measure:
    return MEASURES[protocol.measure]
