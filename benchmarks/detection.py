"""Do the 95 % intervals of d′, of c and of accuracy − chance hold the truth in 95 studies of 100?

Simulated studies of raters who judge whether a person or a machine wrote a text: raters lean to one answer or the other
and tell the texts apart more or less well, and albums and texts look more or less human. Beside the interval of d′
stands that of Gourevitch and Galanter (1967), which takes judgements as independent.
"""

import argparse
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from tqdm import tqdm

from annotations.statistics.connections import Bools
from annotations.statistics.detection import detection
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.common import print_result, print_table

MIN_COVERAGE, MAX_COVERAGE = 0.93, 0.98
WAYS = ("d′", "c", "accuracy − chance", "d′, independent judgements")


class Design(NamedTuple):
    """Items, each by so many of the raters; standard deviations of the raters' leaning and skill and of the albums and
    texts, in those of one judgement; the distance of human and machine texts, and the share of human ones."""

    items: int
    raters: int
    overlap: int
    leaning: float = 0.4
    skill: float = 0.5
    albums: float = 0.4
    texts: float = 0.4
    distance: float = 1.0
    share: float = 0.5
    bias: float = 0.2

    def __str__(self) -> str:
        return (
            f"{self.items} items × {self.overlap} of {self.raters} raters; leaning {self.leaning:g}, skill "
            f"{self.skill:g}, albums {self.albums:g}, texts {self.texts:g}; d {self.distance:g}, {self.share:.0%} human"
        )

    @property
    def deviation(self) -> float:
        """Of what a judgement is by, over raters, albums and texts; the same of human and of machine texts."""
        return float((1 + self.leaning**2 + self.skill**2 / 4 + self.albums**2 + self.texts**2) ** 0.5)

    @property
    def d_prime(self) -> float:
        return self.distance / self.deviation

    @property
    def criterion(self) -> float:
        return -self.bias / self.deviation

    @property
    def above_chance(self) -> float:
        """2 h (1 − h) (H − F)."""
        hits, alarms = ndtr((np.array([0.5, -0.5]) * self.distance + self.bias) / self.deviation)
        return float(2 * self.share * (1 - self.share) * (hits - alarms))


class Study(NamedTuple):
    """Judgements (n): whether of a human text, whether judged human, and how surely."""

    human: Bools
    judged_human: Bools
    sureness: Floats
    items: Ints
    raters: Ints


DESIGNS = (
    Design(60, 12, 12),
    Design(100, 10, 3),
    Design(40, 6, 3),
    Design(60, 12, 12, leaning=0.7, skill=0, albums=0, texts=0),
    Design(60, 12, 12, leaning=0, skill=0, albums=0, texts=0),
    Design(60, 20, 10, leaning=0.5, skill=0.8, albums=0.6, texts=0.6, distance=1.5, share=0.3),
    Design(30, 30, 30, leaning=0.5, skill=0.8, albums=0.6, texts=0.6, distance=0, bias=0),
)


def study(draw: np.random.Generator, design: Design) -> Study:
    """Every item is an album with a human and a machine text, of which a rater judges one. All that varies is normal,
    so that d′ and c over raters and texts are those of one normal with all variances."""
    lean, skill = draw.normal(0, design.leaning, design.raters), draw.normal(0, design.skill, design.raters)
    album, texts = draw.normal(0, design.albums, design.items), draw.normal(0, design.texts, (2, design.items))
    rater = np.concatenate([draw.permutation(design.raters)[: design.overlap] for _ in range(design.items)])
    item = np.repeat(np.arange(design.items), design.overlap)
    human = draw.random(len(item)) < design.share
    latent = design.bias + np.where(human, 0.5, -0.5) * (design.distance + skill[rater]) + lean[rater] + album[item]
    latent += texts[human.astype(int), item] + draw.normal(0, 1, len(item))
    sureness = np.digitize(latent, [-1.5, -0.7, 0, 0.7, 1.5]).astype(np.float64)
    return Study(human, latent > 0, sureness, item, rater)


def independent(study: Study) -> tuple[float, float]:
    """Gourevitch and Galanter's (1967) interval of d′."""
    z, variance = [], 0.0
    for side in (study.human, ~study.human):
        rate = float(study.judged_human[side].sum() + 0.5) / (int(side.sum()) + 1)
        z.append(float(ndtri(rate)))
        density = float(np.exp(-(z[-1] ** 2) / 2) / np.sqrt(2 * np.pi))
        variance += rate * (1 - rate) / (int(side.sum()) * density**2)
    return z[0] - z[1] - 1.96 * variance**0.5, z[0] - z[1] + 1.96 * variance**0.5


def covers(found: Study, design: Design) -> list[bool]:
    """By `WAYS`. Raises ValueError for a study in which an interval is undefined."""
    judged = detection((~found.human).astype(np.int64), found.judged_human, found.items, found.raters, people=[0])
    truths = (
        (judged.sensitivity.d_prime.interval, design.d_prime),
        (judged.sensitivity.criterion.interval, design.criterion),
        (judged.above_chance.interval, design.above_chance),
        (independent(found), design.d_prime),
    )
    covered = []
    for interval, truth in truths:
        if interval is None:
            raise ValueError(f"no interval: {judged.sensitivity.d_prime.undefined}")
        covered.append(interval[0] <= truth <= interval[1])
    return covered


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=2000, help="studies per design")
    runs = options.parse_args().runs
    rows: list[tuple[str, list[float]]] = []
    with tqdm(total=len(DESIGNS) * runs, unit="study", disable=None) as bar:
        for design in DESIGNS:
            draw = np.random.default_rng(1)
            covered = np.mean([covers(study(draw, design), design) for _ in range(runs)], axis=0)
            rows.append((str(design), covered.tolist()))
            bar.update(runs)
    print_table([["design", *WAYS], *([name, *(f"{share:.1%}" for share in shares)] for name, shares in rows)])
    print_result(
        designs=[{"design": name, **dict(zip(WAYS, shares, strict=True))} for name, shares in rows],
        outside=[name for name, shares in rows if not MIN_COVERAGE <= shares[0] <= MAX_COVERAGE],
        figure=f"coverage of d′ from {MIN_COVERAGE:.0%} to {MAX_COVERAGE:.0%}",
    )


if __name__ == "__main__":
    main()
