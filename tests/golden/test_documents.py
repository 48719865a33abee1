"""What is kept under `kept/` is what reports, sheets and comparisons say. `pytest --keep` writes it anew, to be read
as a difference by `git diff`."""

from pathlib import Path

import pytest
from django.core.cache import cache

from tests.golden.campaigns import MADE, make_dataset
from tests.golden.documents import KEPT, comparison_of, differences, documents_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _dataset(tmp_path: Path) -> None:
    cache.clear()
    make_dataset(tmp_path)


@pytest.mark.parametrize("name", MADE)
def test_a_campaigns_documents(name: str, tmp_path: Path, keep: bool) -> None:
    check(name, documents_of(MADE[name](tmp_path)), keep=keep)


def test_a_comparison(tmp_path: Path, keep: bool) -> None:
    for name in ("slider", "left-out"):
        MADE[name](tmp_path)
    check("comparison", comparison_of("slider", "left-out"), keep=keep)


def check(name: str, made: dict[str, str], *, keep: bool) -> None:
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = {file.name: file.read_text() for file in folder.iterdir()}
    found = {file: list(differences(kept.get(file, ""), made.get(file, ""))) for file in {*kept, *made}}
    if keep:
        for file in (file for file, lines in found.items() if lines):
            (folder / file).write_text(made[file]) if file in made else (folder / file).unlink()
        return
    said = [f"{name}/{file}, {line}" for file, lines in found.items() for line in lines]
    assert not said, f"{len(said)} differences:\n" + "\n".join(said[:20])
