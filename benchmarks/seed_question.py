"""The question that the reference of 2018 left open, asked once from end to end: do sentences read as if a person had
written them, of its LSTM and of a model trained here?

Real captions are imported with what the reference wrote for them, `gru-luong` is trained on others and writes its own,
and a campaign by the protocol `human_or_machine` shows both and people's sentences. The 40 raters are simulated, with a
planted truth, and marked as such: what is measured is the road from files to report, and whether quality control stops
whom `plan_campaign` foretells. What people think, people have to say.

    python -m benchmarks.seed_question --set budget=120
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table, shared
from benchmarks.importing import fresh_site
from tests.site import Site

RATERS = {"honest": 20, "strict": 10, "lazy": 4, "random": 6}
TRUTH = {"human": 0.8, "gru-luong": 0.0, "seed_lstm": -0.4}
CAMPAIGN = """
name = "the-question-of-2018"
purpose = "evaluation"
dataset = "caption_story"
split = "test"
systems = ["human", "gru-luong", "seed_lstm"]
protocol = "human_or_machine"
criteria = ["human_likeness"]
items = 120
overlap = 6
screens_per_rater = 30
show = "caption"
[quality]
training = 2
qualification = 4
qualification_needed = 3
degraded = 3
degraded_needed = 1
degradations = ["word_order"]
attention = 2
attention_needed = 1
repeats = 3
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--set", nargs="+", default=["budget=120"], help="training settings of gru-luong")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked = ask(Path(folder), given.set)
    rows = [[name, *(f"{number:.3f}" for number in numbers)] for name, numbers in asked["judged"].items()]
    print_table([["system", "judged human", "from", "to"], *rows])
    stops = asked["stops"]
    print_table([["kind", "stopped", "foretold"], *([kind, *map(str, stops[kind])] for kind in stops)])
    print_result(**asked)


def ask(folder: Path, settings: list[str]) -> dict[str, Any]:
    site = Site(folder / "site", server_url="")
    site.env |= fresh_site(folder / "site")

    def manage(*command: str) -> None:
        """Without a limit of time."""
        run = [sys.executable, "manage.py", *command]
        subprocess.run(run, cwd=ROOT, env=site.env, check=True, stdout=subprocess.DEVNULL)

    for split in ("train", "valid", "test"):
        seed = ["--system", "seed_lstm=seed_lstm"] if split == "test" else []
        rows = str(shared("caption_story", f"{split}.jsonl"))
        manage("import_pairs", rows, "--dataset", "caption_story", "--split", split, *seed)
    named = ["--dataset", "caption_story", "--name", "gru-luong"]
    manage("train", "--preset", "gru-luong", *named, "--set", *settings, "--wait")
    manage("decode", "--system", "gru-luong", "--dataset", "caption_story", "--split", "test", "--wait")
    file = folder / "campaign.toml"
    file.write_text(CAMPAIGN)
    made = site.manage("create_campaign", str(file))
    name = made["campaign"]
    foretold = {row["kind"]: row for row in site.manage("plan_campaign", "--quality", name)["quality"]}
    raters = [f"{kind}={count}" for kind, count in RATERS.items()]
    truth = [f"{system}={value}" for system, value in TRUTH.items()]
    manage("simulate_raters", name, "--raters", *raters, "--truth", *truth)
    stopped = kinds_stopped(site, name)
    manage("close_campaign", name, "--yes")
    site.manage("report", name, "--format", "json", "--out", str(folder / "report.json"))
    systems = json.loads((folder / "report.json").read_text())["criteria"]["human_likeness"]["systems"]
    return {
        "judged": {row["system"]: [row["mean"], *row["ci"]] for row in systems},
        "stops": {kind: [stopped.get(kind, 0) / count, foretold[kind]["stopped"]] for kind, count in RATERS.items()},
        "simulated": True,
    }


def kinds_stopped(site: Site, campaign: str) -> dict[str, int]:
    code = (
        "import json; from collections import Counter; from annotations.models import Rater; "
        f"rows = Rater.objects.filter(campaign__name={campaign!r}).exclude(stopped_by=''); "
        "print(json.dumps(Counter(row.outside_id.rpartition(', ')[2] for row in rows)))"
    )
    return dict(json.loads(site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1]))


if __name__ == "__main__":
    main()
