"""What a report says of ratings that were imported as a study had published them."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotations import models
from annotations.reports.keeping import report_freeze
from tests.annotations.reports import report_html

pytestmark = pytest.mark.django_db
HEADER = "item,system,rater,criterion,score"


def imported(file: Path, name: str = "study", **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("import_ratings", file, campaign=name, json=True, stdout=out, **options)
    return json.loads(out.getvalue().splitlines()[-1])


def report(name: str = "study") -> dict[str, Any]:
    return json.loads(bytes(report_freeze(campaign=models.Campaign.objects.get(name=name)).content))


def test_raters_who_rated_again_are_held_against_themselves(tmp_path: Path) -> None:
    """Distances and correlations by numpy, alpha by the krippendorff package; first ratings alone are the results."""
    draw = np.random.default_rng(4)
    first = draw.integers(1, 6, (2, 3, 8))  # rater, system, item
    again = np.clip(first + draw.integers(-1, 2, first.shape), 1, 5)
    rows = [
        f"{item},s{system},r{rater},c,{scores[rater, system, item]}"
        for scores in (first, again)
        for rater in range(2)
        for system in range(3)
        for item in range(8)
    ]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]))
    answer = imported(tmp_path / "a.csv", scale=[1, 5])
    assert (answer["counts"]["scores"], answer["counts"]["ratings"], answer["counts"]["repeats"]) == (48, 16, 48)
    assert any("repeat one that the same rater gave" in note for note in answer["notes"])
    found = report()
    assert {row["system"]: row["mean"] for row in found["criteria"]["c"]["systems"]} == pytest.approx(
        {f"s{system}": first[:, system].mean() for system in range(3)}
    )
    for rater, row in enumerate(found["raters"]):
        one, other = first[rater].ravel(), again[rater].ravel()
        assert row["consistency"]["repeats"] == 24
        assert row["consistency"]["mean_difference"] == pytest.approx(np.abs(one - other).mean())
        assert row["consistency"]["correlation"] == pytest.approx(np.corrcoef(one, other)[0, 1])
        assert row["consistency"]["within_tolerance"] == pytest.approx((one == other).mean())
    both = krippendorff.alpha(np.stack([first.ravel(), again.ravel()]), level_of_measurement="ordinal")
    assert found["repeats"]["c"]["alpha"] == pytest.approx(both)
    assert found["repeats"]["c"]["same"] == pytest.approx((first == again).mean())
    assert "48 later ones are used for intra-rater agreement" in found["method"]
    page = report_html(found)
    assert "Repeated ratings" in page
    assert f"{both:.3f}" in page
    kinds = [row["kind"] for row in map(json.loads, exported("jsonl", tmp_path))]
    assert (kinds.count("regular"), kinds.count("repeat")) == (48, 48)


def exported(form: str, folder: Path) -> list[str]:
    call_command("export_ratings", "study", format=form, out=folder / "out", stdout=StringIO())
    return (folder / "out").read_text().splitlines()


def test_choices_that_were_made_again(tmp_path: Path) -> None:
    """Of seven pairs shown again, the other way round too, five were decided alike."""
    again = "aaaaabb"
    rows = [f"{item},a,b,r,c,a" for item in range(7)] + [
        f"{item},b,a,r,c,{chosen}" for item, chosen in enumerate(again)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["item,system_a,system_b,rater,criterion,choice", *rows]))
    imported(tmp_path / "a.csv")
    found = report()
    assert found["raters"][0]["consistency"]["within_tolerance"] == pytest.approx(5 / 7)
    assert (found["repeats"]["c"]["same"], found["repeats"]["c"]["alpha"]) == (pytest.approx(5 / 7), None)
    assert found["campaign"]["ratings"] == 7


def test_what_was_found_and_what_was_declared_is_kept(tmp_path: Path) -> None:
    rows = [f"{item},{system},r{rater},{c},{(item + rater) % 5}" for item in range(6) for rater in range(3)
            for system in ("GPT=3.5", "b", "d") for c in ("over=all", "flow")]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows, "0,b,r0,flow,"]))
    imported(tmp_path / "a.csv", primary=["b", "GPT=3.5", "over=all"], family="campaign", looks=2, spending="pocock")
    found = report()
    assert found["campaign"]["scale_found"] is True
    assert found["campaign"]["import_facts"]["missing"] == {"score": 1}
    assert found["campaign"]["import_facts"]["names"] == {"GPT=3.5": "GPT-3.5", "over=all": "over-all"}
    assert (found["campaign"]["family"], found["campaign"]["looks"]) == ("campaign", 2)
    assert [
        (*sorted((each["system_a"], each["system_b"])), each["criterion"]) for each in found["pairs"] if each["primary"]
    ] == [("GPT-3.5", "b", "over-all")]
    assert "1 rating was blank in the file and is omitted." in found["method"]
    imported(tmp_path / "a.csv", "declared", scale=[0, 5], equivalence_margin=1.5)
    declared = report("declared")
    assert declared["campaign"]["scale_found"] is False
    assert {each["equivalence"]["margin"] for each in declared["pairs"]} == {1.5}
    assert "within ±1.5 points, as stated at the import" in declared["method"]
    assert "2 analyses were planned, as stated at the import" in found["method"]
    with pytest.raises(CommandError, match="equivalence_margin: -1 must be above 0"):
        imported(tmp_path / "a.csv", "third", equivalence_margin=-1.0)
    with pytest.raises(CommandError, match="equivalence_margin: 4 must be below 4, the width of the scale from 0 to 4"):
        imported(tmp_path / "a.csv", "third", equivalence_margin=4.0)
    with pytest.raises(CommandError, match=r"primary: there is no system 'x'; available: GPT-3.5, b, d"):
        imported(tmp_path / "a.csv", "third", primary=["x", "b", "flow"])


def test_intervals_are_made_over_the_documents_of_items(tmp_path: Path) -> None:
    """Items of one document are not independent: the same ratings have wider intervals in 3 albums than in 12."""
    draw = np.random.default_rng(2)
    of_document = np.repeat(draw.normal(0, 2, 3), 4)
    rows = [
        f"{item // 4},{item},{system},r{rater},c,{50 + of_document[item] * (system == 'a') + draw.normal(0, 0.3):.3f}"
        for item in range(12)
        for rater in range(4)
        for system in "ab"
    ]
    file = tmp_path / "a.csv"
    file.write_text("\n".join([f"doc,{HEADER}", *rows]))
    imported(file, columns=["album=doc"])
    imported(file, "flat")
    assert (report()["campaign"]["albums"], report("flat")["campaign"]["albums"]) == (3, 12)
    wide, narrow = (report(name)["pairs"][0]["ci"] for name in ("study", "flat"))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_rankings_become_choices_and_the_report_says_so(tmp_path: Path) -> None:
    """Wins and ties counted by hand over two rankings: a > b = d, and d > a > b."""
    (tmp_path / "a.csv").write_text("item,rater,a,b,d\n1,r,1,2,2\n2,q,2,3,1\n")
    answer = imported(tmp_path / "a.csv", systems=["a", "b", "d"], rows="ranks", columns=["criterion==c"])
    assert (answer["protocol"], answer["counts"]["choices"]) == ("pairwise", 6)
    found = report()
    table = {
        (row["system_a"], row["system_b"]): (row["wins"], row["ties"], row["losses"])
        for row in found["criteria"]["c"]["choices"]["table"]
    }
    assert table == {("a", "b"): (2, 0, 0), ("a", "d"): (1, 0, 1), ("b", "d"): (0, 1, 1)}
    position = found["criteria"]["c"]["choices"]["position"]
    assert (position["value"], position["undefined"]["code"]) == (None, "places_unknown")
    assert "A ranking was converted to pairwise choices between all of them, equal ranks being ties." in found["method"]
    assert found["campaign"]["albums"] == 2


def test_error_spans_are_told_with_their_weights(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "item,system,rater,severity\n1,a,r,major\n1,a,r,minor\n1,b,r,no-error\n2,a,r,minor\n2,b,r,major\n"
    )
    imported(tmp_path / "a.csv")
    found = report()
    assert {row["system"]: row["mean"] for row in found["criteria"]["mqm"]["systems"]} == {"a": -3.5, "b": -2.5}
    assert (
        "non-translation 25, major 5, minor 1, minor/fluency/punctuation 0.1, neutral 0, no-error 0" in found["method"]
    )
    assert "(Freitag et al. 2021)" in found["method"]
    imported(tmp_path / "a.csv", "other", weights=["major=10"])
    assert "Freitag" not in report("other")["method"]


def test_a_dry_run_shows_all_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = [f"{item},a,r,c,{'x' if item % 2 else 1 + item % 4}" for item in range(120)]
    file.write_text("\n".join([HEADER, *rows]))
    out = StringIO()
    with pytest.raises(CommandError, match="60 defects: fix them before importing"):
        call_command("import_ratings", file, campaign="study", dry_run=True, stdout=out)
    lines = out.getvalue().splitlines()
    at = [line.split(":")[0].strip() for line in lines if "score='x' must be a number" in line]
    assert at == [f"line {2 * n + 3}" for n in range(50)]
    assert lines[-1] == "  … and 10 more"
    file.write_text("\n".join([HEADER, *rows[::2], "0,a,q,c,4"]))
    call_command("import_ratings", file, campaign="study", dry_run=True, stdout=out)
    assert out.getvalue().splitlines()[-1] == "No defects. Nothing was written."
    assert not models.Import.objects.exists()
    assert not models.Dataset.objects.exists()
    call_command("import_ratings", file, campaign="study", stdout=out)
    assert models.Campaign.objects.get().item_count == 60


def test_repeats_stand_beside_metrics_and_on_the_campaigns_page(tmp_path: Path, admin_client: Client) -> None:
    """A text that was rated again is one text to a metric."""
    texts = [f"we saw the dog {n} times" for n in range(6)]
    rows = [
        f"{n},{system},r{rater},c,{score},{text} {system}"
        for n, text in enumerate(texts)
        for rater in range(2)
        for system, score in (("a", 1 + n % 5), ("b", 1 + (n + rater) % 5))
    ]
    file, people = tmp_path / "a.csv", tmp_path / "people.jsonl"
    file.write_text("\n".join([f"{HEADER},text", *rows, *rows[:8]]))
    imported(file, scale=[1, 5])
    people.write_text("\n".join(json.dumps({"item": str(n), "story": text}) for n, text in enumerate(texts)))
    call_command("import_pairs", people, dataset="study", split="test", album_field="item", photo_field="item")
    call_command("score", campaign="study", metrics=["chrf"], wait=True, stdout=StringIO())
    found = report()
    assert {each["n"] for each in found["criteria"]["c"]["systems"]} == {12}
    assert found["metrics"]["a"]["chrf"]["value"] > 50
    assert found["correlation"]["c"]["metrics"]["chrf"]["pooled"]["units"] == 12
    assert found["repeats"]["c"]["repeats"] == 8
    campaign = models.Campaign.objects.get()
    page = admin_client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "<b>12</b> screens of 6 items were rated" in " ".join(page.split())
    for form in ("html", "heds", "latex", "csv"):
        call_command("report", "study", format=form, out=tmp_path / "out", stdout=StringIO())
    call_command("report", "study", format="heds", out=tmp_path / "out", stdout=StringIO())
    assert "Repeated ratings of the same texts, by 2 evaluators" in (tmp_path / "out").read_text()
