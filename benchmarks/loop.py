"""Does the loop close: do ratings make the next model better liked by those who rate, and what does it cost?

A planted taste stands for people: simulated raters like texts that have one of a few words (`simulate_raters --taste`),
which no metric here looks at. A model trained on real captions writes twice for captions of the feedback split; raters
compare the two in a campaign, through the rater services; its ratings become a feedback set; the model learns from it,
and beside it a control goes on for as long on the same human sentences. Then raters of the same taste judge
a second campaign, blind, of control, new model and people, on captions of the test split.

Liked share: of two texts sampled for each test caption. An interval is over captions, by resampling. Everything that is
drawn follows from the seed, and a seed that is done is not done again.

    python -m benchmarks.loop --folder loop --seeds 1 2 3 [--arm clean|few|noise|random|flips] [--set budget=40]
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotations.campaigns.taste import Taste
from benchmarks.common import ROOT, print_result, print_table, read_jsonl, shared, write_jsonl
from benchmarks.importing import fresh_site
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.guarding import guard
from modeling.training import train
from tests.site import Site

TASTE = Taste(("we", "our", "us", "my", "i"), 1.0)
FEEDBACK = 1250  # captions of the file `train` that are the feedback split here
# Steps of the first model, of the control and of each method: what 120, 40 and 40 CPU seconds were on a quiet machine.
FIRST, CONTROL, METHOD = 1770, 590, 240
RESAMPLES = 2000
QUALITY = """
[quality]
degraded = 4
degraded_needed = 3
"""


@dataclass(frozen=True)
class Arm:
    """How a campaign is rated, and what learns from it."""

    items: int
    overlap: int
    raters: tuple[str, ...]
    liking: float
    methods: dict[str, list[str]]
    quality: str = ""


DPO, KTO = ["objective=dpo"], ["objective=kto", "beta=0.5", "anchor=0.1"]
BEST = "best of 8"  # of what the model before writes, by a reward model of the same feedback: nothing is trained
ARMS = {
    "clean": Arm(1200, 2, ("honest=24",), 1.0, {"dpo": DPO, "dpo, less held": [*DPO, "anchor=0.1"], "kto": KTO}),
    "few": Arm(400, 2, ("honest=8",), 1.0, {"dpo": DPO}),
    "noise": Arm(1200, 2, ("random=24",), 0.0, {"dpo": DPO}),
    "random": Arm(600, 2, ("honest=12", "random=12"), 1.0, {"dpo": DPO}, QUALITY),
    "flips": Arm(1200, 2, ("honest=24",), 0.6, {"dpo": DPO, "plain": [*DPO, "robust=false"]}),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="where everything is kept, to go on from")
    options.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    options.add_argument("--arm", choices=ARMS, default="clean")
    options.add_argument(
        "--set", nargs="+", default=[], help="settings of every training but the first, such as budget=40 by the clock"
    )
    given = options.parse_args()
    results = [done(given.folder, given.arm, seed, given.set) for seed in given.seeds]
    show(given.arm, results)


def done(folder: Path, arm: str, seed: int, settings: Sequence[str]) -> dict[str, Any]:
    """The result of a seed, computed unless it is there."""
    file = folder / f"{arm}-{seed}{'-'.join(['', *sorted(settings)]).replace('=', '')}.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        result = loop(folder, ARMS[arm], seed, settings, folder / file.stem)
        file.write_text(json.dumps(result, indent=1))
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def loop(folder: Path, arm: Arm, seed: int, settings: Sequence[str], own: Path) -> dict[str, Any]:
    files = example_files(folder, seed)
    preset = load_preset("gru-luong", ["budget=0", f"max_steps={FIRST}", f"seed={seed}"])
    base = train(
        preset, train_file=files["train"], valid_file=files["valid"], directory=folder / f"base-{seed}"
    ).checkpoint
    site = Site(own, server_url="")
    site.env |= fresh_site(own)

    def manage(*command: str) -> None:
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=site.env, check=True, stdout=sys.stderr)

    own_files = drawn_twice(base, files["feedback"], own / "feedback.jsonl", seed)
    for split in ("train", "valid", "test"):
        manage("import_pairs", str(files[split]), *pairs_of(split))
    manage("import_pairs", str(own_files), *pairs_of("feedback"), "--system", "first=first", "--system", "again=again")
    rate(manage, own, arm, seed)
    manage("build_feedback", "liked", "--campaign", "taste", "--simulated", "--wait")
    checkpoints, steps = {"before": base}, {}
    for number, (method, more) in enumerate({"control": [], **arm.methods}.items()):
        name = f"model-{number}"
        feedback = ["--feedback", "liked"] if more else []
        limit = ["budget=0", f"max_steps={METHOD if more else CONTROL}"]
        sets = [*limit, *settings, f"seed={seed}", f"init={base}", *more]
        manage(
            "train", "--dataset", "loop", "--preset", "gru-luong", "--name", name, *feedback, "--set", *sets, "--wait"
        )
        checkpoints[method], steps[method] = checkpoint_of(site, name)
    test, stories = (
        read_examples(files["test"]),
        [text for each in read_examples(files["train"]) for text in each.references],
    )
    written = {name: sampled(each, test, seed) for name, each in checkpoints.items()}
    manage("fit_reward", "liking", "--feedback", "liked", "--wait")
    written[BEST] = best_of_8(base, test, reward_of(site), seed)
    cost = {
        name: {each.name: [each.before, each.after] for each in guarding.figures} | {"worse": guarding.worse}
        for name, each in checkpoints.items()
        if name != "before"
        for guarding in [guard(base, each, test, preset, training_stories=stories)]
    }
    return {
        "seed": seed,
        "settings": list(settings),
        "steps": steps,
        "set": set_of(site),
        "liked": {name: [TASTE.likes(text) for text in texts] for name, texts in written.items()},
        "different": {name: len(set(texts)) for name, texts in written.items()},
        "length": {name: float(np.mean([len(text.split()) for text in texts])) for name, texts in written.items()},
        "cost": cost,
        "judged": judged(site, manage, own, arm, seed),
    }


def pairs_of(split: str) -> list[str]:
    return ["--dataset", "loop", "--split", split, "--source-field", "source", "--reference-field", "references"]


def example_files(folder: Path, seed: int) -> dict[str, Path]:
    """The four splits as files that both the site and a model read; which captions are for feedback, the seed says."""
    rows = {split: list(read_jsonl(shared("caption_story", f"{split}.jsonl"))) for split in ("train", "valid", "test")}
    random.Random(seed).shuffle(rows["train"])
    parts = {**rows, "feedback": rows["train"][:FEEDBACK], "train": rows["train"][FEEDBACK:]}
    return {
        split: write_jsonl(folder / f"{split}-{seed}.jsonl", examples(split, part)) for split, part in parts.items()
    }


def examples(split: str, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {"id": f"{split}-{row['id']}", "source": row["caption"], "references": [row["story"]]}


def drawn_twice(checkpoint: Path, feedback: Path, file: Path, seed: int) -> Path:
    """The captions, each with two texts of the model; without those for which it writes the same twice."""
    sources, texts = read_examples(feedback), dict[str, list[str]]()
    for each in decode(checkpoint, sources, DecodingConfig(samples=2, seed=seed)):
        texts.setdefault(each.id, []).append(each.text)
    rows = [(row, texts[row["id"]]) for row in read_jsonl(feedback) if len(set(texts.get(row["id"], ()))) == 2]
    return write_jsonl(file, ({**row, "first": one, "again": other} for row, (one, other) in rows))


def rate(manage: Any, folder: Path, arm: Arm, seed: int) -> None:
    file = folder / "taste.toml"
    file.write_text(
        'name = "taste"\npurpose = "feedback"\ndataset = "loop"\nsplit = "feedback"\nsystems = ["first", "again"]\n'
        f'protocol = "pairwise"\ncriteria = ["human_likeness"]\nitems = {arm.items}\noverlap = {arm.overlap}\n'
        f'seed = {seed}\nshow = "caption"\n{arm.quality}'
    )
    manage("create_campaign", str(file))
    taste = ["--taste", *TASTE.words, "--liking", str(arm.liking)]
    truth = ["--truth", "first=0", "again=0"]
    manage("simulate_raters", "taste", "--raters", *arm.raters, *truth, *taste, "--seed", str(seed))
    manage("close_campaign", "taste", "--yes")


def judged(site: Site, manage: Any, folder: Path, arm: Arm, seed: int) -> dict[str, Any]:
    """What raters of the taste say of the control, the new models and people: each one's mean with its interval, and
    whether the first new model is shown to be preferred to the control, as the page of a generation says it."""
    systems = [f"model-{number}" for number in range(1 + len(arm.methods))]
    names = dict(zip(systems, ["control", *arm.methods], strict=True))
    for system in systems:
        manage("decode", "--system", system, "--dataset", "loop", "--split", "test", "--wait")
    shown = ", ".join(f'"{name}"' for name in ("human", *systems))
    file = folder / "again.toml"
    file.write_text(
        f'name = "again"\npurpose = "evaluation"\ndataset = "loop"\nsplit = "test"\nsystems = [{shown}]\n'
        f'protocol = "slider"\ncriteria = ["human_likeness"]\nitems = 100\noverlap = 2\nseed = {seed}\n'
        'show = "caption"\nprimary = ["model-1", "model-0", "human_likeness"]\n'
    )
    manage("create_campaign", str(file))
    truth = [f"{name}=0" for name in ("human", *systems)]
    taste = ["--taste", *TASTE.words, "--liking", str(arm.liking)]
    manage("simulate_raters", "again", "--raters", "honest=10", "--truth", *truth, *taste, "--seed", str(seed))
    manage("close_campaign", "again", "--yes")
    site.manage("report", "again", "--format", "json", "--out", str(folder / "report.json"))
    report = json.loads((folder / "report.json").read_text())
    primary, systems = report["primary"], report["criteria"]["human_likeness"]["systems"]
    means = {names.get(row["system"], row["system"]): [row["mean"], *row["ci"]] for row in systems}
    return {"means": means, "gained": primary["shown"] and primary["difference"] > 0, "shown": primary["shown"]}


def checkpoint_of(site: Site, system: str) -> tuple[Path, int]:
    """Its folder, and the steps that it was trained for."""
    code = (
        "from workers.models import Checkpoint; "
        f"row = Checkpoint.objects.get(system__name={system!r}); print(row.directory, row.metrics['steps'])"
    )
    directory, steps = site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1].rsplit(" ", 1)
    return Path(site.env["VAR_DIR"]) / directory, int(steps)


def set_of(site: Site) -> dict[str, Any]:
    code = (
        "import json; from annotations.models import FeedbackSet; print(json.dumps(FeedbackSet.objects.get().counts))"
    )
    found: dict[str, Any] = json.loads(site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1])
    return found


def reward_of(site: Site) -> Path:
    code = "from workers.models import RewardModel; print(RewardModel.objects.get().directory)"
    return Path(site.env["VAR_DIR"]) / site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1]


def best_of_8(checkpoint: Path, sources: Sequence[Example], reward: Path, seed: int) -> list[str]:
    """Twice, of other samples, as the other texts are two a caption."""
    found: dict[str, list[str]] = {}
    for turn in range(2):
        settings = DecodingConfig(samples=8, keep=1, rerank=f"reward:{reward}", seed=1000 * (turn + 1) + seed)
        for each in decode(checkpoint, sources, settings):
            found.setdefault(each.id, []).append(each.text)
    return [text for texts in found.values() for text in texts]


def sampled(checkpoint: Path, sources: Sequence[Example], seed: int) -> list[str]:
    return [each.text for each in decode(checkpoint, sources, DecodingConfig(samples=2, seed=1000 + seed))]


def gained(result: dict[str, Any], method: str) -> tuple[float, float, float]:
    """The liked share over the control's, with a 95 % interval over captions."""
    liked = [np.array(result["liked"][name], dtype=float).reshape(-1, 2).mean(axis=1) for name in (method, "control")]
    differences = liked[0] - liked[1]
    draw = np.random.default_rng(result["seed"])
    means = differences[draw.integers(len(differences), size=(RESAMPLES, len(differences)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


HEAD = [
    "seed",
    "method",
    "before",
    "control",
    "after",
    "gain",
    "from",
    "to",
    "NLL",
    "source gain",
    "different",
    "words",
]


def show(arm: str, results: Sequence[dict[str, Any]]) -> None:
    rows: list[list[object]] = [[*HEAD]]
    gains: dict[str, list[tuple[float, float, float]]] = {}
    for result in results:
        for method in (*ARMS[arm].methods, BEST):
            gains.setdefault(method, []).append(gained(result, method))
            cost = {name: after - before for name, (before, after) in costs(result, method).items()}
            shares = [float(np.mean(result["liked"][name])) for name in ("before", "control", method)]
            different = result["different"][method] / result["different"]["before"]
            words = result["length"][method] / result["length"]["before"] - 1
            paid = [f"{cost[name]:+.3f}" if cost else "" for name in ("nll", "source_gain")]
            rows.append(
                [result["seed"], method, *shares, *gains[method][-1], *paid, f"{different:.0%}", f"{words:+.0%}"]
            )
    print_table(rows)
    told = {
        method: {"mean": float(np.mean([each[0] for each in of])), "above": sum(each[1] > 0 for each in of)}
        for method, of in gains.items()
    }
    said = {"said_gained": sum(each["judged"]["gained"] for each in results)}
    said |= {"said_different": sum(each["judged"]["shown"] for each in results)}
    print_result(arm=arm, seeds=len(results), simulated=True, **said, **told)


def costs(result: dict[str, Any], method: str) -> dict[str, list[float]]:
    """Before and after; of what no model was trained for, nothing."""
    return {name: pair for name, pair in result["cost"].get(method, {}).items() if name != "worse"}


if __name__ == "__main__":
    main()
