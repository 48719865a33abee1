"""`engine = "ct2"`: a Transformer's checkpoint decoded by CTranslate2, an optional package.

Its weights are handed over in a folder that lives no longer than it takes to load them. CTranslate2 normalises over the
tokens that may come next, so that its log-probabilities are above the model's own by what was forbidden: nothing to
speak of for the tokens that are never written, more with `no_repeat_ngram`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modeling.architectures import Model
from modeling.architectures.transformer import Attention, DecoderLayer, EncoderLayer, Transformer, sinusoids
from modeling.config import DecodingConfig
from modeling.corpus import Tokens
from modeling.errors import DecodingError
from modeling.marks import NEVER_WRITTEN
from modeling.search import Text
from modeling.tokenization import BEGIN, END, UNKNOWN

COMPUTE_TYPES = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8_float32"}


class CTranslate:
    """A translator for sources of at most `longest` tokens. Tokens go by their ids, in figures.

    Raises DecodingError where the package is missing, or where it cannot do what the config asks for.
    """

    def __init__(self, model: Model, config: DecodingConfig, *, longest: int, device: torch.device) -> None:
        if not isinstance(model, Transformer):
            raise DecodingError(f"engine=ct2: decodes a Transformer, not {type(model).__name__}; valid values: torch")
        if config.method not in ("greedy", "beam"):
            raise DecodingError(f"engine=ct2: has greedy and beam; method={config.method} needs engine=torch")
        try:
            import ctranslate2
        except ImportError as error:
            raise DecodingError("engine=ct2: needs CTranslate2; pip install 'story-blender[ct2]'") from error
        kind = COMPUTE_TYPES[config.precision]
        if kind not in (known := ctranslate2.get_supported_compute_types(device.type)):
            raise DecodingError(
                f"precision={config.precision}: CTranslate2 does not compute in {kind} here; valid values: "
                f"{', '.join(name for name, each in COMPUTE_TYPES.items() if each in known)}"
            )
        self.config = config
        with tempfile.TemporaryDirectory() as folder:
            write_model(model, max(longest, config.max_length), Path(folder))
            self.translator = ctranslate2.Translator(
                folder, device=device.type, compute_type=kind, inter_threads=1, intra_threads=config.threads
            )

    def texts(self, sources: Sequence[Tokens]) -> list[list[Text]]:
        """The texts of each source, the best first."""
        config = self.config
        beam = config.beam if config.method == "beam" else 1
        results = self.translator.translate_batch(
            [[str(token) for token in source] for source in sources],
            beam_size=beam,
            num_hypotheses=config.samples,
            patience=config.patience if beam > 1 else 1,
            length_penalty=config.length_penalty,
            no_repeat_ngram_size=config.no_repeat_ngram,
            min_decoding_length=config.min_length,
            max_decoding_length=config.max_length,
            max_input_length=0,
            suppress_sequences=[[str(token)] for token in NEVER_WRITTEN],
            return_end_token=True,
            return_scores=True,
        )
        return [
            [self._text(*each) for each in zip(result.hypotheses, result.scores, strict=True)] for result in results
        ]

    def _text(self, written: list[str], score: float) -> Text:
        tokens = [int(token) for token in written]
        logprob = score * len(tokens) ** self.config.length_penalty
        return Text(tokens[:-1] if tokens[-1] == END else tokens, logprob, score)


def write_model(model: Transformer, longest: int, folder: Path) -> None:
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
