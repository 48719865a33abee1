"""Learning from what people said of texts: objectives over judged texts, beside the likelihood of human ones.

π is the model that learns, ρ the one it began from, x a source, y a text, σ the logistic function.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from modeling.architectures import Model
from modeling.batching import make_batch, plan_batches
from modeling.config import BETA, SIMPO_BETA, TrainingConfig
from modeling.corpus import EncodedPair
from modeling.objectives import Likelihood, Objective, Pairs, log_probabilities

NO_MARKS: NDArray[np.float32] = np.empty(0, dtype=np.float32)


@dataclass(frozen=True)
class JudgedPair(EncodedPair):
    """A text for a source, and what was said of it.

    `reference` is log ρ(y | x) in nats; `flip_rate` the probability that the judgement is the wrong way round;
    `marked` (T) how bad each of its tokens is, from 0 to 1.
    """

    reference: float = 0.0
    flip_rate: float = 0.0
    desirable: bool = True
    marked: NDArray[np.float32] = field(default_factory=lambda: NO_MARKS)


class OfJudged(Objective):
    """A loss of judged pairs, in the mean over what was judged."""

    uses_reference: ClassVar[bool] = True

    def amount(self, pairs: Pairs) -> float:
        return sum(pair.weight for pair in pairs[:: self.texts])


class OfPreferences(OfJudged):
    """A loss of two texts for one source, the chosen one first."""

    texts = 2

    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        policy, reference = log_probabilities(model, pairs, device), references(pairs, device)
        lengths = torch.tensor([len(pair.target) for pair in pairs], dtype=policy.dtype, device=device)
        flip_rate = torch.tensor([pair.flip_rate for pair in judged(pairs[::2])], device=device)
        each = self.losses(policy.view(-1, 2), reference.view(-1, 2), lengths.view(-1, 2), flip_rate)
        return (each * weights(pairs[::2], device)).sum()

    @abstractmethod
    def losses(self, policy: Tensor, reference: Tensor, lengths: Tensor, flip_rate: Tensor) -> Tensor:
        """policy, reference (U, 2) log-probabilities in nats, lengths (U, 2) in tokens with the end, flip_rate (U): the
        loss of each preference (U)."""


@dataclass(frozen=True)
class Dpo(OfPreferences):
    """Direct preference optimisation (Rafailov et al. 2023, equation 7): -log σ(h), where h is β times how much more
    often π writes the chosen text than ρ does, in nats, less the same of the rejected one.

    With flip rates ε that are above 0 its unbiased version ((1 - ε) ℓ(h) - ε ℓ(-h)) / (1 - 2 ε) (Chowdhury, Kini and
    Natarajan 2024, equation 12).
    """

    beta: float

    def losses(self, policy: Tensor, reference: Tensor, lengths: Tensor, flip_rate: Tensor) -> Tensor:
        gained = policy - reference
        preferred = self.beta * (gained[:, 0] - gained[:, 1])
        as_said, flipped = F.logsigmoid(preferred), F.logsigmoid(-preferred)
        return (flip_rate * flipped - (1 - flip_rate) * as_said) / (1 - 2 * flip_rate)


@dataclass(frozen=True)
class Ipo(OfPreferences):
    """Identity preference optimisation (Azar et al. 2024, equation 17): the square of h / β less 1 / (2 β), with the
    log-probabilities a token."""

    beta: float

    def losses(self, policy: Tensor, reference: Tensor, lengths: Tensor, flip_rate: Tensor) -> Tensor:
        gained = (policy - reference) / lengths
        return (gained[:, 0] - gained[:, 1] - 1 / (2 * self.beta)).square()


@dataclass(frozen=True)
class SimPo(OfPreferences):
    """Simple preference optimisation (Meng, Xia and Chen 2024, equation 6): -log σ(β (a - b) - γ), where a and b are
    log-probabilities a token of the chosen and the rejected text, without ρ."""

    beta: float
    margin: float
    uses_reference = False

    def losses(self, policy: Tensor, reference: Tensor, lengths: Tensor, flip_rate: Tensor) -> Tensor:
        each = policy / lengths
        return -F.logsigmoid(self.beta * (each[:, 0] - each[:, 1]) - self.margin)


@dataclass(frozen=True)
class Kto(OfJudged):
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, equation 8), of a text that is as it should be or is not,
    and one written for another source, from which the distance between π and ρ is estimated over a batch."""

    beta: float
    texts = 2

    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        texts, others = pairs[::2], pairs[1::2]
        with torch.no_grad():
            distance = (log_probabilities(model, others, device) - references(others, device)).mean().clamp(min=0)
        gained = log_probabilities(model, texts, device) - references(texts, device)
        signs = torch.tensor([1.0 if pair.desirable else -1.0 for pair in judged(texts)], device=device)
        return ((1 - torch.sigmoid(self.beta * signs * (gained - distance))) * weights(texts, device)).sum()


@dataclass(frozen=True)
class Unlikelihood(OfJudged):
    """Token-level unlikelihood (Welleck et al. 2020, equation 4) of what was marked: -log(1 - p) of each token, times
    how bad it is, in the mean over all that is marked."""

    uses_reference = False
    of_tokens = True

    def amount(self, pairs: Pairs) -> float:
        return sum(pair.weight * float(pair.marked.sum()) for pair in judged(pairs))

    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        batch = make_batch(pairs, device)
        losses, rows = model.token_losses(batch)
        marks = torch.from_numpy(np.concatenate([pair.marked for pair in judged(pairs)])).to(device)
        # log(1 - p) from log p = -loss; the loss of a token that is certain is 0, and its logarithm is bounded.
        unlikely = -torch.log(-torch.expm1(-losses.clamp(min=CERTAIN)))
        return (unlikely * marks * batch.weights[rows]).sum()


CERTAIN = 1e-6  # nats: from where on a token that should not be is no more unlikely than that


class Distillation(OfJudged):
    """The negative log-likelihood of texts that were chosen, nats a token."""

    uses_reference = False
    of_tokens = True

    def amount(self, pairs: Pairs) -> float:
        return Likelihood().amount(pairs)

    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        return Likelihood().loss(model, pairs, device)


OBJECTIVES: Mapping[str, Callable[[TrainingConfig], OfJudged]] = {
    "distillation": lambda config: Distillation(),
    "dpo": lambda config: Dpo(config.beta or BETA),
    "ipo": lambda config: Ipo(config.beta or BETA),
    "simpo": lambda config: SimPo(config.beta or SIMPO_BETA, config.margin),
    "kto": lambda config: Kto(config.beta or BETA),
    "unlikelihood": lambda config: Unlikelihood(),
}


def judged(pairs: Pairs) -> list[JudgedPair]:
    return [pair for pair in pairs if isinstance(pair, JudgedPair)]


def references(pairs: Pairs, device: torch.device) -> Tensor:
    return torch.tensor([pair.reference for pair in judged(pairs)], device=device)


def weights(pairs: Pairs, device: torch.device) -> Tensor:
    return torch.tensor([pair.weight for pair in pairs], device=device)


@torch.no_grad()
def with_references(
    model: Model, pairs: Sequence[JudgedPair], token_budget: int, device: torch.device
) -> list[JudgedPair]:
    """The pairs with their log-probabilities under the model as it is."""
    model.eval()
    found = np.zeros(len(pairs))
    for indices in plan_batches(pairs, token_budget=token_budget, packs=model.packs):
        values = log_probabilities(model, [pairs[index] for index in indices], device)
        found[indices] = values.double().cpu().numpy()
    return [replace(pair, reference=value) for pair, value in zip(pairs, found.tolist(), strict=True)]
