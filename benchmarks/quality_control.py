"""Does `plan_campaign --quality` foretell whom quality control stops? Campaigns are rated by simulated raters, through
the services that the page and the API call, and the shares stopped of each kind are held against those foretold.

    python -m benchmarks.quality_control --campaigns 20
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import ROOT, print_result, print_table
from benchmarks.importing import fresh_site

KINDS = ("honest", "noisy", "lazy", "random")
EACH, ITEMS, SCREENS = 10, 60, 24  # raters of each kind in a campaign; items; screens of a rater
QUALITY = {"degraded": 6, "degraded_needed": 5}
MOST_OFF = 0.02  # by how much a share may differ from what was foretold


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--campaigns", type=int, default=20)
    options.add_argument("--simulated", type=int, default=2000, help="raters of each kind that it is foretold from")
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        return measure(given.campaigns, given.simulated)
    with tempfile.TemporaryDirectory() as folder:
        env = fresh_site(Path(folder) / "site") | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.quality_control", "--measure"]
        run = [*command, "--campaigns", str(given.campaigns), "--simulated", str(given.simulated)]
        done = subprocess.run(run, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    rows = [["kind", "foretold", "stopped", "raters", "standard error"]]
    for kind, row in found.items():
        numbers = [f"{row[name]:.3f}" for name in ("foretold", "stopped")]
        rows.append([kind, *numbers, str(row["raters"]), f"{row['error']:.3f}"])
    print_table(rows)
    print_result(**found, design=f"{ITEMS} items, {SCREENS} screens a rater", figure=f"within {MOST_OFF}")


def measure(campaigns: int, simulated: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    import django

    django.setup()
    from tqdm import tqdm

    from annotations.campaigns.models import Rater
    from annotations.campaigns.services.foretelling import stops_foretold
    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.services.simulating import raters_simulate
    from annotations.campaigns.simulation import simulation_of
    from annotations.campaigns.spec import CampaignSpec
    from benchmarks.simulated_campaigns import TRUTH, fill

    fill()
    systems = list(TRUTH)
    shares: dict[str, list[float]] = {kind: [] for kind in KINDS}
    foretold: dict[str, float] = {}
    for number in tqdm(range(1, campaigns + 1), disable=not sys.stderr.isatty()):
        values = {
            "name": f"watched-{number}", "purpose": "evaluation", "dataset": "planted", "split": "test",
            "systems": systems, "criteria": ["human_likeness", "fluency"], "items": ITEMS, "overlap": len(KINDS) * EACH,
            "seed": number, "show": "none", "screens_per_rater": SCREENS, "quality": QUALITY,
        }  # fmt: skip
        campaign = campaign_create(spec=CampaignSpec.from_mapping(values))
        if not foretold:
            foretold = {each.kind: each.stopped for each in stops_foretold(campaign=campaign, raters=simulated)}
        simulation = simulation_of(raters=dict.fromkeys(KINDS, EACH), truth={}, systems=systems, seed=number)
        raters_simulate(campaign=campaign, simulation=simulation)
        for kind in KINDS:
            theirs = Rater.objects.filter(campaign=campaign, outside_id__endswith=kind)
            shares[kind].append(theirs.exclude(stopped_by="").count() / EACH)
    print(json.dumps({kind: row(shares[kind], foretold[kind]) for kind in KINDS}))


def row(shares: list[float], foretold: float) -> dict[str, float]:
    """The mean share over campaigns, and its standard error by how it varies over these."""
    mean = sum(shares) / len(shares)
    squares = sum((share - mean) ** 2 for share in shares) / max(len(shares) - 1, 1)
    error = (squares / len(shares)) ** 0.5
    return {"foretold": foretold, "stopped": mean, "raters": EACH * len(shares), "error": error}


if __name__ == "__main__":
    main()
