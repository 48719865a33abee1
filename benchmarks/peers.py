"""Our weights in the `transformers` library's models, and its search: our Transformer in Pegasus, which has the same
layout, and a decoder-only model in Llama."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PegasusConfig,
    PegasusForConditionalGeneration,
)

from modeling.architectures.causal_lm import CausalLm
from modeling.architectures.transformer import Attention, DecoderLayer, EncoderLayer, Transformer, sinusoids
from modeling.batching import source_batch
from modeling.config import DecodingConfig
from modeling.corpus import Tokens
from modeling.ctranslate.causal_lm import llama_of
from modeling.marks import NEVER_WRITTEN
from modeling.tokenization import BEGIN, END, PAD

CPU = torch.device("cpu")


def pegasus(model: Transformer, longest: int = 512) -> PegasusForConditionalGeneration:
    """The same function of the same tokens, for at most `longest` positions."""
    heads, units = model.encoder[0].own.heads, model.encoder[0].feed_forward.linears[0].out_features
    theirs = PegasusForConditionalGeneration(
        PegasusConfig(
            vocab_size=len(model.bias),
            d_model=model.size,
            max_position_embeddings=longest,
            encoder_layers=len(model.encoder),
            decoder_layers=len(model.decoder),
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=units,
            decoder_ffn_dim=units,
            activation_function="relu",
            scale_embedding=True,
            pad_token_id=PAD,
            eos_token_id=END,
            decoder_start_token_id=BEGIN,
            forced_eos_token_id=None,
        )
    ).eval()
    copy(theirs.model.shared.weight, model.embedding.weight)
    copy(theirs.final_logits_bias, model.bias[None])
    sides: list[tuple[Any, Sequence[EncoderLayer | DecoderLayer], nn.Module]] = [
        (theirs.model.encoder, model.encoder, model.encoder_norm),
        (theirs.model.decoder, model.decoder, model.decoder_norm),
    ]
    for side, layers, norm in sides:
        copy(side.embed_positions.weight, sinusoids(longest, model.size))
        side.layer_norm.load_state_dict(norm.state_dict())
        for to, layer in zip(side.layers, layers, strict=True):
            copy_layer(to, layer)
    return theirs


def llama(model: CausalLm) -> LlamaForCausalLM:
    """The same function of the same tokens."""
    shape, parts = model.shape, llama_of(model)
    theirs: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.size,
            intermediate_size=shape.forward_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.groups,
            head_dim=shape.head_size,
            rms_norm_eps=shape.epsilon,
            attention_bias=shape.biased,
            tie_word_embeddings=shape.tied,
            pad_token_id=PAD,
            bos_token_id=BEGIN,
            eos_token_id=END,
        )
    ).eval()
    copy(theirs.model.rotary_emb.inv_freq, torch.tensor(shape.frequencies))
    copy(theirs.model.embed_tokens.weight, parts.embedding)
    copy(theirs.model.norm.weight, parts.norm)
    if not shape.tied:
        copy(theirs.lm_head.weight, parts.projection)
    for to, layer in zip(theirs.model.layers, parts.layers, strict=True):
        copy(to.input_layernorm.weight, layer.attention_norm)
        copy(to.post_attention_layernorm.weight, layer.forward_norm)
        attention, forward = to.self_attn, to.mlp
        for linear, own in (
            (attention.q_proj, layer.query),
            (attention.k_proj, layer.key),
            (attention.v_proj, layer.value),
            (attention.o_proj, layer.output),
            (forward.gate_proj, layer.gate),
            (forward.up_proj, layer.up),
            (forward.down_proj, layer.down),
        ):
            copy(linear.weight, own.weight)
            if own.bias is not None:
                copy(linear.bias, own.bias)
    return theirs


def copy_layer(to: Any, layer: EncoderLayer | DecoderLayer) -> None:
    copy_attention(to.self_attn, layer.own)
    norms = [(to.self_attn_layer_norm, layer.own_norm), (to.final_layer_norm, layer.forward_norm)]
    if isinstance(layer, DecoderLayer):
        copy_attention(to.encoder_attn, layer.attended)
        norms.append((to.encoder_attn_layer_norm, layer.attended_norm))
    for their_norm, norm in norms:
        their_norm.load_state_dict(norm.state_dict())
    for linear, own in zip((to.fc1, to.fc2), layer.feed_forward.linears, strict=True):
        linear.load_state_dict(own.state_dict())


def copy_attention(to: Any, attention: Attention) -> None:
    to.q_proj.load_state_dict(attention.query.state_dict())
    to.out_proj.load_state_dict(attention.output.state_dict())
    for name in ("weight", "bias"):
        keys, values = getattr(attention.key_value, name).chunk(2)
        copy(getattr(to.k_proj, name), keys)
        copy(getattr(to.v_proj, name), values)


def copy(to: Tensor, tensor: Tensor) -> None:
    with torch.no_grad():
        to.copy_(tensor)


@torch.inference_mode()
def generate(theirs: nn.Module, sources: Sequence[Tokens], config: DecodingConfig) -> list[list[list[int]]]:
    """The library's texts of one batch of sources, the best first, as ids without the end."""
    padded, _ = source_batch(sources, CPU)
    beam = config.method == "beam"
    found = theirs.generate(  # type: ignore[operator]
        input_ids=padded,
        attention_mask=(padded != PAD).long(),
        generation_config=GenerationConfig(
            do_sample=False,
            num_beams=config.beam if beam else 1,
            num_return_sequences=config.samples,
            early_stopping=True if beam else None,
            length_penalty=config.length_penalty,
            no_repeat_ngram_size=config.no_repeat_ngram or None,
            suppress_tokens=NEVER_WRITTEN,
            min_new_tokens=config.min_length,
            max_new_tokens=config.max_length,
            pad_token_id=PAD,
            eos_token_id=END,
            decoder_start_token_id=BEGIN,
        ),
    )
    texts = [
        row[: row.index(END)] if END in row else [each for each in row if each != PAD]
        for row in (each[1:] for each in found.tolist())
    ]
    return [texts[start : start + config.samples] for start in range(0, len(texts), config.samples)]
