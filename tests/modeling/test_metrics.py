"""Metrics against numbers worked out by hand or by the library's own command."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.corpus import Example, read_examples
from modeling.errors import ScoringError
from modeling.metrics import METRICS, Segment, score_outputs
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.source_gain import derangement, score_checkpoint
from modeling.training import TrainingResult

SEGMENTS = [
    Segment("1", "the dog ran . the dog ran .", ("The dog ran away .", "A dog was running"), "a"),
    Segment("2", "we had fun", ("We had so much fun today!",), "a"),
    Segment("3", "We had fun .", ("It was fun.",), "b"),
]


def values(segments: list[Segment], **options: object) -> dict[str, float]:
    return {metric: score["value"] for metric, score in score_outputs(segments, resamples=20, **options).items()}


def test_diversity_by_hand() -> None:
    """Normalised: "the dog ran. the dog ran.", "we had fun", "we had fun.": 6 + 3 + 3 words, 5 + 2 + 2 bigrams."""
    found = values(SEGMENTS, training_stories=["We had fun .", "nobody ran"])
    assert found["distinct_1"] == pytest.approx(len({"the", "dog", "ran.", "we", "had", "fun", "fun."}) / 12)
    assert found["distinct_2"] == pytest.approx(6 / 9)
    assert found["unique"] == 3
    assert found["repetition"] == pytest.approx((2 / 5 + 0 + 0) / 3)
    assert found["copy_rate"] == pytest.approx(1 / 3)


def test_bleu_and_chrf_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    equal = [replace(segment, references=(segment.references * 2)[:2]) for segment in SEGMENTS]
    from modeling.text import normalize

    streams = [[normalize(segment.references[n]) for segment in equal] for n in range(2)]
    files = [tmp_path / f"refs{n}" for n in range(2)]
    for file, stream in zip(files, streams, strict=True):
        file.write_text("\n".join(stream) + "\n")
    (tmp_path / "out").write_text("\n".join(normalize(segment.output) for segment in equal) + "\n")
    command = [sys.executable, "-m", "sacrebleu", *map(str, files), "-i", str(tmp_path / "out"), "-m", "bleu", "chrf"]
    told = json.loads(subprocess.run([*command, "-w", "6", "-lc"], capture_output=True, text=True, check=True).stdout)
    scores = score_outputs(equal, metrics=["bleu", "chrf"], resamples=20)
    assert [scores["bleu"]["value"], scores["chrf"]["value"]] == pytest.approx([row["score"] for row in told], abs=1e-5)
    assert scores["bleu"]["signature"].startswith("nrefs:2|bs:20|seed:12345|case:lc|eff:no|tok:13a|smooth:exp|version:")


def test_references_of_unequal_number_all_count() -> None:
    """A reference that stands there twice changes neither score, and no filling up of the shorter lists may."""
    twice = [replace(segment, references=(segment.references * 2)[:2]) for segment in SEGMENTS]
    assert values(SEGMENTS)["bleu"] == pytest.approx(values(twice)["bleu"])
    assert values(SEGMENTS)["chrf"] == pytest.approx(values(twice)["chrf"])
    perfect = [replace(segment, output=segment.references[-1]) for segment in SEGMENTS]
    scores = score_outputs(perfect, metrics=["bleu"], resamples=0)
    assert scores["bleu"]["value"] == pytest.approx(100)
    assert "nrefs:var" in scores["bleu"]["signature"]


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ScoringError, match="no outputs"):
        score_outputs([])
    with pytest.raises(ScoringError, match="'2' has no reference"):
        score_outputs([SEGMENTS[0], replace(SEGMENTS[1], references=())])
    with pytest.raises(ScoringError, match="unknown metric 'meteor'; valid metrics: bleu, chrf"):
        score_outputs(SEGMENTS, metrics=["meteor"])


def test_empty_outputs_score_nothing_and_crash_nothing() -> None:
    found = values([replace(segment, output="") for segment in SEGMENTS])
    assert found == dict.fromkeys(METRICS, 0.0) | {"unique": 1.0}


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    """1,000 Bernoulli(0.3) draws, each its own group: 0.3 ± 1.96 · sqrt(0.3 · 0.7 / 1000)."""
    draws = [1.0] * 300 + [0.0] * 700
    low, high = ratio_interval(draws, [1.0] * 1000, range(1000), resamples=4000, seed=1) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.3 - 0.0284, 0.3 + 0.0284), abs=0.003)
    assert ratio_interval([1.0, 2.0], [1.0, 1.0], ["same", "same"], resamples=10, seed=1) is None


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


def test_source_gain_tells_a_model_that_looks_from_one_that_cannot(
    trained: TrainingResult, corpus: tuple[Path, Path]
) -> None:
    examples = read_examples(corpus[1])
    looking = score_checkpoint(trained.checkpoint, examples)
    assert looking["source_gain"]["value"] > 0.2
    low, high = looking["source_gain"]["ci"]
    assert 0 < low < looking["source_gain"]["value"] < high
    assert "derangements:5" in looking["source_gain"]["signature"]
    blind = score_checkpoint(trained.checkpoint, [replace(example, source="a dog") for example in examples])
    assert blind["source_gain"]["value"] == pytest.approx(0, abs=1e-6)
    assert blind["nll"]["value"] > looking["nll"]["value"]


def test_nll_is_nats_a_white_space_word(trained: TrainingResult, corpus: tuple[Path, Path]) -> None:
    import torch

    from modeling.batching import make_batch
    from modeling.checkpoints import load_checkpoint
    from modeling.corpus import encode_pairs

    examples = read_examples(corpus[1])[:6]
    loaded = load_checkpoint(trained.checkpoint)
    model, total, words = loaded.model(torch.device("cpu")), 0.0, 0
    for pair in encode_pairs(examples, loaded.tokenizer, loaded.config)[0]:
        total += float(model.token_losses(make_batch([pair], torch.device("cpu")))[0].sum().detach())
    words = sum(len(reference.split()) for example in examples for reference in example.references)
    assert score_checkpoint(trained.checkpoint, examples)["nll"]["value"] == pytest.approx(total / words, rel=1e-5)


def test_one_album_has_no_source_gain(trained: TrainingResult) -> None:
    same = [Example(str(n), "a dog is at the park", ("We loved the dog .",), album="a") for n in range(4)]
    assert set(score_checkpoint(trained.checkpoint, same)) == {"nll"}
