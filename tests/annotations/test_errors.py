"""Errors that a person can put right say where, at which field, what is wrong and what would be right."""

from pathlib import Path

import pytest
from django import forms

from annotations.corpora.readers.content import ImportFileError
from annotations.errors import ConflictError, InputError, TooOftenError
from annotations.web.forms import show_problem
from modeling.config import DecodingConfig
from modeling.errors import ConfigError, ModelingError

LINES = {
    "looks: 21 are too many; at most 20": InputError("looks", "21 are too many", "at most 20"),
    "there is no such rating": InputError("", "there is no such rating"),
    "b: is there already; name a new folder": ConflictError(
        "", "is there already", "name a new folder", where=Path("b")
    ),
    "a.csv: line 3: rank=x must be a number": ImportFileError(Path("a.csv"), "line 3", "rank=x must be a number"),
    "c.toml: systems: missing": InputError("systems", "missing", where="c.toml"),
    r"name: holds \x00 and \ud83d": InputError("name", "holds \0 and \ud83d"),
    "wait": TooOftenError("wait", 3),
}


@pytest.mark.parametrize("line", LINES)
def test_an_error_is_one_line_of_its_parts(line: str) -> None:
    error = LINES[line]
    assert str(error) == line
    assert line == ": ".join(filter(None, (error.where, error.field, error.problem)))


def test_a_long_error_keeps_its_end_which_says_what_would_be_right() -> None:
    line = str(InputError("name", "x" * 5_000, "a name has 1 to 100 characters"))
    assert len(line) < 1_600
    assert line.endswith("x; a name has 1 to 100 characters")


class SampleForm(forms.Form):
    samples = forms.IntegerField()


def refused_setting() -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        DecodingConfig(method="greedy", samples=2)
    assert str(caught.value) == "samples=2: greedy decoding gives one text per source; valid values: 1"
    return caught.value


@pytest.mark.parametrize(
    ("error", "field", "says"),
    [
        (InputError("samples", "2: too many", "at most 1"), "samples", "2: too many; at most 1"),
        (InputError("beam", "too wide"), "__all__", "beam: too wide"),
        (InputError("", "samples: are not there"), "__all__", "samples: are not there"),
        (ModelingError("samples=2 is wrong"), "__all__", "samples=2 is wrong"),
        (refused_setting(), "samples", "greedy decoding gives one text per source; valid values: 1"),
    ],
)
def test_a_form_shows_an_error_at_its_field_and_others_above(error: ValueError, field: str, says: str) -> None:
    form = SampleForm({"samples": "2"})
    assert form.is_valid()
    show_problem(form, error)
    assert form.errors == {field: [says]}
