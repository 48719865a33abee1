"""Training an encoder-decoder: resumable, and on the CPU with the same weights however often it was interrupted.

A batch depends on (data, seed, epoch) alone, and every step draws its noise and dropout from a seed of its own, so that
a checkpoint needs the position, the weights and the optimizer, and nothing of any random generator.

Under `torchrun` each process takes its share of a step's batches; gradients are averaged over the step's tokens, the
first process alone looks at the validation pairs, reports and saves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from modeling.architectures import Model, begin, build_for, read_tokenizer
from modeling.batching import Planner, make_batch, plan_batches
from modeling.checkpoints import (
    FINAL,
    WEIGHTS,
    Checkpoint,
    below,
    latest,
    load_checkpoint,
    prune,
    read_manifest,
    save_checkpoint,
    step_folder,
)
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair, deduplicate, encode_pairs, fingerprint, no_source, read_examples, texts
from modeling.denoising import corrupt, restorations, withhold, word_starts
from modeling.devices import cpu_threads, pick_device, precision
from modeling.errors import CheckpointError, CorpusError, TrainingError
from modeling.gradients import Gradients
from modeling.optimizer import Optimizer
from modeling.processes import Processes
from modeling.progress import Clock, OnProgress, Progress, no_progress
from modeling.schedule import learning_rate
from modeling.tokenization import Normalisation, Tokenizer

__all__ = ["Progress", "TrainingResult", "mean_nll", "train"]

VALID_PAIRS = 1000  # looked at during training; more would eat a short budget
SMOOTHING = 0.98  # of the loss that is reported
READ_EVERY = 20  # steps on a GPU, whose losses are waited for together
NAMES = 8  # of a batch's examples, or of pairs that were left out, in a message


@dataclass(frozen=True)
class TrainingResult:
    """Where the model is and how its training went. `valid_nll` in nats a token; None without validation pairs."""

    checkpoint: Path
    sha256: str
    steps: int
    seconds: float
    valid_nll: float | None
    history: list[dict[str, float]]
    left_out: int
    why_left_out: list[str]  # of the first few pairs


@dataclass
class _State:
    """What changes while training, besides weights and optimizer. Saved as JSON with every checkpoint.

    The stage's next batch is at `position` in `epoch`; `pairs_from` is the step at which the pairs' stage began.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    pairs_from: int | None = None
    seconds: float = 0.0
    loss: float | None = None
    tokens: int = 0
    best_nll: float | None = None
    looks_since_best: int = 0
    stopped_early: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """A step whose loss and length of the gradient may still be under way on a GPU."""

    number: int
    loss: Tensor
    length: Tensor
    pairs: list[EncodedPair]


def train(
    config: TrainingConfig,
    *,
    train_file: Path,
    valid_file: Path | None,
    directory: Path,
    on_progress: OnProgress = no_progress,
) -> TrainingResult:
    """Train until the first limit of the config, and leave the checkpoint as `directory/final`.

    A directory that holds an unfinished training of the same config and data is gone on with; a finished one returns
    at once. With validation pairs the weights of the best look are kept. `on_progress` is called after every step and
    may raise, to stop. Raises CorpusError, CheckpointError, or TrainingError for a loss that is not a number or a batch
    that does not fit into memory.
    """
    final = directory / FINAL
    with cpu_threads(config.threads), Processes.joined(config.device) as processes:
        with processes.together():
            data_sha256 = fingerprint(train_file, valid_file)
            if (found := latest(directory)) != final:
                saved = _saved(found, config, data_sha256, resumable=True) if found else None
                training = _Training(config, train_file, valid_file, directory, data_sha256, on_progress, processes)
                training.prepare(saved)
        if found != final:
            training.run()
        with processes.together():
            result = _result(final, _saved(final, config, data_sha256, resumable=False))
        if processes.first:
            prune(directory, keep=final)
        return result


class _Training:
    def __init__(
        self,
        config: TrainingConfig,
        train_file: Path,
        valid_file: Path | None,
        directory: Path,
        data_sha256: str,
        on_progress: OnProgress,
        processes: Processes,
    ) -> None:
        self.config, self.directory, self.data_sha256, self.on_progress = config, directory, data_sha256, on_progress
        self.processes, self.device = processes, processes.device(pick_device(config.device))
        self.clock = Clock(on_cpu=self.device.type == "cpu")
        self.examples = read_examples(train_file)
        if config.deduplicate:
            self.examples = deduplicate(self.examples, Normalisation.of(config))
        self.valid_examples = read_examples(valid_file) if valid_file else []

    def prepare(self, saved: Checkpoint | None) -> None:
        """Make ready for the first step, or the one after the `saved` ones."""
        self.tokenizer = saved.tokenizer if saved else self._new_tokenizer()
        self._encode()
        torch.manual_seed(self.config.seed)
        self.model = (build_for if saved else begin)(self.config, self.tokenizer).to(self.device)
        self.model.compute_in(self.config.precision)
        self.gradients = Gradients(self.model, self.config, self.processes, self.device)
        self.optimizer = Optimizer(self.model, self.config)
        self.state = _State(pairs_from=None if self.restorations else 0)
        self.best: dict[str, Tensor] | None = None
        self.unread: list[_Step] = []
        if saved:
            self._restore(saved)
        self.total_steps = self._total_steps()
        self.saved_at = time.monotonic()

    def _new_tokenizer(self) -> Tokenizer:
        if self.config.model_path:
            return read_tokenizer(self.config)
        self.on_progress(Progress(0, None, 0.0, message="learning the vocabulary"))
        return Tokenizer.train(
            texts(self.examples),
            Normalisation.of(self.config),
            vocabulary_size=self.config.vocabulary_size,
            seed=self.config.seed,
        )

    def _encode(self) -> None:
        self.pairs, left_out = encode_pairs(self.examples, self.tokenizer, self.config)
        if not self.pairs:
            raise CorpusError(f"nothing is left to train on; the first pair: {left_out[0]}")
        self.left_out = left_out
        self.restorations: list[EncodedPair] = []
        if self.config.denoising:
            self.restorations = restorations(self.examples, self.tokenizer, self.config)
            self.word_starts = word_starts(self.tokenizer)
        valid, _ = encode_pairs(self.valid_examples, self.tokenizer, self.config)
        if len(valid) > VALID_PAIRS:
            chosen = np.random.default_rng(self.config.seed).choice(len(valid), VALID_PAIRS, replace=False)
            valid = [valid[each] for each in sorted(chosen)]
        self.valid_pairs = valid

    def _total_steps(self) -> int | None:
        """Steps to the limits that are counted in steps; None where only the clock ends the training."""
        limits = [self.config.max_steps] if self.config.max_steps else []
        if self.config.epochs:
            planner = self._planner(self.pairs)
            batches = sum(len(planner.plan(epoch)) for epoch in range(self.config.epochs))
            limits.append(math.ceil(batches / self._batches_a_step))
        return min(limits, default=None)

    @property
    def _batches_a_step(self) -> int:
        return self.config.accumulation * self.processes.count

    def _planner(self, pairs: Sequence[EncodedPair]) -> Planner:
        config = self.config
        return Planner(pairs, token_budget=config.token_budget, seed=config.seed, packs=self.model.packs)

    def _fraction(self) -> float:
        """The share of the training that is done, by the limit that comes first."""
        by_step = self.state.step / self.total_steps if self.total_steps else 0.0
        by_clock = self.clock.seconds() / self.config.budget if self.config.budget else 0.0
        return min(1.0, max(by_step, by_clock))

    def run(self) -> None:
        self._loop()
        with self.processes.together():
            if self.processes.first:
                self._finish()

    def _loop(self) -> None:
        state, config = self.state, self.config
        batches: Iterator[tuple[list[EncodedPair], int, int]] | None = None
        while (fraction := self.processes.agreed(self._fraction())) < 1.0 and not state.stopped_early:
            if state.pairs_from is None and fraction >= config.denoising:
                state.pairs_from, state.epoch, state.position, state.loss, batches = state.step, 0, 0, None, None
            if batches is None:
                pairs = self.restorations if state.pairs_from is None else self.pairs
                batches = self._planner(pairs).batches(state.epoch, state.position)
            rate = learning_rate(fraction, state.step, config, self.total_steps)
            taken = [next(batches) for _ in range(self._batches_a_step)]
            self._step([batch for batch, _, _ in taken], rate)
            _, state.epoch, state.position = taken[-1]
            with self.processes.together():
                if self.processes.first:
                    self._look_report_save(rate)
            state.stopped_early = bool(self.processes.agreed(float(state.stopped_early)))

    def _look_report_save(self, rate: float) -> None:
        """What is due after a step. While sentences are restored there is nothing to look at: no pair was seen yet."""
        state = self.state
        if self.valid_pairs and state.pairs_from is not None and state.step % self.config.validate_every == 0:
            self._look()
        self._report(rate)
        if time.monotonic() - self.saved_at >= self.config.save_every:
            self._save()
            self.saved_at = time.monotonic()

    def _finish(self) -> None:
        """Look at the last weights, where that was not done, and save them."""
        state = self.state
        self._read()
        if self.valid_pairs and (not state.history or state.history[-1]["step"] != state.step):
            self._look()
        state.seconds = self.clock.seconds()
        save_checkpoint(self._checkpoint(resumable=False), self.directory / FINAL)

    def _step(self, batches: list[list[EncodedPair]], rate: float) -> None:
        """One step on all batches, of which this process computes its own."""
        state = self.state
        self.model.train()
        generator = np.random.default_rng([self.config.seed, state.step])
        if state.pairs_from is None:
            batches = [corrupt(each, self.word_starts, self.config.denoising_drop, generator) for each in batches]
        elif self.config.source_dropout:
            nothing = no_source(self.tokenizer, self.config)
            batches = [withhold(each, nothing, self.config.source_dropout, generator) for each in batches]
        pairs = [pair for batch in batches for pair in batch]
        tokens = sum(pair.weight * len(pair.target) for pair in pairs)
        loss = self.gradients.compute(batches[self.processes.rank :: self.processes.count], tokens, state.step)
        length = self.optimizer.step(rate, loss)
        self.unread.append(_Step(state.step, loss, length, pairs))
        state.step += 1
        state.tokens += sum(len(pair.target) for pair in pairs)
        if self.device.type == "cpu" or state.step < READ_EVERY or state.step % READ_EVERY == 0:
            with self.processes.together():
                self._read()

    def _read(self) -> None:
        """Wait for the steps since the last time. Raises TrainingError for the first whose loss is no number."""
        state, unread, self.unread = self.state, self.unread, []
        numbers = [torch.stack([each.loss, each.length.double()]) for each in unread]
        for each, (loss, length) in zip(unread, torch.stack(numbers).tolist() if unread else (), strict=True):
            if not (math.isfinite(loss) and math.isfinite(length)):
                raise TrainingError(self._no_number(each, loss, length))
            state.loss = loss if state.loss is None else SMOOTHING * state.loss + (1 - SMOOTHING) * loss

    def _no_number(self, step: _Step, loss: float, length: float) -> str:
        ids = sorted({self.examples[pair.example].id for pair in step.pairs})
        return (
            f"step {step.number}: the loss is {loss} and the gradient's length {length}, on a batch of "
            f"{len(step.pairs)} pairs with {', '.join(ids[:NAMES])}; a lower learning_rate than "
            f"{self.config.learning_rate:g} may help"
        )

    def _look(self) -> None:
        """Validate; keep the weights of the best look; stop when the config's patience is at its end."""
        state = self.state
        self._read()
        with precision(self.config.precision, self.device):
            nll = mean_nll(self.model, self.valid_pairs, self.config.token_budget // self.gradients.parts, self.device)
        if not math.isfinite(nll):
            raise TrainingError(f"step {state.step}: the loss of the validation pairs is {nll}")
        state.history.append({"step": state.step, "loss": state.loss or 0.0, "valid_nll": nll})
        if state.best_nll is None or nll < state.best_nll:
            state.best_nll, state.looks_since_best = nll, 0
            self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        else:
            state.looks_since_best += 1
            state.stopped_early = bool(self.config.patience) and state.looks_since_best >= self.config.patience

    def _report(self, rate: float) -> None:
        state, seconds = self.state, self.clock.seconds()
        stage = "restoring sentences, " if state.pairs_from is None else ""
        self.on_progress(
            Progress(
                step=state.step,
                total_steps=self.total_steps,
                fraction=self._fraction(),
                loss=state.loss,
                valid_loss=state.history[-1]["valid_nll"] if state.history else None,
                learning_rate=rate,
                tokens_per_second=state.tokens / max(seconds, 1e-9),
                seconds=seconds,
                message=f"{stage}step {state.step:,}",
            )
        )

    def _save(self) -> None:
        self._read()
        self.state.seconds = self.clock.seconds()
        folder = step_folder(self.directory, self.state.step)
        save_checkpoint(self._checkpoint(resumable=True), folder)
        prune(self.directory, keep=folder)

    def _checkpoint(self, *, resumable: bool) -> Checkpoint:
        current = self.model.state_dict()
        tensors: dict[str, Tensor] = {}
        if resumable:
            tensors = {f"model.{name}": tensor for name, tensor in {**current, **self.optimizer.masters}.items()}
            tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.state().items()}
        values = {
            "state": vars(self.state),
            "left_out": len(self.left_out),
            "why_left_out": self.left_out[:NAMES],
            "has_best": self.best is not None,
            "parts": self.gradients.parts,
        }
        return Checkpoint(
            config=self.config,
            tokenizer=self.tokenizer,
            weights=self.best or current,
            last=current if self.best and self.state.looks_since_best else None,
            step=self.state.step,
            data_sha256=self.data_sha256,
            values=values,
            tensors=tensors,
        )

    def _restore(self, saved: Checkpoint) -> None:
        try:
            self.state = _State(**saved.values["state"])
            self.gradients.parts, has_best = saved.values["parts"], saved.values["has_best"]
            self.model.load_state_dict(below("model.", saved.tensors))
            self.optimizer.restore(below("optimizer.", saved.tensors), below("model.", saved.tensors))
        except (KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"step {saved.step}: saved by another version of this program ({error})") from error
        self.clock = Clock(on_cpu=self.device.type == "cpu", used=self.state.seconds + self.clock.seconds())
        if has_best:
            self.best = {name: tensor.to(self.device) for name, tensor in saved.weights.items()}


@torch.no_grad()
def mean_nll(model: Model, pairs: Sequence[EncodedPair], token_budget: int, device: torch.device) -> float:
    """Negative log-likelihood of the pairs' targets, nats a token."""
    model.eval()
    total, tokens = torch.zeros((), dtype=torch.float64, device=device), 0
    for indices in plan_batches(pairs, token_budget=token_budget, packs=model.packs):
        losses, _ = model.token_losses(make_batch([pairs[index] for index in indices], device))
        total, tokens = total + losses.double().sum(), tokens + len(losses)
    return float(total) / tokens


def _saved(folder: Path, config: TrainingConfig, data_sha256: str, *, resumable: bool) -> Checkpoint:
    """The checkpoint to go on from. Raises CheckpointError where it is of another config or of other data."""
    saved = load_checkpoint(folder, resumable=resumable)
    if saved.data_sha256 != data_sha256:
        raise CheckpointError(f"{folder}: was trained on other data; choose another directory")
    before, now = saved.config.to_dict(), config.to_dict()
    if differing := [f"{key}={before[key]} there, {now[key]} here" for key in now if before[key] != now[key]]:
        raise CheckpointError(f"{folder}: was trained with other settings ({'; '.join(differing)})")
    return saved


def _result(final: Path, saved: Checkpoint) -> TrainingResult:
    state = saved.values["state"]
    return TrainingResult(
        checkpoint=final,
        sha256=read_manifest(final)["files"][WEIGHTS],
        steps=saved.step,
        seconds=state["seconds"],
        valid_nll=state["best_nll"],
        history=state["history"],
        left_out=saved.values["left_out"],
        why_left_out=saved.values["why_left_out"],
    )
