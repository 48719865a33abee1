"""The docs name every command, setting and campaign key, and none that there is not."""

import re

import pytest
from django.core.management import get_commands

from annotations.campaigns.spec import CampaignSpec
from tests.site import ROOT

PACKAGES = ("annotations", "modeling", "samples", "storyblender_site", "texts", "workers")
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCS = {str(file.relative_to(ROOT)): file.read_text() for file in FILES}
EVERYTHING = "\n".join(DOCS.values())

COMMANDS = {name for name, app in get_commands().items() if app.partition(".")[0] in PACKAGES}
ASKED_OF_DJANGO = re.compile(r"\benv\.\w+\(\s*\"([A-Z_]+)\"")
ASKED_OF_PYTHON = re.compile(r"\bos\.environ(?:\.get\(\"([A-Z_]+)\"|\[\"([A-Z_]+)\"\](?! = ))")
IN_MAKEFILE = re.compile(r"^([A-Z_]+) \?=|'\$\(([A-Z_]+)\)'", re.MULTILINE)
IN_CONTAINERS = re.compile(r"\$\{([A-Z_]+)|^ARG ([A-Z_]+)|\\\"\$([A-Z_]+)", re.MULTILINE)
SET_BY_OTHERS = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "SSH_CONNECTION"}  # torchrun, sshd
READ_BY_OTHERS = {"CUDA_VISIBLE_DEVICES", "PIP_EXTRA_INDEX_URL"}  # PyTorch, pip
READ_BY_OTHERS |= {"PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "ASSIGNMENT_ID_NOT_AVAILABLE"}  # recruiting services
NAME_OF_A_SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def texts_of(pattern: str) -> list[str]:
    return [file.read_text() for package in PACKAGES for file in (ROOT / package).rglob(pattern)]


def settings_read() -> set[str]:
    """By the site and the models, from the environment."""
    code = "\n".join(texts_of("*.py"))
    return set(ASKED_OF_DJANGO.findall(code)) | asked_of_python(code) - SET_BY_OTHERS


def asked_of_python(code: str) -> set[str]:
    return {name for names in ASKED_OF_PYTHON.findall(code) for name in names if name}


def settings_around() -> set[str]:
    """By make, the tests, compose and the images."""
    files = [file for file in (ROOT / "docker").iterdir() if file.is_file()]
    text = "\n".join(file.read_text() for file in files)
    matches = IN_MAKEFILE.findall((ROOT / "Makefile").read_text()) + IN_CONTAINERS.findall(text)
    tests = asked_of_python((ROOT / "benchmarks" / "common.py").read_text())
    return {name for names in matches for name in names if name} | tests


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_is_named(command: str) -> None:
    assert re.search(rf"(manage\.py|sb) {command}\b|^ +{command} |`{command}\b", EVERYTHING, re.MULTILINE)


def test_a_setting_has_its_row_in_the_engineers_guide() -> None:
    rows = [line.split("|")[1] for line in DOCS["docs/engineer.md"].splitlines() if line.startswith("| `")]
    assert settings_read() <= set(re.findall(r"`([A-Z_]+)`", "".join(rows)))


def test_what_make_and_the_containers_read_is_named() -> None:
    assert settings_around() <= set(re.findall(r"\b[A-Z_]{4,}\b", EVERYTHING))


def test_a_key_of_the_campaign_file_is_named() -> None:
    named = re.findall(r"`(\w+)\b|^ +(\w+) = ", EVERYTHING, re.MULTILINE)
    assert CampaignSpec.model_fields.keys() <= {name for names in named for name in names}


@pytest.mark.parametrize("file", DOCS)
def test_what_is_named_is_there(file: str) -> None:
    text = DOCS[file]
    known = set(get_commands())
    assert set(re.findall(r"(?:manage\.py|\bsb) ([a-z_]+)", text)) <= known
    assert set(NAME_OF_A_SETTING.findall(text)) <= settings_read() | settings_around() | READ_BY_OTHERS


def test_where_things_are_is_where_they_are() -> None:
    named = re.findall(r"`([\w.]+/[\w./]*)`", DOCS["docs/architecture.md"])
    assert not [path for path in named if not path.startswith("VAR_DIR") and not (ROOT / path).exists()]
    assert len(named) > 30
