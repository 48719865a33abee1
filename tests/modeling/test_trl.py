"""What TRL computes on a tiny T5, which `tests/modeling/trl/README.md` describes."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import T5Config, T5ForConditionalGeneration

from modeling.batching import Batch
from modeling.feedback import Dpo, Ipo, JudgedPair, Kto, OfJudged, SimPo, with_references

FOLDER = Path(__file__).parent / "trl"
FIXTURE = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
TENSORS = load_file(FOLDER / "tensors.safetensors")
CASES: dict[str, Any] = FIXTURE["cases"]
IGNORED = -100  # of a label: the library's word for padding
CPU = torch.device("cpu")
OBJECTIVES: dict[str, Callable[[dict[str, float]], OfJudged]] = {
    "dpo": lambda settings: Dpo(settings["beta"]),
    "robust_dpo": lambda settings: Dpo(settings["beta"]),
    "ipo": lambda settings: Ipo(settings["beta"]),
    "simpo": lambda settings: SimPo(settings["beta"], settings["simpo_gamma"]),
    "kto": lambda settings: Kto(settings["beta"]),
    "kto_clamped": lambda settings: Kto(settings["beta"]),
}


class Wrapped(nn.Module):
    """A model of the library with what an objective asks of ours."""

    packs = False

    def __init__(self, model: T5ForConditionalGeneration) -> None:
        super().__init__()
        self.model = model

    def token_losses(self, batch: Batch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        labels = batch.targets.masked_fill(batch.targets == 0, IGNORED)
        mask = (torch.arange(batch.source.shape[1]) < batch.source_lengths[:, None]).long()
        logits = self.model(input_ids=batch.source, attention_mask=mask, labels=labels).logits
        losses = F.cross_entropy(
            logits[batch.rows, batch.positions], batch.targets[batch.rows, batch.positions], reduction="none"
        )
        return losses, batch.rows


def judged(case: dict[str, Any]) -> list[JudgedPair]:
    """A case's texts with what was said of them; how probable they are to the reference is yet to be found."""
    settings, of_pairs = case["settings"], case["trainer"] != "KTOTrainer"
    found = []
    for row in rows_of(case):
        keys = ("chosen", "rejected") if of_pairs else ("text", "mismatched")
        desirable = row.get("desirable", True)
        weight = 1.0 if of_pairs else settings["desirable_weight" if desirable else "undesirable_weight"]
        for key in keys:
            source, target = (np.array(row[name], dtype=np.int32) for name in ("source", key))
            flip_rate = settings.get("label_smoothing", 0.0)
            found.append(JudgedPair(source, target, weight, 0, 1, flip_rate=flip_rate, desirable=desirable))
    return found


def tensors(name: str) -> dict[str, Tensor]:
    """By parameter: the weights `policy` or `reference`, or the gradients of a case's loss."""
    return {key.removeprefix(f"{name}/"): value for key, value in TENSORS.items() if key.startswith(f"{name}/")}


def t5(weights: str) -> T5ForConditionalGeneration:
    model = T5ForConditionalGeneration(T5Config(**FIXTURE["config"])).eval()
    named = dict(model.named_parameters())
    assert named.keys() == tensors(weights).keys()
    with torch.no_grad():
        for name, value in tensors(weights).items():
            named[name].copy_(value)
    return model


def token_logps(
    model: T5ForConditionalGeneration, sources: Iterable[Sequence[int]], texts: Iterable[Sequence[int]]
) -> list[Tensor]:
    """Of each text, the log-probabilities of its tokens given its source."""
    encoded = pad_sequence([torch.tensor(ids) for ids in sources], batch_first=True)
    labels = pad_sequence([torch.tensor(ids) for ids in texts], batch_first=True, padding_value=IGNORED)
    logits = model(input_ids=encoded, attention_mask=(encoded != 0).long(), labels=labels).logits
    counted = labels != IGNORED
    of_labels = logits.log_softmax(-1).gather(-1, labels.masked_fill(~counted, 0)[..., None])[..., 0]
    return [row[mask] for row, mask in zip(of_labels, counted, strict=True)]


def near(expected: list[float]) -> Any:
    """To 1e-5, or what float32 holds of a sum over a long text."""
    return pytest.approx(expected, rel=1e-6, abs=1e-5)


def rows_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    return FIXTURE["texts" if case["trainer"] == "KTOTrainer" else "pairs"]


def column(case: dict[str, Any], key: str) -> list[Any]:
    return [row[key] for row in rows_of(case)]


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, case in CASES.items() for role in ("policy", "reference") if case[role]]
)
def test_log_probabilities_are_those_that_trl_has(name: str, role: str) -> None:
    """Summed over all tokens of a text and its end, or the mean over as many."""
    case = CASES[name]
    for key, expected in case[f"{role}_logps"].items():
        with torch.no_grad():
            logps = token_logps(t5(case[role]), column(case, "source"), column(case, key))
        ours = [text.sum() / (len(text) if case["logps_are"] == "means" else 1) for text in logps]
        assert torch.stack(ours).tolist() == near(expected)


@pytest.mark.parametrize("role", ["policy", "reference"])
def test_trl_leaves_out_the_end_of_the_longest_texts(role: str) -> None:
    """Without a spare column of padding, which is why the cases have one: all tokens count."""
    case = FIXTURE["dpo_without_spare_column"]
    longest = max(len(ids) for key in ("chosen", "rejected") for ids in column(case, key))
    for key in ("chosen", "rejected"):
        with torch.no_grad():
            logps = token_logps(t5(role), column(case, "source"), column(case, key))
        ours = [text[: longest - 1].sum().item() for text in logps]
        assert ours == near(case[f"{role}_logps"][key])
        assert (ours == near(CASES["dpo"][f"{role}_logps"][key])) == (key == "chosen")


@pytest.mark.parametrize("name", CASES)
def test_every_weight_of_the_policy_has_a_gradient(name: str) -> None:
    gradients = tensors(name)
    assert {key: value.shape for key, value in gradients.items()} == {
        key: value.shape for key, value in tensors(CASES[name]["policy"]).items()
    }
    assert all(value.abs().max() > 1e-3 for value in gradients.values())


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_are_those_of_trl(name: str) -> None:
    case = CASES[name]
    objective, policy = OBJECTIVES[name](case["settings"]), Wrapped(t5(case["policy"]))
    pairs = judged(case)
    if case["reference"]:
        pairs = with_references(Wrapped(t5(case["reference"])), pairs, 10_000, CPU)  # type: ignore[arg-type]
    loss = objective.loss(policy, pairs, CPU) / len(rows_of(case))  # type: ignore[arg-type]
    loss.backward()
    assert loss.item() == pytest.approx(case["loss"], abs=1e-5)
    of_ours = {key: parameter.grad for key, parameter in policy.model.named_parameters()}
    for key, expected in tensors(name).items():
        torch.testing.assert_close(of_ours[key], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("name", "below_zero"), [("kto", False), ("kto_clamped", True)])
def test_the_divergence_is_of_mismatched_texts_and_not_below_zero(name: str, below_zero: bool) -> None:
    case = CASES[name]
    texts, mismatched = column(case, "text"), column(case, "mismatched")
    assert mismatched == [texts[-1], *texts[:-1]]
    policy, reference = (torch.tensor(case[f"{role}_logps"]["mismatched"]) for role in ("policy", "reference"))
    mean = (policy - reference).mean().item()
    assert (mean < 0) == below_zero
    assert case["kl"] == pytest.approx(max(mean, 0), abs=1e-5)
