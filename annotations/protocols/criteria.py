"""Criteria: what raters are asked of texts, in the researcher's words, in built-in ones, or by a name alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.protocols.labels import LANGUAGES, Label, get_language, override, translated
from annotations.protocols.labels import translated_when_read as _

Words = Mapping[str, Any]  # by the names of a label's parts
OF_SEVERAL = ("which", "best", "worst")


@dataclass(frozen=True)
class Criterion:
    """`built_in` words are in the language in which they are read. `own` ones, the researcher's, are as they are in
    every language for which `translations` have no other; they stand before the built-in ones. Who words the question
    words those of several texts too, which say the same."""

    name: str
    built_in: Words = field(default_factory=dict)
    own: Words = field(default_factory=dict)
    translations: Mapping[str, Words] = field(default_factory=dict)  # by language

    @property
    def reworded(self) -> bool:
        return bool(self.own or self.translations)

    @property
    def label(self) -> Label:
        """In the active language."""
        words: dict[str, Any] = {}
        for layer in (self.built_in, self.own, self.translations.get(get_language() or "", {})):
            if "question" in layer:
                words = {part: word for part, word in words.items() if part not in OF_SEVERAL}
            words |= layer
        question = str(words.get("question", ""))
        fallback = Label(
            title=(self.name[:1].upper() + self.name[1:]).replace("_", " "),
            question="",
            which=f"{question} {translated('Which one more so?')}" if question else translated("Which is better?"),
            best=f"{question} {translated('Which one most so?')}" if question else translated("Which is best?"),
            worst=f"{question} {translated('Which one least so?')}" if question else translated("Which is worst?"),
            low=translated("not at all"),
            high=translated("entirely"),
        )
        return fallback._replace(**{part: str(word) for part, word in words.items()})

    def said(self, say: Callable[[Label], str]) -> str:
        """What raters read, as a datasheet gives it: of the researcher's words in every language, of others in
        English. A language in which `say` has nothing is left out."""
        if not self.reworded:
            with override("en"):
                return f"{say(self.label)} (in English)"
        languages: dict[str, list[str]] = {}
        for code, language in LANGUAGES.items():
            with override(code):
                languages.setdefault(say(self.label), []).append(language)
        return "; ".join(f"{text} ({', '.join(names)})" for text, names in languages.items() if text)


def criterion_of(name: str, words: Mapping[str, Words]) -> Criterion:
    """`words` are those of a campaign, by criterion: with a label's parts there may be languages, each with the same
    parts."""
    own = words.get(name, {})
    return Criterion(
        name,
        BUILT_IN[name].built_in if name in BUILT_IN else {},
        {part: word for part, word in own.items() if part in Label._fields},
        {language: own[language] for language in LANGUAGES if language in own},
    )


def criteria_of(names: Sequence[str], words: Mapping[str, Words]) -> list[Criterion]:
    return [criterion_of(name, words) for name in names]


BUILT_IN = {
    criterion.name: criterion
    for criterion in (
        Criterion(
            "human_likeness",
            {
                "title": _("Human-likeness"),
                "question": _("Does it read as if a person had written it?"),
                "which": _("Which reads more as if a person had written it?"),
                "best": _("Which reads most as if a person had written it?"),
                "worst": _("Which reads least as if a person had written it?"),
                "low": _("clearly a machine"),
                "high": _("clearly a person"),
            },
        ),
        Criterion(
            "grounding",
            {
                "title": _("Fits the source"),
                "question": _("Does it fit what you see above it?"),
                "which": _("Which fits better what you see above?"),
                "best": _("Which fits best what you see above?"),
                "worst": _("Which fits least what you see above?"),
                "low": _("does not fit at all"),
                "high": _("fits perfectly"),
            },
        ),
        Criterion(
            "fluency",
            {
                "title": _("Fluency"),
                "question": _("Is it good, natural language?"),
                "which": _("Which is better, more natural language?"),
                "best": _("Which is the best, most natural language?"),
                "worst": _("Which is the worst, least natural language?"),
                "low": _("hard to read"),
                "high": _("reads perfectly"),
            },
        ),
        Criterion(
            "coherence",
            {
                "title": _("Coherence"),
                "question": _("Does it make sense as a whole?"),
                "which": _("Which makes more sense as a whole?"),
                "best": _("Which makes the most sense as a whole?"),
                "worst": _("Which makes the least sense as a whole?"),
                "low": _("makes no sense"),
                "high": _("makes full sense"),
            },
        ),
        Criterion(
            "interest",
            {
                "title": _("Interest"),
                "question": _("Would you want to read on?"),
                "which": _("Which would you rather go on reading?"),
                "best": _("Which would you most like to go on reading?"),
                "worst": _("Which would you least like to go on reading?"),
                "low": _("dull"),
                "high": _("gripping"),
            },
        ),
        Criterion(
            "repetition",
            {
                "title": _("No repetition"),
                "question": _("Does each part say something new?"),
                "which": _("Which repeats itself less?"),
                "best": _("Which repeats itself least?"),
                "worst": _("Which repeats itself most?"),
                "low": _("says the same again and again"),
                "high": _("every part is new"),
            },
        ),
    )
}
