"""Human or machine: can raters tell who wrote a text?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from annotations.statistics.connections import Bools, named
from annotations.statistics.means import clustered_mean
from annotations.statistics.uncertainty import Floats, Ints, Mean


class Sensitivity(NamedTuple):
    """d′ of human texts against machine texts, its standard error and interval, and the criterion c.

    d′ 0: told apart no better than by chance. c below 0: raters lean towards "human", above 0 towards "machine".
    """

    d_prime: float | None
    error: float | None
    interval: tuple[float, float] | None
    criterion: float | None
    undefined: str | None


class Judged(NamedTuple):
    """One system: in how many judgements, the share judged human, and the d′ of human texts against its texts."""

    system: str
    n: int
    human: Mean | None
    sensitivity: Sensitivity
    undefined: str | None


class Detection(NamedTuple):
    """How well raters told human from machine texts, and how often each system was taken for human.

    `base_rate` is the share of human texts among those judged. `chance` is the accuracy that the same answers would
    have if they did not depend on who wrote, `majority` that of always giving the answer right more often.
    `above_chance` is accuracy − chance with its interval and p.
    """

    systems: list[Judged]
    accuracy: Mean | None
    base_rate: float | None
    chance: float | None
    majority: float | None
    above_chance: Mean | None
    sensitivity: Sensitivity
    undefined: str | None


def detection(
    systems: Ints,
    judged_human: Bools,
    items: Ints,
    raters: Ints,
    *,
    human: int,
    names: Sequence[str] | None = None,
    level: float = 0.95,
) -> Detection:
    """Judgements (n) "human" or not of texts of `systems` (n), of which the code `human` is people.

    Means are clustered by item (n) and rater (n): see `clustered_mean`. With h the share of human texts and q that of
    answers "human", chance is h q + (1 − h)(1 − q), as in Cohen's (1960) kappa, and accuracy − chance is twice the
    covariance of truth and answer, so its interval is that of the mean of 2 (truth − h)(answer − q). A text by both a
    person and a system is given once for each. Raises ValueError for arrays of unequal lengths.
    """
    for what, part in (("judged_human", judged_human), ("items", items), ("raters", raters)):
        if len(part) != len(systems):
            raise ValueError(
                f"{what} has {len(part)} values and systems {len(systems)}; each judgement has one of each"
            )
    names = named(names, systems)
    truth, answer = (systems == human).astype(np.float64), judged_human.astype(np.float64)
    whole = sensitivity(answer, truth, level=level)
    found = [_judged(code, name, systems, answer, items, raters, human, level) for code, name in enumerate(names)]
    if not len(systems):
        return Detection(found, None, None, None, None, None, whole, "there are no judgements")
    base, said = float(truth.mean()), float(answer.mean())
    accuracy = clustered_mean((truth == answer).astype(np.float64), items, raters, level=level)
    majority = max(base, 1 - base)
    if whole.undefined:
        return Detection(found, accuracy, base, None, majority, None, whole, whole.undefined)
    above = clustered_mean(2 * (truth - base) * (answer - said), items, raters, level=level)
    chance = base * said + (1 - base) * (1 - said)
    why = None if above.interval else "all judgements are of one item and one rater, which leaves no interval"
    return Detection(found, accuracy, base, chance, majority, above, whole, why)


def sensitivity(answer: Floats, truth: Floats, *, level: float = 0.95) -> Sensitivity:
    """d′ = z(H) − z(F) and c = −(z(H) + z(F)) / 2 of answers (n) and truths (n), 1 being human.

    H and F, the shares of human and of machine texts judged human, are log-linear corrected: half a judgement is added
    to each and one to each total (Hautus 1995), so that both stay off 0 and 1. The error is that of Gourevitch and
    Galanter (1967): H (1 − H) / (n_human φ(z(H))²) + the same of F; it takes judgements as independent.
    """
    people, machines = int(truth.sum()), int(len(truth) - truth.sum())
    if not people or not machines:
        missing = "human" if not people else "machine"
        return Sensitivity(None, None, None, None, f"no {missing} text was judged, so nothing can be told apart")
    hits = (float(answer @ truth) + 0.5) / (people + 1)
    alarms = (float(answer @ (1 - truth)) + 0.5) / (machines + 1)
    z_hits, z_alarms = float(ndtri(hits)), float(ndtri(alarms))
    parts = ((hits, z_hits, people), (alarms, z_alarms, machines))
    error = float(np.sqrt(sum(rate * (1 - rate) / (n * _density(z) ** 2) for rate, z, n in parts)))
    d_prime, half = z_hits - z_alarms, float(ndtri(0.5 + level / 2)) * error
    return Sensitivity(d_prime, error, (d_prime - half, d_prime + half), -(z_hits + z_alarms) / 2, None)


def _judged(
    code: int, name: str, systems: Ints, answer: Floats, items: Ints, raters: Ints, human: int, level: float
) -> Judged:
    mine = systems == code
    if code == human:
        against = Sensitivity(None, None, None, None, "these are the human texts that the others are compared with")
    else:
        both = mine | (systems == human)
        against = sensitivity(answer[both], (systems[both] == human).astype(np.float64), level=level)
    if not mine.any():
        return Judged(name, 0, None, against, f"no text of {name} was judged")
    share = clustered_mean(answer[mine], items[mine], raters[mine], level=level)
    why = None if share.interval else "all judgements are of one item and one rater, which leaves no interval"
    return Judged(name, int(mine.sum()), share, against, why)


def _density(z: float) -> float:
    return float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
