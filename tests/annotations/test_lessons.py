"""What an answer teaches by each protocol, against answers and lessons written by hand."""

from typing import Any

import pytest

from annotations.protocols import PROTOCOLS, TIE, protocol_named
from annotations.protocols.lessons import Lesson, MarkedPart, Preference, Rewritten

SHOWN = ["7", "8", "9"]
SCORES = {"7": 40.0, "8": 90.0, "9": 40.0}
OF_SCORES = [Preference("8", "7"), Preference("7", "9", tie=True), Preference("8", "9")]
BY_HAND: list[tuple[str, list[str], Any, dict[str, Lesson]]] = [
    ("slider", SHOWN, {"fluency": SCORES}, {"fluency": Lesson("scores", SCORES, OF_SCORES)}),
    ("likert", SHOWN, {"fluency": SCORES}, {"fluency": Lesson("scores", SCORES, OF_SCORES)}),
    (
        "pairwise",
        ["7", "8"],
        {"fluency": "8", "interest": "7", "human_likeness": TIE},
        {
            "fluency": Lesson("choice", preferences=[Preference("8", "7")]),
            "interest": Lesson("choice", preferences=[Preference("7", "8")]),
            "human_likeness": Lesson("choice", preferences=[Preference("7", "8", tie=True)]),
        },
    ),
    (
        "best_worst",
        ["6", *SHOWN],
        {"fluency": {"6": 0.0, "7": 1.0, "8": -1.0, "9": 0.0}},
        {
            "fluency": Lesson(
                "ranking",
                preferences=[
                    Preference("7", "6"),
                    Preference("6", "8"),
                    Preference("7", "8"),
                    Preference("7", "9"),
                    Preference("9", "8"),
                ],
            )
        },
    ),
    (
        "ranking",
        SHOWN,
        {"fluency": {"7": 2.0, "8": 1.0, "9": 2.0}},
        {
            "fluency": Lesson(
                "ranking", preferences=[Preference("8", "7"), Preference("7", "9", tie=True), Preference("8", "9")]
            )
        },
    ),
    (
        "which_is_human",
        ["7", "8"],
        {"fluency": {"7": {"human": False, "confidence": 3}, "8": {"human": True, "confidence": 3}}},
        {"fluency": Lesson("choice", preferences=[Preference("8", "7")])},
    ),
    (
        "human_or_machine",
        ["7"],
        {"fluency": {"7": {"human": False, "confidence": 1}}},
        {"fluency": Lesson(labels={"7": False})},
    ),
    (
        "edit",
        SHOWN,
        {
            "fluency": {
                "7": {"edits": 0, "words": [4, 4], "text": "a text of theirs"},
                "8": {"edits": 1, "words": [4, 4], "text": "a text of mine", "pasted": 0.0},
                "9": {"edits": 2, "words": [4, 4], "text": "a text was pasted", "pasted": 12.0},
            }
        },
        {
            "fluency": Lesson(
                "edit",
                labels={"7": True, "8": False, "9": False},
                rewrites={"8": Rewritten("a text of mine", False), "9": Rewritten("a text was pasted", True)},
            )
        },
    ),
    (
        "error_spans",
        ["7", "8"],
        {
            "fluency": {
                "7": [
                    {"start": 0, "end": 3, "category": "grammar", "severity": "minor"},
                    {"start": 5, "end": 9, "category": "style", "severity": "major"},
                ],
                "8": [],
            }
        },
        {
            "fluency": Lesson(
                preferences=[Preference("8", "7")], spans={"7": [MarkedPart(0, 3, 0.2), MarkedPart(5, 9, 1.0)], "8": []}
            )
        },
    ),
]


@pytest.mark.parametrize(("name", "shown", "stored", "lessons"), BY_HAND, ids=[each[0] for each in BY_HAND])
def test_by_hand(name: str, shown: list[str], stored: Any, lessons: dict[str, Lesson]) -> None:
    found = protocol_named(name).lessons(stored, shown)
    assert set(found) == set(lessons)
    for criterion, lesson in lessons.items():
        assert vars(found[criterion]) == vars(lesson)


def test_every_protocol_is_among_them() -> None:
    assert {each[0] for each in BY_HAND} == set(PROTOCOLS)


def test_a_rewrite_that_was_erased_teaches_nothing_but_that_the_text_was_changed() -> None:
    edit = protocol_named("edit")
    stored = edit.together({"fluency": {"8": {"edits": 1, "words": [4, 4]}}}, {})
    assert edit.lessons(stored, ["8"]) == {"fluency": Lesson("edit", labels={"8": False})}
