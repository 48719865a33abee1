"""Training an encoder-decoder: resumable, and on the CPU with the same weights however often it was interrupted.

A batch depends on (data, seed, epoch) alone, every step draws its noise and dropout from a seed of its own, and the
learning rate follows from the step among the planned ones, so that a checkpoint needs the position, the weights and the
optimizer, and nothing of any random generator or clock.

Under `torchrun` each process takes its share of a step's batches; gradients are averaged over the step's tokens, the
first process alone looks at the validation pairs, reports and saves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modeling.architectures import Model, begin, build_for, make_ready
from modeling.bases import settled_path
from modeling.batching import plan_batches
from modeling.checkpoints import (
    FINAL,
    WEIGHTS,
    Checkpoint,
    below,
    latest,
    prune,
    read_manifest,
    save_checkpoint,
    step_folder,
)
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair, fingerprint
from modeling.devices import chosen_precision, cpu_threads, device_name, fast_products, pick_device, precision
from modeling.drawing import Drawn, drawn_texts
from modeling.errors import CheckpointError, TrainingError
from modeling.feedback_rows import check_feedback, read_feedback
from modeling.feeding import Feed, Feedback, Step
from modeling.gradients import Gradients
from modeling.material import Examples, Material
from modeling.objectives import Part
from modeling.optimizer import Optimizer
from modeling.planning import TIMED_SHARE, look_pairs, mean_seconds, planned_steps
from modeling.processes import Processes
from modeling.progress import Clock, OnProgress, Progress, no_progress
from modeling.resuming import KEPT, Pace, State, discard_damaged, initial_checkpoint, newest_whole, saved_checkpoint
from modeling.sampling import Sampler
from modeling.schedule import learning_rate
from modeling.step_losses import StepLosses
from modeling.validation import mean_nll

__all__ = ["Progress", "TrainingResult", "train"]

SAMPLED_SHARE = 0.05  # of the time, beside it, is for samples, but for the first and the last
MOST_DRAWING = 0.75  # of the budget, before the first step
NAMES = 8  # of pairs that were left out, in a message


@dataclass(frozen=True)
class TrainingResult:
    """Where the model is and how its training went. `valid_nll` in nats per token; None without validation pairs.

    `ended_by` is plan, after all `planned_steps`, or budget or patience, before them. `precision` is what was computed
    in, fp32 or bf16; `valid_pairs` how many pairs a look read at most, fewer than asked for where a budget was small.
    `words` is how many words of references were trained on, each as often as it was, and `device` what computed, ""
    where an older version did not say.
    """

    checkpoint: Path
    sha256: str
    steps: int
    planned_steps: int
    valid_pairs: int
    ended_by: str
    precision: str
    seconds: float
    valid_nll: float | None
    history: list[dict[str, float]]
    left_out: int
    why_left_out: list[str]  # of the first few pairs
    words: int = 0
    device: str = ""
    samples: dict[str, Any] = field(default_factory=dict)  # what the model wrote meanwhile: see `modeling.sampling`

    def figures(self) -> dict[str, Any]:
        """How the training went, without where the model is, its history and its samples."""
        others = ("checkpoint", "sha256", "history", "samples")
        return {name: value for name, value in vars(self).items() if name not in others}


def train(
    config: TrainingConfig,
    *,
    train_file: Path,
    valid_file: Path | None,
    directory: Path,
    feedback_file: Path | None = None,
    on_progress: OnProgress = no_progress,
) -> TrainingResult:
    """Train for the steps that the config's first limit allows, and leave the checkpoint as `directory/final`.

    A `budget` is turned into steps by a short timing at the start; a training of as many `max_steps`, with as many
    `valid_pairs`, has the same weights. Where the budget runs out before them it ends there. A directory that holds an
    unfinished training of the same config and data is gone on with; a finished one returns at once. With validation
    pairs the weights of the best look are kept, unless it is over `feedback_file` that the objective is: its aim is not
    likelihood, and the last weights are kept. `on_progress` is called after every step and may raise, to stop. Raises
    ConfigError where feedback is missing or has no use, CorpusError, CheckpointError, or TrainingError for a loss that
    is not a number or a batch that does not fit into memory.
    """
    final = directory / FINAL
    if config.model_path:
        config = replace(config, model_path=settled_path(config.model_path))
    with cpu_threads(config.threads), Processes.joined(config.device) as processes:
        in_bfloat16 = processes.agreed(
            float(chosen_precision(config.may_compute_in, pick_device(config.device)) == "bf16")
        )
        with processes.together():
            check_feedback(config, feedback_file, processes=processes.count)
            data_sha256 = fingerprint(train_file, valid_file, *filter(None, [feedback_file]))
            if (found := latest(directory)) != final:
                saved, damaged = newest_whole(directory, config, data_sha256)
                if not saved:
                    make_ready(config)
                if damaged and processes.first:
                    discard_damaged(damaged, saved, on_progress)
                settled = replace(config, precision="bf16" if in_bfloat16 else "fp32")
                training = _Training(settled, directory, data_sha256, on_progress, processes)
                training.prepare(train_file, valid_file, feedback_file, saved)
        if found != final:
            training.run()
        with processes.together():
            result = _result(final, saved_checkpoint(final, config, data_sha256, resumable=False))
        if processes.first:
            prune(directory, keep=0)
        return result


class _Training:
    def __init__(
        self,
        config: TrainingConfig,
        directory: Path,
        data_sha256: str,
        on_progress: OnProgress,
        processes: Processes,
    ) -> None:
        self.directory, self.data_sha256, self.on_progress = directory, data_sha256, on_progress
        self.processes, self.device = processes, processes.device(pick_device(config.device))
        self.config = config
        self.clock = Clock(on_cpu=self.device.type == "cpu")
        self.sampled_seconds = 0.0
        self.drawn: Drawn | None = None

    def prepare(
        self, train_file: Path, valid_file: Path | None, feedback_file: Path | None, saved: Checkpoint | None
    ) -> None:
        """Make ready for the first step, or the one after the `saved` ones."""
        if saved:
            self.config = saved.config  # which holds what was found out for `auto`
        learns = self.config.learns_from_feedback
        initial = initial_checkpoint(self.config) if self.config.init and (learns or not saved) else None
        self.examples = examples = Examples.read(self.config, train_file, valid_file)
        if known := saved or initial:
            self.tokenizer = known.tokenizer
        else:
            self.on_progress(Progress(0, None, 0.0, message="learning the vocabulary"))
            self.tokenizer = examples.new_tokenizer(self.config)
        self.material = Material.of(examples, self.tokenizer, self.config)
        torch.manual_seed(self.config.seed)
        self.model: Model = (build_for if known else begin)(self.config.as_built, self.tokenizer)
        if initial:
            self.model.load_state_dict(initial.weights)
        self.model.to(self.device)
        self.model.compute_in(self.config.precision)
        feedback = self._feedback(feedback_file) if learns else None
        judged = feedback.examples if feedback else []
        self.feed = Feed(self.config, self.material, self.processes, packs=self.model.packs, feedback=feedback)
        self.gradients = Gradients(self.model, self.config, self.processes, self.device)
        self.optimizer = Optimizer(self.model, self.config)
        self.state = State(pairs_from=None if self.material.restorations else 0)
        if initial:
            self.state.init_sha256 = read_manifest(Path(self.config.init))["files"][WEIGHTS]
        self.best: dict[str, Tensor] | None = None
        self.losses = StepLosses([*examples.training, *judged], self.config.learning_rate, self.device)
        if saved:
            self._restore(saved)
        elif self.drawn and self.drawn.kept:
            self._go_on_from(self.drawn.seconds)
        self.pace = Pace(self.config.save_every)
        self.sampler = Sampler(examples.validation, self.tokenizer, self.config)

    def _feedback(self, feedback_file: Path | None) -> Feedback:
        """What was judged, by people or a reward model, read by the model that is begun with, which the weights are of
        as yet."""
        if feedback_file:
            rows = read_feedback(feedback_file)
        else:
            told: dict[str, Any] = {"now": self._now, "on_progress": self.on_progress}
            examples, data_sha256 = self.examples.training, self.data_sha256
            self.drawn = drawn_texts(self.config, examples, self.directory, data_sha256=data_sha256, **told)
            rows = self.drawn.rows
        self.on_progress(Progress(0, None, 0.0, message="reading the judged texts"))
        with fast_products(self.device):
            first = len(self.examples.training)
            feedback = Feedback.of(rows, self.model, self.tokenizer, self.config, self.device, first_example=first)
        self.material.left_out.extend(feedback.left_out)
        return feedback

    def run(self) -> None:
        with fast_products(self.device):
            if not self.state.total_steps:
                self.state.total_steps = self._planned_steps()
                if self.config.learns_from_feedback and self.material.valid_pairs:
                    with self.processes.together():
                        if self.processes.first:
                            self._look()
            self._loop()
            with self.processes.together():
                if self.processes.first:
                    self._finish()

    def _planned_steps(self) -> int:
        """Steps to the first limit. All processes plan what the first one does."""
        config = self.config
        limits = [config.max_steps] if config.max_steps else []
        if config.epochs:
            batches = sum(self.feed.batches_an_epoch(epoch) for epoch in range(config.epochs))
            limits.append(math.ceil(batches / self.feed.batches_a_step))
        if config.budget:
            limits.append(int(self.processes.agreed(self._steps_within_budget())))
        return min(limits)

    def _steps_within_budget(self) -> int:
        """Timed on real batches, by steps with a learning rate of 0, which leave the weights as they are."""
        config, material, look_seconds = self.config, self.material, 0.0
        if self.drawn and self.drawn.seconds > MOST_DRAWING * config.budget:
            raise TrainingError(
                f"drawing texts and judging them took {self.drawn.seconds:.0f} of the budget's {config.budget:g} "
                f"seconds; set draw_sources below {config.draw_sources}, or a larger budget"
            )
        with self.processes.together():
            if self.processes.first:
                self.on_progress(Progress(0, None, 0.0, message="timing a few steps"))
                if material.valid_pairs:
                    look_seconds = self._bounded_look(self._timed_look(TIMED_SHARE / 3 * config.budget))
        shares = {True: config.denoising, False: 1 - config.denoising}
        step_seconds = sum(
            share * self._timed_step(restoring, 2 / 3 * TIMED_SHARE * config.budget * share)
            for restoring, share in shares.items()
            if share
        )
        self.optimizer.forget()
        used = self._now() + (look_seconds if config.learns_from_feedback else 0.0)  # by the look before the first step
        return planned_steps(config, used=used, step_seconds=step_seconds, look_seconds=look_seconds)

    def _timed_look(self, limit: float) -> float:
        pairs = self.material.valid_pairs
        plan = plan_batches(pairs, token_budget=self.config.token_budget, packs=self.model.packs)
        batches = cycle([[pairs[index] for index in indices] for indices in plan])
        return len(plan) * mean_seconds(lambda: self._nll(next(batches)), self._now, limit)

    def _bounded_look(self, seconds: float) -> float:
        """Let looks read as many pairs as the budget has room for. Returns the seconds that one takes."""
        there = len(self.material.valid_pairs)
        pairs = look_pairs(self.config, pairs=there, look_seconds=seconds)
        if pairs < there:
            self.config = replace(self.config, valid_pairs=pairs)
            self.material = self.material.looking_at(self.examples, self.tokenizer, self.config)
        return seconds * pairs / there

    def _timed_step(self, restoring: bool, limit: float) -> float:
        steps = self.feed.timed(restoring=restoring)
        return mean_seconds(
            lambda: self._computed(next(steps).parts, 0.0), lambda: self.processes.agreed(self._now()), limit
        )

    def _now(self) -> float:
        """Seconds used when all that was begun is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return self.clock.seconds()

    def _end(self) -> str | None:
        """What ends the training here, if anything does."""
        state, config = self.state, self.config
        if state.step >= state.total_steps:
            return "plan"
        if config.patience and state.looks_since_best >= config.patience:
            return "patience"
        return "budget" if config.budget and self.clock.seconds() >= config.budget else None

    def _goes_on(self) -> bool:
        """As the first process has it."""
        self.state.ended_by = self._end()
        return bool(self.processes.agreed(self.state.ended_by is None))

    def _loop(self) -> None:
        state = self.state
        while self._goes_on():
            rate = learning_rate(state.step, state.total_steps, self.config)
            self._step(self.feed.next(state), rate)
            with self.processes.together():
                if self.processes.first:
                    self._look_report_save(rate)

    def _look_report_save(self, rate: float) -> None:
        """What is due after a step. While sentences are restored there is nothing to look at: no pair was seen yet."""
        state = self.state
        if self.material.valid_pairs and state.pairs_from is not None and state.step % self.config.validate_every == 0:
            self._look()
        self._report(rate)
        if self.pace.due():
            with self.pace.saving():
                self._save()

    def _finish(self) -> None:
        """Look at the last weights, where that was not done, and save them."""
        state = self.state
        self._read()
        if self.material.valid_pairs and (not state.history or state.history[-1]["step"] != state.step):
            self._look()
        if self.material.valid_pairs:
            self._sample()
        state.seconds, state.device = self._now(), device_name(self.device)
        save_checkpoint(self._checkpoint(resumable=False), self.directory / FINAL)

    def _step(self, step: Step, rate: float) -> None:
        """One step on all batches, of which this process computes its own."""
        state = self.state
        loss, length = self._computed(step.parts, rate)
        due = self.losses.add(state.step, loss, length, step.pairs)
        state.step += 1
        state.tokens += sum(len(pair.target) for pair in step.pairs)
        state.words += sum(pair.words for pair in step.pairs)
        if due:
            with self.processes.together():
                self._read()

    def _computed(self, parts: Sequence[Part], rate: float) -> tuple[Tensor, Tensor]:
        """Loss and length of the gradient of a step, which is taken unless one of them is no number."""
        self.model.train()
        loss = self.gradients.compute(parts, self.state.step)
        return loss, self.optimizer.step(rate, loss)

    def _read(self) -> None:
        self.state.loss = self.losses.smoothed(self.state.loss)

    def _look(self) -> None:
        """Validate, and keep the weights of the best look, unless it is not likelihood that is learned."""
        state = self.state
        self._read()
        nll = self._nll(self.material.valid_pairs)
        if not math.isfinite(nll):
            raise TrainingError(f"step {state.step}: the validation loss is {nll}")
        loss = {} if state.loss is None else {"loss": state.loss}
        state.history.append({"step": state.step, **loss, "valid_nll": nll})
        learns = self.config.learns_from_feedback
        if learns or state.best_nll is None or nll < state.best_nll:
            state.best_nll, state.looks_since_best = nll, 0
            weights = self.model.state_dict().items()
            self.best = None if learns else {name: tensor.detach().clone() for name, tensor in weights}
        else:
            state.looks_since_best += 1
        if not state.samples or self.sampled_seconds < SAMPLED_SHARE * self.clock.seconds():
            self._sample()

    def _sample(self) -> None:
        """Let the model write for a few validation sources, once a look. The budget is not for that."""
        state, used = self.state, self._now()
        if state.samples and state.samples["looks"][-1]["step"] == state.step:
            return
        state.samples = self.sampler.look(self.model, state.step, state.samples, self.device)
        self.sampled_seconds += self._now() - used
        self.clock = Clock(on_cpu=self.device.type == "cpu", used=used)

    def _nll(self, pairs: Sequence[EncodedPair]) -> float:
        with precision(self.config.precision, self.device):
            return mean_nll(self.model, pairs, self.config.token_budget // self.gradients.parts, self.device)

    def _report(self, rate: float) -> None:
        state, seconds = self.state, self.clock.seconds()
        stage = "restoring sentences, " if state.pairs_from is None else ""
        self.on_progress(
            Progress(
                step=state.step,
                total_steps=state.total_steps,
                fraction=state.step / state.total_steps,
                loss=state.loss,
                valid_loss=state.history[-1]["valid_nll"] if state.history else None,
                learning_rate=rate,
                tokens_per_second=state.tokens / max(seconds, 1e-9),
                seconds=seconds,
                message=f"{stage}step {state.step:,} of {state.total_steps:,}",
                samples=state.samples if state.samples and state.samples["looks"][-1]["step"] == state.step else None,
            )
        )

    def _save(self) -> None:
        self._read()
        self.state.seconds = self.clock.seconds()
        folder = step_folder(self.directory, self.state.step)
        save_checkpoint(self._checkpoint(resumable=True), folder)
        prune(self.directory, keep=KEPT)

    def _checkpoint(self, *, resumable: bool) -> Checkpoint:
        current = self.model.state_dict()
        tensors: dict[str, Tensor] = {}
        if resumable:
            tensors = {f"model.{name}": tensor for name, tensor in {**current, **self.optimizer.masters}.items()}
            tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.state().items()}
        values = {
            "state": vars(self.state),
            "left_out": len(self.material.left_out),
            "why_left_out": self.material.left_out[:NAMES],
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
            self.state = State(**saved.values["state"])
            self.gradients.parts, has_best = saved.values["parts"], saved.values["has_best"]
            self.model.load_state_dict(below("model.", saved.tensors))
            self.optimizer.restore(below("optimizer.", saved.tensors), below("model.", saved.tensors))
        except (KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"step {saved.step}: saved by another version of this program ({error})") from error
        self._go_on_from(self.state.seconds)
        if has_best:
            self.best = {name: tensor.to(self.device) for name, tensor in saved.weights.items()}

    def _go_on_from(self, seconds: float) -> None:
        """Count those that an earlier attempt has used."""
        self.clock = Clock(on_cpu=self.device.type == "cpu", used=seconds + self.clock.seconds())


def _result(final: Path, saved: Checkpoint) -> TrainingResult:
    state = saved.values["state"]
    return TrainingResult(
        checkpoint=final,
        sha256=read_manifest(final)["files"][WEIGHTS],
        steps=saved.step,
        planned_steps=state["total_steps"],
        ended_by=state["ended_by"],
        precision=saved.config.precision,
        valid_pairs=saved.config.valid_pairs,
        seconds=state["seconds"],
        valid_nll=state["best_nll"],
        history=state["history"],
        left_out=saved.values["left_out"],
        why_left_out=saved.values["why_left_out"],
        words=state.get("words", 0),
        device=state.get("device", ""),
        samples=state.get("samples", {}),
    )
