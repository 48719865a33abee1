"""Examples as they stand in a JSONL file, and as the token ids a model is trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modeling.config import TrainingConfig
from modeling.errors import CorpusError, TooLongError
from modeling.marks import END, STORY
from texts.folding import fold
from texts.limits import LimitError, lines_within, parse_json, shown

if TYPE_CHECKING:
    from modeling.tokenization import Tokenizer

Tokens = NDArray[np.int32]

OTHERS = 64  # captions of an album beside one, at most; a model reads fewer


@dataclass(frozen=True)
class Example:
    """A source and what people wrote for it. `weight` scales its loss; `album` groups what belongs together, `photo`
    what is of one picture of it; `context` holds the sentences of the story before this one; where they are yet to be
    written, `after` is the id of the source whose sentence stands right before. `others` are sources of the album's
    other photos; where a file does not give them, `with_others` takes them from its other examples."""

    id: str
    source: str
    references: tuple[str, ...] = ()
    weight: float = 1.0
    album: str | None = None
    context: tuple[str, ...] = ()
    after: str | None = None
    photo: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class EncodedPair:
    """One (source, reference); both end with the end token.

    `example` is the place of its example in the list it came from, `words` the reference's white-space words.
    """

    source: Tokens
    target: Tokens
    weight: float
    example: int
    words: int


def read_examples(path: Path, *, references: bool = True) -> list[Example]:
    """Read `{"id", "source", "references": [...], "weight"?, "album"?, "photo"?, "context"?, "after"?, "others"?}`.

    One a line, blank lines left out; with `references=False` a line may leave those out. A text without words is no
    defect of the file: what reads the examples leaves it out. Raises CorpusError, naming file, line, key and value.
    """
    examples: list[Example] = []
    lines: dict[str, int] = {}
    for number, row in read_rows(path):
        example = example_of(row, f"{path}:{number}", references)
        if example.id in lines:
            raise CorpusError(f"{path}:{number}: id={example.id!r} is already used in line {lines[example.id]}")
        lines[example.id] = number
        examples.append(example)
    if not examples:
        raise CorpusError(f"{path}: contains no examples")
    return examples


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line of a JSONL file as (line number from 1, object)."""
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(lines_within(file), start=1):
                line = line.removeprefix("\ufeff")  # the mark of a file, or of a part joined to it
                if not line.strip():
                    continue
                try:
                    row = parse_json(line)
                except LimitError as error:
                    raise CorpusError(f"{path}:{number}: {error}") from error
                except ValueError as error:
                    raise CorpusError(f"{path}:{number}: not JSON ({error})") from error
                if not isinstance(row, dict):
                    raise CorpusError(f"{path}:{number}: must be an object, not {shown(row)}")
                if "\\u" in line and (half := _half_character(json.dumps(row, ensure_ascii=False))):
                    raise CorpusError(f"{path}:{number}: {half}")
                yield number, row
    except LimitError as error:
        raise CorpusError(f"{path}:{number + 1}: {error}") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error


def text_of(row: dict[str, Any], key: str, place: str) -> str:
    """The string under `key`; an id may be a whole number as well. Raises CorpusError."""
    value = row.get(key)
    if key == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise CorpusError(f"{place}: {key}={shown(value)} must be a string")
    return value


def fingerprint(*paths: Path | None) -> str:
    """SHA-256 over the SHA-256 of each file, a missing one counting as empty."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(hashlib.sha256(path.read_bytes() if path else b"").digest())
    return whole.hexdigest()


def encode_pairs(
    examples: Iterable[Example], tokenizer: Tokenizer, config: TrainingConfig
) -> tuple[list[EncodedPair], list[str]]:
    """One pair a reference, in order, and why each pair that was left out is: it is empty or too long."""
    pairs: list[EncodedPair] = []
    left_out: list[str] = []
    for index, example in enumerate(with_others(list(examples)) if config.album_context else examples):
        try:
            source = encode_source(example, tokenizer, config)
        except CorpusError as error:
            left_out.append(str(error))
            continue
        for reference in example.references:
            try:
                target = encode_text(reference, tokenizer, config.max_target_length, f"reference of {example.id!r}")
            except CorpusError as error:
                left_out.append(str(error))
            else:
                pairs.append(EncodedPair(source, target, example.weight, index, len(fold(reference).split())))
    return pairs, left_out


def encode_source(example: Example, tokenizer: Tokenizer, config: TrainingConfig, *, cut: bool = False) -> Tokens:
    """Token ids of what a model is given: as its `context` says, sources of the album's other photos and the last
    sentences of the story so far, then the source; all behind a mark where it learned to restore sentences too.

    Raises CorpusError where nothing is left of the source, and TooLongError where it is longer than
    `config.max_source_length`; with `cut` its first tokens stand for a longer one.
    """
    name = f"source of {example.id!r}"
    _check_text(example.source, tokenizer, name)
    ids = tokenizer.given(
        example.source,
        story=example.context[-config.story_sentences :] if config.story_sentences else (),
        others=example.others if config.album_context else (),
        limit=config.max_source_length,
    )
    if len(ids) > config.max_source_length:
        if not cut:
            raise _too_long(name, ids, config.max_source_length, example.source)
        ids = [*ids[: config.max_source_length - 1], ids[-1]]
    return marked(ids, tokenizer, config)


def no_source(tokenizer: Tokenizer, config: TrainingConfig) -> Tokens:
    """What a model is given in place of a source that is withheld."""
    return marked([END], tokenizer, config)


def marked(ids: list[int], tokenizer: Tokenizer, config: TrainingConfig) -> Tokens:
    """The ids behind the mark of what is to be written, where the model learned to restore sentences too."""
    return np.array([tokenizer.mark(STORY), *ids] if config.denoising else ids, dtype=np.int32)


def encode_text(text: str, tokenizer: Tokenizer, limit: int, name: str) -> Tokens:
    """Token ids ending with the end token. Raises CorpusError where nothing is left, and TooLongError for more than
    `limit` tokens."""
    ids = _check_text(text, tokenizer, name)
    if len(ids) > limit:
        raise _too_long(name, ids, limit, text)
    return np.array(ids, dtype=np.int32)


def _check_text(text: str, tokenizer: Tokenizer, name: str) -> list[int]:
    """The token ids of a text with words. Raises CorpusError for another one."""
    if half := _half_character(text):
        raise CorpusError(f"{name} has {half}: {shown(text)}")
    ids = tokenizer.encode(text)
    if len(ids) == 1:
        raise CorpusError(f"{name} is empty after normalisation: {shown(text)}")
    return ids


def _too_long(name: str, ids: Sequence[int], limit: int, text: str) -> TooLongError:
    return TooLongError(f"{name} has {len(ids)} tokens, more than the limit of {limit}: {shown(text)}")


Albums = dict[str, dict[str, str]]  # of each album the source that stands for each photo: its first


def with_others(examples: Sequence[Example]) -> list[Example]:
    """Each example with the sources of its album's other photos as `others`, unless it came with them."""
    albums = albums_of(examples)
    return [each if each.others else replace(each, others=others_of(each, albums)) for each in examples]


def albums_of(examples: Iterable[Example]) -> Albums:
    """Without `photo` a source is taken for a photo of its own."""
    albums: Albums = {}
    for example in examples:
        if example.album is not None:
            albums.setdefault(example.album, {}).setdefault(example.photo or example.source, example.source)
    return albums


def others_of(example: Example, albums: Albums) -> tuple[str, ...]:
    """The sources of the album's other photos, in order; of more than `OTHERS` the last."""
    photos = albums.get(example.album, {}) if example.album is not None else {}
    found = [source for photo, source in photos.items() if photo != (example.photo or example.source)]
    return tuple(found[-OTHERS:])


def deduplicate(examples: Iterable[Example], normalisation: Callable[[str], str]) -> list[Example]:
    """The first example of each source with its first reference, and of these the first of each reference."""
    sources: dict[str, Example] = {}
    for example in examples:
        sources.setdefault(normalisation(example.source), example)
    references: dict[str, Example] = {}
    for example in sources.values():
        first = replace(example, references=example.references[:1])
        references.setdefault(normalisation(first.references[0]), first)
    return list(references.values())


def example_of(row: dict[str, Any], place: str, with_references: bool) -> Example:
    """A line's object as an example. Raises CorpusError, naming the place, the key and the value."""
    references = row.get("references", None if with_references else [])
    if not isinstance(references, list) or (with_references and not references):
        raise CorpusError(f"{place}: references={shown(references)} must be a list of at least one string")
    for position, reference in enumerate(references):
        if not isinstance(reference, str):
            raise CorpusError(f"{place}: references[{position}]={shown(reference)} must be a string")
    source = text_of(row, "source", place)
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise CorpusError(f"{place}: weight={shown(weight)} must be a number of at least 0")
    album = None if row.get("album") is None else text_of(row, "album", place)
    photo = None if row.get("photo") is None else text_of(row, "photo", place)
    context, others = (_strings(row, key, place) for key in ("context", "others"))
    after = None if row.get("after") is None else text_of(row, "after", place)
    name = text_of(row, "id", place)
    return Example(name, source, tuple(references), float(weight), album, context, after, photo, others)


def _strings(row: dict[str, Any], key: str, place: str) -> tuple[str, ...]:
    """The list under `key`, empty where there is none. Raises CorpusError for anything but strings."""
    found = row.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise CorpusError(f"{place}: {key}={shown(found)} must be a list of strings")
    return tuple(found)


def _half_character(text: str) -> str:
    """What is wrong with text that has half of a pair of surrogates, which JSON can write and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"an unpaired surrogate, {text[error.start]!r}"
    return ""


def texts(examples: Sequence[Example]) -> list[str]:
    """Every different source and reference, in order of first appearance."""
    return list(dict.fromkeys(text for example in examples for text in (example.source, *example.references)))
