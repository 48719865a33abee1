"""What raters are shown as one text is one text to every metric and to every model."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from annotations.campaigns.normalisation import normalise
from modeling.metrics import of_kind
from modeling.metrics.content_words import content_words
from modeling.metrics.outputs import score_outputs
from modeling.metrics.texts import Segment, TextMetric
from modeling.text import letters_only, normalize, plain_words, split_marks
from texts.folding import SIGNATURE, fold

PLAIN = 'we didn\'t see caf\u00e9 "bleu" - it was a beautiful ice-cream day...'
AS_TYPED = {
    "NFD": unicodedata.normalize("NFD", PLAIN),
    "curly quotes": "we didn’t see caf\u00e9 “bleu” - it was a beautiful ice-cream day...",
    "other quotes": "we didn´t see caf\u00e9 «bleu» - it was a beautiful ice-cream day...",
    "soft hyphens": PLAIN.replace("beautiful", "beau\u00adti\u00adful"),
    "no-break spaces": PLAIN.replace(" ", "\u00a0"),
    "line ends": PLAIN.replace(" it", "\r\nit"),
    "dash": PLAIN.replace(" - ", "\u2014"),
    "ellipsis": PLAIN.replace("...", "…"),
    "hyphen": PLAIN.replace("ice-", "ice\u2011"),
    "word joiner": PLAIN.replace("beautiful", "beauti\u2060ful"),
    "byte order mark": f"\ufeff{PLAIN}",
    "zero width space": PLAIN.replace("beautiful", "beau\u200btiful"),
    "idle joiner": PLAIN.replace("beautiful", "beau\u200ctiful"),
    "marks of direction": f"\u200e{PLAIN}\u200f",
    "control": PLAIN.replace("beautiful", "beau\x07tiful"),
}
KEPT = ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "❤\ufe0f\u200d🔥", "\U0001f3f4\U000e0067\U000e0062\U000e007f"]


@pytest.mark.parametrize("typed", AS_TYPED.values(), ids=AS_TYPED)
def test_one_text_however_it_is_typed(typed: str) -> None:
    assert fold(typed) == PLAIN
    assert normalise(typed) == normalise(PLAIN) == "We didn't see caf\u00e9 bleu it was a beautiful ice-cream day."
    for as_read in (normalize, letters_only, plain_words, content_words):
        assert as_read(typed) == as_read(PLAIN)


def test_one_text_has_one_score() -> None:
    """Ten outputs for ten sources, each typed another way than its reference; only what models say is left out."""
    metrics = [metric.name for metric in of_kind(TextMetric) if metric.name not in ("bertscore_f1", "reward")]

    def scores(outputs: list[str], reference: str) -> dict[str, object]:
        references = (reference, "nobody saw it")
        segments = [Segment(str(n), text, references, None, PLAIN) for n, text in enumerate(outputs)]
        return score_outputs(segments, metrics=metrics, training_stories=[reference], resamples=10)

    as_typed = list(AS_TYPED.values())
    plain = scores([PLAIN] * len(as_typed), PLAIN)
    for reference in (PLAIN, *as_typed):
        assert scores(as_typed, reference) == plain
    assert {metric: plain[metric]["value"] for metric in ("bleu", "chrf")} == pytest.approx({"bleu": 100, "chrf": 100})
    assert (plain["unique"]["value"], plain["copy_rate"]["value"], plain["caption_recall"]["value"]) == (1, 1, 1)
    assert all(f"|{SIGNATURE}" in score["signature"] for score in plain.values())


@pytest.mark.parametrize("text", KEPT)
def test_signs_that_change_what_is_seen_stay_and_split_no_word(text: str) -> None:
    assert fold(text) == text
    assert normalise(text) == f"{text}."
    assert split_marks(f"{text}!") == f"{text} !"


signs = st.sampled_from(
    [*"aeéE .,'\"-`´’“”–—…\u00ad\u200b\u200c\u200d\u2060\ufeff\u0301\u0323\u00a0\u3000\r\n", "می", "👩"]
)
texts = st.one_of(st.text(max_size=40), st.lists(signs, max_size=14).map("".join))


@given(texts)
def test_folding_again_or_after_decomposing_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(unicodedata.normalize("NFD", text)) == folded
    assert unicodedata.is_normalized("NFC", folded)
    assert "  " not in folded
    assert folded == folded.strip()


@given(texts)
def test_what_folds_alike_is_shown_alike_and_scores_alike(text: str) -> None:
    folded = fold(text)
    assert normalise(text) == normalise(folded)
    assert normalize(text) == normalize(folded)
    assert plain_words(text) == plain_words(folded)
    assert not (normalise(text) and not folded)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_ascii_keeps_its_signs(text: str) -> None:
    assert fold(text) == " ".join(text.split())


def test_plain_texts_have_the_scores_that_sacrebleu_gives_them() -> None:
    outputs = ["we had a lot of fun today!", "the dog ran -- home", "`it' was 3-4 \"big\" cats, isn't it?"]
    references = ["we had so much fun today!", "the dog ran back home", 'it was 3-4 "big" dogs, isn\'t it?']
    segments = [Segment(str(n), *pair) for n, pair in enumerate(zip(outputs, ((r,) for r in references), strict=True))]
    found = score_outputs(segments, metrics=["bleu", "chrf"], resamples=50)
    for metric, scorer in (("bleu", BLEU(lowercase=True)), ("chrf", CHRF(lowercase=True))):
        expected = scorer.corpus_score(outputs, [references], n_bootstrap=50)
        assert found[metric]["value"] == pytest.approx(expected.score)
        low, high = expected._mean - expected._ci, expected._mean + expected._ci
        assert found[metric]["ci"] == pytest.approx((low, high), abs=1e-4)
        assert found[metric]["signature"] == f"{scorer.get_signature()}|{SIGNATURE}"
