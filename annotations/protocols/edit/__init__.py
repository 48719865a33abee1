"""The text as the rater would have written it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from rapidfuzz.distance import Levenshtein

from annotations.errors import AnswerError
from annotations.protocols.base import (
    NO_TEXTS,
    Allowed,
    Field,
    Instrument,
    Numbers,
    Protocol,
    Rules,
    ShownText,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, Rewritten
from annotations.protocols.scored import number_or_text
from texts.limits import shown

QUESTION = _("How would you have written this text?")
MAX_TEXT_LENGTH = 5000  # characters of a rewrite
NOTED = {"pasted": ".pasted", "typing_seconds": ".typing"}  # what the page notes, and its ending of a field's name
MAX_NOTED = 10**7
SEEMS_FINE = 1.0  # standard deviations above the middle from which a simulated rater changes nothing


class Edit(TypedDict):
    """How a rewrite differs from the text that was shown; `text` is the rewrite, which is stored apart."""

    edits: int  # words inserted, deleted or replaced, at least
    words: list[int]  # of the text that was shown, and of the rewrite
    pasted: NotRequired[float]  # characters
    typing_seconds: NotRequired[float]
    text: NotRequired[str]


Edits = Mapping[str, Mapping[str, Edit]]  # by criterion and by the candidate's primary key, as a string


class Editing(Protocol[Edits]):
    """Its number is how much of a text is kept: 1 − d / n, where d is the Levenshtein (1966) distance in words, and n
    the words of the longer text: 1 where it was left as it was, 0 where no word of it remained."""

    name = "edit"
    noun = "rewrites"
    measure = "share_kept"
    level = "interval"
    scale = (0.0, 1.0)
    instrument = Instrument("A text field that contains the text.", "(Post-)editing.")
    asked = "to rewrite every text as they would have written it"
    shown_here = True
    usual_texts = 1
    varies = {"item_sd": 0.25, "rater_sd": 0.15, "residual_sd": 0.4, "severity_sd": 0.15}
    usual_seconds = 60.0
    found_bad_below = 1.0
    attention = "This is no text but a check that you are reading: please delete all words but the first."
    not_as_before = "shares of words changed that are on average more than a quarter apart"
    may_answer_alike = True
    one_criterion = True
    own_question = True
    heading = QUESTION
    missing = _("Change the text, or leave it as it is")
    told = _(
        "Change each text until it says what it says as you would have written it. If there is nothing you would "
        "change, leave it as it is. Besides your text, it is noted how long you typed and how many characters you "
        "pasted, but not which keys you pressed."
    )

    def question(self, label: Label) -> str:
        return translated(QUESTION)

    def allowed(self, rules: Rules) -> Allowed:
        return Allowed("Open.", f"Any text of at most {MAX_TEXT_LENGTH:,} characters.")

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """A field is named `criterion:candidate`; its value is the rewrite. Beside it stands what the page notes."""
        candidates = []
        for place, (candidate, text) in enumerate(texts):
            fields = [
                Field(
                    id=f"field-{place + 1}-{number}",
                    name=f"{criterion.name}:{candidate}",
                    label=criterion.label._replace(question=translated(QUESTION)),
                    value=draft.get(f"{criterion.name}:{candidate}", ""),
                )
                for number, criterion in enumerate(criteria, start=1)
            ]
            noted = {
                f"{field.name}{ending}": draft.get(f"{field.name}{ending}", "")
                for field in fields
                for ending in NOTED.values()
            }
            shown_text = ShownText(letter(place), text, fields)
            candidates.append({**shown_text._asdict(), "sentences": shown_text.sentences, "noted": noted})
        return {"candidates": candidates, "max_length": MAX_TEXT_LENGTH}

    def answered(
        self,
        texts: Sequence[tuple[str, str]],
        fields: Mapping[str, str],
        *,
        criteria: Sequence[Criterion],
        rules: Rules,
    ) -> dict[str, object]:
        """Of each text its rewrites; `kept`: left as it was."""
        candidates = []
        for place, (candidate, text) in enumerate(texts):
            shown_text = ShownText(letter(place), text)
            rewrites = [fields.get(f"{criterion.name}:{candidate}", "") for criterion in criteria]
            parts = {"rewrites": rewrites, "kept": " ".join(text.split())}
            candidates.append({**shown_text._asdict(), "sentences": shown_text.sentences, **parts})
        return {"candidates": candidates}

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """Something noted without a rewrite is left out."""
        answers: dict[str, dict[str, dict[str, object]]] = {}
        for name, value in fields.items():
            if not name.endswith(tuple(NOTED.values())):
                criterion, _, candidate = name.rpartition(":")
                noted = {key: number_or_text(fields.get(f"{name}{end}", "0")) for key, end in NOTED.items()}
                answers.setdefault(criterion, {})[candidate] = {"text": value, **noted}
        return answers

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Edits:
        """A rewrite is a text, or an object of it (`text`) with what was noted; spaces and lines are folded."""
        return {
            criterion: {
                str(pk := candidates[name]): edit_of(texts[pk], given, f"answers.{criterion}.{name}")
                for name, given in check_keys(of_it, candidates, f"answers.{criterion}", "candidates").items()
            }
            for criterion, of_it in check_keys(answers, criteria, "answers", "criteria").items()
        }

    def apart(self, read: Edits) -> tuple[Edits, Mapping[int, str]]:
        rewrites = {int(candidate): edit["text"] for edits in read.values() for candidate, edit in edits.items()}
        return each_edit(read, lambda _, edit: {key: value for key, value in edit.items() if key != "text"}), rewrites

    def together(self, stored: Edits, rewrites: Mapping[int, str]) -> Edits:
        return each_edit(stored, lambda candidate, edit: {**edit, "text": rewrites.get(int(candidate), "")})

    def fields(self, stored: Edits, *, names: Mapping[int, str]) -> dict[str, str]:
        fields = {}
        for criterion, edits in stored.items():
            for candidate, edit in edits.items():
                name = f"{criterion}:{names[int(candidate)]}"
                fields[name] = edit["text"]
                fields |= {f"{name}{NOTED[key]}": f"{value:g}" for key, value in edit.items() if key in NOTED}
        return fields

    def scores(self, stored: Edits) -> Numbers:
        return each_edit(stored, lambda _, edit: 1 - edit["edits"] / max(edit["words"]))

    def edits(self, stored: Edits) -> Edits:
        return stored

    def lessons(self, stored: Edits, shown: Sequence[str]) -> Lessons:
        """Of a text that was changed its rewrite, which is preferred to it; and that a text is as the rater would have
        written it, or is not. A rewrite whose rater was erased is not there any more."""
        return {
            criterion: Lesson(
                "edit",
                labels={candidate: not edit["edits"] for candidate, edit in edits.items()},
                rewrites={
                    candidate: Rewritten(edit["text"], pasted=edit.get("pasted", 0) > 0)
                    for candidate, edit in edits.items()
                    if edit["edits"] and edit.get("text")
                },
            )
            for criterion, edits in stored.items()
        }

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """The worse a text seems, the more of its words are replaced, from its end: all where it seems as far below the
        middle as a text that is fine seems above it."""
        return {
            criterion: {name: worsened(texts[name], seems) for name, seems in of_it.items()}
            for criterion, of_it in perceived.items()
        }


def each_edit(edits: Edits, change: Callable[[str, Edit], Any]) -> dict[str, dict[str, Any]]:
    return {
        criterion: {candidate: change(candidate, edit) for candidate, edit in of_it.items()}
        for criterion, of_it in edits.items()
    }


def edit_of(text: str, given: object, place: str) -> Edit:
    if not isinstance(given, dict):
        given = {"text": given}
    if unknown := [key for key in given if key not in ("text", *NOTED)]:
        wanted = f"is not one of text, {', '.join(NOTED)}"
        raise AnswerError(f"{place}.{unknown[0]}", wanted, code="value")
    rewrite = given.get("text")
    if not isinstance(rewrite, str) or not (words := rewrite.split()):
        raise AnswerError(place, f"{shown(rewrite)} must be a text, and not an empty one", code="value")
    if len(rewrite) > MAX_TEXT_LENGTH:
        raise AnswerError(place, f"{len(rewrite):,} characters are more than {MAX_TEXT_LENGTH:,}", code="long")
    before = text.split()
    edit = Edit(edits=Levenshtein.distance(before, words), words=[len(before), len(words)], text=" ".join(words))
    for key in NOTED:
        if (number := given.get(key)) is not None:
            edit[key] = noted(number, f"{place}.{key}")  # type: ignore[literal-required]
    return edit


def noted(number: object, place: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= MAX_NOTED:
        raise AnswerError(place, f"{shown(number)} must be a number from 0 to {MAX_NOTED:,}", code="value")
    return float(number)


def worsened(text: str, seems: float) -> str:
    words = text.split()
    changed = round(len(words) * min(max((SEEMS_FINE - seems) / (2 * SEEMS_FINE), 0), 1))
    return " ".join([*words[: len(words) - changed], *["*"] * changed])
