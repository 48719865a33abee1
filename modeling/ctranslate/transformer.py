"""A Transformer's weights in the layout of CTranslate2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modeling.architectures.transformer import Attention, DecoderLayer, EncoderLayer, Transformer, sinusoids
from modeling.tokenization import BEGIN, END, UNKNOWN


def write_transformer(model: Transformer, longest: int, folder: Path) -> None:
    """Write the model, with sinusoids for `longest` positions, as CTranslate2 reads it."""
    from ctranslate2.specs import TransformerSpec

    heads = model.encoder[0].own.heads
    spec = TransformerSpec.from_config((len(model.encoder), len(model.decoder)), heads, pre_norm=True)
    vocabulary = [str(token) for token in range(len(model.bias))]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.config.unk_token, spec.config.eos_token = str(UNKNOWN), str(END)
    spec.config.bos_token = spec.config.decoder_start_token = str(BEGIN)
    spec.config.layer_norm_epsilon = model.encoder_norm.eps
    positions = sinusoids(longest, model.size).numpy()
    sides = ((spec.encoder, model.encoder_norm), (spec.decoder, model.decoder_norm))
    for side, final_norm in sides:
        side.scale_embeddings = True
        side.position_encodings.encodings = positions
        _norm(side.layer_norm, final_norm)
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = _array(model.embedding.weight)
    spec.decoder.projection.weight, spec.decoder.projection.bias = _array(model.embedding.weight), _array(model.bias)
    for to, encoder_layer in zip(spec.encoder.layer, model.encoder, strict=True):
        _own(to, encoder_layer)
    for to, decoder_layer in zip(spec.decoder.layer, model.decoder, strict=True):
        _own(to, decoder_layer)
        _norm(to.attention.layer_norm, decoder_layer.attended_norm)
        for linear, layer in zip(to.attention.linear, _linears(decoder_layer.attended), strict=True):
            _linear(linear, layer.weight, layer.bias)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))


def _own(to: Any, layer: EncoderLayer | DecoderLayer) -> None:
    """The self-attention and the feed-forward layers. CTranslate2 stacks query, key and value in the first."""
    query, key_value, output = _linears(layer.own)
    _norm(to.self_attention.layer_norm, layer.own_norm)
    _linear(
        to.self_attention.linear[0],
        torch.cat([query.weight, key_value.weight]),
        torch.cat([query.bias, key_value.bias]),
    )
    _linear(to.self_attention.linear[1], output.weight, output.bias)
    _norm(to.ffn.layer_norm, layer.forward_norm)
    for linear, own in zip((to.ffn.linear_0, to.ffn.linear_1), layer.feed_forward.linears, strict=True):
        _linear(linear, own.weight, own.bias)


def _linears(attention: Attention) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    return attention.query, attention.key_value, attention.output


def _linear(to: Any, weight: Tensor, bias: Tensor) -> None:
    to.weight, to.bias = _array(weight), _array(bias)


def _norm(to: Any, norm: nn.LayerNorm) -> None:
    to.gamma, to.beta = _array(norm.weight), _array(norm.bias)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()
