"""Human or machine: can raters tell who wrote a text?"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from annotations.reasons import Reason
from annotations.statistics.connections import Bools, named
from annotations.statistics.equivalence import Equivalence, equivalence, quantile
from annotations.statistics.estimate import Estimate
from annotations.statistics.means import clustered_mean
from annotations.statistics.shares import Share, clustered_share
from annotations.statistics.uncertainty import Floats, Ints


class Sensitivity(NamedTuple):
    """d′ of human texts against machine texts, and the criterion c.

    d′ 0: told apart no better than by chance. c below 0: raters lean towards "human", above 0 towards "machine".
    """

    d_prime: Estimate
    criterion: Estimate

    @classmethod
    def none(cls, why: Reason) -> "Sensitivity":
        return cls(Estimate.none(why), Estimate.none(why))


class Judged(NamedTuple):
    """One system: in how many judgements, the share judged human, and the d′ of human texts against its texts."""

    system: str
    n: int
    human: Share
    undefined: Reason | None
    sensitivity: Sensitivity


class AboveChance(NamedTuple):
    """Accuracy − chance with its interval and p, whether it lies within the margin, and the smallest margin that it
    could be shown to lie within, the further end of the 90 % interval; None where that is beyond what it can be."""

    estimate: Estimate
    equivalence: Equivalence | None
    least_margin: float | None


class Detection(NamedTuple):
    """How well raters told human from machine texts, and how often each system was taken for human.

    `base_rate` is the share of human texts among those judged. `chance` is the accuracy that the same answers would
    have if they did not depend on who wrote, `majority` that of always giving the answer right more often.
    `above_chance` is accuracy − chance with its interval and p, and `equivalence` whether it lies within the margin;
    `least_margin` is the smallest one that it could be shown to lie within, the further end of the 90 % interval; None
    where that is beyond what accuracy − chance can be. `auc` is the probability that a human text was rated as more
    surely human than a machine text, a tie counting as half.
    """

    systems: list[Judged]
    accuracy: Share
    base_rate: float | None
    chance: float | None
    majority: float | None
    above_chance: Estimate
    equivalence: Equivalence | None
    least_margin: float | None
    sensitivity: Sensitivity
    auc: Estimate
    undefined: Reason | None


def detection(
    systems: Ints,
    judged_human: Bools,
    items: Ints,
    raters: Ints,
    *,
    people: Collection[int],
    sureness: Floats | None = None,
    names: Sequence[str] | None = None,
    margin: float | None = None,
) -> Detection:
    """Judgements (n) "human" or not of texts of `systems` (n), of which the codes in `people` are people.

    `sureness` (n) is the answer with how sure it was, higher the surer that it is a person's; the answer alone where it
    is not given. All intervals are robust to items (n) and raters (n): see `clustered_mean`. With h the share of human
    texts and q that of answers "human", chance is h q + (1 − h)(1 − q), as in Cohen's (1960) kappa, and accuracy −
    chance is twice the covariance of truth and answer, so its interval is that of the mean of 2 (truth − h)(answer −
    q). A text by both a person and a system is given once for each. Raises ValueError for arrays of unequal lengths.
    """
    for what, part in (("judged_human", judged_human), ("items", items), ("raters", raters), ("sureness", sureness)):
        if part is not None and len(part) != len(systems):
            raise ValueError(
                f"{what} has {len(part)} values and systems {len(systems)}; each judgement has one of each"
            )
    names = named(names, systems)
    human = np.isin(systems, list(people))
    truth, answer = human.astype(np.float64), judged_human.astype(np.float64)
    found = [
        _judged(code, name, systems, human, answer, items, raters, code in people) for code, name in enumerate(names)
    ]
    whole = sensitivity(answer, truth, items, raters)
    area = auc(answer if sureness is None else sureness, truth, items, raters)
    base, said = (float(part.mean()) if len(systems) else None for part in (truth, answer))
    if base is None or said is None or whole.d_prime.value is None:
        why = whole.d_prime.undefined or Reason("no_estimate")
        if not len(systems):
            why = Reason("nothing", unit="judgement")
        if not people:
            why = Reason("no_human_system")
        above, nothing = Estimate.none(why), Share(None, None)
        majority = None if base is None else max(base, 1 - base)
        return Detection(found, nothing, base, None, majority, above, None, None, whole, area, why)
    accuracy = clustered_share((truth == answer).astype(np.float64), items, raters)
    chance = base * said + (1 - base) * (1 - said)
    tested = judged_above_chance(truth, answer, items, raters, margin)
    why_none = tested.estimate.undefined
    return Detection(found, accuracy, base, chance, max(base, 1 - base), *tested, whole, area, why_none)


def judged_above_chance(
    truth: Floats, answer: Floats, items: Ints, raters: Ints, margin: float | None = None
) -> AboveChance:
    """Of truths (n) and answers (n), 1 being human: twice their covariance."""
    base, said = float(truth.mean()), float(answer.mean())
    widest = 2 * base * (1 - base)  # accuracy − chance where all answers are right
    return above_chance(clustered_mean(2 * (truth - base) * (answer - said), items, raters), margin, widest=widest)


def above_chance(found: Estimate, margin: float | None, *, widest: float) -> AboveChance:
    """What there is to say of an estimate of accuracy − chance, which is at most `widest`, on either side."""
    tested = equivalence(found, margin or widest)
    least = max(map(abs, tested.interval)) if tested.interval else None
    least = least if least is not None and least < widest else None
    if not found.error:
        found = Estimate(found.value, undefined=found.undefined or Reason("nothing_varied"))
    elif found.interval:
        low, high = found.interval
        found = found._replace(interval=(max(low, -widest), min(high, widest)))
    return AboveChance(found, tested if margin else None, least)


def sensitivity(answer: Floats, truth: Floats, items: Ints, raters: Ints) -> Sensitivity:
    """d′ = z(H) − z(F) and c = −(z(H) + z(F)) / 2 of answers (n) and truths (n), 1 being human.

    H and F, the shares of human and of machine texts judged human, are log-linear corrected: half a judgement is added
    to each and one to each total (Hautus 1995), so that both stay off 0 and 1. Errors are linearised: a judgement of a
    human text moves z(H) by (answer − mean) / ((n_human + 1) φ(z(H))), and one of a machine text z(F) likewise; these
    influences are clustered by item and rater as `clustered_mean` does. Of judgements that do not depend on one
    another the error is that of Gourevitch and Galanter (1967). Where all answers to one side are the same, nothing
    tells how they would vary, and there is no interval.
    """
    human = truth == 1
    people, machines = int(human.sum()), int((~human).sum())
    if not people or not machines:
        return Sensitivity.none(Reason("no_text_judged", kind="human" if not people else "machine"))
    z_hits, of_hits, varied_hits = _z(answer, human)
    z_alarms, of_alarms, varied_alarms = _z(answer, ~human)
    values = (z_hits - z_alarms, -(z_hits + z_alarms) / 2)
    if not (varied_hits and varied_alarms):
        why = Reason("judged_alike", kind="machine" if varied_hits else "human")
        return Sensitivity(*(Estimate(value, undefined=why, n=len(answer)) for value in values))
    d_prime, criterion = (
        linearised(value, influences, items, raters)
        for value, influences in zip(values, (of_hits - of_alarms, -(of_hits + of_alarms) / 2), strict=True)
    )
    return Sensitivity(d_prime, criterion)


def auc(sureness: Floats, truth: Floats, items: Ints, raters: Ints) -> Estimate:
    """The area under the ROC curve of `sureness` (n): how probable it is that a human text has more of it than a
    machine text, a tie counting as half.

    A judgement's influence is its placement among those of the other kind, less the area (DeLong, DeLong and
    Clarke-Pearson 1988), clustered by item and rater. The interval is symmetric in the logit of the area (Pepe 2003,
    section 5.2.5), so it stays between 0 and 1; p is that of the area being one half.
    """
    human = truth == 1
    people, machines = int(human.sum()), int((~human).sum())
    if not people or not machines:
        return Estimate.none(Reason("no_text_judged", kind="human" if not people else "machine"))
    _, step = np.unique(sureness, return_inverse=True)
    of_people, of_machines = (np.bincount(step[side], minlength=step.max() + 1) for side in (human, ~human))
    below_machines = (np.cumsum(of_machines) - of_machines / 2)[step] / machines  # machine texts below each
    above_people = 1 - (np.cumsum(of_people) - of_people / 2)[step] / people  # human texts above each
    value = float(below_machines[human].mean())
    influences = np.where(human, (below_machines - value) / people, (above_people - value) / machines)
    found = linearised(value - 0.5, influences, items, raters)
    found = found._replace(value=value)
    if found.error is None or found.freedom is None:
        return found
    if not 0 < value < 1 or not found.error:
        return Estimate(value, undefined=Reason("nothing_varied"), n=len(truth))
    logit = float(np.log(value / (1 - value)))
    half = quantile(found.freedom, 0.975) * found.error / (value * (1 - value))
    low, high = (float(1 / (1 + np.exp(-(logit + side * half)))) for side in (-1, 1))
    return found._replace(interval=(low, high))


def linearised(value: float, influences: Floats, items: Ints, raters: Ints) -> Estimate:
    """An estimate from each judgement's influence on it (n), which sum to zero; clustered as `clustered_mean` does."""
    found = clustered_mean(value + len(influences) * influences, items, raters)
    return found._replace(value=value, n=len(influences))


def _z(answer: Floats, side: Bools) -> tuple[float, Floats, bool]:
    """z of the corrected share of a side's answers that are 1; each answer's influence on it (n); whether they vary."""
    count, mean = int(side.sum()), float(answer[side].mean())
    z = float(ndtri((count * mean + 0.5) / (count + 1)))
    return z, np.where(side, (answer - mean) / ((count + 1) * _density(z)), 0.0), 0 < mean < 1


def _judged(
    code: int,
    name: str,
    systems: Ints,
    human: Bools,
    answer: Floats,
    items: Ints,
    raters: Ints,
    person: bool,
) -> Judged:
    mine = systems == code
    if person:
        against = Sensitivity.none(Reason("compared_with"))
    else:
        both = mine | human
        against = sensitivity(answer[both], human[both].astype(np.float64), items[both], raters[both])
    share = clustered_share(answer[mine], items[mine], raters[mine])
    why = share.note if mine.any() else Reason("not_judged", system=name)
    return Judged(name, int(mine.sum()), share, why, against)


def _density(z: float) -> float:
    return float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
