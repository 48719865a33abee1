"""Which parts of a text are wrong, of which kind and how severely? Usually two texts a screen, side by side."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from re import finditer
from types import MappingProxyType
from typing import TypedDict

from annotations.errors import AnswerError
from annotations.protocols.base import (
    NO_TEXTS,
    Allowed,
    Field,
    Instrument,
    MarkedError,
    MarkedErrors,
    Numbers,
    Protocol,
    Rules,
    ShownText,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.error_spans.words import CATEGORIES, SEVERITIES, category_title
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, MarkedPart, preferences_between
from texts.limits import shown

MAX_ERRORS = 5  # in a text: raters of more mark the most severe (Freitag et al. 2021)
QUESTION = _("Which parts of this text are wrong?")
SEEMS_FLAWED = 3.0  # errors, by their weights, that a text has which seems to lie in the middle
MOST_SEVERE = max(each.weight for each in SEVERITIES.values())
KEYS = ("start", "end", "category", "severity")


class Span(TypedDict):
    """In code points, from `start` up to, and without, `end`."""

    start: int
    end: int
    category: str
    severity: str


Spans = Mapping[str, Mapping[str, Sequence[Span]]]  # by criterion and by the candidate's primary key, as a string


class ErrorSpans(Protocol[Spans]):
    """A text's score is minus the sum of its errors by their weights, as WMT's metrics tasks write it, so that more is
    better and 0 is a text without errors. Errors of a text do not overlap: of each code point it is known whether it is
    wrong, and how."""

    name = "error_spans"
    noun = "error annotations"
    measure = "error_score"
    level = "interval"
    scale = (-MAX_ERRORS * MOST_SEVERE, 0.0)
    categories = tuple(CATEGORIES)
    severities = MappingProxyType({name: each.weight for name, each in SEVERITIES.items()})
    instrument = Instrument(
        "A text in which words can be marked; for each mark, options for its category and its severity.",
        "Evaluation through annotation: errors are marked in the text and counted by their weights.",
        "Relative: a screen shows texts of several systems. The errors of each text are marked on their own.",
    )
    asked = "to mark the errors in every text, each with a category and a severity"
    shown_here = True
    usual_texts = most_texts = 2
    attention = "This is no text but a check that you are reading: please mark all of it as one major error."
    as_before = 0.2
    not_as_before = "scores that are on average more than one major error apart"
    varies = {"item_sd": 0.05, "rater_sd": 0.03, "residual_sd": 0.08, "severity_sd": 0.03}
    usual_seconds = 60.0
    may_answer_alike = True
    one_criterion = True
    own_question = True
    heading = QUESTION
    missing = _("Look through every text first")
    told = _(
        "Mark what is wrong in each text: choose the words, then say what kind of error it is and how severe. If you "
        "find nothing wrong in a text, say so below it. If there are more than five errors in a text, mark the five "
        "most severe."
    )

    def question(self, label: Label) -> str:
        return translated(QUESTION)

    def question_in_full(self, label: Label) -> str:
        severities = "; ".join(
            f"“{translated(each.title)}”: {translated(each.meaning)}" for each in SEVERITIES.values()
        )
        return f"“{self.question(label)}” {translated(self.told)} {severities}"

    def allowed(self, rules: Rules) -> Allowed:
        categories = in_words(self.categories_of(rules))
        severities = ", ".join(f"{name} ({each.weight:g})" for name, each in SEVERITIES.items())
        return Allowed(
            f"Any up to {MAX_ERRORS} parts of a text that do not overlap, or none.",
            f"For each marked part a category ({categories}) and a severity, by its weight: {severities}.",
        )

    def asked_for(self, rules: Rules) -> str:
        return f"{self.asked} ({in_words(self.categories_of(rules))})"

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """A field is named `criterion:candidate`; its value is a list of `[start, end, category, severity]` in JSON,
        which is empty for a text without errors."""
        question = translated(QUESTION)
        return {
            "candidates": [
                ShownText(
                    letter(place),
                    text,
                    [
                        Field(
                            id=f"field-{place + 1}-{number}",
                            name=f"{criterion.name}:{name}",
                            label=criterion.label._replace(question=question),
                            value=draft.get(f"{criterion.name}:{name}", ""),
                        )
                        for number, criterion in enumerate(criteria, start=1)
                    ],
                )
                for place, (name, text) in enumerate(texts)
            ],
            "categories": [(name, category_title(name)) for name in self.categories_of(rules)],
            "severities": [
                (name, translated(each.title), translated(each.meaning)) for name, each in SEVERITIES.items()
            ],
            "max_errors": MAX_ERRORS,
        }

    def answered(
        self,
        texts: Sequence[tuple[str, str]],
        fields: Mapping[str, str],
        *,
        criteria: Sequence[Criterion],
        rules: Rules,
    ) -> dict[str, object]:
        """Of each text its errors in the words of the page; None where the rater did not say."""
        candidates = []
        for place, (candidate, text) in enumerate(texts):
            shown_text = ShownText(letter(place), text)
            names = (f"{criterion.name}:{candidate}" for criterion in criteria)
            said = [json.loads(fields[name]) for name in names if name in fields]
            errors = [in_page_words(text, each) for marks in said for each in marks] if said else None
            candidates.append({**shown_text._asdict(), "sentences": shown_text.sentences, "errors": errors})
        return {"candidates": candidates}

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """What is no such list stays as it is, for `read` to refuse."""
        answers: dict[str, dict[str, object]] = {}
        for field, value in fields.items():
            criterion, _, candidate = field.rpartition(":")  # a criterion's name may hold a colon
            answers.setdefault(criterion, {})[candidate] = spans_in(value)
        return answers

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Spans:
        categories = self.categories_of(rules)
        return {
            criterion: {
                str(candidates[name]): spans_of(
                    given, texts[candidates[name]], categories, f"answers.{criterion}.{name}"
                )
                for name, given in check_keys(of_it, candidates, f"answers.{criterion}", "candidates").items()
            }
            for criterion, of_it in check_keys(answers, criteria, "answers", "criteria").items()
        }

    def fields(self, stored: Spans, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}:{names[int(candidate)]}": field_of(spans)
            for criterion, by_text in stored.items()
            for candidate, spans in by_text.items()
        }

    def errors(self, stored: Spans) -> MarkedErrors:
        return {
            criterion: {candidate: [marked(each) for each in spans] for candidate, spans in by_text.items()}
            for criterion, by_text in stored.items()
        }

    def scores(self, stored: Spans) -> Numbers:
        return {
            criterion: {candidate: 0.0 - sum(each.weight for each in errors) for candidate, errors in by_text.items()}
            for criterion, by_text in self.errors(stored).items()
        }

    def lessons(self, stored: Spans, shown: Sequence[str]) -> Lessons:
        """Where the errors are and how severe; and of two texts the one is better whose errors weigh less."""
        scores = self.scores(stored)
        return {
            criterion: Lesson(
                preferences=preferences_between(scores[criterion]),
                spans={
                    candidate: [MarkedPart(each.start, each.end, each.weight / MOST_SEVERE) for each in errors]
                    for candidate, errors in by_text.items()
                },
            )
            for criterion, by_text in self.errors(stored).items()
        }

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """The worse a text seems, the more its errors weigh, two for every standard deviation: as many as can be are
        major. Which words they are of is drawn, the same again for the same text and impression."""
        return {
            criterion: {
                name: planted(texts[name], SEEMS_FLAWED - 2 * seems, self.categories_of(rules), Random(f"{seems}"))
                for name, seems in seem.items()
            }
            for criterion, seem in perceived.items()
        }


def in_words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def spans_in(value: str) -> object:
    """What a field of the page holds, as `read` takes it."""
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(given, list) or not all(isinstance(each, list) and len(each) == len(KEYS) for each in given):
        return value
    return [dict(zip(KEYS, each, strict=True)) for each in given]


def field_of(spans: Sequence[Span]) -> str:
    rows = [[each["start"], each["end"], each["category"], each["severity"]] for each in spans]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def in_page_words(text: str, row: tuple[int, int, str, str]) -> tuple[str, str, str]:
    """The words that are wrong, their category and how severe it is."""
    start, end, category, severity = row
    return text[start:end], category_title(category), translated(SEVERITIES[severity].title)


def marked(span: Span) -> MarkedError:
    weight = SEVERITIES[span["severity"]].weight
    return MarkedError(span["start"], span["end"], span["category"], span["severity"], weight)


def spans_of(given: object, text: str, categories: Sequence[str], place: str) -> list[Span]:
    """Checked, in the order of the text. Raises AnswerError."""
    if not isinstance(given, list):
        raise AnswerError(place, f"{shown(given)} must be a list of errors", "of none an empty one", code="value")
    if len(given) > MAX_ERRORS:
        raise AnswerError(
            place, f"{len(given)} errors are too many", f"mark the {MAX_ERRORS} most severe", code="value"
        )
    spans = [span_of(each, text, categories, f"{place}[{number}]") for number, each in enumerate(given)]
    order = sorted(range(len(spans)), key=lambda number: spans[number]["start"])
    for before, after in pairwise(order):
        if spans[after]["start"] < spans[before]["end"]:
            first, second = sorted((before, after))
            raise AnswerError(
                f"{place}[{second}]", f"overlaps [{first}]", "of what is wrong twice, mark what is worse", code="value"
            )
    return [spans[number] for number in order]


def span_of(given: object, text: str, categories: Sequence[str], place: str) -> Span:
    parts = check_keys(given, KEYS, place, "keys")
    start, end = (offset_of(parts[key], text, f"{place}.{key}") for key in ("start", "end"))
    if start >= end:
        hint = "it is the offset behind the last code point"
        raise AnswerError(f"{place}.end", f"{end} must be above start, {start}", hint, code="value")
    return Span(
        start=start,
        end=end,
        category=name_of(parts["category"], categories, f"{place}.category"),
        severity=name_of(parts["severity"], list(SEVERITIES), f"{place}.severity"),
    )


def offset_of(value: object, text: str, place: str) -> int:
    if type(value) is not int or not 0 <= value <= len(text):
        wanted = f"must be a whole number from 0 to {len(text)}, the text's length in code points"
        raise AnswerError(place, f"{shown(value)} {wanted}", code="value")
    return value


def name_of(value: object, names: Sequence[str], place: str) -> str:
    if not isinstance(value, str) or value not in names:
        raise AnswerError(place, f"{shown(value)} must be one of {', '.join(names)}", code="value")
    return value


def planted(text: str, weight: float, categories: Sequence[str], draw: Random) -> list[Span]:
    """Errors of about that weight, on different words."""
    words = [found.span() for found in finditer(r"\S+", text)]
    minor, major = (round(each.weight) for each in SEVERITIES.values())
    of_major, rest = divmod(max(0, round(weight)), major)
    kinds = [*["major"] * of_major, *["minor"] * (rest // minor)][: min(MAX_ERRORS, len(words))]
    draw.shuffle(kinds)
    places = sorted(draw.sample(words, len(kinds)))
    return [
        Span(start=start, end=end, category=draw.choice(categories), severity=kind)
        for (start, end), kind in zip(places, kinds, strict=True)
    ]
