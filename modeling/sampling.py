"""A few texts that a model writes while it is trained, for people to read: of the same validation sources each time.

What is drawn has generators of its own, so that a training with samples has the weights of one without.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch

from modeling.architectures import Model
from modeling.batching import source_batch
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example, Tokens, encode_source, with_others
from modeling.devices import precision
from modeling.errors import CorpusError
from modeling.search import search
from modeling.tokenization import Tokenizer
from modeling.validation import draw_examples

SOURCES = 3
TRIED = 30  # examples, some of whose sources may have no words
LOOKS = 20  # that are kept: the first, and the newest
LONGEST = 40  # tokens of a text
Sampled = dict[str, Any]
"""`{"sources": [text, …], "looks": [{"step", "texts": [text, …]}, …]}`, as JSON has it; the first two texts are of the
first two sources."""


class Sampler:
    """Writes for a few of the validation examples."""

    def __init__(self, examples: Sequence[Example], tokenizer: Tokenizer, config: TrainingConfig) -> None:
        drawn = draw_examples(examples, TRIED, seed=1)
        if config.album_context:
            ids = {example.id for example in drawn}
            drawn = [example for example in with_others(examples) if example.id in ids]
        self._tokenizer, self._precision = tokenizer, config.precision
        self._decoding = DecodingConfig(max_length=LONGEST).for_family(config.architecture)
        self._given: list[tuple[Example, Tokens]] = []
        for example in drawn:
            with suppress(CorpusError):  # without words
                self._given.append((example, encode_source(example, tokenizer, config, cut=True)))
        del self._given[SOURCES:]

    @torch.no_grad()
    def look(self, model: Model, step: int, before: Sampled, device: torch.device) -> Sampled:
        """What was sampled `before` with what the model writes now."""
        if not self._given:
            return before
        model.eval()
        with precision(self._precision, device):
            memory = model.encode(*source_batch([tokens for _, tokens in self._given], device))
            found = search(model, memory, [example.id for example, _ in self._given], self._decoding)
        texts = [self._tokenizer.decode(best.tokens) for best, *_ in found]
        looks = [*before.get("looks", ()), {"step": step, "texts": texts}]
        kept = looks if len(looks) <= LOOKS else [looks[0], *looks[1 - LOOKS :]]
        return {"sources": [example.source for example, _ in self._given], "looks": kept}
