"""What `plan_campaign` promises against campaigns simulated and tested: power, and false positives under looks.

In every cell a design is planned with power 0.2 to 0.95 and drawn many times, each time tested by `clustered_mean`.
Choices are planned and tested by `strengths`, as their report tests them, with shares won that differ normally. Items
go to the raters who had least so far, which balances their shares but draws who shares an item with whom. Looks have
the boundaries that a campaign and its plan have: of equal shares of the screens.

    python -m benchmarks.planning --runs 8000 --tables looks
"""

import argparse
import time

import numpy as np

from annotations.statistics.choice_planning import Choices, detectable_share
from annotations.statistics.choices import FIRST, SECOND, TIE, strengths
from annotations.statistics.dealing import arrivals
from annotations.statistics.looks import Look, look_boundaries
from annotations.statistics.means import clustered_mean
from annotations.statistics.planning import Design, Variances, detectable_difference, power
from annotations.statistics.rehearsal import rehearse
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.common import print_result, print_table

# items, overlap, raters, deviation by item and by rater (the residual's is 1), planned power
CELLS = [
    (50, 1, 4, 1.0, 0.0, 0.80),
    (50, 2, 8, 0.5, 0.3, 0.80),
    (50, 3, 4, 0.0, 0.0, 0.50),
    (50, 3, 4, 1.0, 0.0, 0.80),
    (50, 3, 20, 0.5, 0.3, 0.20),
    (50, 5, 8, 1.0, 0.5, 0.95),
    (50, 5, 40, 0.0, 0.5, 0.80),
    (100, 1, 8, 0.0, 0.5, 0.50),
    (100, 2, 4, 0.5, 0.0, 0.50),
    (100, 3, 8, 0.5, 0.0, 0.80),
    (100, 3, 20, 1.0, 0.3, 0.95),
    (100, 5, 8, 0.0, 0.0, 0.80),
    (200, 3, 4, 0.5, 0.3, 0.80),
    (200, 3, 8, 0.5, 0.0, 0.20),
    (200, 3, 8, 0.5, 0.3, 0.80),
    (200, 3, 20, 0.5, 0.5, 0.80),
    (200, 3, 40, 0.5, 0.0, 0.80),
    (400, 1, 40, 1.0, 0.3, 0.80),
    (400, 2, 4, 0.5, 0.3, 0.50),
    (400, 5, 20, 0.0, 0.3, 0.95),
]
# items, overlap, raters, deviation of the share won by item and by rater, ties, planned power
CHOSEN = [
    (50, 2, 6, 0.10, 0.05, 0.1, 0.50),
    (100, 3, 8, 0.15, 0.10, 0.2, 0.50),
    (100, 3, 8, 0.15, 0.10, 0.2, 0.80),
    (100, 2, 6, 0.00, 0.00, 0.2, 0.80),
    (200, 1, 20, 0.15, 0.10, 0.0, 0.80),
    (300, 3, 10, 0.15, 0.10, 0.1, 0.80),
    (300, 3, 20, 0.15, 0.05, 0.3, 0.95),
]
LOOKS = [
    (100, 3, 5, 0.5, 0.3),
    (200, 3, 8, 0.5, 0.0),
    (200, 3, 8, 0.5, 0.3),
    (200, 3, 20, 0.5, 0.3),
    (400, 2, 40, 1.0, 0.5),
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--runs",
        type=int,
        default=10_000,
        help="campaigns per cell, of choices and with looks a quarter of it; 2,000 leave ±2 points",
    )
    options.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    given = options.parse_args()
    start, draw, figures = time.process_time(), np.random.default_rng(1), dict[str, float]()
    for name in given.tables:
        table, found = TABLES[name](given.runs, draw)
        print_table(table)
        print()
        figures |= found
    print_result(runs=given.runs, **figures, cpu_seconds=round(time.process_time() - start))


def power_table(runs: int, draw: np.random.Generator) -> tuple[list[list[object]], dict[str, float]]:
    """Differences of scores: the power that was planned, and how often their test finds one."""
    rows: list[list[object]] = [[*HEAD]]
    largest = 0.0
    for items, overlap, raters, by_item, by_rater, planned in CELLS:
        design, variances = Design(items, overlap, raters), Variances(by_item**2, by_rater**2, 1.0)
        difference = defined(detectable_difference(variances, design, power=planned))
        promised = defined(power(difference, variances, design))
        found = simulated(design, variances, difference, [Look(1.0, 0.05, None, 0.05)], runs, draw)
        deviation = 100 * (promised - found)
        largest = max(largest, abs(deviation))
        rows.append([items, overlap, raters, by_item, by_rater, difference, promised, found, f"{deviation:+.1f}"])
    return rows, {"largest_deviation_points": round(largest, 2)}


HEAD = ["items", "overlap", "raters", "sd item", "sd rater", "difference", "promised", "simulated", "points"]


def choices_table(runs: int, draw: np.random.Generator) -> tuple[list[list[object]], dict[str, float]]:
    """Choices between two systems: the power that was planned, and how often their test finds the share won; a quarter
    as many campaigns."""
    rows: list[list[object]] = [[*HEAD[:5], "ties", "share", "promised", "simulated", "points"]]
    furthest = 0.0
    for items, overlap, raters, by_item, by_rater, ties, planned in CHOSEN:
        design, choices = Design(items, overlap, raters), Choices(by_item, by_rater, ties)
        share = defined(detectable_share(choices, design, power=planned))
        found = simulated_choices(design, choices, share, runs // 4, draw)
        deviation = 100 * (planned - found)
        furthest = max(furthest, abs(deviation))
        rows.append([items, overlap, raters, by_item, by_rater, ties, share, planned, found, f"{deviation:+.1f}"])
    return rows, {"choices_deviation_points": round(furthest, 2)}


def simulated_choices(design: Design, choices: Choices, share: float, runs: int, draw: np.random.Generator) -> float:
    """The share of campaigns that find which system wins; which is shown first is drawn for every choice."""
    campaigns = [arrivals(design, draw) for _ in range(20)]
    found = 0
    for run in range(runs):
        items, raters = campaigns[run % len(campaigns)]
        chance = share + choices.item_sd * draw.normal(size=design.items)[items]
        chance += choices.rater_sd * draw.normal(size=design.raters)[raters]
        first, size = draw.integers(0, 2, len(items)), len(items)
        won = draw.random(size) < chance
        outcome = np.where(draw.random(size) < choices.ties, TIE, np.where(won == (first == 0), FIRST, SECOND))
        fitted = strengths(first, 1 - first, outcome, items=items, raters=raters).worths
        found += fitted is not None and fitted.difference_p is not None and float(fitted.difference_p[0, 1]) < 0.05
    return found / runs


def looks_table(runs: int, draw: np.random.Generator) -> tuple[list[list[object]], dict[str, float]]:
    """Five looks at equal shares of the ratings: false positives, and the power that a rehearsal promised; a quarter as
    many campaigns."""
    rows: list[list[object]] = [[*HEAD[:5], "spending", "false positives", "promised", "simulated"]]
    worst = largest = 0.0
    for items, overlap, raters, by_item, by_rater in LOOKS:
        design, variances = Design(items, overlap, raters), Variances(by_item**2, by_rater**2, 1.0)
        for spending in ("obrien-fleming", "pocock"):
            looks = look_boundaries([look / 5 for look in range(1, 6)], spending=spending)
            difference = rehearse(variances, design, looks).detectable(0.8)
            false = simulated(design, variances, 0.0, looks, runs // 4, draw)
            found = simulated(design, variances, difference, looks, runs // 4, draw)
            worst, largest = max(worst, false), max(largest, 100 * abs(0.8 - found))
            rows.append([items, overlap, raters, by_item, by_rater, spending, false, 0.8, found])
    return rows, {"looks_false_positives": worst, "looks_power_deviation_points": round(largest, 2)}


def simulated(
    design: Design, variances: Variances, difference: float, looks: list[Look], runs: int, draw: np.random.Generator
) -> float:
    """The share of campaigns in which a look at its share of the ratings finds the difference."""
    campaigns = [arrivals(design, draw) for _ in range(20)]
    shares = [round(design.ratings * (number + 1) / len(looks)) for number in range(len(looks))]
    by_item, by_rater, residual = np.sqrt(variances)
    found = 0
    for run in range(runs):
        items, raters = campaigns[run % len(campaigns)]
        scores = difference + by_item * draw.normal(size=design.items)[items]
        scores += by_rater * draw.normal(size=design.raters)[raters] + residual * draw.normal(size=design.ratings)
        found += any(
            finds(scores[:share], items[:share], raters[:share], look.p)
            for share, look in zip(shares, looks, strict=True)
        )
    return found / runs


def finds(scores: Floats, items: Ints, raters: Ints, level: float) -> bool:
    p = clustered_mean(scores, items, raters).p
    return p is not None and p < level


TABLES = {"power": power_table, "choices": choices_table, "looks": looks_table}


def defined(value: float | None) -> float:
    if value is None:
        raise ValueError("this cell's design has no test")
    return value


if __name__ == "__main__":
    main()
