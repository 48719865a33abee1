"""Every preset trains and decodes, made small where it is not, and what it is taught it can be asked."""

import math
from pathlib import Path

import pytest

from modeling.config import DecodingConfig, load_preset, preset_data, preset_names
from modeling.corpus import read_examples
from modeling.decoding import decode
from modeling.training import train

SMALL = ["embedding_size=16", "hidden_size=16", "feedforward_size=32", "token_budget=512", "max_steps=12"]
METHODS = [
    DecodingConfig(method="greedy"),
    DecodingConfig(method="nucleus", samples=2),
    DecodingConfig(method="beam", beam=4, samples=2),
    DecodingConfig(method="diverse_beam", beam=4, groups=2, samples=2),
]


@pytest.mark.parametrize("preset", [name for name in preset_names() if not load_preset(name).model_path])
def test_it_trains_and_decodes(preset: str, corpus: tuple[Path, Path], tmp_path: Path) -> None:
    config = load_preset(preset, [*SMALL, "vocabulary_size=80"])
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path)
    assert result.steps == 12
    assert result.valid_nll is not None
    assert math.isfinite(result.valid_nll)
    sources = read_examples(corpus[1])[:5]
    for method in METHODS:
        written = list(decode(result.checkpoint, sources, method))
        assert [each.id for each in written] == [source.id for source in sources for _ in range(method.samples)]
        assert all(each.text and each.logprob < 0 for each in written)


def test_the_seeds_pair_by_place_as_the_reference_did() -> None:
    assert {name for name in preset_names() if preset_data(name) == {"pairing": "positional", "sources": "own"}} == {
        "seed-lstm",
        "seed-bilstm",
        "seed-gru-attention",
    }


def test_a_gpu_has_batches_of_its_own_where_nobody_says_otherwise() -> None:
    on_cpu, on_gpu = load_preset("smollm2"), load_preset("smollm2", on_gpu=True)
    assert (on_cpu.token_budget, on_gpu.token_budget) == (512, 4096)
    assert load_preset("smollm2", ["token_budget=99"], on_gpu=True).token_budget == 99
    assert load_preset("tiny", on_gpu=True) == load_preset("tiny")
    limits = load_preset("gru-luong", on_gpu=True)
    assert (limits.token_budget, limits.max_steps, limits.budget) == (2048, 5000, 120)
    assert load_preset("smollm2", ["max_steps=7"], on_gpu=True).budget == 0


def test_feedback_is_learned_from_at_a_tenth_of_the_rate_unless_another_is_asked_for() -> None:
    learns = ["objective=dpo", "init=somewhere"]
    assert load_preset("gru-luong", learns).learning_rate == pytest.approx(0.0003)
    assert load_preset("gru-luong", [*learns, "learning_rate=0.002"]).learning_rate == 0.002
    assert load_preset("gru-luong", ["objective=likelihood"]).learning_rate == 0.003
