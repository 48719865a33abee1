"""Does `plan_campaign` foretell the power of campaigns of other protocols than scores? Their answers are the protocol's
own, of simulated honest raters to whom the texts of two systems seem better or worse, and the report's analysis tests
them. Plans are made from pilots of such answers: what they foretell on average shows how true the plan is, and how far
it varies from pilot to pilot what a single one is worth, whose interval should hold what is found in 95 of 100.

    python -m benchmarks.planned_protocols --campaigns 1000
"""

import argparse
import os
import random
import sys
from typing import Any

import numpy as np

from benchmarks.common import print_result, print_table

# protocol, systems, texts a screen, items, raters an item, raters, how much better the first system is (latent)
CELLS = [
    ("pairwise", 2, 2, 80, 3, 12, 0.3),
    ("pairwise", 3, 2, 80, 3, 12, 0.4),
    ("which_is_human", 3, 2, 80, 3, 12, 0.4),
    ("best_worst", 4, 4, 60, 2, 12, 0.3),
    ("best_worst", 5, 3, 60, 4, 12, 0.3),
    ("human_or_machine", 2, 1, 100, 4, 12, 0.3),
    ("error_spans", 2, 2, 60, 2, 12, 0.3),
    ("ranking", 4, 3, 60, 3, 12, 0.3),
    ("edit", 2, 1, 80, 4, 12, 0.3),
]
PILOT = (300, 6, 60)  # items, raters an item, raters
RUNS = 300  # campaigns that a plan simulates, where it has no formula
ALONE = 200_000  # screens from which the true effect is counted
LIKES = 0.15  # deviation over raters of how they like a system
WORDS = [word + end for word in ("sun", "sea", "dog", "kite", "boat", "tree", "hill", "road") for end in ("", "s")]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--campaigns", type=int, default=1000, help="of each row")
    options.add_argument("--pilots", type=int, default=10, help="from which plans are made, of each row")
    options.add_argument("--protocols", nargs="+", default=sorted({cell[0] for cell in CELLS}))
    given = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    rows: list[list[object]] = [
        ["protocol", "systems", "texts", "design", "effect", "foretold", "by pilot", "held", "found", "points", "error"]
    ]
    furthest, held = 0.0, 0
    for cell in (cell for cell in CELLS if cell[0] in given.protocols):
        row, off, holding = compared(cell, given.campaigns, given.pilots)
        furthest, held = max(furthest, abs(off)), held + holding
        rows.append(row)
        print(*row, file=sys.stderr)
    print_table(rows)
    print_result(
        campaigns=given.campaigns,
        pilots=given.pilots,
        largest_deviation_points=round(furthest, 1),
        held=f"{held} of {given.pilots * (len(rows) - 1)}",
    )


def compared(
    cell: tuple[str, int, int, int, int, int, float], campaigns: int, pilots: int
) -> tuple[list[object], float, int]:
    """`by pilot` is the standard deviation of what single pilots foretell, `held` how many of their intervals hold what
    is found, `error` the standard error of `points`."""
    from functools import partial

    from annotations.protocols import protocol_named
    from annotations.reports.measures import measure_by
    from annotations.reports.planning import curves
    from annotations.reports.planning.curves import Study, below
    from annotations.reports.planning.known import CRITERION
    from annotations.reports.plans.plan import MAX_OTHERS, ends
    from annotations.statistics.dealing import Layout, screens_dealt
    from annotations.statistics.planning import Design

    name, systems, texts, items, overlap, raters, better = cell
    protocol = protocol_named(name)
    measure = measure_by(protocol)
    analyse = partial(measure.analysis, criterion=CRITERION, level=protocol.level, scale=protocol.ends(()))
    layout = Layout(systems, texts, bool(protocol.shown_always(["human"])))
    study = Study(Design(items, overlap, raters), layout, analyse, 0.05, runs=RUNS)
    draw = np.random.default_rng(1)
    effect, pilot = true_effect(protocol, layout, better, draw), Design(*PILOT)
    foretold, intervals = [], []
    for number in range(1, pilots + 1):
        curves.SEED = number  # plans would all draw the same campaigns
        screens = screens_dealt(pilot, layout, draw)
        known = learnt(measure.planning, answers_to(protocol, screens, pilot, systems, better, draw), screens)
        curve = known.curve(study)
        foretold.append(curve.power(effect))
        factor = curves.factor_of(curve, known, study, effect)
        intervals.append(ends([each.quick(study, factor).power(effect) for each in known.others[:MAX_OTHERS]]))
    dealt = [screens_dealt(study.design, layout, draw) for _ in range(100)]
    count = 0
    for run in range(campaigns):
        screens = dealt[run % len(dealt)]
        answers = answers_to(protocol, screens, study.design, systems, better, draw)
        count += below(known.trial(answers, screens, study).difference, 0.05)
    mean, spread, found = float(np.mean(foretold)), float(np.std(foretold, ddof=1)), count / campaigns
    off, error = 100 * (mean - found), 100 * (spread**2 / pilots + found * (1 - found) / campaigns) ** 0.5
    design = f"{items} x {overlap} by {raters}"
    held = sum((low or 0.0) <= found <= (1.0 if high is None else high) for low, high in intervals)
    return [name, systems, texts, design, effect, mean, spread, held, found, f"{off:+.1f}", f"{error:.1f}"], off, held


def answers_to(protocol: Any, screens: Any, design: Any, systems: int, better: float, draw: np.random.Generator) -> Any:
    """As plans draw them: scores (n, systems), or of a choice its outcome (n) for the text that was shown first."""
    from annotations.campaigns.simulation import NOISE, RATER_DEVIATION, TEXT_DEVIATION
    from annotations.protocols.base import TIE as TIED
    from annotations.protocols.base import Rules

    said = [[" ".join(random.Random(f"{i}:{s}").choices(WORDS, k=12)) for s in range(systems)] for i in range(40)]
    worth = draw.normal(0, TEXT_DEVIATION, (design.items, systems)) + better * (np.arange(systems) == 0)
    likes = draw.normal(0, LIKES, (design.raters, systems)) + draw.normal(0, RATER_DEVIATION, (design.raters, 1))
    seems = worth[screens.items] + likes[screens.raters] + draw.normal(0, NOISE, (len(screens.items), systems))
    scores, outcomes = np.full(seems.shape, np.nan), np.full(len(seems), np.nan)
    for row, (item, shown) in enumerate(zip(screens.items, screens.shown.tolist(), strict=True)):
        texts = {str(system): said[item % 40][system] for system in shown}
        perceived = {"planned": {name: float(seems[row, int(name)]) for name in texts}}
        answer = protocol.simulated(perceived, rules=Rules(), texts=texts)
        keys = {name: int(name) for name in texts}
        by_key = {int(name): text for name, text in texts.items()}
        stored = protocol.read(answer, criteria=["planned"], candidates=keys, rules=Rules(), texts=by_key)
        for name, score in protocol.scores(stored).get("planned", {}).items():
            scores[row, int(name)] = score
        if chosen := protocol.choices(stored).get("planned"):
            outcomes[row] = 0.5 if chosen == TIED else float(chosen == str(shown[0]))
    return scores if np.isnan(outcomes).all() else outcomes


def true_effect(protocol: Any, layout: Any, better: float, draw: np.random.Generator) -> float:
    """Of so many screens, each of an item and a rater of its own: the share of decided choices that the first system
    wins against the second, or the difference of their means."""
    from annotations.statistics.dealing import Screens, screens_dealt
    from annotations.statistics.planning import Design

    one = screens_dealt(Design(200, 1, 4), layout, draw).shown
    alone = np.arange(ALONE)
    screens = Screens(alone, alone, draw.permuted(one[alone % len(one)], axis=1))
    answers = answers_to(protocol, screens, Design(ALONE, 1, ALONE), layout.systems, better, draw)
    if answers.ndim == 1:
        won = first_won(answers, screens)
        return float(won[won != 0.5].mean())
    return float(np.nanmean(answers[:, 0]) - np.nanmean(answers[:, 1:]))


def first_won(answers: Any, screens: Any) -> Any:
    """Of the choices between the first system and another."""
    with_first = (screens.shown == 0).any(axis=1)
    return np.where(screens.shown[with_first, 0] == 0, answers[with_first], 1 - answers[with_first])


def learnt(planning: Any, answers: Any, screens: Any) -> Any:
    """How answers vary, by a large pilot."""
    from annotations.reports.pilot import answers_pilot, differences_pilot
    from annotations.statistics.pilot_parts import Answers

    if answers.ndim == 1:
        both = np.isin(screens.shown, (0, 1)).all(axis=1)
        won = np.where(screens.shown[both, 0] == 0, answers[both], 1 - answers[both])
        decided = won != 0.5
        items, raters = screens.items[both][decided], screens.raters[both][decided]
        found = differences_pilot(won[decided], items, raters, [])
        return planning.by_pilot(found._replace(ties=float(1 - decided.mean())), "pilot")
    both = ~np.isnan(answers[:, :2]).any(axis=1)
    if both.any():
        differences = answers[both, 0] - answers[both, 1]
        return planning.by_pilot(differences_pilot(differences, screens.items[both], screens.raters[both], []), "pilot")
    rows, systems = np.nonzero(~np.isnan(answers[:, :2]))
    single = Answers(answers[rows, systems], screens.items[rows], screens.raters[rows], systems)
    return planning.by_pilot(answers_pilot(single, []), "pilot")


if __name__ == "__main__":
    main()
