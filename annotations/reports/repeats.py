"""How far raters agree with themselves: ratings of what they had rated before."""

from collections.abc import Sequence

import numpy as np

from annotations.campaigns.models import Campaign, CandidateOutput, Item, Rater, Rating
from annotations.protocols import protocol_named
from annotations.reports.measures import measure_of
from annotations.reports.measures.measure import RepeatedRating
from annotations.reports.schema.raters import Consistency, RepeatResult
from annotations.statistics.estimate import Estimate

TOLERANCE = 0.1  # of the scale's width: on a scale of up to eleven steps the same step, or at most the next one
READ = ("assignment__item__source_id", "assignment__rater_id", "answers")


def repeats_of(campaign: Campaign) -> tuple[dict[str, RepeatResult], dict[int, Consistency]]:
    """By criterion, without raters who are left out; and by primary key of the rater. Both are empty where nothing was
    rated again. Each later rating is held against the first."""
    pairs = repeated_pairs(campaign)
    if not pairs:
        return {}, {}
    protocol, measure = protocol_named(campaign.protocol), measure_of(campaign)
    low, high = protocol.ends(campaign.scale)
    counting = set(Rater.objects.filter(campaign=campaign, trial=False, excluded_at=None).values_list("pk", flat=True))
    by_criterion = {}
    for criterion in campaign.criteria:
        of_it = [pair for pair in pairs if pair.criterion == criterion and pair.rater in counting]
        if of_it:
            by_criterion[criterion] = repeat_result(of_it, *measure.repeat_agreement(of_it, protocol.level))
    raters = {rater: code for code, rater in enumerate(dict.fromkeys(pair.rater for pair in pairs))}
    codes = np.array([raters[pair.rater] for pair in pairs])
    found = measure.consistencies(len(raters), codes, pairs, tolerance=TOLERANCE * (high - low))
    return by_criterion, {
        rater: Consistency.model_validate(found[code], from_attributes=True) for rater, code in raters.items()
    }


def repeated_pairs(campaign: Campaign) -> list[RepeatedRating]:
    again = Item.objects.filter(campaign=campaign, kind=Item.Kind.REPEAT)
    if not again.exists():
        return []
    later = Rating.objects.newest_answers(campaign).filter(assignment__item__in=again).order_by("pk").values_list(*READ)
    first = Rating.objects.answered(campaign).filter(assignment__item__source__in=again.values("source"))
    shown = CandidateOutput.objects.filter(
        candidate__item__campaign=campaign, candidate__item__source__in=again.values("source")
    )
    systems: dict[str, str] = {}  # the first of those whose text it is
    for candidate, system in shown.values_list("candidate_id", "output__decoding__system__name"):
        systems[str(candidate)] = min(system, systems.get(str(candidate), system))
    protocol, read = protocol_named(campaign.protocol), measure_of(campaign).answered
    before = {
        (source, rater): read(protocol, answers, systems)
        for source, rater, answers in first.values_list(*READ).iterator(chunk_size=2000)
    }
    pairs = []
    for source, rater, answers in later.iterator(chunk_size=2000):
        given = before.get((source, rater), {})
        for key, value in read(protocol, answers, systems).items():
            if key in given:
                pairs.append(RepeatedRating(rater, key[0], (source, key[1]), given[key], value))
    return pairs


def repeat_result(pairs: Sequence[RepeatedRating], agreed: Estimate, distance: float | None) -> RepeatResult:
    """How often the later rating is the first one again, how far apart they are, and how far they agree."""
    return RepeatResult(
        repeats=len(pairs),
        raters=len({pair.rater for pair in pairs}),
        same=sum(pair.first == pair.later for pair in pairs) / len(pairs),
        mean_difference=distance,
        alpha=agreed.value,
        ci=agreed.interval,
        undefined=agreed.undefined,
    )
