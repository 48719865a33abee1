"""The words of an English text that carry its content, a plural counting as its singular."""

from __future__ import annotations

import re

from modeling.text import ATTACHED, normalize

# Articles, pronouns, prepositions, conjunctions, auxiliaries, and what is left of contractions ("don't", "she's").
_FUNCTION_WORDS = """
    a an the this that these those some any each every all both either neither no another other such
    i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself
    it its itself they them their theirs themselves who whom whose which what one ones someone something
    about above across after against along among around as at before behind below beneath beside between by down
    during for from in inside into near of off on onto out outside over past through to toward towards under until
    up upon with within without
    and but or nor so yet if because while when where although though than then there here how why
    am is are was were be been being do does did doing have has had having can could may might must shall should will
    would not very too also just
    s t d m ll re ve don didn doesn isn aren wasn weren couldn wouldn hasn haven hadn
    """
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
# Taken off in this order, the first that fits: Harman's (1991) S stemmer, and "es" behind a sibilant.
PLURALS = (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", ""))
SINGULAR = ("ss", "us", "is")

_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{ATTACHED}])*")


def content_words(text: str) -> frozenset[str]:
    """Different words, lower-cased and singular, without function words. Other languages keep all of their words."""
    return frozenset(singular(word) for word in _WORD.findall(normalize(text)) if word not in FUNCTION_WORDS)


def singular(word: str) -> str:
    """`word` without a regular plural's ending; one of at most three letters stays as it is."""
    if len(word) <= 3 or word.endswith(SINGULAR):
        return word
    return next((word.removesuffix(end) + instead for end, instead in PLURALS if word.endswith(end)), word)
