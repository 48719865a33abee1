"""Templates are read as code is: in lines that fit."""

from pathlib import Path

import pytest

from tests.site import ROOT

MAX_LINE_LENGTH = 200
APPS = ("annotations", "workers", "storyblender_site")
TEMPLATES = sorted(file for app in APPS for file in (ROOT / app / "templates").rglob("*.html"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_line_is_at_most_200_characters_long(file: Path) -> None:
    long = [number for number, line in enumerate(file.read_text().splitlines(), 1) if len(line) > MAX_LINE_LENGTH]
    assert not long
