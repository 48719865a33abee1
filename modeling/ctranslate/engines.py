"""A model in CTranslate2, and its texts as ours. Tokens go by their ids, in figures."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from modeling.architectures.transformer import Transformer
from modeling.config import DecodingConfig
from modeling.corpus import Tokens
from modeling.ctranslate.llama import Llama, write_llama
from modeling.ctranslate.transformer import write_transformer
from modeling.marks import BEGIN, END, NEVER_WRITTEN
from modeling.search import Text

COMPUTE_TYPES = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8_float32"}
TOGETHER = 80  # texts that a Transformer writes side by side: CTranslate2 takes a third longer with three times as many
LIKELIEST = 4096  # tokens that int8 draws from: sorting all of a pretrained model's costs more than all else there
Hypotheses = tuple[Sequence[Iterable[str] | Iterable[int]], Sequence[float]]  # tokens with their end, and scores


class Engine(ABC):
    """What writes texts with a vocabulary of so many tokens."""

    def __init__(self, config: DecodingConfig, vocabulary: int) -> None:
        self.config = config
        self.names = [str(token) for token in range(vocabulary)]
        beam, draws = config.method == "beam", config.method == "nucleus"
        self.length_penalty = config.length_penalty if beam else 0
        self.settings: dict[str, Any] = {
            "beam_size": config.beam if beam else 1,
            "num_hypotheses": config.samples,
            "patience": config.patience if beam else 1,
            "length_penalty": self.length_penalty,
            "no_repeat_ngram_size": config.no_repeat_ngram,
            "suppress_sequences": [[self.names[token]] for token in NEVER_WRITTEN],
            "return_end_token": True,
            "return_scores": True,
            "sampling_topk": 0 if draws else 1,
            "sampling_topp": config.top_p if draws else 1,
            "sampling_temperature": config.temperature if draws else 1,
        }

    @abstractmethod
    def hypotheses(self, sources: list[list[str]]) -> list[Hypotheses]:
        """Those of each source, the best first."""

    def texts(self, sources: Sequence[Tokens]) -> list[list[Text]]:
        """The texts of each source, the best first."""
        from ctranslate2 import set_random_seed

        set_random_seed(self.config.seed)  # of the generator that a translator makes for its first draw
        found = self.hypotheses([[self.names[token] for token in source.tolist()] for source in sources])
        return [[self._text(*each) for each in zip(*pair, strict=True)] for pair in found]

    def _text(self, written: Iterable[str] | Iterable[int], score: float) -> Text:
        tokens = [int(token) for token in written]
        logprob = score * len(tokens) ** self.length_penalty
        return Text(tokens[:-1] if tokens[-1] == END else tokens, logprob, score)


class TransformerEngine(Engine):
    """For sources of at most `longest` tokens."""

    def __init__(self, model: Transformer, config: DecodingConfig, *, longest: int, device: torch.device) -> None:
        from ctranslate2 import Translator

        super().__init__(config, len(model.bias))
        longest = max(longest, config.max_length)
        self.translator = loaded(Translator, lambda folder: write_transformer(model, longest, folder), config, device)

    def hypotheses(self, sources: list[list[str]]) -> list[Hypotheses]:
        results = self.translator.translate_batch(
            sources,
            min_decoding_length=self.config.min_length,
            max_decoding_length=self.config.max_length,
            max_input_length=0,
            max_batch_size=max(1, TOGETHER // self.config.texts),
            **self.settings,
        )
        return [(result.hypotheses, result.scores) for result in results]


class LlamaEngine(Engine):
    """Goes on from sources, each with the token that ends a prompt."""

    def __init__(self, model: Llama, config: DecodingConfig, *, device: torch.device) -> None:
        from ctranslate2 import Generator

        super().__init__(config, len(model.embedding))
        if config.method == "nucleus" and config.precision == "int8" and config.top_p < 1:
            self.settings["sampling_topk"] = min(LIKELIEST, len(self.names))
        self.generator = loaded(Generator, lambda folder: write_llama(model, folder), config, device)

    def hypotheses(self, sources: list[list[str]]) -> list[Hypotheses]:
        """Prompts of one length at a time: among unequal ones CTranslate2 reads what longer ones have more a token a
        step, and a beam forbids an early end (`min_length`) to the wrong texts."""
        found: dict[int, Hypotheses] = {}
        for _, group in groupby(sorted(range(len(sources)), key=lambda n: len(sources[n])), lambda n: len(sources[n])):
            places = list(group)
            results = self.generator.generate_batch(
                [[*sources[place], self.names[BEGIN]] for place in places],
                min_length=self.config.min_length,
                max_length=self.config.max_length,
                include_prompt_in_result=False,
                **self.settings,
            )
            found.update(zip(places, ((result.sequences_ids, result.scores) for result in results), strict=True))
        return [found[place] for place in range(len(sources))]


def loaded(kind: type, write: Callable[[Path], None], config: DecodingConfig, device: torch.device) -> Any:
    """A translator or generator of what was written into a folder that goes at once."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return kind(
            folder,
            device=device.type,
            compute_type=COMPUTE_TYPES[config.precision],
            inter_threads=1,
            intra_threads=config.threads,
        )
