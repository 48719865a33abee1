"""Decoding: texts for the sources of a file or of a split, in batches of like lengths.

Neither the batch a source is in nor its neighbours change what is written for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from modeling.reranking import check_rerankable, reranked
from modeling.search import Text, search

Write = Callable[[Sequence[Tokens], Sequence[str]], list[list[Text]]]  # sources and their names → texts of each

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
    encode_sources(loaded, sources)  # all that can be refused is, before the first text
    writer = _writer(loaded, config, device)
    if not loaded.config.context:
        yield from _written(loaded, writer, sources, config, on_progress)
        return
    told: dict[str, list[Decoded]] = {}
    after = {source.id: source.after for source in sources}
    for turn in turns(sources):
        given = [with_story_so_far(source, after, told, loaded.config.context) for source in turn]
        for each in _written(loaded, writer, given, config, partial(_later, on_progress, len(told), len(sources))):
            told.setdefault(each.id, []).append(each)
    for source in sources:
        yield from told[source.id]


def _written(
    loaded: Checkpoint, write: Write, sources: Sequence[Example], config: DecodingConfig, on_progress: OnProgress
) -> Iterator[Decoded]:
    encoded = encode_sources(loaded, sources)
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


def _writer(loaded: Checkpoint, config: DecodingConfig, device: torch.device) -> Write:
    """What writes the texts of a batch of sources, by the engine of the config."""
    model = loaded.model(device, config.weights)
    write = _engine(model, loaded.config.max_source_length, config, device)
    if not config.rerank:
        return write
    check_rerankable(loaded)
    return lambda batch, names: reranked(model, loaded, write(batch, names), config.rerank)


def _engine(model: Model, longest: int, config: DecodingConfig, device: torch.device) -> Write:
    if config.engine == "ct2":
        from modeling.ctranslate import CTranslate

        engine = CTranslate(model, config, longest=longest, device=device)
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


def turns(sources: Sequence[Example]) -> list[list[Example]]:
    """Sources in the order in which they can be written: first those of no other, then those behind them, and so on.

    Raises DecodingError for an `after` that names no source, or that leads back to where it came from.
    """
    by_id = {source.id: source for source in sources}
    depths: dict[str, int] = {}
    for source in sources:
        chain: list[str] = []
        at: Example | None = source
        while at is not None and at.id not in depths:
            if at.id in chain:
                raise DecodingError(f"source {at.id!r} stands after itself: {' after '.join([*chain, at.id])}")
            chain.append(at.id)
            if at.after is not None and at.after not in by_id:
                raise DecodingError(f"source {at.id!r}: after={at.after!r} is not among the sources")
            at = by_id[at.after] if at.after is not None else None
        depth = depths[at.id] + 1 if at is not None else 0
        for name in reversed(chain):
            depths[name] = depth
            depth += 1
    found: list[list[Example]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for source in sources:
        found[depths[source.id]].append(source)
    return found


def with_story_so_far(
    source: Example, after: Mapping[str, str | None], told: Mapping[str, Sequence[Decoded]], sentences: int
) -> Example:
    """The source with the last sentences written before it in its story behind the context that it came with."""
    before: list[str] = []
    at = source.after
    while at is not None and len(before) < sentences:
        before.insert(0, told[at][0].text)
        at = after[at]
    return replace(source, context=(*source.context, *before))


def _later(on_progress: OnProgress, done: int, count: int, progress: Progress) -> None:
    """Report a part's progress as that of the whole."""
    step = done + progress.step
    on_progress(replace(progress, step=step, total_steps=count, fraction=step / count, message=f"decoded {step:,}"))
