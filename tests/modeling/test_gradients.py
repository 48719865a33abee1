"""The gradient of a step is that of the loss per token, however its pairs are spread over batches and pieces."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from modeling import objectives
from modeling.architectures import Model, build
from modeling.batching import Batch, make_batch, padded_tokens
from modeling.checkpoints import load_checkpoint, steps_of
from modeling.config import load_preset
from modeling.corpus import EncodedPair, encode_pairs, read_examples, texts
from modeling.devices import cpu_threads
from modeling.errors import TrainingError
from modeling.gradients import Gradients
from modeling.objectives import Likelihood, Part
from modeling.processes import Processes
from modeling.tokenization import PAD, Normalisation, Tokenizer
from modeling.training import train
from tests.modeling.corpora import write_examples
from tests.modeling.interruptions import train_until
from tests.site import ROOT

CPU = torch.device("cpu")
CONFIG = load_preset("tiny", ["dropout=0", "label_smoothing=0.1", "vocabulary_size=60"])
STEP = 3


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with cpu_threads(1):
        yield


@pytest.fixture
def pairs(tmp_path: Path) -> list[EncodedPair]:
    examples = read_examples(write_examples(tmp_path / "examples.jsonl", 24))
    tokenizer = Tokenizer.train(texts(examples), Normalisation(), vocabulary_size=60, seed=1)
    encoded, _ = encode_pairs(examples, tokenizer, CONFIG)
    return [replace(pair, weight=1.0 + number % 3) for number, pair in enumerate(encoded)]


@pytest.fixture
def model() -> Model:
    torch.manual_seed(5)
    return build(CONFIG, 60)


def gradient(model: Model) -> Tensor:
    return torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])


def computed(model: Model, batches: list[list[EncodedPair]], parts: int = 1) -> tuple[float, Tensor]:
    made = Gradients(model, CONFIG, Processes(), CPU, parts)
    return made.compute([likelihood(batches)], STEP).item(), gradient(model)


def likelihood(batches: list[list[EncodedPair]]) -> Part:
    return Part(Likelihood(CONFIG.label_smoothing), batches, weighted([pair for batch in batches for pair in batch]))


def test_weights_that_are_all_zero_move_nothing(model: Model, pairs: list[EncodedPair]) -> None:
    loss, moved = computed(model, [[replace(pair, weight=0.0) for pair in pairs]])
    assert (loss, moved.abs().max()) == (0, 0)


def weighted(pairs: list[EncodedPair]) -> float:
    return sum(pair.weight * len(pair.target) for pair in pairs)


def test_it_is_the_mean_over_all_tokens_of_all_batches(model: Model, pairs: list[EncodedPair]) -> None:
    """By hand, from logits: unequal batches count by their tokens, tokens by their weight, smoothing as its paper says:
    0.9 of the target's loss and 0.1 of the mean over the vocabulary (Szegedy et al. 2016, section 7)."""
    loss, accumulated = computed(model, [pairs[:5], pairs[5:]])
    model.zero_grad()
    batch = make_batch(pairs, CPU)
    log_probs = model.logits(model.hidden(batch.inputs, model.encode(batch.source, batch.source_lengths))).log_softmax(
        -1
    )
    taken = -log_probs.gather(2, batch.targets[..., None])[..., 0]
    smoothed = 0.9 * taken - 0.1 * log_probs.mean(-1)
    real = batch.targets != PAD
    expected = (smoothed * real * batch.weights[:, None]).sum() / (real * batch.weights[:, None]).sum()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(accumulated, gradient(model), rtol=1e-4, atol=1e-6)


def test_two_halves_make_one_step_of_adam(model: Model, pairs: list[EncodedPair]) -> None:
    twin = build(CONFIG, 60)
    twin.load_state_dict(model.state_dict())
    for each, batches in ((model, [pairs]), (twin, [pairs[::2], pairs[1::2]])):
        optimizer = torch.optim.AdamW(each.parameters(), lr=0.01, eps=1e-3)
        computed(each, batches)
        optimizer.step()
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def limited(model: Model, limit: int, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> list[int]:
    """Let batches above so many padded tokens not fit; the list gets the padded tokens of every batch tried."""
    tried: list[int] = []
    make = make_batch

    def short(pairs: list[EncodedPair], device: torch.device) -> Batch:
        tried.append(padded_tokens(pairs))
        if padded_tokens(pairs) > limit:
            raise error
        return make(pairs, device)

    monkeypatch.setattr(objectives, "make_batch", short)
    return tried


@pytest.fixture(params=["torch", "numpy", "cpu"])
def shortage(request: pytest.FixtureRequest) -> BaseException:
    cpu = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to …"
    made: dict[str, BaseException] = {"torch": torch.OutOfMemoryError("CUDA"), "numpy": MemoryError()}
    return made.get(request.param, RuntimeError(cpu))


def test_out_of_memory_halves_the_batch(
    model: Model, pairs: list[EncodedPair], monkeypatch: pytest.MonkeyPatch, shortage: BaseException
) -> None:
    loss, whole = computed(model, [pairs])
    tried = limited(model, padded_tokens(pairs) * 2 // 3, monkeypatch, shortage)
    made = Gradients(model, CONFIG, Processes(), CPU)
    assert made.compute([likelihood([pairs])], STEP).item() == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(gradient(model), whole, rtol=1e-4, atol=1e-6)
    assert made.parts == 2
    made.compute([likelihood([pairs])], STEP)
    assert len(tried) == 1 + 2 + 2, "the halves from then on, without trying the whole again"


def test_out_of_memory_in_halves_fails_with_what_would_fit(
    model: Model, pairs: list[EncodedPair], monkeypatch: pytest.MonkeyPatch, shortage: BaseException
) -> None:
    limit = padded_tokens(pairs) // 5
    limited(model, limit, monkeypatch, shortage)
    with pytest.raises(TrainingError, match="step 3: out of memory even on half of a batch of") as caught:
        Gradients(model, CONFIG, Processes(), CPU).compute([likelihood([pairs])], STEP)
    fits = int(str(caught.value).partition("token_budget=")[2].split()[0])
    assert limit / 2 < fits <= limit
    limited(model, 0, monkeypatch, shortage)
    with pytest.raises(TrainingError, match="not even a single pair fits"):
        Gradients(model, CONFIG, Processes(), CPU).compute([likelihood([pairs])], STEP)


def test_other_errors_are_not_taken_for_it(
    model: Model, pairs: list[EncodedPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(model, 0, monkeypatch, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        Gradients(model, CONFIG, Processes(), CPU).compute([likelihood([pairs])], STEP)


def test_a_cpu_that_lacks_memory_is_recognised_and_nothing_is_kept() -> None:
    """With the address space of a process of its own cut short: what fits after the failure shows that it let go."""
    code = """
import resource, torch
from modeling.memory import attempt
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
def compute(size):
    start = torch.ones(size, requires_grad=True)
    (start * 2 * start).sum().backward()
    return size
assert attempt(lambda: compute(100_000_000)) is None
assert attempt(lambda: compute(20_000_000)) is None
assert attempt(lambda: compute(5_000_000)) == 5_000_000
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_halving_is_kept_in_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_preset("tiny", ["vocabulary_size=60", "max_steps=8", "dropout=0", "save_every=0"])
    file = write_examples(tmp_path / "train.jsonl", 60)
    with monkeypatch.context() as patch:
        limited(build(CONFIG, 60), 200, patch, torch.OutOfMemoryError())
        train_until(4, config, train_file=file, valid_file=None, out=tmp_path / "out")
    saved = steps_of(tmp_path / "out")[0]
    assert load_checkpoint(saved, resumable=True).values["parts"] == 2
    tried = limited(build(CONFIG, 60), 10**9, monkeypatch, MemoryError())
    train(config, train_file=file, valid_file=None, directory=tmp_path / "out")
    assert len(tried) == 2 * 5, "steps 4 to 8, each in halves"


@pytest.mark.parametrize("family", ["gru-luong", "transformer"])
def test_bfloat16_learns_as_float32_does(family: str, tmp_path: Path) -> None:
    file = write_examples(tmp_path / "train.jsonl", 80)

    def losses(precision: str) -> list[float]:
        found: list[float] = []
        settings = [
            "vocabulary_size=60",
            "max_steps=40",
            "dropout=0",
            f"architecture={family}",
            f"precision={precision}",
        ]
        train(
            load_preset("tiny", [*settings, f"precision={precision}"]),
            train_file=file,
            valid_file=None,
            directory=tmp_path / precision,
            on_progress=lambda progress: found.append(progress.loss or 0.0) if progress.step else None,
        )
        return found

    exact, coarse = losses("fp32"), losses("bf16")
    assert exact != coarse
    assert coarse == pytest.approx(exact, rel=0.02)
    assert coarse[-1] < 0.9 * coarse[0]
