"""Text to tokens and back; marks that no text can write; a vocabulary of words; one reference per source."""

import pytest

from modeling.corpus import Example, deduplicate
from modeling.marks import MARKS
from modeling.tokenization import END, UNKNOWN, Normalisation, Tokenizer

TEXTS = [
    "We saw a dog at the beach .",
    "a [male] ran , do n't you know ?",
    "a story and a caption , then tags : <b> bold </b> or s pad unk",
    "the the the dog dog dog",
]
SYMBOLS = ("</s>", "<s>", "<pad>", "<unk>")


def tokenizer(tokens: str, vocabulary_size: int = 90, **changes: bool) -> Tokenizer:
    return Tokenizer.train(TEXTS * 3, Normalisation(tokens, **changes), vocabulary_size=vocabulary_size, seed=1)


@pytest.mark.parametrize("tokens", ["subword", "word"])
def test_a_text_comes_back_as_it_was_normalised(tokens: str) -> None:
    made = tokenizer(tokens)
    assert made.decode(made.encode("We saw a  dog at the beach .")) == "we saw a dog at the beach."
    assert made.decode(made.encode("a [male] ran , do n't you know ?")) == "a [male] ran, don't you know?"
    assert made.encode(" \n") == [END]


def test_letters_only_leaves_letters() -> None:
    made = tokenizer("word", letters_only=True)
    assert made.decode(made.encode("We saw 2 dogs -- at the beach!")) == "we saw at the beach"
    assert made.normalisation("We saw 2 dogs -- at the beach!") == "we saw dogs at the beach"
    assert made.encode("해변 42 !") == [END]


def test_a_vocabulary_of_words_holds_the_most_frequent_and_knows_no_other() -> None:
    made = tokenizer("word", vocabulary_size=24)
    assert len(made) <= 24
    the, dog = made.encode("the dog")[:-1]
    assert UNKNOWN not in (the, dog)
    assert made.pieces([the, dog]) == ["\u2581the", "\u2581dog"]
    assert made.encode("zebra") == [UNKNOWN, END]
    assert made.encode("Dog.") == made.encode("dog .")


@pytest.mark.parametrize("tokens", ["subword", "word"])
@pytest.mark.parametrize("written", [*MARKS, *SYMBOLS])
def test_what_a_user_types_is_never_a_control_token(tokens: str, written: str) -> None:
    made = tokenizer(tokens)
    for text in (written, f"a {written} dog", f"a{written}dog", written.upper()):
        *ids, last = made.encode(text)
        assert last == END
        assert not {made.mark(name) for name in (*MARKS, "<pad>", "<s>", "</s>")} & set(ids)
    assert made.decode(made.encode(written)).replace(" ", "") == written


@pytest.mark.parametrize("tokens", ["subword", "word"])
def test_control_tokens_leave_no_trace_in_a_text(tokens: str) -> None:
    made = tokenizer(tokens)
    controls = [made.mark(name) for name in (*MARKS, "<pad>", "<s>")]
    ids = made.encode("a dog")[:-1]
    assert made.decode([*controls, *ids, *controls, END, *ids]) == "a dog"


def test_deduplication_keeps_one_reference_a_source_and_one_source_a_reference() -> None:
    """By what is left of them once normalised: the third is the first's source, the fourth the second's reference."""
    rows = [
        ("1", "a dog", ("ran", "sat")),
        ("2", "a cat", ("slept",)),
        ("3", "A  dog", ("fled",)),
        ("4", "b", ("Slept",)),
    ]
    found = deduplicate([Example(*row) for row in rows], Normalisation())
    assert [(each.id, each.references) for each in found] == [("1", ("ran",)), ("2", ("slept",))]
