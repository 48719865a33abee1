"""Does a model look at its source? Against figures worked out by hand, and pair by pair."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling.batching import make_batch
from modeling.checkpoints import load_checkpoint
from modeling.config import load_preset
from modeling.corpus import Example, encode_pairs, read_examples
from modeling.metrics import with_companions
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.derangements import derangement, within_albums
from modeling.metrics.pairs import Sources
from modeling.metrics.retrieval import draw_candidates, hits
from modeling.training import TrainingResult, train


def test_retrieval_hits_by_hand() -> None:
    """Best alone 1; shared by two 1/2, a thousandth of a nat being no difference; by all 1/10; not best 0."""
    worse = [9.0] * 8
    table = np.array([[1, 2, *worse], [1, 1.0005, *worse], [5.0] * 10, [2, 1, *worse], [2, 1, 1, *worse[1:]]])
    assert hits(table).tolist() == pytest.approx([1, 1 / 2, 1 / 10, 0, 0])


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
def test_nine_other_sources_are_of_other_albums(albums: list[int]) -> None:
    by_example = {3 * place: album for place, album in enumerate(albums)}  # examples left out leave gaps
    wanted = [example for example in by_example for _ in range(2)]
    drawn, given = draw_candidates(by_example, wanted)
    if len(albums) - max(map(albums.count, albums)) < 9:
        assert len(drawn) == 0
        return
    assert drawn.tolist() == list(range(len(wanted)))
    for place, row in zip(drawn, given.tolist(), strict=True):
        assert row[0] == wanted[place]
        assert len(set(row)) == 10
        assert all(by_example[other] != by_example[row[0]] for other in row[1:])


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60), st.integers(1, 5))
def test_nobody_meets_their_own_album(albums: list[int], seed: int) -> None:
    taken = derangement(albums, seed)
    largest = max(albums.count(album) for album in albums)
    if 2 * largest > len(albums):
        assert taken is None
        return
    assert taken is not None
    assert sorted(taken) == list(range(len(albums)))
    assert all(albums[taken[index]] != album for index, album in enumerate(albums))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60), st.integers(1, 5))
def test_within_an_album_nobody_meets_their_own_photo(photos: list[tuple[int, int]], seed: int) -> None:
    of = {3 * place: photo for place, photo in enumerate(photos)}  # examples left out leave gaps
    taken = within_albums(of, seed)
    several = {album for album, _ in photos if len({photo for other, photo in photos if other == album}) > 1}
    assert set(taken) == {example for example, (album, _) in of.items() if album in several}
    assert all(of[one][0] == of[other][0] and of[one] != of[other] for one, other in taken.items())
    by_photo = {photo: {of[taken[each]] for each in taken if of[each] == photo} for photo in map(of.get, taken)}
    assert all(len(others) == 1 for others in by_photo.values())  # all examples of a photo take one other photo's
    assert sorted(each for (each,) in by_photo.values()) == sorted(by_photo)  # and each photo is taken once


def test_source_gain_tells_a_model_that_looks_from_one_that_cannot(
    trained: TrainingResult, corpus: tuple[Path, Path]
) -> None:
    examples = read_examples(corpus[1])
    looking = score_checkpoint(trained.checkpoint, examples)
    assert looking["source_gain"]["value"] > 0.2
    assert looking["retrieval_accuracy"]["value"] > 0.3
    low, high = looking["source_gain"]["ci"]
    assert 0 < low < looking["source_gain"]["value"] < high
    assert "derangements:5" in looking["source_gain"]["signature"]
    blind = score_checkpoint(trained.checkpoint, [replace(example, source="a dog") for example in examples])
    assert blind["source_gain"]["value"] == pytest.approx(0, abs=1e-6)
    assert blind["retrieval_accuracy"]["value"] == pytest.approx(0.1, abs=1e-12)
    assert blind["nll"]["value"] > looking["nll"]["value"]


def test_nll_is_nats_a_white_space_word(trained: TrainingResult, corpus: tuple[Path, Path]) -> None:
    examples = read_examples(corpus[1])[:6]
    loaded = load_checkpoint(trained.checkpoint)
    model, total, words = loaded.model(torch.device("cpu")), 0.0, 0
    for pair in encode_pairs(examples, loaded.tokenizer, loaded.config)[0]:
        total += float(model.token_losses(make_batch([pair], torch.device("cpu")))[0].sum().detach())
    words = sum(len(reference.split()) for example in examples for reference in example.references)
    assert score_checkpoint(trained.checkpoint, examples)["nll"]["value"] == pytest.approx(total / words, rel=1e-5)


def test_retrieval_is_each_pair_scored_alone(trained: TrainingResult, corpus: tuple[Path, Path]) -> None:
    """The share worked out pair by pair and source by source, batches of one."""
    examples, cpu = read_examples(corpus[1]), torch.device("cpu")
    loaded = load_checkpoint(trained.checkpoint)
    model = loaded.model(cpu)
    pairs, _ = encode_pairs(examples, loaded.tokenizer, loaded.config)
    sources = {pair.example: pair.source for pair in pairs}
    albums = {index: examples[index].album for index in sources}
    expected = []
    drawn, given = draw_candidates(albums, [pair.example for pair in pairs])
    for place, row in zip(drawn, given.tolist(), strict=True):
        asked = [replace(pairs[place], source=sources[each]) for each in row]
        with torch.no_grad():
            nats = [float(model.token_losses(make_batch([pair], cpu))[0].sum()) for pair in asked]
        least = [n for n in nats if n - min(nats) < 1e-3]
        expected.append(nats[0] - min(nats) < 1e-3 and 1 / len(least))
    score = score_checkpoint(trained.checkpoint, examples)["retrieval_accuracy"]
    assert score["value"] == pytest.approx(sum(expected) / len(expected))
    assert score["signature"].startswith(
        f"retrieval_accuracy|of:10|fold:1|pairs:{len(pairs)}of{len(pairs)}|left_out:0|weights:best at step "
    )
    assert score["ci"][0] < score["value"] < score["ci"][1]


def test_one_photo_has_neither_source_gain_nor_retrieval(trained: TrainingResult) -> None:
    same = [Example(str(n), "a dog is at the park", ("We loved the dog .",), album="a") for n in range(4)]
    assert set(score_checkpoint(trained.checkpoint, same)) == {"nll"}


def test_the_gain_within_albums_is_of_the_photo_and_not_of_the_day(
    trained: TrainingResult, corpus: tuple[Path, Path]
) -> None:
    """Where all photos of an album have the same caption, another photo's costs nothing; another album's does."""
    examples = read_examples(corpus[1])
    found = score_checkpoint(trained.checkpoint, examples)
    gain, whole = found["source_gain_within_album"], len(encode_all(trained, examples))
    assert gain["value"] > 0.2
    alone = sum(len(example.references) for example in examples if example.album == "a13")  # one photo: no part
    assert f"|pairs:{whole - alone}of{whole}|" in gain["signature"]
    assert gain["ci"][0] < gain["value"] < gain["ci"][1]
    first = {example.album: example.source for example in reversed(examples)}
    alike = [replace(each, source=first[each.album], photo=each.id) for each in examples]
    found = score_checkpoint(trained.checkpoint, alike)
    assert found["source_gain_within_album"]["value"] == pytest.approx(0, abs=1e-6)  # the noise of other batches
    assert found["source_gain"]["value"] > 0.2
    assert {"nll", "source_gain"} == set(found) - {"source_gain_within_album", "retrieval_accuracy"}


def encode_all(trained: TrainingResult, examples: list[Example]) -> list[object]:
    loaded = load_checkpoint(trained.checkpoint)
    return list(encode_pairs(examples, loaded.tokenizer, loaded.config)[0])


@pytest.mark.parametrize("context", ["album", "album+1"])
def test_within_an_album_the_same_captions_are_known(trained: TrainingResult, context: str) -> None:
    """Across albums the captions around the source change with it; the story so far never does."""
    loaded = load_checkpoint(trained.checkpoint)
    loaded = replace(loaded, config=replace(loaded.config, context=context))
    rows = [("a", "1", "a dog"), ("a", "1", "the dog"), ("a", "2", "a boat"), ("a", "3", "a cake"), ("b", "4", "a car")]
    examples = [
        Example(str(n), text, ("x y", "y x"), album=album, photo=photo, context=(f"we sat at house {n}",))
        for n, (album, photo, text) in enumerate(rows)
    ]
    pairs, _ = encode_pairs(examples, loaded.tokenizer, loaded.config)
    sources = Sources(examples, pairs, loaded)
    story = ["we sat at house 0"] if context == "album+1" else []
    for other, others in (
        (0, ["a boat", "a cake"]),
        (2, ["a dog", "a cake"]),
        (3, ["a dog", "a boat"]),
        (4, []),
    ):
        expected = loaded.tokenizer.given(rows[other][2], story=story, others=others, limit=99)
        assert sources.of_album(0, other).tolist() == expected
        assert sources.of_album(0, other) is sources.of_album(0, other)
    assert sources.of_album(0, 0) is pairs[0].source is pairs[1].source


def test_a_score_says_of_which_weights_it_is(
    trained: TrainingResult, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    examples = read_examples(corpus[1])[:9]
    scores = score_checkpoint(trained.checkpoint, examples)
    best = min(trained.history, key=lambda look: look["valid_nll"])["step"]
    assert best < trained.steps
    assert all(f"|weights:best at step {best:.0f}|" in score["signature"] for score in scores.values())
    assert "note" not in scores["nll"]
    short = load_preset("tiny", ["vocabulary_size=64", "max_steps=1"])
    result = train(short, train_file=corpus[1], valid_file=None, directory=tmp_path)
    scores = score_checkpoint(result.checkpoint, examples)
    assert all("|weights:last, no validation pairs|" in score["signature"] for score in scores.values())
    assert "trained without validation pairs" in scores["nll"]["note"]


def test_a_gain_is_never_asked_for_without_the_loss() -> None:
    assert with_companions(["bleu", "source_gain_within_album", "unique"]) == [
        "bleu",
        "nll",
        "source_gain_within_album",
        "unique",
    ]
    for enough in (["source_gain", "nll"], ["unique"]):
        assert with_companions(enough) == enough
