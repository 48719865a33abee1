"""A decoder-only model of the Llama kind in the layout of CTranslate2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modeling.marks import BEGIN, END, UNKNOWN

BASE = 10000.0
ANY_LENGTH = 2**30  # positions


@dataclass(frozen=True)
class Linear:
    """weight (outputs, inputs), as `torch.nn.Linear` has it; bias (outputs)."""

    weight: Tensor
    bias: Tensor | None = None


@dataclass(frozen=True)
class LlamaLayer:
    """Norms before attention and before the gated feed-forward layer: each (E). Features of size E, A query heads and
    G heads of keys and values of size D, a feed-forward layer of size F.

    query (A · D, E), key and value (G · D, E), output (E, A · D), gate and up (F, E), down (E, F).
    """

    attention_norm: Tensor
    query: Linear
    key: Linear
    value: Linear
    output: Linear
    forward_norm: Tensor
    gate: Linear
    up: Linear
    down: Linear


@dataclass(frozen=True)
class Llama:
    """embedding and projection (V, E), the same where they are tied; norm (E), the last one; frequencies (D / 2) of the
    rotary positions, dimensions i and i + D / 2 turning together; epsilon of the norms. All tensors are of one type."""

    embedding: Tensor
    layers: Sequence[LlamaLayer]
    norm: Tensor
    projection: Tensor
    heads: int
    key_heads: int
    frequencies: Sequence[float]
    epsilon: float


def write_llama(model: Llama, folder: Path) -> None:
    """Write the model as CTranslate2 reads it.

    Of its ways to give rotary positions, that of LongRoPE (`Su`) takes any frequencies: they are those of the base,
    each divided by a factor of its own.
    """
    from ctranslate2.specs import TransformerDecoderModelSpec
    from ctranslate2.specs.attention_spec import RotaryScalingType
    from ctranslate2.specs.common_spec import Activation

    spec = TransformerDecoderModelSpec.from_config(
        len(model.layers),
        model.heads,
        activation=Activation.SWISH,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,  # all dimensions of a head
        rotary_interleave=False,
        rotary_scaling_type=RotaryScalingType.Su,
        rotary_base=BASE,
        original_max_position_embeddings=ANY_LENGTH,
        num_heads_kv=model.key_heads if model.key_heads != model.heads else None,
        head_dim=2 * len(model.frequencies),
    )
    spec.register_vocabulary([str(token) for token in range(len(model.embedding))])
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = str(UNKNOWN), str(BEGIN), str(END)
    spec.config.layer_norm_epsilon = model.epsilon
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight, decoder.projection.weight = _plain(model.embedding), _plain(model.projection)
    decoder.layer_norm.gamma = _plain(model.norm)
    frequencies = torch.tensor(model.frequencies, dtype=torch.float64)
    unscaled = BASE ** -torch.linspace(0, 1, len(frequencies) + 1, dtype=torch.float64)[:-1]
    factors = (unscaled / frequencies).float().numpy()
    for to, layer in zip(decoder.layer, model.layers, strict=True):
        attention, forward = to.self_attention, to.ffn
        attention.rotary_scaling_long_factor = attention.rotary_scaling_short_factor = factors
        attention.layer_norm.gamma, forward.layer_norm.gamma = _plain(layer.attention_norm), _plain(layer.forward_norm)
        _linear(attention.linear[0], joined(layer.query, layer.key, layer.value))
        _linear(attention.linear[1], layer.output)
        _linear(forward.linear_0, layer.gate)
        _linear(forward.linear_0_noact, layer.up)
        _linear(forward.linear_1, layer.down)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))


def joined(*parts: Linear) -> Linear:
    """One layer whose outputs are those of all parts, side by side; all or none of them have a bias."""
    biases = [part.bias for part in parts if part.bias is not None]
    return Linear(torch.cat([part.weight for part in parts]), torch.cat(biases) if biases else None)


def _linear(to: Any, layer: Linear) -> None:
    to.weight = _plain(layer.weight)
    if layer.bias is not None:
        to.bias = _plain(layer.bias)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu()
