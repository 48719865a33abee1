"""Several models of one vocabulary that write together: at each token the mean of their log-probabilities, normalised
again, which is the geometric mean of their probabilities. To greedy, sampling and beam search they are one model.

(Sutskever et al. 2014 put together the predictions of several models; the mean of log-probabilities is what toolkits of
translation such as Marian take.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from modeling.architectures import Memory, Model, State
from modeling.architectures.interface import EncoderDecoder
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.errors import DecodingError

GIVEN = ("context", "max_source_length")  # settings that decide what a model reads


@dataclass(frozen=True)
class EnsembleMemory(Memory):
    """members: what each keeps of the sources."""

    members: tuple[Memory, ...]

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        return type(self)(change(self.mask), tuple(member.map(change) for member in self.members))


class EnsembleState(State):
    def __init__(self, members: Sequence[State]) -> None:
        self.members = members

    def reorder(self, parents: Tensor) -> None:
        for member in self.members:
            member.reorder(parents)

    def keep(self, sources: Tensor) -> None:
        for member in self.members:
            member.keep(sources)


class Ensemble(EncoderDecoder[EnsembleMemory, EnsembleState]):
    """Its features are the members', side by side."""

    def __init__(self, members: Sequence[Model]) -> None:
        nn.Module.__init__(self)
        self.members = nn.ModuleList(members)
        self.parts: list[tuple[int, torch.dtype]] = []  # width and kind of each member's features, once there are some

    def compute_in(self, precision: str) -> None:
        for member in self._models:
            member.compute_in(precision)

    def encode(self, source: Tensor, lengths: Tensor) -> EnsembleMemory:
        members = tuple(member.encode(source, lengths) for member in self._models)
        return EnsembleMemory(members[0].mask, members)

    def hidden(self, inputs: Tensor, memory: EnsembleMemory) -> Tensor:
        pairs = zip(self._models, memory.members, strict=True)
        return self._beside([member.hidden(inputs, its) for member, its in pairs])

    def start(self, memory: EnsembleMemory, texts: int) -> EnsembleState:
        pairs = zip(self._models, memory.members, strict=True)
        return EnsembleState([member.start(its, texts) for member, its in pairs])

    def step(self, tokens: Tensor, state: EnsembleState, memory: EnsembleMemory) -> Tensor:
        each = zip(self._models, state.members, memory.members, strict=True)
        return self._beside([member.step(tokens, its_state, its) for member, its_state, its in each])

    def logits(self, features: Tensor) -> Tensor:
        """The mean of the members' log-probabilities, which a softmax normalises."""
        parts = features.split([width for width, _ in self.parts], dim=-1)
        logits = [
            member.logits(part.to(kind))
            for member, part, (_, kind) in zip(self._models, parts, self.parts, strict=True)
        ]
        total = logits[0].log_softmax(dim=-1, dtype=torch.float32)
        for each in logits[1:]:
            total = total + each.log_softmax(dim=-1, dtype=torch.float32)
        return total / len(logits)

    @property
    def _models(self) -> list[Any]:
        return list(self.members)

    def _beside(self, features: Sequence[Tensor]) -> Tensor:
        self.parts = [(each.shape[-1], each.dtype) for each in features]
        return torch.cat(list(features), dim=-1)


def ensemble(first: Checkpoint, others: Sequence[Path], device: torch.device, weights: str) -> Model:
    """The first checkpoint's model, or what it and the others make together.

    Raises CheckpointError, and DecodingError for one that reads or writes other tokens than the first.
    """
    members = [first.model(device, weights)]
    for folder in others:
        other = load_checkpoint(folder)
        check_alike(first, other, folder)
        members.append(other.model(device, weights))
    return Ensemble(members).eval() if others else members[0]


def check_alike(first: Checkpoint, other: Checkpoint, folder: Path) -> None:
    """Raises DecodingError where the two would not be given the same token ids, or mean other words by them."""
    hint = "train all members of an ensemble on the same training file with the same vocabulary settings"
    mine, its = first.tokenizer, other.tokenizer
    if type(mine) is not type(its) or mine.files() != its.files():
        raise DecodingError(
            f"{folder}: its vocabulary ({len(its):,} tokens) differs from that of the ensemble's first model "
            f"({len(mine):,} tokens); {hint}"
        )
    if mine.normalisation != its.normalisation:
        raise DecodingError(
            f"{folder}: its text normalisation ({its.normalisation}) differs from that of the ensemble's first model "
            f"({mine.normalisation}); {hint}"
        )
    given = {name: (getattr(first.config, name), getattr(other.config, name)) for name in GIVEN}
    given["denoising"] = bool(first.config.denoising), bool(other.config.denoising)
    for name, (one, another) in given.items():
        if one != another:
            raise DecodingError(
                f"{folder}: was trained with {name}={another}, but the ensemble's first model with {name}={one}; "
                "they would need different sources"
            )
