"""A report's page, its charts and its PDF, made from the report's JSON alone."""

import copy
import re
import sys
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from annotations.errors import InputError
from annotations.reports import charts, pdf, render
from annotations.reports.charts import Chart, charts_drawn, charts_of, drawing
from annotations.reports.render import report_html
from annotations.services.campaigns import campaign_close
from tests.annotations.made_report import NEW, made_choices, made_report, objects_at, old_report
from tests.factories import make_campaign

pytestmark = pytest.mark.once  # the page is made of the report alone

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_report()


@pytest.fixture(scope="module")
def drawn(report: dict[str, Any]) -> dict[str, Chart]:
    return charts_drawn(report)


def said(html: str) -> str:
    """The page's words and figures, outside of the charts."""
    html = re.sub(r"<(svg|style)[\s\S]*?</\1>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def rows_of(chart: Chart, *fields: str) -> list[tuple[Any, ...]]:
    """The values of every row of the chart's data that has all of these fields."""
    sheets = chart.spec["datasets"].values()
    return [tuple(row[field] for field in fields) for rows in sheets for row in rows if set(fields) <= set(row)]


def test_charts_hold_the_reports_numbers(report: dict[str, Any], drawn: dict[str, Chart]) -> None:
    assert set(drawn) == {
        *(f"{kind}:{name}" for name in report["criteria"] for kind in CRITERION_CHARTS),
        *(f"metric:{name}:{metric}" for name in report["criteria"] for metric in ("bleu", "chrf", "bertscore_f1")),
        "raters",
    }
    result = report["criteria"]["fluency"]
    means = {row["system"]: (row["mean"], *row["ci"]) for row in result["systems"]}
    assert {row[0]: row[1:] for row in rows_of(drawn["means:fluency"], "row", "value", "low", "high")} == means

    pairs = {(p["system_a"], p["system_b"]): p for p in report["pairs"] if p["criterion"] == "fluency"}
    found = dict(rows_of(drawn["differences:fluency"], "row", "value"))
    assert found == {f"{one} − {other}": pair["difference"] for (one, other), pair in pairs.items()}
    shapes = dict(rows_of(drawn["differences:human_likeness"], "row", "shape"))
    assert shapes == {"human − gru": "diamond", "human − lstm": "circle", "gru − lstm": "circle"}
    fills = dict(rows_of(drawn["differences:human_likeness"], "row", "fill"))
    assert [fills[pair] == "transparent" for pair in shapes] == [False, False, True], "filled where it was shown"

    counts = result["distribution"]["counts"]
    bars = rows_of(drawn["distributions:fluency"], "system", "low", "share")
    for system, numbers in counts.items():
        edges = result["distribution"]["edges"]
        theirs = {low: share for name, low, share in bars if name == system}
        assert theirs == {low: n / sum(numbers) for low, n in zip(edges, numbers, strict=False)}

    cells = {(one, other): text for one, other, text in rows_of(drawn["matrix:fluency"], "one", "other", "text")}
    assert cells["human", "lstm"] == "+33.3"
    assert cells["lstm", "human"] == "−33.3"
    assert len(cells) == 6

    points = report["correlation"]["fluency"]["points"]["chrf"]
    expected = {(point["system"], point["human"], point["metric"]) for point in points}
    assert set(rows_of(drawn["metric:fluency:chrf"], "system", "human", "metric")) == expected
    raters = {row[0]: row[1:] for row in rows_of(drawn["raters"], "rater", "severity", "seconds")}
    assert raters == {str(n): (row["severity"], row["seconds"]) for n, row in enumerate(report["raters"], start=1)}
    crosses = {rater for rater, shape in rows_of(drawn["raters"], "rater", "shape") if shape != "circle"}
    assert crosses == {"6"}, "the one who was left out"


CRITERION_CHARTS = ("means", "differences", "distributions", "matrix")


def test_the_matrix_of_choices_holds_shares_won() -> None:
    report = made_choices()
    cells = rows_of(charts_drawn(report)["matrix:human_likeness"], "one", "other", "text")
    assert ("human", "gru", "0.706") in cells
    assert ("gru", "human", "0.294") in cells
    page = said(report_html(report))
    assert "human is preferred to gru by 0.44 in log-strength (" in page
    assert "human never lost" in page
    for row in report["criteria"]["human_likeness"]["choices"]["table"]:
        assert f"{row['system_a']} against {row['system_b']} 60 15 25 0.706 0.600 to 0.800 0.675 0.575 to 0.765" in page


def test_specifications_keep_to_vega_lites_schema(drawn: dict[str, Chart]) -> None:
    """They are drawn unchecked; here Altair's own copy of the schema checks each whole."""
    import altair as alt

    for chart in drawn.values():
        alt.Chart.from_dict(chart.spec, validate=True)


def test_svg_needs_nothing_and_breaks_no_security_policy() -> None:
    """Of many systems with long and hostile names."""
    names = ('<b>&"human"', *(f"a-transformer-of-six-layers-trained-for-long-seed-{n}" for n in range(11)))
    report = made_report(names, ("human_likeness",), raters=60, metrics=("bleu",))
    for name, svg in charts_of(report).items():
        root = ElementTree.fromstring(svg)
        title = root.find(f"{SVG}title")
        assert (root.get("role"), title is not None and bool(title.text)) == ("img", True)
        width, height = (float(length) for length in root.get("viewBox", "").split()[2:])
        assert (root.get("width"), root.get("height")) == (f"{width / 16:g}em", f"{height / 16:g}em")
        assert width < 1150
        attributes = {attribute for element in root.iter() for attribute in element.attrib}
        assert not attributes & {"style", "href", "{http://www.w3.org/1999/xlink}href", "id", "class"}
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "g", *SHAPES}
        assert "url(" not in svg
        texts = {element.text for element in root.iter(f"{SVG}text")}
        assert {element.get("fill") for element in root.iter(f"{SVG}text")} <= {"currentColor", None}
        if name == "means:human_likeness":
            assert '<b>&"human"' in texts
            short = {text for text in texts if text and "…" in text}
            assert len(short) == 11, "names that are cut stay apart"


SHAPES = ("path", "line", "rect", "text", "tspan")


def test_names_are_told_apart_where_they_are_cut() -> None:
    assert drawing.names(["x" * 40 + end for end in ("", "a", "a" * 2)], 10) == {
        "x" * 40: "xxxx…xxxxx",
        "x" * 40 + "a": "xxxx…xxxxa",
        "x" * 40 + "aa": "xxxx…xxxaa",
    }
    middles = [f"seed-{n}-of-the-same" for n in range(3)]
    assert len(set(drawing.names(middles, 10).values())) == 3


def test_charts_are_drawn_once_a_report(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count(chart: Chart) -> str:
        calls.append(chart.title)
        return f"<svg><title>{chart.title}</title></svg>"

    monkeypatch.setattr(charts, "svg_of", count)
    first = charts_of(report)
    assert len(calls) == len(first) > 0
    assert charts_of(copy.deepcopy(report)) == first
    assert len(calls) == len(first), "the same numbers are not drawn again"
    changed = copy.deepcopy(report)
    changed["criteria"]["fluency"]["systems"][0]["mean"] += 0.5
    charts_of(changed)
    assert len(calls) == 2 * len(first)


def test_the_answer_comes_first_and_in_words(report: dict[str, Any]) -> None:
    page = said(report_html(report))
    declared = (
        "By human likeness, human is rated higher than gru by 16.7 points (95 % interval 10.0 to 23.3, p < 0.001, "
        "200 items). At this look a difference counts as shown where p is below 0.0294; the interval is not "
        "adjusted for looks."
    )
    order = [
        f"In short Declared beforehand: {declared}",
        "What was asked Raters saw the caption and were asked for a number from 0 to 100",
        "Rate every sentence by itself.",
        f"Who wins, and how sure Declared beforehand: {declared}",
        "No difference was shown between gru and lstm: 16.7 points (unadjusted 95 % interval −8.3 to 41.7, p = 0.620 "
        "after Holm",
        "Agreement Criterion",
        "Metrics beside people System",
        "Best, worst, most disputed Rated best by human likeness",
        "Raters and exclusions Severity with 95 % intervals",
        "Rater 6: answered without reading, on 2026-03-10, after results had been seen",
        "Method Means are over ratings.",
    ]
    places = [page.find(part, page.find("In short")) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list | tuple):
        for value in node:
            yield from leaves(value, path)
    else:
        yield path, node


# What is said otherwise than by its own figure: as words, in a sentence, or on a chart alone.
NOT_AS_FIGURES = {"estimator", "version", "edges", "counts", "family", "purpose", "looks", "texts", "spending"}
ELSEWHERE = {"rater", "text_pairs"}


def test_every_number_and_word_of_a_report_is_shown(report: dict[str, Any]) -> None:
    """Each number, made unlike all others, is on the page as a page would round it; each word is there as it is."""
    marked, number = copy.deepcopy(report), 10_000

    def mark(node: Any, key: str = "") -> Any:
        nonlocal number
        if isinstance(node, dict):
            return {name: mark(value, name) for name, value in node.items() if name not in ("rater", "share")}
        if isinstance(node, list):
            return [mark(value, key) for value in node]
        if isinstance(node, bool) or not isinstance(node, int | float) or key in ("p", "p_holm", "within_tolerance"):
            return node
        number += 1
        return number if isinstance(node, int) else float(number)

    for part in ("metrics", "metric_differences", "correlation", "disagreements"):
        marked[part] = mark(marked[part])
    for each in marked["pairs"]:
        each |= mark({key: each[key] for key in ("mixed_model", "effects", "ci_simultaneous", "equivalence")})
    for each in marked["criteria"].values():
        each |= mark({key: each[key] for key in ("expected_wins", "missing")})
    for each in marked["raters"]:
        each |= mark({key: each[key] for key in ("screens", "degraded", "consistency")})
    page = said(report_html(marked)).replace("−", "-")
    figures = set(re.findall(r"-?\d+(?:\.\d+)?", page))
    values = {float(figure) for figure in figures}
    for path, value in leaves(marked):
        if isinstance(value, str):
            shown = value.replace("_", " ") in page.replace("_", " ")
            assert shown or path[-1] in ("rater", "began", "at", "unit", *NOT_AS_FIGURES), (path, value)
        elif isinstance(value, int | float) and value > 10_000 and "points" not in path:
            assert float(value) in values, (path, value)


def undefine(node: Any, reasons: list[str], *, why: str = "because of") -> Any:
    """A copy in which whatever can be undefined is, each for a reason of its own."""
    if isinstance(node, list):
        return [undefine(each, reasons) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {key: undefine(value, reasons) for key, value in node.items()}
    if "undefined" in node:
        reasons.append(f"{why} {len(reasons)}-fold")
        gone = {
            "difference",
            "ci",
            "p",
            "value",
            "alpha",
            "severity",
            "severity_ci",
            "agreement",
            "t",
            "p_better",
            "drop",
        }
        changed |= {key: None for key in gone & set(node) if not isinstance(node[key], dict)}
        changed |= {key: None for key in ("mean_difference", "correlation", "passed") if key in node}
        changed["undefined"] = reasons[-1]
    return changed


@pytest.mark.parametrize(("make", "more_than"), [(made_report, 60), (made_choices, 25)])
def test_why_something_is_undefined_is_said_in_its_place(make: Any, more_than: int) -> None:
    reasons: list[str] = []
    page = said(report_html(undefine(make(), reasons)))
    assert len(reasons) > more_than
    assert [why for why in reasons if why not in page] == []


def test_no_key_that_came_later_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "charts_of", lambda report: {})
    whole = made_report()
    for place, keys in NEW.items():
        for key in keys:
            report = copy.deepcopy(whole)
            for each in objects_at(report, place):
                del each[key]
            assert "87.5" in report_html(report), f"without {place}.{key}"


def test_reports_kept_before_have_fewer_keys() -> None:
    page = report_html(old_report())
    assert "87.5" in page
    assert "Left out" not in said(page)
    bare = old_report()
    bare |= {"primary": None, "criteria": {}, "pairs": [], "metrics": {}, "examples": {}, "raters": []}
    assert "Not scored yet: manage.py score --campaign first-look" in said(report_html(bare))
    empty = made_report()
    nothing = {"alpha": None, "ci": None, "level": "interval", "undefined": "no ratings"}
    empty |= {"criteria": {"fluency": {"systems": [], "agreement": nothing}}, "pairs": [], "examples": {}, "raters": []}
    lone = made_report()
    lone["criteria"]["fluency"]["systems"] = [lone["criteria"]["fluency"]["systems"][0] | {"ci": None}]
    lone |= {"primary": None, "pairs": []}
    assert "By fluency, human alone was rated (87.5)." in said(report_html(lone))
    empty |= {"primary": None, "look": None, "exclusions": {"raters": []}, "correlation": {}, "disagreements": {}}
    page = said(report_html(empty))
    assert "By fluency: no ratings yet." in page
    assert "undefined: no ratings" in page


@pytest.mark.parametrize(("scale", "mean"), [((0, 100), "87.5"), ((1, 5), "4.50"), ((0, 20), "17.5")])
def test_a_short_scale_has_two_decimals(scale: tuple[float, float], mean: str) -> None:
    report = made_report(criteria=("fluency",), scale=scale, metrics=())
    assert f"<td>human</td><td>{mean}</td>" in report_html(report)
    chart = charts_drawn(report)["means:fluency"]
    assert chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [float(end) for end in scale]


def test_the_page_escapes_what_others_wrote_and_has_nothing_inline() -> None:
    report = made_report(("human", "<script>alert(1)</script>"), ("fluency",), metrics=())
    report["campaign"]["instructions"] = "<img src=x onerror=alert(1)>"
    page = report_html(report)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]* (?:style|on[a-z]+)=", page)


def test_the_pdf_has_the_pages_words_and_numbered_pages(report: dict[str, Any]) -> None:
    made = pdf.document(report)
    texts = [" ".join(box.text for box in page._page_box.descendants() if hasattr(box, "text")) for page in made.pages]
    count = len(made.pages)
    assert 5 <= count <= 15
    for number, text in enumerate(texts, start=1):
        assert f"page {number} of {count}" in " ".join(text.split())
        assert number == 1 or text.split().count("first-look") == 1, "the campaign's name runs along the top"
    whole = " ".join(" ".join(texts).split())
    for part in (
        "human is rated higher than gru by 16.7 points",
        "Krippendorff's alpha",
        "Williams' test",
        "by a mixed model",
    ):
        assert part in whole
    widest = max(box.position_x + box.width for page in made.pages for box in words_of(page))
    assert widest < made.pages[0].width - 50, "nothing runs into the margin"


def words_of(page: Any) -> Iterator[Any]:
    return (box for box in page._page_box.descendants() if type(box).__name__ == "TextBox")


def test_the_pdf_fetches_nothing(monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f'<p>here</p><img src="http://127.0.0.1:{server.server_port}/a.png"><img src="file:///etc/hostname">'
    monkeypatch.setattr(pdf, "report_html", lambda report: page)
    assert pdf.report_pdf(report).startswith(b"%PDF-")
    server.shutdown()
    server.server_close()
    assert asked == []


def without_pango(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "weasyprint.py").write_text("raise OSError(\"cannot load library 'libpango-1.0-0'\")")
    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))


def test_where_pango_is_missing_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, report: dict[str, Any]
) -> None:
    without_pango(monkeypatch, tmp_path)
    with pytest.raises(InputError, match=r"^the PDF needs the library Pango.*apt-get install libpango-1\.0-0[^\n]*$"):
        pdf.report_pdf(report)


@pytest.mark.django_db
def test_the_command_writes_the_pdf_or_says_why_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, out = make_campaign(), tmp_path / "report.pdf"
    campaign_close(campaign=made.campaign)
    call_command("report", made.campaign.name, "--format", "pdf", "--out", str(out))
    assert out.read_bytes().startswith(b"%PDF-")
    without_pango(monkeypatch, tmp_path)
    with pytest.raises(CommandError, match="Pango"):
        call_command("report", made.campaign.name, "--format", "pdf", "--out", str(tmp_path / "other.pdf"))
    assert not (tmp_path / "other.pdf").exists()
