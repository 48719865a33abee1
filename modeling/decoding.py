"""Decoding: texts for the sources of a file or of a split, in batches of like lengths.

Neither the batch a source is in nor its neighbours change what is written for it, but for draws by CTranslate2
(`modeling.ctranslate`).
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
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example, Tokens, encode_source, with_others
from modeling.ctranslate import engine_for
from modeling.devices import cpu_threads, pick_device, precision
from modeling.ensembles import ensemble as ensemble_of
from modeling.errors import CorpusError, DecodingError, TooLongError
from modeling.progress import OnProgress, Progress, no_progress
from modeling.reranking import Rerank, reranking
from modeling.search import Text, search

Write = Callable[[Sequence[Tokens], Sequence[str]], list[list[Text]]]  # sources and their names → texts of each

BATCHES_SORTED = 32  # so many batches' sources are ordered by length before they are cut into batches


@dataclass(frozen=True)
class Note:
    """What is odd about a source: nothing is written for it (`left_out`), or it was cut to what the model reads."""

    id: str
    left_out: bool
    why: str


OnNote = Callable[[Note], None]
OnEngine = Callable[[str], None]


def no_note(note: Note) -> None:
    """Keep nothing of the notes."""


def no_engine(engine: str) -> None:
    """Keep nothing of which engine it is."""


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
    ensemble: Sequence[Path] = (),
    on_progress: OnProgress = no_progress,
    on_note: OnNote = no_note,
    on_engine: OnEngine = no_engine,
) -> Iterator[Decoded]:
    """Texts for the sources, in their order, the best of a source's texts first. The checkpoints of an `ensemble` write
    them together with the first one.

    A source without words has no text, and one that is too long is cut; `on_note` is told of both before the first
    text, and `on_engine` of what decodes: torch or ct2. Raises CheckpointError, and DecodingError where there is
    nothing to write for, or where an ensemble's members do not read and write the same tokens.
    """
    device = pick_device(config.device)
    loaded = load_checkpoint(checkpoint)
    config = config.for_family(loaded.config.architecture)
    if loaded.config.album_context:
        sources = with_others(sources)
    encoded = readable_sources(loaded, sources, on_note)
    readable = [source for source in sources if source.id in encoded]
    model = ensemble_of(loaded, ensemble, device, config.weights)
    model.compute_in(config.precision)
    write = _engine(model, loaded.config, config, device, on_engine)
    rerank = reranking(config, model, loaded, readable)
    if not loaded.config.story_sentences:
        examples = {source.id: source for source in readable}
        yield from _written(loaded, write, rerank, examples, encoded, config, on_progress)
        return
    told: dict[str, list[Decoded]] = {}
    after = {source.id: source.after for source in sources}
    for turn in turns(sources):
        given = {
            source.id: with_story_so_far(source, after, told, loaded.config.story_sentences)
            for source in turn
            if source.id in encoded
        }
        turn_encoded = {
            name: encode_source(source, loaded.tokenizer, loaded.config, cut=True) for name, source in given.items()
        }
        report = partial(_later, on_progress, len(told), len(readable))
        for each in _written(loaded, write, rerank, given, turn_encoded, config, report):
            told.setdefault(each.id, []).append(each)
    for source in readable:
        yield from told[source.id]


def _written(
    loaded: Checkpoint,
    write: Write,
    rerank: Rerank,
    examples: Mapping[str, Example],
    sources: Mapping[str, Tokens],
    config: DecodingConfig,
    on_progress: OnProgress,
) -> Iterator[Decoded]:
    """Texts for the encoded `sources`, of which `examples` are what they were."""
    ids, encoded = list(sources), list(sources.values())
    width = max(1, config.batch // config.texts)
    for start in range(0, len(sources), width * BATCHES_SORTED):
        names = ids[start : start + width * BATCHES_SORTED]
        texts: dict[int, list[Text]] = {}
        block = encoded[start : start + len(names)]
        order = sorted(range(len(block)), key=lambda place: len(block[place]))
        for first in range(0, len(order), width):
            places = order[first : first + width]
            with cpu_threads(config.threads):
                found = write([block[each] for each in places], [names[each] for each in places])
                ranked = [rerank(examples[names[each]], its) for each, its in zip(places, found, strict=True)]
            texts.update(zip(places, ranked, strict=True))
            done = start + len(texts)
            on_progress(Progress(done, len(sources), done / len(sources), message=f"decoded {done:,}"))
        for place, name in enumerate(names):
            for rank, text in enumerate(texts[place][: config.keep or None]):
                yield Decoded(name, rank, loaded.tokenizer.decode(text.tokens), text.logprob)


def _engine(
    model: Model, trained: TrainingConfig, config: DecodingConfig, device: torch.device, on_engine: OnEngine
) -> Write:
    other = engine_for(model, trained, config, device) if config.engine != "torch" else None
    on_engine("ct2" if other else "torch")
    if other:
        return lambda batch, names: other.texts(batch)
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


def readable_sources(loaded: Checkpoint, sources: Sequence[Example], on_note: OnNote) -> dict[str, Tokens]:
    """Token ids by id of the sources that have words, in order, each cut to what the model reads.

    `on_note` is told of what was left out or cut. Raises DecodingError where no source has words.
    """
    encoded: dict[str, Tokens] = {}
    left_out: list[str] = []
    for source in sources:
        try:
            encoded[source.id] = encode_source(source, loaded.tokenizer, loaded.config)
        except TooLongError as error:
            encoded[source.id] = encode_source(source, loaded.tokenizer, loaded.config, cut=True)
            on_note(Note(source.id, False, str(error)))
        except CorpusError as error:
            left_out.append(str(error))
            on_note(Note(source.id, True, str(error)))
    if left_out and not encoded:
        raise DecodingError(f"none of the {len(left_out)} sources can be decoded; the first: {left_out[0]}")
    return encoded


def encode_sources(loaded: Checkpoint, sources: Sequence[Example]) -> list[Tokens]:
    """Token ids of each source, cut to what the model reads. Raises DecodingError for one without words."""
    try:
        return [encode_source(source, loaded.tokenizer, loaded.config, cut=True) for source in sources]
    except CorpusError as error:
        raise DecodingError(str(error)) from error


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
                raise DecodingError(f"source {at.id!r} comes after itself: {' after '.join([*chain, at.id])}")
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
    """The source with the last sentences written before it in its story behind the context that it came with. Where
    nothing was written for a source before, the story goes on without it."""
    before: list[str] = []
    at = source.after
    while at is not None and len(before) < sentences:
        if at in told:
            before.insert(0, told[at][0].text)
        at = after[at]
    return replace(source, context=(*source.context, *before))


def _later(on_progress: OnProgress, done: int, count: int, progress: Progress) -> None:
    """Report a part's progress as that of the whole."""
    step = done + progress.step
    on_progress(replace(progress, step=step, total_steps=count, fraction=step / count, message=f"decoded {step:,}"))
