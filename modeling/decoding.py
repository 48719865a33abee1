"""Decoding: texts for the sources of a file or of a split, in batches of like lengths.

Neither the batch a source is in nor its neighbours change what is written for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from modeling.architectures import Model
from modeling.batching import source_batch
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.config import DecodingConfig
from modeling.corpus import Example, Tokens, encode_source
from modeling.devices import cpu_threads, pick_device, precision
from modeling.errors import CorpusError, DecodingError
from modeling.progress import OnProgress, Progress, no_progress
from modeling.search import Text, search

BATCHES_SORTED = 32  # so many batches' sources are ordered by length before they are cut into batches


@dataclass(frozen=True)
class Decoded:
    """One text for a source. `logprob`: nats, summed over its tokens and its end under the model's own distribution."""

    id: str
    rank: int
    text: str
    logprob: float


def decode(
    checkpoint: Path,
    sources: Sequence[Example],
    config: DecodingConfig,
    *,
    on_progress: OnProgress = no_progress,
) -> Iterator[Decoded]:
    """Texts for the sources, in their order, the best of a source's texts first.

    Raises CheckpointError, and DecodingError naming every source that is empty or too long, before the first text.
    """
    device = pick_device(config.device)
    loaded = load_checkpoint(checkpoint)
    encoded = encode_sources(loaded, sources)
    write = _writer(loaded.model(device, config.weights), encoded, config, device)
    width = max(1, config.batch // config.texts)
    for start in range(0, len(sources), width * BATCHES_SORTED):
        names = [source.id for source in sources[start : start + width * BATCHES_SORTED]]
        texts: dict[int, list[Text]] = {}
        block = encoded[start : start + len(names)]
        order = sorted(range(len(block)), key=lambda place: len(block[place]))
        for first in range(0, len(order), width):
            places = order[first : first + width]
            with cpu_threads(config.threads):
                found = write([block[each] for each in places], [names[each] for each in places])
            texts.update(zip(places, found, strict=True))
            done = start + len(texts)
            on_progress(Progress(done, len(sources), done / len(sources), message=f"decoded {done:,}"))
        for place, name in enumerate(names):
            for rank, text in enumerate(texts[place]):
                yield Decoded(name, rank, loaded.tokenizer.decode(text.tokens), text.logprob)


Write = Callable[[Sequence[Tokens], Sequence[str]], list[list[Text]]]


def _writer(model: Model, sources: Sequence[Tokens], config: DecodingConfig, device: torch.device) -> Write:
    """What writes the texts of a batch of sources and their names, by the engine of the config."""
    if config.engine == "ct2":
        from modeling.ctranslate import CTranslate

        engine = CTranslate(model, config, longest=max(map(len, sources), default=0), device=device)
        return lambda batch, names: engine.texts(batch)
    return lambda batch, names: decode_batch(model, batch, names, config)


@torch.inference_mode()
def decode_batch(
    model: Model, sources: Sequence[Tokens], names: Sequence[str], config: DecodingConfig
) -> list[list[Text]]:
    """The texts of each source, the best first."""
    device = next(model.parameters()).device
    with precision(config.precision, device):
        memory = model.encode(*source_batch(sources, device))
        return search(model, memory, names, config)


def encode_sources(loaded: Checkpoint, sources: Sequence[Example]) -> list[Tokens]:
    """Token ids of each source. Raises DecodingError naming those that are empty or too long."""
    encoded: list[Tokens] = []
    refused: list[str] = []
    for source in sources:
        try:
            encoded.append(encode_source(source, loaded.tokenizer, loaded.config))
        except CorpusError as error:
            refused.append(str(error))
    if refused:
        more = f" (and {len(refused) - 5} more)" if len(refused) > 5 else ""
        raise DecodingError("; ".join(refused[:5]) + more)
    return encoded
