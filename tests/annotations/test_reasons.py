"""Reasons: a code with its facts, worded in one place."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from pydantic import TypeAdapter

from annotations import reports
from annotations.reasons import WORDS, Reason, as_json
from annotations.reports.schema import base as model

pytestmark = pytest.mark.once
PACKAGE = Path(reports.__file__).parents[1]


def fields(code: str) -> set[str]:
    """The facts that a code's sentence names."""
    words = WORDS[code]
    if callable(words):
        return set(inspect.signature(words).parameters)
    return {name for _, name, _, _ in Formatter().parse(words) if name}


def reasons_given() -> Iterator[tuple[str, set[str], str]]:
    """Code, names of facts, and place of every reason that the code can give."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                names = {keyword.arg or "" for keyword in node.keywords}
                for code in ast.walk(node.args[0]) if names != {""} else ():
                    if isinstance(code, ast.Constant) and isinstance(code.value, str) and code.value in WORDS:
                        yield code.value, names, f"{file.name}:{node.lineno}"


def test_every_reason_is_given_with_the_facts_that_its_sentence_names() -> None:
    given = list(reasons_given())
    assert [(code, place) for code, names, place in given if names != fields(code)] == []
    assert set(WORDS) - {code for code, _, _ in given} == set(), "given nowhere"


def test_a_reason_comes_back_from_json_as_it_was() -> None:
    adapter = TypeAdapter[Reason](model.Reason)
    for reason in (
        Reason("few", needed=5, found=2, unit="system"),
        Reason("not_connected", groups=(("a", "b"), ("c",))),
        Reason("different_items", outputs=(("gru", 12), ("lstm", 11))),
    ):
        assert adapter.validate_json(adapter.dump_json(reason)) == reason
        assert {reason, adapter.validate_python(as_json(reason))} == {reason}
    assert as_json(Reason("single", unit="rater")) == {
        "code": "single",
        "facts": {"unit": "rater"},
        "says": "a single rater cannot show how raters differ",
    }


def test_a_sentence_has_its_facts_in_words() -> None:
    assert str(Reason("few", needed=1, found=0, unit="pair")) == "at least 1 pair is needed, and there are 0"
    assert str(Reason("few", needed=5, found=1, unit="system")) == "at least 5 systems are needed, and there is 1"
    assert str(Reason("too_many", most=20_000, unit="screen")) == "it is computed for at most 20,000 screens"
    sides = Reason("no_finite_estimate", unbeaten=(("a", "b"),), winless=(("c",),))
    assert str(sides).startswith("a and b never lost to the others; c never won against the others, so ")
    with pytest.raises(KeyError, match="no such reason"):
        Reason("for_no_reason")
