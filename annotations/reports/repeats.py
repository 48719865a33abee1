"""How far raters agree with themselves: ratings of what they had rated before."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from annotations.models import Campaign, CandidateOutput, Item, Rater, Rating
from annotations.protocols import protocol_named
from annotations.statistics.agreement import alpha
from annotations.statistics.raters import Consistency, Repeats, choice_consistencies, consistencies

TOLERANCE = 0.1  # of the scale's width: on a scale of up to eleven steps the same step, or at most the next one
RESAMPLES = 1000
CHOSE = "raters chose: the share of the same choices is all that is given"
READ = ("assignment__item__source_id", "assignment__rater_id", "answers")


class Pair(NamedTuple):
    """A first and a later rating, by one rater of one text by one criterion; of choices what was chosen."""

    rater: int
    criterion: str
    text: tuple[int, str]  # source, system
    first: float | str
    later: float | str


def repeats_of(campaign: Campaign) -> tuple[dict[str, dict[str, Any]], dict[int, dict[str, Any]]]:
    """By criterion, without raters who are left out; and by primary key of the rater. Both are empty where nothing was
    rated again. Each later rating is held against the first."""
    pairs = repeated_pairs(campaign)
    if not pairs:
        return {}, {}
    protocol = protocol_named(campaign.protocol)
    low, high = protocol.ends(campaign.scale)
    counting = set(Rater.objects.filter(campaign=campaign, trial=False, excluded_at=None).values_list("pk", flat=True))
    by_criterion = {}
    for criterion in campaign.criteria:
        of_it = [pair for pair in pairs if pair.criterion == criterion and pair.rater in counting]
        if of_it:
            by_criterion[criterion] = criterion_row(of_it, protocol.level, scored=protocol.gives == "scores")
    raters = {rater: code for code, rater in enumerate(dict.fromkeys(pair.rater for pair in pairs))}
    codes = np.array([raters[pair.rater] for pair in pairs])
    if protocol.gives == "scores":
        first, later = (np.array([pair[place] for pair in pairs], dtype=np.float64) for place in (3, 4))
        found = consistencies(len(raters), Repeats(codes, first, later), tolerance=TOLERANCE * (high - low))
    else:
        found = choice_consistencies(len(raters), codes, np.array([pair.first == pair.later for pair in pairs]))
    return by_criterion, {rater: consistency_row(found[code]) for rater, code in raters.items()}


def repeated_pairs(campaign: Campaign) -> list[Pair]:
    again = Item.objects.filter(campaign=campaign, kind=Item.Kind.REPEAT)
    if not again.exists():
        return []
    theirs = Rating.objects.current().filter(kind="answer", assignment__rater__trial=False)
    later = theirs.filter(assignment__item__in=again).order_by("pk").values_list(*READ)
    first = Rating.objects.answered(campaign).filter(assignment__item__source__in=again.values("source"))
    shown = CandidateOutput.objects.filter(
        candidate__item__campaign=campaign, candidate__item__source__in=again.values("source")
    )
    systems: dict[str, str] = {}  # the first of those whose text it is
    for candidate, system in shown.values_list("candidate_id", "output__decoding__system__name"):
        systems[str(candidate)] = min(system, systems.get(str(candidate), system))
    protocol = protocol_named(campaign.protocol)
    read = first_scores if protocol.gives == "scores" else first_choices
    before = {
        (source, rater): read(protocol, answers, systems)
        for source, rater, answers in first.values_list(*READ).iterator(chunk_size=2000)
    }
    pairs = []
    for source, rater, answers in later.iterator(chunk_size=2000):
        given = before.get((source, rater), {})
        for key, value in read(protocol, answers, systems).items():
            if key in given:
                pairs.append(Pair(rater, key[0], (source, key[1]), given[key], value))
    return pairs


def first_scores(protocol: Any, answers: Any, systems: dict[str, str]) -> dict[tuple[str, str], float | str]:
    return {
        (criterion, systems[candidate]): score
        for criterion, scores in protocol.scores(answers).items()
        for candidate, score in scores.items()
    }


def first_choices(protocol: Any, answers: Any, systems: dict[str, str]) -> dict[tuple[str, str], float | str]:
    return {(criterion, ""): systems.get(chosen, chosen) for criterion, chosen in protocol.choices(answers).items()}


def criterion_row(pairs: Iterable[Pair], level: Any, *, scored: bool) -> dict[str, Any]:
    """How often the later rating is the first one again, how far apart they are, and Krippendorff's alpha of the two, a
    unit being one text as one rater rated it."""
    pairs = list(pairs)
    row: dict[str, Any] = {
        "repeats": len(pairs),
        "raters": len({pair.rater for pair in pairs}),
        "same": sum(pair.first == pair.later for pair in pairs) / len(pairs),
        "mean_difference": None,
        "alpha": None,
        "ci": None,
        "undefined": CHOSE,
    }
    if not scored:
        return row
    firsts = {(pair.rater, pair.text): float(pair.first) for pair in pairs}
    units = {key: code for code, key in enumerate(firsts)}
    scores = np.array([*firsts.values(), *(float(pair.later) for pair in pairs)])
    codes = np.array([*units.values(), *(units[pair.rater, pair.text] for pair in pairs)])
    agreed = alpha(scores, codes, level=level, resamples=RESAMPLES)
    distances = [abs(float(pair.first) - float(pair.later)) for pair in pairs]
    row |= {"mean_difference": float(np.mean(distances)), "alpha": agreed.alpha, "ci": agreed.interval}
    return row | {"undefined": agreed.undefined}


def consistency_row(found: Consistency) -> dict[str, Any]:
    return {
        "repeats": found.repeats,
        "mean_difference": found.mean_difference,
        "correlation": found.correlation,
        "within_tolerance": found.within_tolerance,
        "undefined": found.undefined,
    }
