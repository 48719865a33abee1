"""Trainings killed with SIGKILL: at random steps, after which the final weights must be those of a training that nobody
disturbed, bit by bit; and during a save, after which every checkpoint there is must be readable.

The models are tiny, of two families, with all whose position could be lost: a denoising stage, accumulation, dropout,
looks at validation pairs. Every training saves after each step, is killed several times and goes on from its folder.

With `--base` it is adapters (LoRA) of that pretrained model instead, which each start reads anew.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from modeling.bases import find_base
from modeling.checkpoints import FINAL, WEIGHTS, load_checkpoint, read_manifest
from modeling.config import load_preset
from modeling.errors import CheckpointError
from modeling.training import train

COMMON = [
    "vocabulary_size=80",
    "token_budget=128",
    "accumulation=2",
    "denoising=0.3",
    "dropout=0.2",
    "word_dropout=0.1",
    "source_dropout=0.1",
    "validate_every=10",
    "device=cpu",
]
SMALL = ["embedding_size=32", "layers=2", "feedforward_size=64"]
ADAPTERS = ["lora_rank=16", "learning_rate=0.001", "dropout=0.1", "token_budget=64", "accumulation=2", "device=cpu"]
KILLS = 10  # of one training
LOOK = 0.0003  # seconds between two looks into the folder
ONE_SAVE = 0.03  # seconds of a save in which a kill is aimed at any moment
NOUNS = ["dog", "boat", "kite", "cake", "band", "tree", "car", "lake"]


@dataclass(frozen=True)
class Family:
    """`moments`: seconds in which a kill comes after the save that is waited for, about those of a step."""

    preset: str
    settings: list[str]
    moments: float = 0.03


FAMILIES = [
    Family("tiny", [*COMMON, "architecture=gru-luong"]),
    Family("tiny", [*COMMON, "architecture=transformer", *SMALL]),
]


@dataclass(frozen=True)
class Training:
    """One to be killed."""

    train_file: Path
    valid_file: Path
    folder: Path
    preset: str
    settings: list[str]

    def run(self) -> None:
        train(
            load_preset(self.preset, self.settings),
            train_file=self.train_file,
            valid_file=self.valid_file,
            directory=self.folder,
        )

    def forked(self) -> int:
        """The process id of a copy of this process, torch being loaded already, that runs it."""
        child = os.fork()
        if not child:
            try:
                self.run()
                os._exit(0)
            finally:
                os._exit(1)
        return child

    def spawned(self) -> int:
        """The process id of `python -m modeling train`."""
        command = [sys.executable, "-m", "modeling", "train", "--train", str(self.train_file)]
        command += ["--valid", str(self.valid_file), "--preset", self.preset, "--out", str(self.folder)]
        log = str(self.train_file.with_name("log"))
        to_log = [(os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return os.posix_spawn(sys.executable, [*command, "--set", *self.settings], env, file_actions=to_log)

    def saved_step(self) -> int:
        """That of the latest checkpoint, -1 before the first."""
        return max((int(each.name.removeprefix("step-")) for each in self.folder.glob("step-*")), default=-1)

    def begun_step(self) -> int:
        """That of the checkpoint that was begun last, whether it is whole by now or not."""
        names = os.listdir(self.folder) if self.folder.exists() else []
        return max((int(name.rpartition("-")[2]) for name in names if "step-" in name), default=-1)

    def finished(self) -> bool:
        return (self.folder / FINAL).exists()

    def weights(self) -> str:
        """SHA-256 of the final ones."""
        return str(read_manifest(self.folder / FINAL)["files"][WEIGHTS])


@dataclass
class Tally:
    """What came of the kills. `torn` left a save unfinished, `half_deleted` the deletion of the checkpoint before."""

    trainings: int = 0
    identical_trainings: int = 0
    kills: int = 0
    identical: int = 0
    steps: list[int] = field(default_factory=list)
    torn: int = 0
    half_deleted: int = 0
    read: int = 0
    unreadable: list[str] = field(default_factory=list)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50, help="at random steps")
    options.add_argument("--steps", type=int, default=200, help="of a training that is killed there")
    options.add_argument("--saves", type=int, default=300, help="kills during a save")
    options.add_argument("--base", help="name, folder or GGUF file of a decoder-only model, to train adapters of")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    families = [Family(f"lm:{find_base(given.base)}", ADAPTERS, 1.0)] if given.base else FAMILIES
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        at_steps = kill_at_steps(Path(folder) / "steps", families, given.kills, given.steps, draw)
        in_saves = kill_in_saves(Path(folder) / "saves", families, given.saves, draw)
    spread = f"{min(at_steps.steps, default=0)} to {max(at_steps.steps, default=0)} of {given.steps}"
    print_table(
        [
            ["", "", "figure"],
            [
                "killed at a random step, final weights bit-identical",
                f"{at_steps.identical} of {at_steps.kills}",
                "all",
            ],
            ["trainings of these, of all families in turn / steps saved before a kill", at_steps.trainings, spread],
            ["killed during a save", in_saves.kills, ""],
            ["… that left a save / a deletion unfinished", f"{in_saves.torn} / {in_saves.half_deleted}", ""],
            ["checkpoints there after a kill / unreadable", f"{in_saves.read} / {len(in_saves.unreadable)}", "0"],
            ["trainings of these / final weights bit-identical", in_saves.trainings, in_saves.identical_trainings],
        ]
    )
    print("".join(f"{each}\n" for each in in_saves.unreadable), end="")
    print_result(
        kills=at_steps.kills,
        identical=at_steps.identical,
        save_kills=in_saves.kills,
        torn=in_saves.torn,
        half_deleted=in_saves.half_deleted,
        read=in_saves.read,
        unreadable=len(in_saves.unreadable),
        saves_identical=in_saves.identical,
        torch=torch.__version__,
    )


def kill_at_steps(
    folder: Path,
    families: list[Family],
    kills: int,
    steps: int,
    draw: random.Random,
    start: Callable[[Training], int] = Training.spawned,
) -> Tally:
    """Kill soon after a random step was saved, while the next steps are taken."""
    tally = Tally()
    for family in cycle(families):
        if tally.kills >= kills:
            break
        training, expected = prepared(folder / f"{tally.trainings}", family, steps, draw)
        before = tally.kills
        for target in sorted(draw.sample(range(1, steps * 9 // 10), min(KILLS, kills - tally.kills))):
            child, goal = start(training), max(target, training.saved_step() + 1)
            wait_until(training.saved_step, goal, child, training)
            time.sleep(draw.uniform(0, family.moments))
            if killed(child):
                tally.kills += 1
                tally.steps.append(training.saved_step())
        finish(training, start, expected, before, tally)
    return tally


def kill_in_saves(folder: Path, families: list[Family], kills: int, draw: random.Random, steps: int = 200) -> Tally:
    """Kill within one of the first saves of a process that saves after every step; read what is there after it."""
    tally = Tally()
    for family in cycle(families):
        if tally.kills >= kills:
            break
        training, expected = prepared(folder / f"{tally.trainings}", family, steps, draw)
        before = tally.kills
        while tally.kills < kills and training.saved_step() < steps - 10 and not training.finished():
            child, goal = training.forked(), training.saved_step() + draw.randint(1, 3)
            wait_until(training.begun_step, goal, child, training)
            time.sleep(draw.uniform(0, ONE_SAVE))
            if killed(child):
                tally.kills += 1
                look_at_what_is_left(training, tally)
        finish(training, Training.forked, expected, before, tally)
    return tally


def prepared(folder: Path, family: Family, steps: int, draw: random.Random) -> tuple[Training, str]:
    """A training that has not begun, and the SHA-256 of the weights it has to end with."""
    settings = [*family.settings, f"max_steps={steps}", f"seed={draw.randrange(10**6)}"]
    folder.mkdir(parents=True)
    files = write_jsonl(folder / "train.jsonl", examples(200, 1)), write_jsonl(folder / "valid.jsonl", examples(30, 2))
    undisturbed = Training(*files, folder / "undisturbed", family.preset, [*settings, "save_every=1000"])
    undisturbed.run()  # here, so that what torch loads on first use is there in every fork
    return Training(*files, folder / "killed", family.preset, [*settings, "save_every=0"]), undisturbed.weights()


def examples(count: int, seed: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(seed)
    for number in range(count):
        noun, place = draw.choice(NOUNS), draw.choice(NOUNS)
        references = [f"We loved the {noun} so much .", f"The {place} was lovely ."][: 1 + number % 2]
        yield {"id": number, "source": f"a {noun} is near the {place}", "references": references}


def wait_until(step: Callable[[], int], goal: int, child: int, training: Training) -> None:
    while step() < goal and not training.finished():
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            sys.exit(f"a training in {training.folder} ended by itself")
        time.sleep(LOOK)


def killed(child: int) -> bool:
    """Whether it was the kill that ended the process."""
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def ended(child: int) -> None:
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"a training ended with exit status {code}")


def finish(training: Training, start: Callable[[Training], int], expected: str, before: int, tally: Tally) -> None:
    """Let the training go on to its end, and compare: the kills since `before` were its."""
    ended(start(training))
    same = training.weights() == expected
    tally.trainings += 1
    tally.identical_trainings += same
    tally.identical += (tally.kills - before) * same


def look_at_what_is_left(training: Training, tally: Tally) -> None:
    newest = training.saved_step()
    for path in training.folder.iterdir():
        if path.name.startswith(".writing-"):
            is_new = path.name.endswith(FINAL) or int(path.name.rpartition("-")[2]) > newest
            tally.torn += is_new
            tally.half_deleted += not is_new
            continue
        try:
            load_checkpoint(path, resumable=path.name != FINAL)
            tally.read += 1
        except CheckpointError as error:
            tally.unreadable.append(str(error))


if __name__ == "__main__":
    main()
