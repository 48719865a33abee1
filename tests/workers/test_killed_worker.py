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
    """A campaign `look`, rated by simulated raters who like the sea, and closed."""
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
    site.manage("close_campaign", "look", "--yes")


BY_NAME = ("annotations_feedbackset", "workers_rewardmodel", "annotations_system", "annotations_campaign")


def states_of(site: Site, generation: str) -> dict[str, str]:
    """Of its runs, by step."""
    named = f"SELECT id FROM workers_generation WHERE name = '{generation}'"
    return dict(site.rows(f"SELECT step, state FROM workers_run WHERE generation_id IN ({named}) ORDER BY id"))


def test_a_generation_whose_workers_were_killed_and_messages_lost_is_one_chain(site: Site, tmp_path: Path) -> None:
    site.migrate()
    for split, count in (("train", 400), ("valid", 40), ("test", 40)):
        write_pairs(tmp_path / f"{split}.jsonl", count, seed=count)
        site.manage("import_pairs", str(tmp_path / f"{split}.jsonl"), "--dataset", "beach", "--split", split)
    rated_site(site, tmp_path, 40)
    small = ["hidden_size=48", "embedding_size=48", "vocabulary_size=120", "threads=1"]
    first = ["train", "--dataset", "beach", "--preset", "gru-luong", "--name", "first", "--wait", "--set", *small]
    site.manage(*first, "max_steps=20")
    asked = ["--campaign", "look", "--system", "first", "--simulated", "--items", "20", "--set", "max_steps=160"]
    asked += ["save_every=0.2", "learning_rate=0.00001", "max_length_change=100", "max_flaw_rise=1"]
    site.manage("next_generation", "killed", *asked, "--seen-albums")

    site.start("manage.py", "sweeper", log="sweeper.log")
    killed = ("reward", "train", "score")
    for step in killed:
        worker = site.worker()
        site.wait(lambda step=step: states_of(site, "killed").get(step) == "running", 240, f"a worker to take {step}")
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        site.messages_lose()
        assert states_of(site, "killed")[step] != "done", f"{step} was done before it was killed"
    site.worker()
    site.wait(lambda: states_of(site, "killed").get("campaign") == "done", 240, "the campaign")

    steps = ["feedback", "reward", "train", "decode_before", "decode", "score", "campaign"]
    assert states_of(site, "killed") == dict.fromkeys(steps, "done")
    again = "SELECT step FROM workers_run WHERE generation_id IS NOT NULL AND attempt > 1 ORDER BY id"
    assert tuple(step for (step,) in site.rows(again)) == killed
    for table in BY_NAME:
        assert site.rows(f"SELECT count(*) FROM {table} WHERE name = 'killed'") == [(1,)], table
    trained = "SELECT count(*) FROM workers_checkpoint c JOIN annotations_system s ON s.id = c.system_id"
    assert site.rows(f"{trained} WHERE s.name = 'killed'") == [(1,)]
    decoded = "SELECT count(*) FROM annotations_decoding d JOIN workers_checkpoint c ON c.system_id = d.system_id"
    assert site.rows(f"{decoded} WHERE d.split = 'test' AND d.completed_at IS NOT NULL") == [(2,)]
    reward = site.var_dir / site.rows("SELECT directory FROM workers_rewardmodel")[0][0]
    assert [each.name for each in reward.parent.iterdir()] == ["reward-2"]
