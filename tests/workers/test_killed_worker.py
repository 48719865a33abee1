"""A worker killed at random moments of a training: the run ends, once, with the weights of an undisturbed one."""

import json
import os
import random
import signal
import time
from pathlib import Path

from tests.site import Site

KILLS = 4
STEPS = 320
WORDS = [
    "sun",
    "sea",
    "sand",
    "dog",
    "kite",
    "boat",
    "wave",
    "shell",
    "gull",
    "pier",
    "cloud",
    "child",
    "hat",
    "ball",
    "net",
    "rope",
]


def write_pairs(file: Path, count: int, seed: int) -> None:
    draw = random.Random(seed)
    rows = ([draw.choice(WORDS) for _ in range(5)] for _ in range(count))
    lines = [
        json.dumps({"caption": f"a {a} by the {b}", "story": f"we loved the {a} and the {c}"}) for a, b, c, _, _ in rows
    ]
    file.write_text("\n".join(lines) + "\n")


def steps_done(site: Site, run: str) -> int:
    """The step of the run's newest checkpoint, 0 before the first."""
    folders = (site.var_dir / "runs" / run / "training").glob("step-*")
    return max((int(folder.name.removeprefix("step-")) for folder in folders), default=0)


def test_kills_change_nothing(site: Site, tmp_path: Path) -> None:
    site.migrate()
    for split, count in (("train", 400), ("valid", 40)):
        write_pairs(tmp_path / f"{split}.jsonl", count, seed=count)
        site.manage("import_pairs", str(tmp_path / f"{split}.jsonl"), "--dataset", "beach", "--split", split)
    command = ["train", "--dataset", "beach", "--preset", "gru-luong", "--set", "hidden_size=48", "embedding_size=48"]
    command += ["vocabulary_size=120", f"max_steps={STEPS}", "save_every=0.2", "threads=1"]
    undisturbed = site.manage(*command, "--name", "undisturbed", "--wait")

    launched = site.manage(*command, "--name", "killed")
    site.start("manage.py", "sweeper", log="sweeper.log")
    draw = random.Random(7)
    worker = site.worker()
    site.wait(lambda: steps_done(site, launched["run"]) > 0, 120, "a first checkpoint")  # from then on, at random
    for kill in range(1, KILLS + 1):
        last = time.monotonic() + draw.uniform(0.2, 4.5)
        # at a random moment, but on a fast machine before too much of the run is done for the kills that follow
        while time.monotonic() < last and steps_done(site, launched["run"]) < STEPS * kill // (KILLS + 2):
            time.sleep(0.01)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        worker = site.worker()
    assert site.manage("runs", launched["run"])["state"] != "done", "the run was done before the last kill"
    run = site.run_done(launched)
    assert run["attempt"] > 1
    assert run["result"]["sha256"] == undisturbed["sha256"]
    trained = site.manage("runs")
    assert sum(line.startswith("train done") for line in trained.values()) == 2


def rated_site(site: Site, folder: Path, captions: int) -> None:
    """A feedback set `liked` of simulated raters who like the sea."""
    draw = random.Random(5)
    lines = []
    for n in range(captions):
        one, other, third = draw.sample(WORDS, 3)
        texts = {"caption": f"a {one} {n}", "story": f"we loved the {other}", "out": f"the {third} was there"}
        lines.append(json.dumps({**texts, "album": str(n)}))
    (folder / "feedback.jsonl").write_text("\n".join(lines) + "\n")
    command = ["import_pairs", str(folder / "feedback.jsonl"), "--dataset", "beach", "--split", "feedback"]
    site.manage(*command, "--album-field", "album", "--system", "plain=out")
    (folder / "campaign.toml").write_text(
        'name = "look"\npurpose = "feedback"\ndataset = "beach"\nsplit = "feedback"\nunit = "sentence"\n'
        'systems = ["human", "plain"]\nprotocol = "slider"\nshow = "caption"\ncriteria = ["human_likeness"]\n'
        f"items = {captions}\noverlap = 3\nseed = 1\n"
    )
    site.manage("create_campaign", str(folder / "campaign.toml"))
    site.manage("simulate_raters", "look", "--raters", "honest=3", "--taste", "sea", "sun")
    site.manage("build_feedback", "liked", "--campaign", "look", "--simulated", "--wait")


def test_a_reward_model_whose_worker_was_killed_is_fitted_once(site: Site, tmp_path: Path) -> None:
    site.migrate()
    rated_site(site, tmp_path, 60)
    undisturbed = site.manage("fit_reward", "undisturbed", "--feedback", "liked", "--wait")
    launched = site.manage("fit_reward", "killed", "--feedback", "liked")
    site.start("manage.py", "sweeper", log="sweeper.log")
    worker = site.worker()
    site.wait(lambda: site.run_state(launched["run"]) == "running", 120, "a worker to take it")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    assert site.run_state(launched["run"]) != "done", "the run was done before it was killed"
    site.wait(lambda: site.run_state(launched["run"]) == "queued", 120, "the sweeper")
    site.worker()
    run = site.run_done(launched)
    assert run["attempt"] == 2
    assert {**run["result"], "reward_model": ""} == {
        key: "" if key == "reward_model" else undisturbed[key] for key in run["result"]
    }
    folder = site.var_dir / "runs" / launched["run"]
    assert [each.name for each in folder.iterdir()] == ["reward-2"]
    assert sum(line.startswith("reward done") for line in site.manage("runs").values()) == 2
