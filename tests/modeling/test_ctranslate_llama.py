"""A Llama's weights in CTranslate2 compute what the `transformers` library computes with them."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from modeling.config import DecodingConfig
from modeling.corpus import Tokens
from modeling.ctranslate.engines import LlamaEngine
from modeling.ctranslate.llama import Linear, Llama, LlamaLayer
from modeling.marks import BEGIN, END, NEVER_WRITTEN, PAD
from tests.modeling.llamas import WHOLE_NUMBERS

VOCABULARY = 60
CPU = torch.device("cpu")
GREEDY = DecodingConfig(method="greedy", max_length=12)
BEAM = DecodingConfig(method="beam", beam=4, samples=2, max_length=12)
SCALED = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SHAPES: list[dict[str, Any]] = [
    {"num_key_value_heads": 2, "rope_parameters": SCALED},
    {"num_key_value_heads": 4, "tie_word_embeddings": True, "attention_bias": True},
    {"num_key_value_heads": 1, "head_dim": 12},
]


def llama(**shape: Any) -> LlamaForCausalLM:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.25,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=END,
        **shape,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("norm.weight", "bias")):
                parameter += 0.3 * torch.randn_like(parameter)
        model.lm_head.weight[END] *= 2.5  # so that it is at times the likeliest, and texts end
    return model


def weights(model: LlamaForCausalLM) -> Llama:
    tensors: dict[str, Tensor] = model.state_dict()

    def linear(name: str) -> Linear:
        return Linear(tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))

    layers = [
        LlamaLayer(
            tensors[f"{place}.input_layernorm.weight"],
            *(linear(f"{place}.self_attn.{part}_proj") for part in "qkvo"),
            tensors[f"{place}.post_attention_layernorm.weight"],
            *(linear(f"{place}.mlp.{part}_proj") for part in ("gate", "up", "down")),
        )
        for place in (f"model.layers.{number}" for number in range(model.config.num_hidden_layers))
    ]
    return Llama(
        embedding=tensors["model.embed_tokens.weight"],
        layers=layers,
        norm=tensors["model.norm.weight"],
        projection=tensors["lm_head.weight"],
        heads=model.config.num_attention_heads,
        key_heads=model.config.num_key_value_heads,
        frequencies=model.model.rotary_emb.inv_freq.tolist(),
        epsilon=model.config.rms_norm_eps,
    )


def some_prompts(count: int) -> list[Tokens]:
    draw = np.random.default_rng(1)
    return [draw.integers(7, VOCABULARY, draw.integers(1, 30)).astype(np.int32) for _ in range(count)]


def generated(model: LlamaForCausalLM, prompt: Tokens, config: DecodingConfig) -> list[list[int]]:
    given = torch.tensor([[*prompt, BEGIN]])
    found = model.generate(
        given,
        attention_mask=torch.ones_like(given),
        generation_config=GenerationConfig(
            do_sample=False,
            num_beams=config.beam if config.method == "beam" else 1,
            num_return_sequences=config.samples,
            early_stopping=True if config.method == "beam" else None,
            length_penalty=config.length_penalty,
            suppress_tokens=NEVER_WRITTEN,
            min_new_tokens=1,
            renormalize_logits=True,
            max_new_tokens=config.max_length,
            pad_token_id=PAD,
            eos_token_id=END,
        ),
    )
    return [[token for token in row[given.shape[1] :] if token not in (PAD, END)] for row in found.tolist()]


def log_probs(model: LlamaForCausalLM, prompt: Tokens, text: list[int]) -> Tensor:
    """(tokens and what follows them, V), of what may be written."""
    logits = model(torch.tensor([[*prompt, BEGIN, *text]])).logits[0, len(prompt) :].detach()
    logits[:, NEVER_WRITTEN] = float("-inf")
    logits[0, END] = float("-inf")
    result: Tensor = logits.log_softmax(dim=-1)
    return result


@torch.no_grad()
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_texts_and_log_probabilities_are_those_of_the_transformers_library(shape: dict[str, Any]) -> None:
    model, prompts = llama(**shape), some_prompts(12)
    engine = LlamaEngine(weights(model), GREEDY, device=CPU)
    scored = engine.generator.score_batch([[str(token) for token in (*prompt, BEGIN)] for prompt in prompts])
    for prompt, result in zip(prompts, scored, strict=True):
        tokens = torch.tensor([[*prompt, BEGIN]])
        expected = model(tokens).logits.log_softmax(dim=-1)[0, :-1].gather(1, tokens[0, 1:, None])[:, 0]
        assert result.log_probs == pytest.approx(expected.tolist(), abs=1e-3)
    lengths = set()
    for config in (GREEDY, BEAM):
        engine = LlamaEngine(weights(model), config, device=CPU)
        for prompt, texts in zip(prompts, engine.texts(prompts), strict=True):
            assert [text.tokens for text in texts] == generated(model, prompt, config)
            for text in texts:
                ended = [END] if len(text.tokens) < config.max_length else []
                expected = log_probs(model, prompt, text.tokens)[: len(text.tokens) + len(ended)]
                total = expected.gather(1, torch.tensor([*text.tokens, *ended])[:, None]).sum()
                assert text.logprob == pytest.approx(float(total), abs=1e-3)
                lengths.add(len(text.tokens))
    assert len(lengths) > 3


@torch.no_grad()
def test_draws_behind_prompts_of_any_length_have_the_models_distribution() -> None:
    model, prompts = llama(**SHAPES[0]), some_prompts(4)
    config = DecodingConfig(max_length=1, top_p=1.0, temperature=0.8, samples=1000)
    engine = LlamaEngine(weights(model), config, device=CPU)
    for prompt, texts in zip(prompts, engine.texts(prompts), strict=True):
        expected = 1000 * (log_probs(model, prompt, [])[0] / config.temperature).softmax(dim=-1)
        often = (expected >= 5).nonzero()[:, 0].tolist()
        counts = Counter(text.tokens[0] for text in texts)
        observed, wanted = [counts[token] for token in often], expected[often].tolist()
        assert chisquare([*observed, 1000 - sum(observed)], [*wanted, 1000 - sum(wanted)]).pvalue > 0.005


def test_whole_numbers_write_much_the_same() -> None:
    model, prompts = llama(**SHAPES[0]), some_prompts(40)
    one, other = (
        LlamaEngine(weights(model), replace(GREEDY, engine="ct2", precision=precision), device=CPU).texts(prompts)
        for precision in ("fp32", "int8")
    )
    same = np.mean([a[0].tokens[0] == b[0].tokens[0] for a, b in zip(one, other, strict=True)])
    assert same > (0.9 if WHOLE_NUMBERS else 0.3)
