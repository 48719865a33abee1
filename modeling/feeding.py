"""What each step of a training learns from: the pairs of people's texts, and beside them those that were judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from modeling.architectures import Model
from modeling.batching import Planner
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair, Example
from modeling.devices import precision
from modeling.feedback import OBJECTIVES, JudgedPair, OfJudged, with_references
from modeling.feedback_rows import Row
from modeling.judged_pairs import judged_pairs
from modeling.material import Material
from modeling.objectives import Likelihood, Objective, Pairs, Part
from modeling.processes import Processes
from modeling.resuming import State
from modeling.tokenization import Tokenizer

Batches = Iterator[tuple[list[EncodedPair], int, int]]


@dataclass(frozen=True)
class Feedback:
    """Judged pairs, and what is learned from them. A pair's `example` is the place of one of the `examples` behind all
    those of people's texts; `left_out` says why some judgements are not among the pairs."""

    objective: OfJudged
    pairs: Sequence[JudgedPair]
    examples: Sequence[Example]
    left_out: Sequence[str]

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        model: Model,
        tokenizer: Tokenizer,
        config: TrainingConfig,
        device: torch.device,
        *,
        first_example: int,
    ) -> Feedback:
        """What the rows teach a model that goes on from its weights. Raises CorpusError where that is nothing."""
        objective = OBJECTIVES[config.objective](config)
        pairs, left_out = judged_pairs(rows, tokenizer, config, first_example=first_example)
        if objective.uses_reference:
            with precision(config.precision, device):
                pairs = with_references(model, pairs, config.token_budget, device)
        return cls(objective, pairs, [row.example for row in rows], left_out)


@dataclass(frozen=True)
class Step:
    """`parts` are what this process computes, `pairs` what all of them do."""

    parts: list[Part]
    pairs: list[EncodedPair]


class Feed:
    """Batches from where a training is, and the steps that they make: a function of its data and its state alone."""

    def __init__(
        self,
        config: TrainingConfig,
        material: Material,
        processes: Processes,
        *,
        packs: bool,
        feedback: Feedback | None = None,
    ) -> None:
        self.config, self.material, self.processes, self.packs = config, material, processes, packs
        by_text = feedback is not None and not feedback.objective.of_tokens  # as what it is weighed against
        self.feedback, self.likelihood = feedback, Likelihood(config.label_smoothing, by_text=by_text)
        self.batches_a_step = config.accumulation * processes.count
        self._pairs: Batches | None = None
        self._judged: Batches | None = None

    def batches_an_epoch(self, epoch: int) -> int:
        """Of what the training's epochs are counted by: the judged pairs where it has some."""
        planner = self._judged_planner(self.feedback) if self.feedback else self._planner(restoring=False)
        return len(planner.plan(epoch))

    def next(self, state: State) -> Step:
        """What the state's next step computes in this process; the state moves on to what comes behind."""
        config = self.config
        if state.pairs_from is None and state.step >= config.denoising * state.total_steps:
            state.pairs_from, state.epoch, state.position, state.loss, self._pairs = state.step, 0, 0, None, None
        restoring = state.pairs_from is None
        human: list[list[EncodedPair]] = []
        if self.feedback is None or config.anchor:
            if self._pairs is None:
                self._pairs = self._planner(restoring=restoring).batches(state.epoch, state.position)
            taken, state.epoch, state.position = self._taken(self._pairs)
            human = self.material.noised(taken, state.step, restoring=restoring)
        judged: list[list[EncodedPair]] = []
        if self.feedback:
            if self._judged is None:
                planner = self._judged_planner(self.feedback)
                self._judged = planner.batches(state.judged_epoch, state.judged_position)
            judged, state.judged_epoch, state.judged_position = self._taken(self._judged)
        return self._step(human, judged)

    def timed(self, *, restoring: bool) -> Iterator[Step]:
        """What the first steps would compute, without end."""
        human, judged = self._planner(restoring=restoring).batches(0, 0), None
        if self.feedback:
            judged = self._judged_planner(self.feedback).batches(0, 0)
        while True:
            taken = self._taken(human)[0] if self.feedback is None or self.config.anchor else []
            human_noised = self.material.noised(taken, 0, restoring=restoring)
            yield self._step(human_noised, self._taken(judged)[0] if judged else [])

    def _planner(self, *, restoring: bool) -> Planner:
        config = self.config
        pairs = self.material.restorations if restoring else self.material.pairs
        return Planner(pairs, token_budget=config.token_budget, seed=config.seed, packs=self.packs)

    def _judged_planner(self, feedback: Feedback) -> Planner:
        return Planner(
            feedback.pairs,
            token_budget=self.config.token_budget,
            seed=self.config.seed,
            packs=self.packs,
            texts=feedback.objective.texts,
        )

    def _taken(self, batches: Batches) -> tuple[list[list[EncodedPair]], int, int]:
        """A step's batches, with the epoch and the position of what comes behind."""
        taken = [next(batches) for _ in range(self.batches_a_step)]
        _, epoch, position = taken[-1]
        return [batch for batch, _, _ in taken], epoch, position

    def _step(self, human: list[list[EncodedPair]], judged: list[list[EncodedPair]]) -> Step:
        pairs = [pair for batch in (*judged, *human) for pair in batch]
        if not self.feedback:
            return Step([self._part(self.likelihood, human, 1.0)], pairs)
        anchor = [self._part(self.likelihood, human, self.config.anchor, told=False)] if human else []
        return Step([self._part(self.feedback.objective, judged, 1.0), *anchor], pairs)

    def _part(self, objective: Objective, batches: Sequence[Pairs], factor: float, *, told: bool = True) -> Part:
        amount = sum(objective.amount(batch) for batch in batches)
        return Part(objective, batches[self.processes.rank :: self.processes.count], amount, factor, told)
