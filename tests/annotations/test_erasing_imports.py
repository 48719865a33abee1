"""Erasing a person whose ratings were imported: the runs that did it name nobody either."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.errors import ConflictError
from annotations.removal.erasing import identities, person_erase
from annotations.reports.keeping import report_freeze, report_recompute
from tests.annotations.erasable import ID, places_of
from workers.lifecycle import Claim, run_create
from workers.models import Run

pytestmark = pytest.mark.django_db


def test_imported_raters_are_erased_alike(tmp_path: Path) -> None:
    file = tmp_path / "study.csv"
    rows = [f"{item},{system},{rater},fluency,{3 + len(system) % 2}" for item in "12" for system in ("one", "two2")
            for rater in (ID, "b")]  # fmt: skip
    file.write_text("\n".join(["item,system,rater,criterion,score", *rows]) + "\n")
    call_command("import_ratings", file, campaign="study")
    campaign = models.Campaign.objects.get(name="study")
    report = report_freeze(campaign=campaign)
    person_erase(identities(ID, [campaign]))
    assert not places_of([ID]) - {"test.sqlite3", "test.sqlite3-wal"}
    assert report_recompute(report=report) == []
    call_command("import_ratings", file, campaign="study")  # the same file again: recognised, and nobody is back
    other = tmp_path / "other.csv"
    other.write_text(file.read_text() + "\n")
    call_command("import_ratings", other, campaign="study")
    assert not places_of([ID]) - {"test.sqlite3", "test.sqlite3-wal"}


def test_runs_do_not_keep_the_id_either(tmp_path: Path) -> None:
    wide, refused, defective = tmp_path / "wide.csv", tmp_path / "refused.csv", tmp_path / "defective.csv"
    rows = [f"{item},{system},{score},3" for item in "12" for system, score in (("one", 1), ("two", 5))]
    wide.write_text("\n".join([f"item,system,{ID},b", *rows]) + "\n")
    refused.write_text(wide.read_text().replace("5,3", "4,3"))
    rows = [f"{item},{system},the same,{rater},{score}" for item in "12" for system, score in (("one", 3), ("two", 4))
            for rater in (ID, "b")]  # fmt: skip
    defective.write_text("\n".join(["item,system,text,rater,score", *rows]) + "\n")
    options: dict[str, Any] = {"columns": ["criterion==fluency"]}
    columns = {**options, "raters": [ID, "b"], "where": [f"{ID}!=6"]}
    call_command("import_ratings", wide, campaign="study", **columns)
    with pytest.raises(CommandError, match=ID):
        call_command("import_ratings", refused, campaign="study", **columns)
    with pytest.raises(CommandError, match=ID):
        call_command("import_ratings", defective, campaign="unmade", **options)
    before = places_of([ID])
    assert {"Run.config", "Run.message", "Run.log"} <= before
    ended = list(Run.objects.order_by("pk").values_list("state", flat=True))
    assert ended == ["done", "failed", "failed"]
    person_erase(identities(ID))
    assert not places_of([ID]) - {"test.sqlite3", "test.sqlite3-wal"}
    done = Run.objects.get(state="done")
    assert done.config["raters"] == ["erased", "b"]
    assert done.config["campaign"] == "study"


@pytest.mark.parametrize("name", ["study", "unmade"])
def test_nobody_is_erased_while_an_import_may_name_them(name: str, tmp_path: Path) -> None:
    """What a run has read it writes into its row again."""
    file = tmp_path / "study.csv"
    rows = [f"{item},{system},{ID},fluency,{len(system)}" for item in "12" for system in ("one", "other")]
    file.write_text("\n".join(["item,system,rater,criterion,score", *rows]) + "\n")
    call_command("import_ratings", file, campaign="study")
    config = {"form": "ratings", "dataset": "d", "campaign": name, "files": {"file": [str(file)]}}
    claim = Claim(run_create(kind=Run.Kind.IMPORT, config=config, claimed=True))
    with pytest.raises(
        ConflictError,
        match=f"import run {claim.run.public_id} is still active and may name the rater; nobody was erased",
    ):
        person_erase(identities(ID))
    assert models.Rater.objects.filter(outside_id=ID).exists()
    claim.finish(Run.State.CANCELLED)
    run_create(kind=Run.Kind.IMPORT, config={**config, "form": "outputs"}, claimed=True)
    person_erase(identities(ID))
    assert not models.Rater.objects.filter(outside_id=ID).exists()
