"""After the one normalisation, typography says nothing of who wrote a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.campaigns.normalisation import _set_whole, normalise


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("it was a lot of fun .", "It was a lot of fun."),
        ("It was a lot of fun.", "It was a lot of fun."),
        ("the kids were very excited to the beach", "The kids were very excited to the beach."),
        ("i was n't there , but [Male] 's dog was !", "I wasn't there but someone's dog was."),
        ("We stayed. i did n't ; it 's true", "We stayed. I didn't it's true."),
        ("``  what a day  '' , he said", "What a day he said."),
        ("The “best” day – ever…", "The best day ever."),
        ("wow ! what ( a ) day ?", "Wow. What a day?"),
        ("so ... we left at 4:30 p.m. with 3,000 ice-creams!!", "So we left at 4:30 pm with 3,000 ice-creams."),
        ("they said 'no', so I'm 100% sure & happy 😀", "They said no so I'm 100% sure & happy 😀."),
        ("हम समुद्र तट पर गए।", "हम समुद्र तट पर गए."),
        ("[female] and i went to [location] .", "Someone and I went to that place."),
        ("PARIS IS BIG", "Paris is big."),
        ("우리는 해변에 갔다 .", "우리는 해변에 갔다."),
        ("  ", ""),
        ("...", "."),
    ],
)
def test_it_reads_as_a_sentence(written: str, shown: str) -> None:
    assert normalise(written) == shown


pieces = st.sampled_from(
    [
        "i",
        "we",
        "n't",
        "'s",
        ".",
        ",",
        "!",
        "?",
        '"',
        "``",
        "''",
        "(",
        ")",
        "[male]",
        " ",
        "  ",
        "Ünder",
        "…",
        "-",
        "'",
        ":",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=14).map(" ".join), st.lists(pieces).map("".join)))
def test_again_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="aib03 .,!?'", max_size=12))
def test_plain_words_are_set_as_all_texts_are(text: str) -> None:
    assert normalise(text) == _set_whole(text)


@given(st.lists(st.sampled_from(["we", "saw", "a", "dog", "it", "was", "fun", "i"]), min_size=1, max_size=9))
def test_case_spacing_and_the_full_stop_do_not_matter(words: list[str]) -> None:
    plain = " ".join(words)
    variants = [plain, plain.upper(), plain.capitalize() + ".", "  ".join(words) + " .", plain.title()]
    assert len({normalise(variant) for variant in variants}) == 1
