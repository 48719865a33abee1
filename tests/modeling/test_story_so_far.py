"""A model with `context` reads the sentences before its own: people's in training, its own where it writes a story."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig, TrainingConfig, load_preset
from modeling.corpus import Example, read_examples, with_others
from modeling.decoding import Note, decode, turns
from modeling.errors import ConfigError, CorpusError, DecodingError
from modeling.metrics.checkpoint import score_checkpoint
from modeling.training import TrainingResult, train

ANIMALS = ["dog", "cat", "horse", "duck"]
GREEDY = DecodingConfig(method="greedy")


def stories(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Two sentences per story. The second one's caption says nothing; what it is about only the first one tells."""
    draw = random.Random(seed)
    for number in range(count):
        animal = draw.choice(ANIMALS)
        first = f"we met a {animal} ."
        yield {"id": f"{number}-1", "source": f"a {animal} on grass", "references": [first], "album": f"a{number}"}
        second = {"id": f"{number}-2", "source": "green grass", "references": [f"the {animal} ran home ."]}
        yield {**second, "album": f"a{number}", "context": [first]}


def write(file: Path, rows: Iterator[dict[str, Any]]) -> Path:
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    folder = tmp_path_factory.mktemp("told")
    settings = ["tokens=word", "context=1", "max_steps=200", "hidden_size=64", "embedding_size=64", "dropout=0"]
    files = write(folder / "train.jsonl", stories(200, 1)), write(folder / "valid.jsonl", stories(20, 2))
    return train(load_preset("tiny", settings), train_file=files[0], valid_file=files[1], directory=folder / "out")


@pytest.mark.parametrize("reverse", [False, True])
def test_a_story_goes_on_from_what_was_written_before(told: TrainingResult, reverse: bool) -> None:
    sources = [
        each
        for animal in ANIMALS
        for each in (
            Example(f"{animal}-1", f"a {animal} on grass"),
            Example(f"{animal}-2", "green grass", after=f"{animal}-1"),
        )
    ]
    sources = sources[::-1] if reverse else sources
    written = list(decode(told.checkpoint, sources, GREEDY))
    assert [each.id for each in written] == [source.id for source in sources]
    texts = {each.id: each.text for each in written}
    for animal in ANIMALS:
        assert texts[f"{animal}-1"] == f"we met a {animal}."
        assert texts[f"{animal}-2"] == f"the {animal} ran home."


def test_a_story_goes_on_behind_a_caption_without_words(told: TrainingResult) -> None:
    notes: list[Note] = []
    sources = [Example("one", "a duck on grass"), Example("two", "!?", after="one"), Example("three", "green grass")]
    sources[1:] = [replace(sources[1], source=" "), replace(sources[2], after="two")]
    written = list(decode(told.checkpoint, sources, GREEDY, on_note=notes.append))
    assert [each.id for each in written] == ["one", "three"]
    assert [(note.id, note.left_out) for note in notes] == [("two", True)]


def test_a_context_that_comes_with_the_source_is_read_too(told: TrainingResult) -> None:
    (written,) = decode(told.checkpoint, [Example("x", "green grass", context=("we met a duck .",))], GREEDY)
    assert written.text == "the duck ran home."


def test_source_gain_exchanges_the_caption_and_not_the_story_so_far(told: TrainingResult, tmp_path: Path) -> None:
    """Second sentences depend on the story so far alone: exchanging their captions costs nothing."""
    second = [example for example in read_examples(write(tmp_path / "x", stories(30, 3))) if example.context]
    scores = score_checkpoint(told.checkpoint, second)
    assert scores["source_gain"]["value"] == pytest.approx(0, abs=1e-6)
    assert scores["retrieval_accuracy"]["value"] == pytest.approx(0.1)
    without = score_checkpoint(told.checkpoint, [replace(example, context=()) for example in second])
    assert without["nll"]["value"] > scores["nll"]["value"] + 0.2


def test_a_story_is_told_from_its_beginning() -> None:
    rows = [Example("c", "x", after="b"), Example("a", "x"), Example("b", "x", after="a"), Example("d", "x")]
    assert [[each.id for each in turn] for turn in turns(rows)] == [["a", "d"], ["b"], ["c"]]
    assert turns([]) == []
    with pytest.raises(DecodingError, match="source 'c': after='z' is not among the sources"):
        turns([Example("c", "x", after="z")])
    with pytest.raises(DecodingError, match="source 'a' comes after itself: a after b after a"):
        turns([Example("a", "x", after="b"), Example("b", "x", after="a")])


def test_a_context_that_is_no_list_of_texts_is_refused(tmp_path: Path) -> None:
    for context in ("one", [1]):
        file = write(tmp_path / "bad", iter([{"id": "a", "source": "x", "references": ["y"], "context": context}]))
        with pytest.raises(CorpusError, match=r"bad:1: context=.* must be a list of strings"):
            read_examples(file)


def test_the_albums_other_captions_are_the_first_of_each_other_photo() -> None:
    rows = [
        ("a", "1", "a boat"),
        ("a", "1", "the boat"),
        ("a", "2", "a dog"),
        ("b", "1", "a hat"),
        (None, None, "a cat"),
    ]
    examples = [Example(str(n), text, ("x",), album=album, photo=photo) for n, (album, photo, text) in enumerate(rows)]
    assert [each.others for each in with_others(examples)] == [("a dog",), ("a dog",), ("a boat",), (), ()]
    alone = [Example(str(n), text, album="a") for n, text in enumerate(["a boat", "a dog", "a boat"])]
    assert [each.others for each in with_others(alone)] == [("a dog",), ("a boat",), ("a dog",)]


def test_context_is_left_out_from_the_farthest_and_the_source_stays_whole(told: TrainingResult) -> None:
    tokenizer = load_checkpoint(told.checkpoint).tokenizer
    whole = tokenizer.given("green grass", story=["we met a duck ."], others=["red hat"], limit=99)
    assert whole == [
        *tokenizer.encode("red hat")[:-1],
        tokenizer.mark("<caption>"),
        *tokenizer.encode("we met a duck .")[:-1],
        tokenizer.mark("<then>"),
        *tokenizer.encode("green grass"),
    ]
    for limit in range(1, len(whole) + 1):
        shorter = tokenizer.given("green grass", story=["we met a duck ."], others=["red hat"], limit=limit)
        assert whole[-len(shorter) :] == shorter
        assert len(shorter) <= max(limit, 3)


@pytest.mark.parametrize("context", ["21", "-1", "album+", "album+0", "albums", "x"])
def test_a_context_that_is_none_is_refused(context: str) -> None:
    with pytest.raises(ConfigError, match=r"must be a whole number from 0 to 20, album, or album\+N"):
        TrainingConfig.from_overrides(["epochs=1", f"context={context}"])
    both = TrainingConfig.from_overrides(["epochs=1", "context=album+3"])
    assert (both.album_context, both.story_sentences) == (True, 3)
