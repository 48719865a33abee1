"""A metric is a file and a line of the registry: nothing else asks for its name."""

import re

import pytest

from modeling.metrics import METRICS
from tests.site import ROOT

pytestmark = pytest.mark.once
ROOMS = ("annotations", "workers", "storyblender_site")
ALSO_OTHER_WORDS = {"repetition", "reward", "unique"}


def test_no_other_file_names_a_metric() -> None:
    named = re.compile(rf"""["'`, ]({"|".join(sorted(set(METRICS) - ALSO_OTHER_WORDS))})["'`, ]""")
    files = [file for room in ROOMS for kind in ("*.py", "*.html", "*.js") for file in (ROOT / room).rglob(kind)]
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in files
        if "migrations" not in file.parts
        for match in named.finditer(file.read_text())
    ]
    assert not found


@pytest.mark.parametrize("name", METRICS)
def test_it_says_what_it_is_in_a_line_and_so_does_the_guide(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"[^\n]{10,200}[^.\n]", metric.description)
    assert len(name) <= 40
    assert f"{name}`" in (ROOT / "docs" / "researcher.md").read_text()
