"""Models of one vocabulary write together by the mean of their log-probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.architectures import Model, build
from modeling.batching import make_batch, source_batch
from modeling.checkpoints import load_checkpoint, save_checkpoint
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import EncodedPair, Example
from modeling.decoding import decode, decode_batch
from modeling.ensembles import Ensemble
from modeling.errors import DecodingError
from modeling.marks import BEGIN, END, NEVER_WRITTEN
from modeling.training import TrainingResult

CPU = torch.device("cpu")
VOCABULARY = 24
FAMILIES = ("gru-luong", "transformer", "lstm")
SIZES = {"embedding_size": 16, "hidden_size": 20, "heads": 2, "feedforward_size": 16, "dropout": 0.0, "max_steps": 1}


@pytest.fixture(scope="module")
def members() -> list[Model]:
    torch.manual_seed(3)
    configs = [TrainingConfig(architecture=family, **SIZES) for family in FAMILIES]  # type: ignore[arg-type]
    models = [build(config, VOCABULARY).eval() for config in configs]
    for model in models:
        for parameter in model.parameters():
            parameter.data.mul_(3)  # so that they are sure of something, and not of the same
    return models


@pytest.fixture(scope="module")
def sources() -> list[np.ndarray]:
    draw = np.random.default_rng(1)
    return [np.append(draw.integers(7, VOCABULARY, draw.integers(2, 6)), END).astype(np.int32) for _ in range(6)]


@torch.no_grad()
def log_probs(models: list[Model], source: np.ndarray, prefix: list[int]) -> np.ndarray:
    """Of the next token: the mean over the models, normalised; each is run from its first token, in float64."""
    found = []
    for model in models:
        memory = model.encode(*source_batch([source], CPU))
        logits = model.logits(model.hidden(torch.tensor([[BEGIN, *prefix]]), memory))[0, -1].double().numpy()
        found.append(logits - np.logaddexp.reduce(logits))
    mean = np.mean(found, axis=0)
    return mean - np.logaddexp.reduce(mean)


def greedy(models: list[Model], source: np.ndarray, longest: int) -> tuple[list[int], float]:
    prefix, total = list[int](), 0.0
    while len(prefix) < longest:
        values = log_probs(models, source, prefix)
        allowed = values.copy()
        allowed[NEVER_WRITTEN + [END] * (not prefix)] = -np.inf
        token = int(allowed.argmax())
        total += values[token]
        if token == END:
            break
        prefix.append(token)
    return prefix, total


def test_an_ensemble_writes_by_the_mean_log_probability(members: list[Model], sources: list[np.ndarray]) -> None:
    names = [str(number) for number in range(len(sources))]
    config = DecodingConfig(method="greedy", max_length=8)
    expected = [greedy(members, source, 8) for source in sources]
    assert expected != [greedy(members[:1], source, 8) for source in sources]
    written = [texts[0] for texts in decode_batch(Ensemble(members), sources, names, config)]
    assert [text.tokens for text in written] == [tokens for tokens, _ in expected]
    assert [text.logprob for text in written] == pytest.approx([total for _, total in expected], abs=1e-4)
    beam_of_one = decode_batch(Ensemble(members), sources, names, replace(config, method="beam", beam=1))
    assert [texts[0].tokens for texts in beam_of_one] == [text.tokens for text in written]


def test_n_best_and_samples_have_the_ensembles_log_probabilities(
    members: list[Model], sources: list[np.ndarray]
) -> None:
    """What the search adds up token by token is what one teacher-forced pass gives."""
    together, names = Ensemble(members), [str(number) for number in range(len(sources))]
    for config in (DecodingConfig(method="beam", samples=4), DecodingConfig(samples=4, temperature=1.0, top_p=0.9)):
        found = decode_batch(together, sources, names, replace(config, max_length=8))
        for source, texts in zip(sources, found, strict=True):
            ended = [text for text in texts if len(text.tokens) < 8]
            pairs = [EncodedPair(source, np.array([*each.tokens, END], np.int32), 1.0, 0, 1) for each in ended]
            if pairs:
                losses, rows = together.token_losses(make_batch(pairs, CPU))
                sums = torch.zeros(len(pairs)).index_add(0, rows, -losses)
                assert [text.logprob for text in ended] == pytest.approx(sums.tolist(), abs=1e-3)


@pytest.fixture
def altered(trained: TrainingResult, tmp_path: Path) -> dict[str, Path]:
    """The trained model's checkpoint: with other weights, and with other settings or another vocabulary."""
    loaded = load_checkpoint(trained.checkpoint)
    generator = torch.Generator().manual_seed(1)
    noisy = {
        name: tensor + 0.3 * tensor.std() * torch.randn(tensor.shape, generator=generator)
        for name, tensor in loaded.weights.items()
    }
    other = type(loaded.tokenizer).train(
        ["we saw a dog", "a cat was there"], loaded.tokenizer.normalisation, vocabulary_size=30, seed=1
    )
    changed = {
        "noisy": replace(loaded, weights=noisy),
        "context": replace(loaded, config=replace(loaded.config, context="2")),
        "words": replace(loaded, tokenizer=other),
    }
    for name, checkpoint in changed.items():
        save_checkpoint(replace(checkpoint, tensors={}, values={}, last=None), tmp_path / name)
    return {name: tmp_path / name for name in changed}


def test_checkpoints_write_together(trained: TrainingResult, altered: dict[str, Path]) -> None:
    sources = [Example(f"{n}", f"a {noun} is at the park") for n, noun in enumerate(("dog", "boat", "kite", "cake"))]
    config = DecodingConfig(method="greedy", max_length=12)

    def texts(*folders: Path) -> list[tuple[str, float]]:
        first, *others = folders
        return [(each.text, each.logprob) for each in decode(first, sources, config, ensemble=others)]

    alone, both = texts(trained.checkpoint), texts(trained.checkpoint, altered["noisy"])
    assert both != alone
    assert texts(altered["noisy"], trained.checkpoint) == both
    twice = texts(trained.checkpoint, trained.checkpoint)
    assert [text for text, _ in twice] == [text for text, _ in alone]
    assert [logprob for _, logprob in twice] == pytest.approx([logprob for _, logprob in alone], abs=1e-4)


@pytest.mark.parametrize(
    ("which", "says"),
    [
        (
            "words",
            r"words: its vocabulary \(\d+ tokens\) differs from that of the ensemble's first model \(\d+ tokens\)",
        ),
        ("context", r"context: was trained with context=2, but the ensemble's first model with context=0"),
    ],
)
def test_members_that_read_other_tokens_are_refused(
    trained: TrainingResult, altered: dict[str, Path], which: str, says: str
) -> None:
    with pytest.raises(DecodingError, match=says):
        next(decode(trained.checkpoint, [Example("a", "a dog")], DecodingConfig(), ensemble=[altered[which]]))
