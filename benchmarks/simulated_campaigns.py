"""Whole campaigns of every protocol, rated by simulated raters with a planted truth: do their reports find it?

Each campaign is made, rated through the services that the page and the API call, and analysed as a report is. People
take part and two systems that are equally good, but less than people: the 95 % interval of a difference should hold the
truth in 95 campaigns of 100, and the two that are equal should be told apart in five. The truth is what one hundred
thousand screens give that no campaign is made of; of choices the strengths are Davidson's (1970), fitted to their
shares.

    python -m benchmarks.simulated_campaigns --campaigns 500 --protocols slider pairwise
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import ROOT, print_result, print_table
from benchmarks.importing import fresh_site

MIN_COVERAGE, MAX_COVERAGE, MAX_FALSE = 0.935, 0.975, 0.065
BETTER, ONE, OTHER = "human", "one", "other"
TRUTH = {BETTER: 0.4, ONE: -0.1, OTHER: -0.1}
ITEMS, RATERS, OVERLAP = 40, 8, 4
SCREENS = 100_000  # from which the truth is counted
CRITERION = "human_likeness"
PROTOCOLS = (
    *("slider", "likert", "pairwise", "best_worst", "ranking", "human_or_machine", "which_is_human", "edit"),
    "error_spans",
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--campaigns", type=int, default=500, help="of each protocol")
    options.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    options.add_argument("--measure", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given.measure, given.campaigns)
    found = {}
    for protocol in given.protocols:
        with tempfile.TemporaryDirectory() as folder:
            env = fresh_site(Path(folder) / "site") | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            command = [sys.executable, "-m", "benchmarks.simulated_campaigns", "--measure", protocol]
            run = [*command, "--campaigns", str(given.campaigns)]
            done = subprocess.run(run, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
            found[protocol] = json.loads(done.stdout.splitlines()[-1])
    titles = ["protocol", "what", "campaigns", "truth", "mean", "coverage", "false positives", "no interval"]
    rows: list[list[object]] = [[*titles]]
    for protocol, parts in found.items():
        for what, row in parts.items():
            false = "" if row["false"] is None else f"{row['false']:.3f}"
            numbers = [f"{row['truth']:.3f}", f"{row['mean']:.3f}", f"{row['coverage']:.3f}", false, row["without"]]
            rows.append([protocol, what, row["campaigns"], *numbers])
    print_table(rows)
    figure = f"coverage {MIN_COVERAGE} to {MAX_COVERAGE}, false positives <= {MAX_FALSE}"
    print_result(**found, design=f"{ITEMS} items x {OVERLAP} of {RATERS} raters", figure=figure)


class Found(NamedTuple):
    """A campaign's estimate."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None


def measure(name: str, campaigns: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from tqdm import tqdm

    from annotations.protocols import protocol_named

    protocol = protocol_named(name)
    texts = fill()
    truth = truths(protocol, texts)
    found: dict[str, list[Found]] = {what: [] for what in truth}
    for number in tqdm(range(1, campaigns + 1), desc=name, disable=not sys.stderr.isatty()):
        for what, row in played(protocol, number).items():
            found[what].append(row)
    print(json.dumps({what: summary(found[what], truth[what]) for what in truth}))


def summary(found: list[Found], truth: float) -> dict[str, Any]:
    known = [row for row in found if row.low is not None and row.high is not None]
    values = [row.value for row in found if row.value is not None]
    tested = [row.p for row in found if row.p is not None]
    return {
        "campaigns": len(found),
        "truth": truth,
        "mean": sum(values) / len(values),
        "coverage": sum(row.low <= truth <= row.high for row in known) / len(known),  # type: ignore[operator]
        "false": None if truth else sum(p < 0.05 for p in tested) / len(tested),
        "without": len(found) - len(known),
    }


def fill() -> dict[str, list[str]]:
    """A data set of albums of one caption, for which each system wrote a text; these texts."""
    from django.core.management import call_command

    draw = random.Random(1)
    words = [word + end for word in ("sun", "sea", "dog", "kite", "boat", "tree", "hill", "road") for end in ("", "s")]
    texts = {
        system: [" ".join(draw.choices(words, k=12)) + f" {system} {n}" for n in range(2 * ITEMS)] for system in TRUTH
    }
    rows = [
        {"caption": f"caption {n}", "story": texts[BETTER][n], ONE: texts[ONE][n], OTHER: texts[OTHER][n]}
        for n in range(2 * ITEMS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        systems = [f"{system}={system}" for system in (ONE, OTHER)]
        call_command("import_pairs", file, dataset="planted", split="test", system=systems, stdout=sys.stderr)
    return texts


def played(protocol: Any, number: int) -> dict[str, Found]:
    """One campaign, from its making to its differences."""
    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.services.simulating import raters_simulate
    from annotations.campaigns.simulation import simulation_of
    from annotations.campaigns.spec import CampaignSpec
    from annotations.reports.inputs import Inputs
    from annotations.reports.results import analyses_of, results_of

    values = {
        "name": f"{protocol.name}-{number}", "purpose": "evaluation", "dataset": "planted", "split": "test",
        "systems": list(TRUTH), "criteria": [CRITERION], "items": ITEMS, "overlap": OVERLAP, "seed": number,
        "protocol": protocol.name, "show": "none",
    }  # fmt: skip
    campaign = campaign_create(spec=CampaignSpec.from_mapping(values))
    simulation = simulation_of(raters={"honest": RATERS}, truth=TRUTH, systems=list(TRUTH), seed=number)
    raters_simulate(campaign=campaign, simulation=simulation)
    inputs = Inputs.read(campaign, look=None, before=None)
    analyses = analyses_of(campaign, inputs.table)
    results = results_of(campaign, analyses, inputs.rule, resamples=1, models=False)
    found = {}
    for pair in results.pairs:
        ends = {pair.system_a, pair.system_b}
        sign = 1 if pair.system_a == BETTER or (pair.system_a == ONE and pair.system_b == OTHER) else -1
        low, high = sorted((sign * pair.ci[0], sign * pair.ci[1])) if pair.ci else (None, None)
        value = None if pair.difference is None else sign * pair.difference
        if ends != {BETTER, OTHER}:
            found[f"{BETTER} − {ONE}" if BETTER in ends else f"{ONE} − {OTHER}"] = Found(value, low, high, pair.p)
    return found


def truths(protocol: Any, texts: dict[str, list[str]]) -> dict[str, float]:
    """What is true of the systems, in the unit of the protocol's differences."""
    from annotations.campaigns.simulation import NOISE, RATER_DEVIATION, TEXT_DEVIATION
    from annotations.protocols.base import Rules

    draw, rules = random.Random(0), Rules()
    shown = protocol.usual_texts if 0 < protocol.usual_texts < len(TRUTH) else len(TRUTH)
    always = list(protocol.shown_always([BETTER]))
    rest = [system for system in TRUTH if system not in always]
    sums, counts = dict.fromkeys(TRUTH, 0.0), dict.fromkeys(TRUTH, 0)
    won = {pair: [0, 0, 0] for pair in combinations(TRUTH, 2)}  # by the first, by none, by the other
    keys = {system: number for number, system in enumerate(TRUTH, start=1)}
    for _ in range(SCREENS):
        systems = [*always, *draw.sample(rest, shown - len(always))]
        severity = draw.gauss(0, RATER_DEVIATION)
        seems = {
            system: TRUTH[system] + draw.gauss(0, TEXT_DEVIATION) + severity + draw.gauss(0, NOISE)
            for system in systems
        }
        said = {system: draw.choice(texts[system]) for system in systems}
        answers = protocol.simulated({CRITERION: seems}, rules=rules, texts=said)
        candidates = {system: keys[system] for system in systems}
        read = protocol.read(
            answers, criteria=[CRITERION], candidates=candidates, rules=rules, texts={keys[s]: said[s] for s in systems}
        )
        scores = protocol.scores(read).get(CRITERION, {})
        for system in systems:
            if str(keys[system]) in scores:
                sums[system] += scores[str(keys[system])]
                counts[system] += 1
        if chosen := protocol.choices(read).get(CRITERION):
            first, second = sorted(systems, key=list(TRUTH).index)
            pair = first, second
            won[pair][{str(keys[pair[0]]): 0, str(keys[pair[1]]): 2}.get(chosen, 1)] += 1
    if any(map(sum, won.values())):
        worth = davidson(won)
    else:
        worth = {system: sums[system] / counts[system] for system in TRUTH}
    return {f"{BETTER} − {ONE}": worth[BETTER] - (worth[ONE] + worth[OTHER]) / 2, f"{ONE} − {OTHER}": 0.0}


def davidson(won: dict[tuple[str, str], list[int]]) -> dict[str, float]:
    """Log-strengths of the Bradley-Terry model with ties (Davidson 1970), by maximum likelihood."""
    import numpy as np
    from scipy.optimize import minimize

    names = list(TRUTH)

    def loss(values: Any) -> float:
        strengths, tie = dict(zip(names, (0.0, *values[:-1]), strict=True)), values[-1]
        total = 0.0
        for (one, other), counts in won.items():
            a, b = strengths[one], strengths[other]
            parts = np.array([a, tie + (a + b) / 2, b])
            total -= float(np.dot(counts, parts - np.log(np.exp(parts).sum())))
        return total

    fitted = minimize(loss, np.zeros(len(names)), method="BFGS").x
    return dict(zip(names, (0.0, *fitted[:-1]), strict=True))


if __name__ == "__main__":
    main()
