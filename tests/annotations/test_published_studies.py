"""The benchmark of published studies, whose files are not here: what it would import, and what it reads of a report."""

import hashlib
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from annotations.campaigns.readers.options import rating_options
from annotations.models import Campaign
from annotations.reports.keeping import report_freeze
from benchmarks.studies import NUMBERS, Answers, RatingFile, Study, compared, files_of, studies
from workers.management.commands.import_ratings import Command


@pytest.mark.parametrize("study", list(studies()), ids=lambda study: study.name)
def test_the_command_takes_a_published_studys_arguments(study: Study) -> None:
    parser = Command().create_parser("manage.py", "import_ratings")
    given = vars(parser.parse_args([*(file.at for file in study.files), "--campaign", "study", *study.arguments]))
    rating_options(given)
    for answers in study.answers:
        assert answers.what in NUMBERS
        assert {len(numbers) for numbers in answers.published.values()} == {len(answers.criteria)}


def reported(study: Study, folder: Path) -> list[tuple[float, float]]:
    files, problems = files_of(study, [folder])
    assert not problems
    call_command("import_ratings", *map(str, files), "--campaign", "study", *study.arguments)
    report = json.loads(bytes(report_freeze(campaign=Campaign.objects.get()).content))
    return [(row.published, row.ours) for row in compared(study, report)]


def made(folder: Path, rows: list[str], arguments: str, *answers: Answers) -> Study:
    content = "\n".join(rows).encode()
    (folder / "made").mkdir()
    (folder / "made" / "ratings.csv").write_bytes(content)
    file = RatingFile("https://example.org/ratings.csv", "ratings.csv", hashlib.sha256(content).hexdigest())
    return Study("made", "made", [file], arguments.split(), answers)


@pytest.mark.django_db
def test_numbers_of_scores_are_the_reports(tmp_path: Path) -> None:
    """Coefficients by hand: two raters agree on three of four texts, of eight scores three are 1."""
    rows = ["item,system,rater,score", "1,a,x,1", "1,a,y,1", "2,a,x,2", "2,a,y,2"]
    rows += ["1,b,x,1", "1,b,y,2", "2,b,x,2", "2,b,y,2"]
    study = made(
        tmp_path,
        rows,
        "--column criterion==fluency",
        Answers("by hand", "mean", ["fluency"], {"a": [-14.5]}, 0, times=-1, plus=-13),
        Answers("by hand", "mean", ["fluency"], {"a": [1.5], "b": [1.7]}, 0),
        Answers("by hand", "agreement", ["fluency"], {"Gwet's AC1": [9 / 17]}, 0),
        Answers("by hand", "agreement", ["fluency"], {"ordinal alpha": [8 / 15]}, 0),
        Answers("not there", "mean", ["fluency", "unknown"], {"a": [9, 9]}, 0),
    )
    turned, farthest, *coefficients, unknown = reported(study, tmp_path)
    assert turned == (-14.5, -14.5)
    assert farthest == (1.7, 1.75)  # the one that differs most
    assert coefficients == [pytest.approx((9 / 17,) * 2), pytest.approx((8 / 15,) * 2)]
    assert unknown == pytest.approx((9, float("nan")), nan_ok=True)  # rather than the 1.5 beside it


@pytest.mark.django_db
def test_numbers_of_choices_are_the_reports(tmp_path: Path) -> None:
    """Of four choices between a and b, b wins two and one is a tie; c beats b and then a, and loses to a once."""
    chosen = ["a,b,b", "b,a,b", "a,b,a", "a,b,tie", "b,c,c", "c,a,c", "a,c,a"]
    study = made(
        tmp_path,
        ["item,system_a,system_b,choice", *(f"{item},{row}" for item, row in enumerate(chosen))],
        "--column rater==x --column criterion==better",
        Answers("by hand", "wins", ["better"], {"c": [2]}, 0),
        Answers("by hand", "losses", ["better"], {"a": [3]}, 0),
        Answers("by hand", "wins, % of all", ["better"], {"b a": [50]}, 0),
        Answers("by hand", "wins, % of decided", ["better"], {"b a": [200 / 3]}, 0),
        Answers("not there", "wins", ["better"], {"unknown": [0]}, 0),
    )
    *rows, unknown = reported(study, tmp_path)
    assert rows == [(2, 2), (3, 3), (50, 50), pytest.approx((200 / 3, 200 / 3))]
    assert unknown == pytest.approx((0, float("nan")), nan_ok=True)


def test_a_file_that_is_not_the_published_one_is_left_out(tmp_path: Path) -> None:
    study = made(tmp_path, ["item,system,rater,score"], "")
    (tmp_path / "made" / "ratings.csv").write_text("another")
    [differs] = files_of(study, [tmp_path])[1]
    assert hashlib.sha256(b"another").hexdigest() in differs
    assert f"not {study.files[0].sha256}" in differs
    [missing] = files_of(study, [tmp_path / "empty"])[1]
    assert "made/ratings.csv is not in" in missing
    assert missing.endswith("it is https://example.org/ratings.csv")
