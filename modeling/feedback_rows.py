"""What people said of texts, as it stands in a JSONL file: scores, preferences, labels, marked spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from modeling.config import TrainingConfig
from modeling.corpus import Example, example_of, read_rows, text_of
from modeling.errors import ConfigError, CorpusError
from texts.limits import shown

ORIGINS = ("choice", "ranking", "scores", "edit", "reward")


@dataclass(frozen=True)
class Row:
    """What was judged is a text for `example`, whose references are not read. `weight` is how far it is trusted, 1
    wholly; `raters` holds what each of them said."""

    example: Example
    weight: float = 1.0
    raters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Score(Row):
    """`score` is how good the text is, in standard deviations around 0."""

    text: str = ""
    score: float = 0.0


@dataclass(frozen=True)
class Preference(Row):
    """`flip_rate` is the probability that it is the wrong way round; `origin` one of `ORIGINS`."""

    chosen: str = ""
    rejected: str = ""
    flip_rate: float = 0.0
    origin: str = "choice"


@dataclass(frozen=True)
class Label(Row):
    """Whether a text is as it should be."""

    text: str = ""
    desirable: bool = True
    flip_rate: float = 0.0


@dataclass(frozen=True)
class Span:
    """From code point `start` to before `end`; `weight` above 0 and at most 1 is how bad what stands there is."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Spans(Row):
    """What of a text is wrong; of a text without errors there are none."""

    text: str = ""
    spans: tuple[Span, ...] = ()


def check_feedback(config: TrainingConfig, feedback_file: Path | None, *, processes: int = 1) -> None:
    """Raises ConfigError unless there is a file of feedback where the objective is over one, and nowhere else, and
    where several processes would each draw texts of their own."""
    if config.draws and processes > 1:
        raise ConfigError("texts are drawn by one process: set draws to 0, or train without torchrun")
    if config.draws and feedback_file:
        raise ConfigError("drawn texts are judged by the reward model: leave out the feedback file, or set draws to 0")
    if config.learns_from_feedback and not (config.draws or feedback_file):
        needed = "give a file of it, or set draws and reward"
        raise ConfigError(f"objective={config.objective} learns from feedback: {needed}")
    if feedback_file and not config.learns_from_feedback:
        raise ConfigError("objective=likelihood reads no feedback file; set another objective, or leave out the file")


def read_feedback(path: Path) -> list[Row]:
    """Read rows of `{"id", "source", "kind", "weight"?, "raters"?, "album"?, "photo"?, "context"?, "others"?}`, with
    `text` and `score`, `chosen`, `rejected` and `flip_rate`, `text` and `desirable`, or `text` and `spans`.

    Raises CorpusError, naming file, line, key and value.
    """
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for number, given in read_rows(path):
        place = f"{path}:{number}"
        row = _row(given, place)
        if row.example.id in lines:
            raise CorpusError(f"{place}: id={row.example.id!r} is already used in line {lines[row.example.id]}")
        lines[row.example.id] = number
        rows.append(row)
    if not rows:
        raise CorpusError(f"{path}: contains no feedback")
    return rows


def _row(given: dict[str, Any], place: str) -> Row:
    kind = text_of(given, "kind", place)
    if kind not in KINDS:
        raise CorpusError(f"{place}: kind={shown(kind)} must be one of {', '.join(KINDS)}")
    example = example_of({key: value for key, value in given.items() if key != "weight"}, place, False)
    common: dict[str, Any] = {
        "example": example,
        "weight": _number(given, "weight", place, above=0, usual=1.0),
        "raters": _raters(given, place),
    }
    return KINDS[kind](given, common, place)


def _score(given: dict[str, Any], common: dict[str, Any], place: str) -> Score:
    return Score(**common, text=text_of(given, "text", place), score=_number(given, "score", place))


def _preference(given: dict[str, Any], common: dict[str, Any], place: str) -> Preference:
    origin = text_of(given, "origin", place) if "origin" in given else ORIGINS[0]
    if origin not in ORIGINS:
        raise CorpusError(f"{place}: origin={shown(origin)} must be one of {', '.join(ORIGINS)}")
    chosen, rejected = (text_of(given, key, place) for key in ("chosen", "rejected"))
    return Preference(**common, chosen=chosen, rejected=rejected, flip_rate=_flip_rate(given, place), origin=origin)


def _label(given: dict[str, Any], common: dict[str, Any], place: str) -> Label:
    desirable = given.get("desirable")
    if not isinstance(desirable, bool):
        raise CorpusError(f"{place}: desirable={shown(desirable)} must be true or false")
    text = text_of(given, "text", place)
    return Label(**common, text=text, desirable=desirable, flip_rate=_flip_rate(given, place))


def _spans(given: dict[str, Any], common: dict[str, Any], place: str) -> Spans:
    text, found = text_of(given, "text", place), given.get("spans")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise CorpusError(f"{place}: spans={shown(found)} must be a list of objects")
    return Spans(**common, text=text, spans=tuple(_span(each, text, f"{place}: spans") for each in found))


def _span(given: dict[str, Any], text: str, place: str) -> Span:
    start, end = given.get("start"), given.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise CorpusError(
            f"{place}: start={shown(start)}, end={shown(end)} must be places in the text, from 0 to {len(text)}"
        )
    weight = _number(given, "weight", place, above=0, usual=1.0)
    if weight > 1:
        raise CorpusError(f"{place}: weight={weight} must be above 0 and at most 1")
    return Span(start, end, weight)


def _flip_rate(given: dict[str, Any], place: str) -> float:
    rate = _number(given, "flip_rate", place, usual=0.0)
    if not 0 <= rate < 0.5:
        raise CorpusError(f"{place}: flip_rate={rate} must be at least 0 and below 0.5")
    return rate


def _raters(given: dict[str, Any], place: str) -> dict[str, float]:
    found = given.get("raters", {})
    if not isinstance(found, dict):
        raise CorpusError(f"{place}: raters={shown(found)} must be an object of numbers")
    return {name: _number(found, name, f"{place}: raters") for name in found}


def _number(
    given: Mapping[str, Any], key: str, place: str, *, above: float | None = None, usual: float | None = None
) -> float:
    value = given.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise CorpusError(f"{place}: {key}={shown(value)} must be a number")
    if above is not None and value <= above:
        raise CorpusError(f"{place}: {key}={value} must be above {above:g}")
    return float(value)


R = TypeVar("R", bound=Row)
KINDS = {"score": _score, "preference": _preference, "label": _label, "spans": _spans}


def of_kind(rows: Sequence[Row], kind: type[R]) -> list[R]:
    return [row for row in rows if isinstance(row, kind)]
