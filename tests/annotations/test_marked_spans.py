"""Agreement on marked parts of texts: by hand, against another library, and where nothing or all is marked."""

import krippendorff
import numpy as np
import pytest

from annotations.statistics.marked_spans import span_agreement

Spans = list[tuple[int, int, int, int]]  # rating, start, end, label


def agreement(
    ratings: list[tuple[int, int]], spans: Spans, groups: list[int] | None = None, resamples: int = 0
) -> float:
    """`ratings` are text and length."""
    texts, lengths = np.array(ratings, dtype=np.int64).T
    rating, starts, ends, labels = np.array(spans, dtype=np.int64).reshape(-1, 4).T
    of = np.array(groups, dtype=np.int64) if groups else texts
    found = span_agreement(texts, lengths, of, rating, starts, ends, labels, resamples=resamples)
    assert found.value is not None
    return found.value


def test_by_hand() -> None:
    """Of ten code points one rater marks those from 2 to 4, the other from 3 to 6: two are marked by both, three by one
    and five by none. So of 20 values 7 are marks, 6 / 20 disagree, and 2 · 7 · 13 / (20 · 19) would by chance."""
    spans = [(0, 2, 5, 1), (1, 3, 7, 1)]
    assert agreement([(5, 10), (5, 10)], spans) == pytest.approx(1 - (6 / 20) / (2 * 7 * 13 / (20 * 19)))
    assert agreement([(5, 10), (5, 10), (8, 40)], [*spans, (2, 0, 40, 1)]) == agreement([(5, 10), (5, 10)], spans), (
        "what one rater alone saw says nothing"
    )


@pytest.mark.parametrize("seed", range(5))
def test_against_another_library(seed: int) -> None:
    draw = np.random.default_rng(seed)
    ratings, spans, table = [], Spans(), []
    for text in range(6):
        length = int(draw.integers(5, 40))
        labels = np.full((4, length), np.nan)
        for rater in range(int(draw.integers(1, 5))):
            labels[rater] = 0
            start = 0
            while (start := start + int(draw.integers(0, 12))) < length - 1:
                end, label = min(length, start + int(draw.integers(1, 6))), int(draw.integers(1, 4))
                labels[rater, start:end] = label
                spans.append((len(ratings), start, end, label))
                start = end
            ratings.append((text, length))
        table.append(labels)
    expected = krippendorff.alpha(reliability_data=np.concatenate(table, axis=1), level_of_measurement="nominal")
    assert agreement(ratings, spans) == pytest.approx(expected)


def test_the_same_marks_agree_and_random_ones_do_not() -> None:
    same = [(rating, 4, 9, 1) for rating in range(6)]
    assert agreement([(text, 20) for text in (0, 0, 1, 1, 2, 2)], same) == 1
    draw = np.random.default_rng(1)
    spans, ratings = Spans(), []
    for rating in range(400):
        ratings.append((rating // 2, 60))
        start = int(draw.integers(0, 54))
        spans.append((rating, start, start + 6, 1))
    assert abs(agreement(ratings, spans)) < 0.06


def test_albums_are_resampled_whole_and_without_marks_there_is_nothing() -> None:
    texts = np.repeat(np.arange(12), 2)
    lengths, ratings = np.full(24, 30), np.arange(24)
    starts = np.where(ratings % 2, 5 + texts % 4, 5)
    spans = (ratings, starts, starts + 10, np.ones(24, dtype=np.int64))
    found = span_agreement(texts, lengths, texts // 2, *spans)
    assert found.interval
    assert found.value
    assert found.interval[0] < found.value < found.interval[1]
    one = span_agreement(texts, lengths, np.zeros(24, dtype=np.int64), *spans)
    assert (one.interval, one.undefined and one.undefined.code) == (None, "one_group")
    nothing = np.empty(0, dtype=np.int64)
    none = span_agreement(texts, lengths, texts, nothing, nothing, nothing, nothing)
    assert none.undefined
    assert none.undefined.code == "all_equal"
