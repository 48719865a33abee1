"""The tensors of our decoder-only model by what they are in a Llama."""

from __future__ import annotations

from torch import nn

from modeling.architectures.causal_lm import CausalLm, Layer
from modeling.ctranslate.llama import Linear, Llama, LlamaLayer


def llama_of(model: CausalLm) -> Llama:
    """Its weights, adapters merged into them; nothing is copied."""
    shape = model.shape
    return Llama(
        embedding=model.embedding.weight,
        layers=[_layer(each) for each in model.layers],
        norm=model.norm.weight,
        projection=(model.projection or model.embedding).weight,
        heads=shape.heads,
        key_heads=shape.groups,
        frequencies=shape.frequencies,
        epsilon=shape.epsilon,
    )


def _layer(layer: Layer) -> LlamaLayer:
    shape = layer.shape
    keys = shape.groups * shape.head_size
    query, key, value = _parts(layer.query_key_value, [shape.heads * shape.head_size, keys, keys])
    gate, up = _parts(layer.gate_input, [shape.forward_size, shape.forward_size])
    return LlamaLayer(
        attention_norm=layer.attention_norm.weight,
        query=query,
        key=key,
        value=value,
        output=Linear(layer.output.weight, layer.output.bias),
        forward_norm=layer.forward_norm.weight,
        gate=gate,
        up=up,
        down=Linear(layer.down.weight, layer.down.bias),
    )


def _parts(linear: nn.Linear, sizes: list[int]) -> list[Linear]:
    biases = [None] * len(sizes) if linear.bias is None else linear.bias.split(sizes)
    return [Linear(weight, bias) for weight, bias in zip(linear.weight.split(sizes), biases, strict=True)]
