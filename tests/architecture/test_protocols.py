"""A protocol is a folder: nothing else asks for its name, nor which kind of answers it gives."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotations.protocols import PROTOCOLS
from tests.architecture.branches import Branches
from tests.site import ROOT

pytestmark = pytest.mark.once
ROOMS = ("annotations", "workers", "storyblender_site")
PROTOCOL_FOLDER = ROOT / "annotations" / "protocols"
# What is computed from each kind of answers, where their fields are at home.
MEASURES = (ROOT / "annotations" / "reports" / "measures", ROOT / "annotations" / "reports" / "choices.py")


# Readers of ratings collected elsewhere name the columns of such files, of which one may be called as a protocol is.
COLUMN_NAMES = ROOT / "annotations" / "campaigns" / "readers"


def files(*kinds: str) -> Iterator[Path]:
    found = (file for room in ROOMS for kind in kinds for file in (ROOT / room).rglob(kind))
    return (file for file in found if PROTOCOL_FOLDER not in file.parents and "migrations" not in file.parts)


def test_no_program_names_a_protocol() -> None:
    found, modules = [], {f"annotations.protocols.{name}" for name in PROTOCOLS}
    for file in files("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and node.value in PROTOCOLS and COLUMN_NAMES not in file.parents:
                found.append(f"{file.relative_to(ROOT)}:{node.lineno}: {node.value}")
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                found.append(f"{file.relative_to(ROOT)}:{node.lineno}: {node.module}")
    assert not found


def test_no_page_names_a_protocol() -> None:
    named = re.compile(rf"""(["'])({"|".join(PROTOCOLS)})\1""")
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in files("*.html", "*.js")
        for match in named.finditer(file.read_text())
    ]
    assert not found


def test_nothing_asks_which_protocol_it_is_or_which_answers_it_gives() -> None:
    elsewhere = (file for file in files("*.py") if not {file, file.parent} & set(MEASURES))
    assert list(Branches({str(file.relative_to(ROOT)): file.read_text() for file in elsewhere})) == []


@pytest.mark.parametrize(
    "code",
    [
        'if protocol_named(campaign.protocol).level == "ordinal": pass',
        'words = "points" if measure_of(campaign).even is None else "shares"',
        'scored = campaign.protocol == "slider"',
        "protocol = protocol_named(name)\nparts = [1, 2] if protocol.may_tie else []",
        "def is_choice(report):\n    return report.choices is not None\nif is_choice(report): pass",
        "def facts(*, chosen):\n    return 1 if chosen else 2\nfacts(chosen=any(each.choices for each in results))",
        "class Reader:\n    def __init__(self, table):\n        self.chooses = bool(table.comparisons)\n"
        "    def read(self):\n        while self.chooses: pass",
        'unit = {"mean": "points", "strength": "shares"}[protocol_named(name).measure]',
        "match campaign.protocol:\n    case 'slider': pass",
        "rows = [each for each in studies if PROTOCOLS[each.protocol].may_tie]",
    ],
)
def test_a_branch_is_found(code: str) -> None:
    assert list(Branches({"code.py": code}))


@pytest.mark.parametrize(
    "code",
    [
        "words = measure_of(campaign).unit",
        "low, high = protocol_named(campaign.protocol).ends(campaign.scale)\nif low < value < high: pass",
        "for part in measure_of(campaign).parts: show(part)",
        "if report.campaign.imported: say(measure_of(report.campaign).imported)",
    ],
)
def test_what_is_no_branch_is_not(code: str) -> None:
    assert not list(Branches({"code.py": code}))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_its_folder_has_all_of_it(name: str) -> None:
    folder, protocol = PROTOCOL_FOLDER / name, PROTOCOLS[name]
    assert type(protocol).__module__ == f"annotations.protocols.{name}"
    for template in ("answer", "answered", "help"):
        assert (folder / "templates" / name / f"{template}.html").is_file()
    for static in ("field.js", "field.css"):
        assert (folder / "static" / name / static).is_file()
