"""The restoring stage: marked sources with words missing, for a set share of the training, and then the pairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modeling.config import TrainingConfig, load_preset
from modeling.corpus import encode_pairs, read_examples, texts
from modeling.denoising import corrupt, restorations, word_starts
from modeling.marks import CAPTION, STORY
from modeling.tokenization import END, Normalisation, Tokenizer
from modeling.training import Progress, train
from tests.modeling.corpora import write_examples

CONFIG = load_preset(
    "tiny",
    ["vocabulary_size=60", "denoising=0.25", "max_steps=40", "validate_every=5", "save_every=0", "device=cpu"],
)


@pytest.fixture(params=["subword", "word"])
def tokens(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_words_are_dropped_whole_at_the_set_share_behind_their_mark(tokens: str, tmp_path: Path) -> None:
    examples = read_examples(write_examples(tmp_path / "examples.jsonl", 60))
    tokenizer = Tokenizer.train(texts(examples)[:20], Normalisation(tokens), vocabulary_size=45, seed=1)
    config = replace(CONFIG, tokens=tokens)
    whole = restorations(examples, tokenizer, config)
    assert len(whole) == len(texts(examples)), "each text once"
    marks = {CAPTION: set(), STORY: set()}  # type: dict[str, set[str]]
    for pair in whole:
        (mark,) = tokenizer.pieces(pair.source[:1])
        marks[mark].add(tokenizer.decode(pair.target))
        assert pair.source[1:].tolist() == pair.target.tolist()
    assert all(text.startswith("a") for text in marks[CAPTION])
    assert all(text.startswith(("we loved", "the")) for text in marks[STORY])
    starts, draw, kept, words = word_starts(tokenizer), np.random.default_rng(1), 0, 0
    for pair in whole * 20:
        (noisy,) = corrupt([pair], starts, 0.3, draw)
        assert (noisy.source[0], noisy.source[-1]) == (pair.source[0], END)
        assert noisy.target is pair.target
        before, after = spelled(pair.source, starts), spelled(noisy.source, starts)
        remaining = iter(before)
        assert all(word in remaining for word in after), "whole words, in order"
        kept, words = kept + len(after), words + len(before)
    assert kept / words == pytest.approx(0.7, abs=0.02)
    pairs, _ = encode_pairs(examples, tokenizer, config)
    assert {tokenizer.pieces(pair.source[:1])[0] for pair in pairs} == {STORY}, "a story is to be written for it"


def spelled(source: np.ndarray, starts: np.ndarray) -> list[tuple[int, ...]]:
    """The words between mark and end token, each as its token ids."""
    found: list[tuple[int, ...]] = []
    for token in source[1:-1]:
        found = [*found, (token,)] if starts[token] or not found else [*found[:-1], (*found[-1], token)]
    return found


def test_some_word_is_always_left(tmp_path: Path) -> None:
    examples = read_examples(write_examples(tmp_path / "examples.jsonl", 30))
    tokenizer = Tokenizer.train(texts(examples), Normalisation(), vocabulary_size=60, seed=1)
    noisy = corrupt(restorations(examples, tokenizer, CONFIG), word_starts(tokenizer), 0.95, np.random.default_rng(1))
    assert min(len(pair.source) for pair in noisy) >= 3


class Stop(Exception):
    pass


def test_the_pairs_begin_at_the_set_share_and_interruptions_change_nothing(tmp_path: Path) -> None:
    """A quarter of forty steps restores. Looks begin with the pairs: before, they would say nothing of them."""
    files = write_examples(tmp_path / "train.jsonl", 80), write_examples(tmp_path / "valid.jsonl", 10, seed=2)

    def trained(name: str, config: TrainingConfig, stops: list[int]) -> tuple[str, list[Progress], list[int]]:
        reports: list[Progress] = []

        def report(progress: Progress) -> None:
            reports.append(progress)
            if progress.step in stops:
                stops.remove(progress.step)
                raise Stop

        while True:
            try:
                result = train(
                    config, train_file=files[0], valid_file=files[1], directory=tmp_path / name, on_progress=report
                )
            except Stop:
                continue
            return result.sha256, reports, [int(look["step"]) for look in result.history]

    plain, reports, looks = trained("plain", CONFIG, [])
    restoring = [each.step for each in reports if each.message.startswith("restoring sentences")]
    assert restoring == list(range(1, 11))
    assert looks == [15, 20, 25, 30, 35, 40]
    again, _, looks_again = trained("again", CONFIG, [3, 10, 11, 12, 25])
    assert (again, looks_again) == (plain, looks)


def test_patience_waits_for_the_pairs(tmp_path: Path) -> None:
    files = write_examples(tmp_path / "train.jsonl", 80), write_examples(tmp_path / "valid.jsonl", 10, seed=2)
    config = replace(CONFIG, patience=1, validate_every=1, max_steps=60, denoising=0.5, learning_rate=1.0)
    result = train(config, train_file=files[0], valid_file=files[1], directory=tmp_path / "out")
    assert 31 < result.steps < 60
    assert min(look["step"] for look in result.history) == 31
