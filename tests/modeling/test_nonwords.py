"""Words that nobody writes: by examples worked out by hand."""

import pytest

from modeling.metrics.nonword_rate import KnownWords, words
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The gagtametes were lovely .", ["gagtametes"]),
        (
            'Gagtametes! Playd all day. "Swimd" we did.',
            ["gagtametes", "playd", "swimd"],
        ),  # a capital says nothing there
        ("we met Talia and Joesph at Xyloplex", []),  # names
        ("it was n't fun, they didn't, we could n't, everyone's kids' o'clock", []),  # tokenised and not
        ("the 2nd of 12 b2bz on [male] 's boat with [ organization ]", []),  # numbers and placeholders
        ("my well-known mother-in-lawd", ["lawd"]),
        ("a café with naïve x q waiters", []),  # accents, single letters
        ("", []),
    ],
)
def test_nonwords_of_a_text(text: str, expected: list[str]) -> None:
    assert KnownWords([], []).nonwords(text, "a") == expected


def test_a_word_is_known_by_training_stories_or_another_album() -> None:
    known = KnownWords(["The Tribrid ran"], [("a hoverlift", "a"), ("our hoverlift's", "b"), ("zorbin zorbin", "c")])
    text = "tribrid hoverlift zorbin"
    assert [known.nonwords(text, album) for album in "abcd"] == [[], [], ["zorbin"], []]


def test_words_are_those_that_a_list_can_be_asked_for() -> None:
    assert list(words("Mr. Brown 's dog , [male] , ate 3 PIES")) == ["mr", "brown's", "dog", "ate"]


def test_nonword_rate_leaves_out_a_persons_own_text() -> None:
    """Two of four outputs hold one. Of people, the typo of "c" is nobody else's, while two albums have "zorbin"."""
    references = [("we love zorbin",), ("zorbin was fun",), ("a greaat day",), ("we had fun",)]
    outputs = ["the gagtametes ran", "zorbin in the park", "a greaat day", "Greaat day, Frazzo"]
    segments = [
        Segment(str(n), output, texts, album)
        for n, (output, texts, album) in enumerate(zip(outputs, references, "abcd", strict=True))
    ]
    scored = score_outputs(segments, metrics=["nonword_rate", "top_share"], by_segment=True, resamples=50)
    assert scored["nonword_rate"]["by_segment"] == [1, 0, 1, 0]
    assert scored["nonword_rate"]["value"] == 0.5
    assert "|list:pyspellchecker-" in scored["nonword_rate"]["signature"]
    assert scored["top_share"]["value"] == 0.25
    assert score_human(segments, metrics=["nonword_rate"])["nonword_rate"]["value"] == 0.25
    read = score_outputs(segments, metrics=["nonword_rate"], training_stories=["A greaat gagtametes"])
    assert read["nonword_rate"]["value"] == 0


def test_another_language_has_no_nonword_rate() -> None:
    segments = [Segment("1", "우리는 강아지를 사랑했다", ("강아지가 정말 귀여웠다", "공원에서 놀았다"))]
    assert score_outputs(segments, metrics=["nonword_rate"]) == {}
    assert score_human(segments, metrics=["nonword_rate", "unique"]).keys() == {"unique"}


def test_top_share_is_that_of_the_most_frequent_text() -> None:
    texts = ["We had fun .", "we had fun.", "we had  fun", "the end"]
    segments = [Segment(str(n), text, ("x",)) for n, text in enumerate(texts)]
    assert score_outputs(segments, metrics=["top_share"])["top_share"]["value"] == 0.5
