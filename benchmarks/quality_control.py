"""Does `plan_campaign --quality` foretell whom quality control stops? Campaigns of each protocol, with one rule each,
are rated by simulated raters through the services that the page and the API call, and the shares stopped of each kind
are held against those foretold.

    python -m benchmarks.quality_control --campaigns 20 --rules degraded repeats --protocols slider ranking
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import ROOT, print_result, print_table
from benchmarks.importing import fresh_site

KINDS = ("honest", "noisy", "lazy", "random")
ITEMS = 40
PROTOCOLS = ("slider", "likert", "pairwise", "ranking", "human_or_machine")
MORE_PROTOCOLS = ("best_worst", "which_is_human", "edit", "error_spans")
CHECK = {
    "id": "task",
    "text": "What is asked?",
    "options": ["Who wrote", "How long", "Which words"],
    "answer": "Who wrote",
}


class Rule(NamedTuple):
    """What a campaign's file says where it has this rule alone, and how many screens each rater answers."""

    screens: int
    given: dict[str, Any]


RULES = {
    "degraded": Rule(12, {"quality": {"degraded": 6, "degraded_needed": 5}}),
    "attention": Rule(6, {"quality": {"attention": 3, "attention_needed": 2}}),
    "qualification": Rule(6, {"quality": {"qualification": 4, "qualification_needed": 3}}),
    "repeats": Rule(10, {"quality": {"repeats": 4, "repeats_needed": 3}}),
    "too_fast": Rule(8, {"quality": {"seconds_per_word": 0.3, "after": 5}}),
    "same_answers": Rule(8, {"quality": {"same_answers": 0.3, "after": 5}}),
    "comprehension": Rule(2, {"comprehension": [CHECK]}),
}
MOST_OFF = 0.02  # by how much a share may differ from what was foretold
CHANCE = 3.0  # standard errors within which it may be chance


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--campaigns", type=int, default=20, help="of each rule and protocol")
    options.add_argument("--each", type=int, default=20, help="raters of each kind in a campaign")
    options.add_argument("--simulated", type=int, default=3000, help="raters of each kind that it is foretold from")
    options.add_argument("--rules", nargs="+", choices=RULES, default=[*RULES])
    options.add_argument("--protocols", nargs="+", choices=(*PROTOCOLS, *MORE_PROTOCOLS), default=PROTOCOLS)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given)
    with tempfile.TemporaryDirectory() as folder:
        env = fresh_site(Path(folder) / "site") | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.quality_control", "--measure", *sys.argv[1:]]
        done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    rows = [["protocol", "rule", "kind", "foretold", "stopped", "raters", "standard error", "points"]]
    for row in found:
        numbers = [f"{row[name]:.3f}" for name in ("foretold", "stopped")]
        off = f"{100 * (row['foretold'] - row['stopped']):+.1f}{'' if within(row) else ' (more than chance)'}"
        rows.append([*(row[name] for name in ("protocol", "rule", "kind")), *numbers, row["raters"], row["error"], off])
    print_table(rows)
    if len(given.protocols) > 1:
        print()
        print_table(over_protocols(found))
    furthest = max(abs(row["foretold"] - row["stopped"]) for row in found)
    beyond = sum(not within(row) for row in found)
    print_result(cells=len(found), furthest=round(furthest, 4), beyond_chance=beyond, figure=f"within {MOST_OFF}")


def over_protocols(found: list[dict[str, Any]]) -> list[list[object]]:
    """By rule and kind of rater the mean over protocols, which is surer than that of one."""
    rows: list[list[object]] = [["rule", "kind", "foretold", "stopped", "raters", "standard error", "points"]]
    for rule, kind in dict.fromkeys((row["rule"], row["kind"]) for row in found):
        some = [row for row in found if (row["rule"], row["kind"]) == (rule, kind)]
        foretold, stopped = (sum(row[name] for row in some) / len(some) for name in ("foretold", "stopped"))
        error = sum(row["error"] ** 2 for row in some) ** 0.5 / len(some)
        raters = sum(row["raters"] for row in some)
        rows.append([rule, kind, foretold, stopped, raters, error, f"{100 * (foretold - stopped):+.1f}"])
    return rows


def within(row: dict[str, Any]) -> bool:
    """Whether chance may have made a share differ so much from what was foretold."""
    return bool(abs(row["foretold"] - row["stopped"]) <= max(MOST_OFF, CHANCE * row["error"]))


def measure(given: argparse.Namespace) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from tqdm import tqdm

    from annotations.errors import InputError
    from benchmarks.simulated_campaigns import fill

    fill()
    found = []
    cells = [(protocol, rule) for protocol in given.protocols for rule in given.rules]
    for protocol, rule in tqdm(cells, disable=not sys.stderr.isatty()):
        try:
            rows = [*compared(protocol, rule, given)]
        except InputError as error:  # a rule that cannot be broken with this protocol
            print(f"{protocol}, {rule}: {error}", file=sys.stderr)
            continue
        for row in rows:
            print({**row}, file=sys.stderr)
        found += rows
    print(json.dumps(found))


def compared(protocol: str, rule: str, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """By kind of rater the share that was foretold to be stopped, and that of campaigns that simulated raters rated."""
    from annotations.campaigns.services.foretelling import stops_foretold
    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.spec import CampaignSpec
    from annotations.protocols import protocol_named
    from benchmarks.simulated_campaigns import TRUTH

    screens, declared = RULES[rule]
    one = protocol_named(protocol).one_criterion
    values = {
        "purpose": "evaluation", "dataset": "planted", "split": "test", "protocol": protocol, "systems": list(TRUTH),
        "criteria": ["human_likeness"] if one else ["human_likeness", "fluency"], "items": ITEMS,
        "overlap": len(KINDS) * given.each, "show": "none", "screens_per_rater": screens, **declared,
    }  # fmt: skip
    foretold: dict[str, float] = {}
    shares: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(1, given.campaigns + 1):
        spec = CampaignSpec.from_mapping(values | {"name": f"{protocol}-{rule}-{number}", "seed": number})
        campaign = campaign_create(spec=spec)
        if not foretold:
            found = stops_foretold(campaign=campaign, raters=given.simulated)
            foretold = {each.kind: each.stopped for each in found}
        for kind, share in rated(campaign, given.each, number).items():
            shares[kind].append(share)
    for kind in KINDS:
        row = row_of(shares[kind], foretold[kind], given)
        yield {"protocol": protocol, "rule": rule, "kind": kind, **row}


def rated(campaign: Any, each: int, seed: int) -> dict[str, float]:
    """A campaign rated by so many simulated raters of each kind, one after another; the share stopped of each. As on
    the page, an answer brings the next screen."""
    from contextlib import suppress

    from annotations.campaigns.models import Rater
    from annotations.campaigns.services.raters import simulated_join
    from annotations.campaigns.services.screens import Screen
    from annotations.campaigns.services.simulating import campaign_mark, screen_answer, screen_next, texts_by_system
    from annotations.campaigns.simulation import SimulatedRater, simulation_of
    from annotations.errors import ConflictError
    from benchmarks.simulated_campaigns import TRUTH

    simulation = simulation_of(raters=dict.fromkeys(KINDS, each), truth={}, systems=list(TRUTH), seed=seed)
    campaign_mark(campaign, simulation)
    wrote, stopped = texts_by_system(campaign), dict.fromkeys(KINDS, 0)
    for number, kind in enumerate(simulation.kinds(), start=1):
        rater = simulated_join(campaign=campaign, name=f"simulated {number}, {kind}")
        simulated, rating = SimulatedRater(simulation, number, kind), None
        with suppress(ConflictError):  # who was stopped by a rule
            while isinstance(screen := screen_next(rater, simulated, may_go_on=True, after=rating), Screen):
                rating = screen_answer(rater, simulated, screen, wrote)
        stopped[kind] += Rater.objects.filter(pk=rater.pk).exclude(stopped_by="").exists()
    return {kind: count / each for kind, count in stopped.items()}


def row_of(shares: list[float], foretold: float, given: argparse.Namespace) -> dict[str, float]:
    """The mean share over campaigns; and the standard error of its distance from what was foretold: by how it varies
    over campaigns, in each of which all raters meet the same texts, or over raters, whichever is more; and that of so
    many raters that it was foretold from."""
    raters = len(shares) * given.each
    mean = sum(shares) / len(shares)
    between = sum((share - mean) ** 2 for share in shares) / max(len(shares) - 1, 1) / len(shares)
    error = (max(between, binomial(mean, raters)) + binomial(foretold, given.simulated)) ** 0.5
    return {"foretold": foretold, "stopped": mean, "raters": raters, "error": round(error, 4)}


def binomial(share: float, count: int) -> float:
    """Variance of a share; of none or all as if two more had been counted, one of each (Wilson)."""
    centre = (share * count + 1) / (count + 2)
    return centre * (1 - centre) / count


if __name__ == "__main__":
    main()
