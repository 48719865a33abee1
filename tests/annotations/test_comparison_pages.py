"""The command and the page that compare campaigns."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotations import models
from annotations.documents.renderers.text import WIDTH
from tests.annotations.reports import comparison_build
from tests.annotations.test_comparison import harsher, overlapping, rate
from tests.annotations.test_exports import check_tex

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # made of a report's rows, which other tests read from both
PAGE = "/reports/compare"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


def test_the_command_and_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, second = overlapping()
    rate(made.campaign, 3)
    with pytest.raises(CommandError, match="close it first"):
        call_command("compare", "first", "second")
    rate(second, 3, harsher)
    found = comparison_build(["first", "second"])
    call_command("compare", "first", "second", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == found
    call_command("compare", "first", "second")
    shown = capsys.readouterr().out
    for row in found["criteria"][0]["systems"]:
        for cell in filter(None, row["cells"]):
            assert f"{cell['mean']:.1f}" in shown
    assert max(map(len, shown.splitlines())) <= WIDTH
    for ending in ("html", "json", "csv", "tex"):
        call_command("compare", "first", "second", "--out", str(tmp_path / f"both.{ending}"))
    tex = (tmp_path / "both.tex").read_text()
    check_tex(tex)
    assert json.loads((tmp_path / "both.json").read_text()) == found
    for row in found["criteria"][0]["systems"]:
        for cell in filter(None, row["cells"]):
            assert rf"$\mathbf{{{cell['mean']:.1f}}}$ \\ $[{cell['ci'][0]:.1f}, {cell['ci'][1]:.1f}]$" in tex
    alone = (tmp_path / "both.html").read_text()
    assert "http" not in alone.replace("http://www.w3.org/2000/svg", ""), "the page needs nothing from elsewhere"
    assert alone.count("<svg ") == 1
    assert "<title>Means and 95 % intervals for human likeness in 2 campaigns, by system</title>" in alone
    rows = list(csv.DictReader(io.StringIO((tmp_path / "both.csv").read_text(encoding="utf-8-sig"))))
    means = [float(row["value"]) for row in rows if row["kind"] == "mean"]
    assert means == [cell["mean"] for row in found["criteria"][0]["systems"] for cell in row["cells"] if cell]
    assert [row["system"] for row in rows if row["kind"] == "difference between systems"] == ["new"]
    with pytest.raises(CommandError, match="choose its format with --format: html, pdf, latex, csv, json"):
        call_command("compare", "first", "second", "--out", str(tmp_path / "both"))


def test_the_page() -> None:
    made, second = overlapping()
    rate(made.campaign, 2)
    staff, nobody = Client(), Client()
    staff.force_login(User.objects.create_superuser("admin", password="x"))
    nobody.force_login(User.objects.create_user("other", password="x", is_staff=True))
    assert f'href="{PAGE}/"' in staff.get("/campaigns/").content.decode()
    choice = staff.get(f"{PAGE}/").content.decode()
    assert 'value="first"' in choice
    assert 'value="second"' not in choice, "it is open"
    both = "campaign=first&campaign=second"
    hidden = staff.get(f"{PAGE}/?{both}")
    assert hidden.status_code == 400
    assert "close it first" in hidden.content.decode()
    assert "95 % interval" not in hidden.content.decode()
    rate(second, 1, harsher)
    with CaptureQueriesContext(connection) as few:
        page = staff.get(f"{PAGE}/?{both}").content.decode()
    assert "a single rater cannot show how raters differ" in page
    models.Campaign.objects.filter(name="second").update(state="open")
    rate(models.Campaign.objects.get(name="second"), 2, harsher)
    with CaptureQueriesContext(connection) as many:
        page = staff.get(f"{PAGE}/?{both}").content.decode()
    assert len(many) == len(few)
    for row in comparison_build(["first", "second"])["criteria"][0]["systems"]:
        for cell in filter(None, row["cells"]):
            assert f"<b>{cell['mean']:.1f}</b>" in page
    assert '<th scope="row">gru</th>' in page
    assert 'role="region" aria-label="Human likeness: means with 95 % intervals."' in page
    assert '<svg xmlns="http://www.w3.org/2000/svg" role="img"' in page
    assert "style=" not in page
    assert "<style" not in page
    for form, ending in (("html", "html"), ("json", "json"), ("csv", "csv"), ("latex", "tex")):
        answer = staff.get(f"{PAGE}.{form}?{both}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="comparison.{ending}"'
    paper = staff.get(f"{PAGE}.pdf?{both}", follow=True)  # or, where Pango is missing, back with what to install
    assert paper.content.startswith(b"%PDF") or "needs the library Pango" in paper.content.decode()
    assert staff.get(f"{PAGE}.odt?{both}").status_code == 404
    assert nobody.get(f"{PAGE}/?{both}").status_code == 403
    strange = staff.get(f"{PAGE}/?campaign=first&campaign=a,b")
    assert (strange.status_code, "does not exist" in strange.content.decode()) == (400, True)
