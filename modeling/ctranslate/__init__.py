"""Decoding by CTranslate2, an optional package: for `engine = "ct2"`, and for `engine = "auto"` where it
gives what our own search gives.

A model's weights are handed over in a folder that lives no longer than it takes to load them. CTranslate2 normalises
over the tokens that may come next, so that its log-probabilities are above the model's own by what was forbidden:
nothing to speak of for the tokens that are never written, more with `min_length` and `no_repeat_ngram`.

Its draws come from one generator, a function of the seed, that serves the rows of a batch in turn. The same sources in
the same order have the same texts, but a text depends on what is decoded beside it and before. In int8 a decoder-only
model's nucleus is that of its 4096 likeliest tokens. That changes a distribution less than int8 itself does: SmolLM2's,
fine-tuned, by 0.7 % of its probability, and int8 by 8.7 %.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch

from modeling.architectures import Model
from modeling.architectures.causal_lm import CausalLm
from modeling.architectures.transformer import Transformer
from modeling.config import DecodingConfig, TrainingConfig
from modeling.ctranslate.causal_lm import llama_of
from modeling.ctranslate.engines import COMPUTE_TYPES, Engine, LlamaEngine, TransformerEngine
from modeling.errors import DecodingError

METHODS = ("greedy", "nucleus", "beam")


def engine_for(model: Model, trained: TrainingConfig, config: DecodingConfig, device: torch.device) -> Engine | None:
    """CTranslate2 with the model's weights, or None where `engine=auto` leaves the decoding to torch.

    Raises DecodingError where CTranslate2 is asked for, as by `precision=int8`, and cannot do it.
    """
    wanted = config.engine == "ct2" or config.precision == "int8"
    refusal = cannot(model, config, device)
    if refusal and wanted:
        raise DecodingError(refusal)
    if refusal or (not wanted and (differs(trained, config, device) or sorts_much(model, config))):
        return None
    if isinstance(model, CausalLm):
        return LlamaEngine(llama_of(model), config, device=device)
    if isinstance(model, Transformer):
        return TransformerEngine(model, config, longest=trained.max_source_length, device=device)
    return None


def cannot(model: Model, config: DecodingConfig, device: torch.device) -> str | None:
    """Why CTranslate2 cannot decode this at all, or None."""
    asked = "engine=ct2" if config.engine == "ct2" else f"precision={config.precision}"
    if not isinstance(model, Transformer | CausalLm):
        return f"{asked}: CTranslate2 supports Transformer and CausalLm, not {type(model).__name__}; use engine=torch"
    if isinstance(model, CausalLm) and model.shape.scaling != 1:
        return f"{asked}: CTranslate2 does not scale rotary positions the way this model does; use engine=torch"
    if config.method not in METHODS:
        return f"{asked}: CTranslate2 supports {', '.join(METHODS)}; method={config.method} needs engine=torch"
    if find_spec("ctranslate2") is None:
        return f"{asked}: needs CTranslate2; pip install 'story-blender[ct2]'"
    from ctranslate2 import get_supported_compute_types

    if COMPUTE_TYPES[config.precision] not in (known := get_supported_compute_types(device.type)):
        return (
            f"precision={config.precision}: CTranslate2 cannot compute in {COMPUTE_TYPES[config.precision]} here; "
            f"valid values: {', '.join(name for name, each in COMPUTE_TYPES.items() if each in known)}"
        )
    return None


def differs(trained: TrainingConfig, config: DecodingConfig, device: torch.device) -> bool:
    """Whether texts (of draws: their distribution) or log-probabilities of CTranslate2 would not be ours.

    It normalises without what is forbidden, and words that stand for unknown ones are; with `length_penalty=0` it
    stops before the second best text is sure, and it rounds `patience` in another way.
    """
    forbids = config.min_length > 1 or config.no_repeat_ngram > 0 or trained.tokens == "word"
    stops_elsewhere = config.method == "beam" and (
        config.patience != 1 or (config.length_penalty == 0 and config.samples > 1)
    )
    return forbids or stops_elsewhere or config.precision == "bf16" or device.type != "cpu"


def sorts_much(model: Model, config: DecodingConfig) -> bool:
    """Whether `top_p` costs more there than all else: a pretrained model's vocabulary is sorted for every token."""
    return isinstance(model, CausalLm) and config.method == "nucleus" and config.top_p < 1
