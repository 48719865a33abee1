"""Metrics against numbers worked out by hand or by the library's own command."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modeling.errors import ScoringError
from modeling.metrics import of_kind
from modeling.metrics.content_words import content_words
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.metric import Need, printed
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment, TextMetric

OF_TEXTS = [metric for metric in of_kind(TextMetric) if Need.REWARD_MODEL not in metric.needs]
ALONE = {metric.name for metric in OF_TEXTS if Need.REFERENCES not in metric.needs}
LEAVE_ONE_OUT = {"bleu_loo", "chrf_loo"}
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


def test_each_segments_value_is_sacrebleus_sentence_score_or_a_part_of_the_mean() -> None:
    from sacrebleu.metrics import BLEU, CHRF

    from modeling.text import normalize

    segments = [*SEGMENTS, replace(SEGMENTS[2], id="4", output="", source="the dogs")]
    found = score_outputs(segments, training_stories=["We had fun ."], resamples=20, by_segment=True)
    for metric, scorer in (("bleu", BLEU(lowercase=True, effective_order=True)), ("chrf", CHRF(lowercase=True))):
        expected = [
            scorer.sentence_score(normalize(each.output), [normalize(text) for text in each.references]).score
            for each in segments
        ]
        assert found[metric]["by_segment"] == pytest.approx(expected)
        assert found[metric]["by_segment"][1] > 10, "three words have orders 1 to 3 alone"
    assert "|eff:yes|" in found["bleu"]["segment_signature"]
    assert "|eff:no|" in found["bleu"]["signature"]
    for metric in ("bertscore_f1", "repetition", "copy_rate", "caption_recall"):
        defined = [value for value in found[metric]["by_segment"] if value is not None]
        assert len(found[metric]["by_segment"]) == 4
        assert found[metric]["value"] == pytest.approx(np.mean(defined))
        assert "segment_signature" not in found[metric]
    assert found["copy_rate"]["by_segment"] == [0, 0, 1, 0]
    assert found["caption_recall"]["by_segment"] == [None, None, None, 0]
    assert {metric for metric, score in found.items() if "by_segment" in score} == {
        metric.name for metric in OF_TEXTS if metric.by_text
    }
    plain = score_outputs(segments, training_stories=["We had fun ."], resamples=20)
    assert {metric for metric, score in plain.items() if "by_segment" in score or "statistics" in score} == set()
    kept = ("value", "ci", "signature")
    for metric, score in found.items():
        assert [plain[metric][key] for key in kept] == [score[key] for key in kept]


def test_one_reference_left_out_is_the_mean_of_sacrebleus_own_rounds(tmp_path: Path) -> None:
    """Three references, two, and one that has no part in it; sacrebleu's command scores each round's files."""
    from modeling.text import normalize

    segments = [
        replace(SEGMENTS[0], references=("The dog ran away .", "A dog was running", "the dog ran and ran")),
        replace(SEGMENTS[1], references=("We had so much fun today!", "we had a lot of fun")),
        SEGMENTS[2],
    ]
    left_out = [(0, 0), (1, 1), (2, 0)]  # of the first two segments, a round each
    for system in ("output", "human"):
        expected = []
        for places in left_out:
            kept = [
                [*each.references[:k], *each.references[k + 1 :]] for k, each in zip(places, segments, strict=False)
            ]
            streams = [kept[0][0], kept[1][0]], [kept[0][1], kept[1][0]]  # one that stands there twice changes nothing
            written = [
                each.output if system == "output" else each.references[k]
                for k, each in zip(places, segments, strict=False)
            ]
            files = [tmp_path / name for name in ("out", "refs0", "refs1")]
            for file, stream in zip(files, (written, *streams), strict=True):
                file.write_text("\n".join(map(normalize, stream)) + "\n")
            command = [
                sys.executable,
                "-m",
                "sacrebleu",
                *map(str, files[1:]),
                "-i",
                str(files[0]),
                "-m",
                "bleu",
                "chrf",
            ]
            told = subprocess.run([*command, "-w", "6", "-lc"], capture_output=True, text=True, check=True).stdout
            expected.append([row["score"] for row in json.loads(told)])
        score = score_outputs if system == "output" else score_human
        found = score(segments, metrics=["bleu_loo", "chrf_loo"], resamples=20)
        means = [sum(column) / 3 for column in zip(*expected, strict=True)]
        assert [found["bleu_loo"]["value"], found["chrf_loo"]["value"]] == pytest.approx(means, abs=1e-5)
        assert printed(found["bleu_loo"])["signature"].endswith("|left_out:1|rounds:3|sources:2of3")


def test_a_person_is_never_compared_with_their_own_text() -> None:
    """People who all wrote the same are as good as can be; who wrote nothing alike share no word."""
    alike = [Segment(str(n), "x", ("we had so much fun",) * 3, f"a{n}", "two dogs") for n in range(4)]
    assert score_human(alike, resamples=20)["bleu_loo"]["value"] == pytest.approx(100)
    assert score_human(alike, resamples=20)["bleu_loo"]["ci"] == pytest.approx((100, 100))
    apart = [Segment("1", "x", ("dogs ran home quickly", "we laughed all day", "my sun is bright"), "a", "two dogs")]
    found = score_human(apart, training_stories=apart[0].references)
    assert found["bleu_loo"]["value"] == 0
    assert found["copy_rate"]["value"] == 1
    assert set(found) == ALONE | LEAVE_ONE_OUT
    single = [replace(segment, references=segment.references[:1]) for segment in alike]
    assert set(score_human(single)) == ALONE
    assert not LEAVE_ONE_OUT & set(score_outputs(single, resamples=0))
    assert score_human([replace(segment, references=()) for segment in alike]) == {}


def test_caption_words_by_hand() -> None:
    """Of "two dogs are running on beaches" two, dog, running, beach; of "a bus" bus; of "[male] and her" male."""
    assert content_words("Two DOGS are running on the beaches , isn't it ?") == {"two", "dog", "running", "beach"}
    assert content_words("glasses, parties, boxes and dishes of the bus") == {"glass", "party", "box", "dish", "bus"}
    captions = ["two dogs are running on beaches", "a bus", "[male] and her", None, "it is what it is"]
    outputs = ["A dog ran on the beach, dog!", "buses and a bus", "she went", "two dogs", "it is"]
    segments = [
        Segment(str(n), output, ("reference dog",), None, caption)
        for n, (caption, output) in enumerate(zip(captions, outputs, strict=True))
    ]
    score = score_outputs(segments, metrics=["caption_recall"])["caption_recall"]
    assert score["value"] == pytest.approx((2 / 4 + 1 + 0) / 3)
    assert "|captions:3|" in score["signature"]
    assert score["ci"][0] <= score["value"] <= score["ci"][1]
    copies = [replace(segment, output=segment.source or "") for segment in segments]
    assert score_outputs(copies, metrics=["caption_recall"])["caption_recall"]["value"] == 1
    assert score_outputs(segments[3:], metrics=["caption_recall"]) == {}


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ScoringError, match="no outputs"):
        score_outputs([])
    with pytest.raises(ScoringError, match="'2' has no reference"):
        score_outputs([SEGMENTS[0], replace(SEGMENTS[1], references=())])
    with pytest.raises(ScoringError, match="unknown metric 'meteor'; valid metrics: bleu, chrf"):
        score_outputs(SEGMENTS, metrics=["meteor"])


def test_empty_outputs_score_nothing_and_crash_nothing() -> None:
    found = values([replace(segment, output="", source="two dogs") for segment in SEGMENTS])
    assert found == dict.fromkeys([metric.name for metric in OF_TEXTS], 0.0) | {"unique": 1.0, "top_share": 1.0}


def test_a_system_whose_outputs_are_nearly_all_empty_is_scored() -> None:
    """chrF 50.04, which is sacrebleu's own; a resample may hold nothing but empty texts."""
    from sacrebleu.metrics import CHRF

    segments = [Segment("1", "", ("our dog",)), Segment("2", "our cat ran", ("our cat",))]
    found = score_outputs(segments, metrics=["chrf", "bleu", "chrf_loo"])
    assert found["chrf"]["value"] == pytest.approx(50.04, abs=0.005)
    own = CHRF(lowercase=True).corpus_score(["", "our cat ran"], [["our dog", "our cat"]])
    assert found["chrf"]["value"] == pytest.approx(own.score)
    low, high = found["chrf"]["ci"]
    assert low < found["chrf"]["value"] < high


def test_a_score_of_a_part_of_the_sources_says_so() -> None:
    segments = [replace(segment, references=("x y", "y z"), source="dogs") for segment in SEGMENTS]
    for scores in (score_outputs(segments, resamples=5, of=24), score_human(segments, resamples=5, of=24)):
        for metric, score in scores.items():
            assert printed(score)["signature"].endswith("|sources:3of24"), metric
    whole = score_outputs(segments, metrics=["bleu", "unique"], resamples=5, of=3)
    assert not any("sources" in score for score in whole.values())


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    """1,000 Bernoulli(0.3) draws, each its own group: 0.3 ± 1.96 · sqrt(0.3 · 0.7 / 1000)."""
    draws = [1.0] * 300 + [0.0] * 700
    low, high = ratio_interval(draws, [1.0] * 1000, range(1000), resamples=4000, seed=1) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.3 - 0.0284, 0.3 + 0.0284), abs=0.003)
    assert ratio_interval([1.0, 2.0], [1.0, 1.0], ["same", "same"], resamples=10, seed=1) is None
