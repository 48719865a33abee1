"""Decoding by CTranslate2, an optional package: for `engine = "ct2"`, and for `engine = "auto"` where it
gives what our own search gives.

A model's weights are handed over in a folder that lives no longer than it takes to load them. CTranslate2 normalises
over the tokens that may come next, so that its log-probabilities are above the model's own by what was forbidden:
nothing to speak of for the tokens that are never written, more with `min_length` and `no_repeat_ngram`.

Its draws come from one generator, a function of the seed, that serves the rows of a batch in turn. The same sources in
the same order have the same texts, but a text depends on what is decoded beside it and before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch

from modeling.architectures import Model
from modeling.architectures.transformer import Transformer
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Tokens
from modeling.ctranslate.transformer import write_transformer
from modeling.errors import DecodingError
from modeling.marks import NEVER_WRITTEN
from modeling.search import Text
from modeling.tokenization import END

COMPUTE_TYPES = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8_float32"}
METHODS = ("greedy", "nucleus", "beam")


def engine_for(
    model: Model, trained: TrainingConfig, config: DecodingConfig, device: torch.device
) -> CTranslate | None:
    """CTranslate2 with the model's weights, or None where `engine=auto` leaves the decoding to torch.

    Raises DecodingError where CTranslate2 is asked for, as by `precision=int8`, and cannot do it.
    """
    wanted = config.engine == "ct2" or config.precision == "int8"
    refusal = cannot(model, config, device)
    if refusal and wanted:
        raise DecodingError(refusal)
    if refusal or not isinstance(model, Transformer) or (not wanted and differs(trained, config, device)):
        return None
    return CTranslate(model, config, longest=trained.max_source_length, device=device)


def cannot(model: Model, config: DecodingConfig, device: torch.device) -> str | None:
    """Why CTranslate2 cannot decode this at all, or None."""
    asked = "engine=ct2" if config.engine == "ct2" else f"precision={config.precision}"
    if not isinstance(model, Transformer):
        return f"{asked}: CTranslate2 decodes a Transformer, not {type(model).__name__}; use engine=torch"
    if config.method not in METHODS:
        return f"{asked}: CTranslate2 has {', '.join(METHODS)}; method={config.method} needs engine=torch"
    if find_spec("ctranslate2") is None:
        return f"{asked}: needs CTranslate2; pip install 'story-blender[ct2]'"
    from ctranslate2 import get_supported_compute_types

    if COMPUTE_TYPES[config.precision] not in (known := get_supported_compute_types(device.type)):
        return (
            f"precision={config.precision}: CTranslate2 does not compute in {COMPUTE_TYPES[config.precision]} here; "
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


class CTranslate:
    """A model in CTranslate2, for sources of at most `longest` tokens. Tokens go by their ids, in figures."""

    def __init__(self, model: Transformer, config: DecodingConfig, *, longest: int, device: torch.device) -> None:
        import ctranslate2

        self.config = config
        self.names = [str(token) for token in range(len(model.bias))]
        with tempfile.TemporaryDirectory() as folder:
            write_transformer(model, max(longest, config.max_length), Path(folder))
            self.translator = ctranslate2.Translator(
                folder,
                device=device.type,
                compute_type=COMPUTE_TYPES[config.precision],
                inter_threads=1,
                intra_threads=config.threads,
            )

    def texts(self, sources: Sequence[Tokens]) -> list[list[Text]]:
        """The texts of each source, the best first."""
        import ctranslate2

        config, names = self.config, self.names
        beam = config.beam if config.method == "beam" else 1
        draws = config.method == "nucleus"
        ctranslate2.set_random_seed(config.seed)  # of the generator that a translator makes for its first draw
        results = self.translator.translate_batch(
            [[names[token] for token in source.tolist()] for source in sources],
            beam_size=beam,
            num_hypotheses=config.samples,
            patience=config.patience if beam > 1 else 1,
            length_penalty=self._length_penalty,
            no_repeat_ngram_size=config.no_repeat_ngram,
            min_decoding_length=config.min_length,
            max_decoding_length=config.max_length,
            max_input_length=0,
            suppress_sequences=[[str(token)] for token in NEVER_WRITTEN],
            return_end_token=True,
            return_scores=True,
            sampling_topk=0 if draws else 1,
            sampling_topp=config.top_p if draws else 1,
            sampling_temperature=config.temperature if draws else 1,
        )
        return [
            [self._text(*each) for each in zip(result.hypotheses, result.scores, strict=True)] for result in results
        ]

    @property
    def _length_penalty(self) -> float:
        return self.config.length_penalty if self.config.method == "beam" else 0

    def _text(self, written: list[str], score: float) -> Text:
        tokens = [int(token) for token in written]
        logprob = score * len(tokens) ** self._length_penalty
        return Text(tokens[:-1] if tokens[-1] == END else tokens, logprob, score)
