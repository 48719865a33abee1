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

from annotations.campaigns.services.campaigns import campaign_close
from annotations.errors import InputError
from annotations.reasons import Reason, as_json
from annotations.reports import charts, pdf
from annotations.reports.charts import Chart, drawing
from annotations.reports.schema.report import Report
from tests.annotations.reports import charts_drawn, charts_of, report_document, report_html
from tests.factories import make_campaign
from tests.golden.documents import report_named
from tests.golden.documents import words_of as golden_words

pytestmark = pytest.mark.once  # the page is made of the report alone

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return report_named("slider")


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
        *(f"metric:{name}:{metric}" for name in report["criteria"] for metric in ("bleu", "chrf")),
        "raters",
    }
    result = report["criteria"]["fluency"]
    means = {row["system"]: (row["mean"], *row["ci"]) for row in result["systems"]}
    assert {row[0]: row[1:] for row in rows_of(drawn["means:fluency"], "row", "value", "low", "high")} == means

    pairs = {(p["system_a"], p["system_b"]): p for p in report["pairs"] if p["criterion"] == "fluency"}
    found = dict(rows_of(drawn["differences:fluency"], "row", "value"))
    assert found == {
        "human − gru": -pairs["gru", "human"]["difference"],
        "human − lstm": pairs["human", "lstm"]["difference"],
        "gru − lstm": pairs["gru", "lstm"]["difference"],
    }
    shapes = dict(rows_of(drawn["differences:human_likeness"], "row", "shape"))
    assert shapes == {"human − gru": "diamond", "human − lstm": "circle", "gru − lstm": "circle"}
    fills = dict(rows_of(drawn["differences:human_likeness"], "row", "fill"))
    assert [fills[pair] == "transparent" for pair in shapes] == [True, False, False], "filled where it was shown"

    counts = result["distribution"]["counts"]
    bars = rows_of(drawn["distributions:fluency"], "system", "low", "share")
    for system, numbers in counts.items():
        edges = result["distribution"]["edges"]
        theirs = {low: share for name, low, share in bars if name == system}
        assert theirs == {low: n / sum(numbers) for low, n in zip(edges, numbers, strict=False) if n}

    cells = {(one, other): text for one, other, text in rows_of(drawn["matrix:fluency"], "one", "other", "text")}
    assert cells["human", "lstm"] == "+22.1"
    assert cells["lstm", "human"] == "−22.1"
    assert len(cells) == 6

    points = report["correlation"]["fluency"]["points"]["chrf"]
    expected = {(point["system"], point["human"], point["metric"]) for point in points}
    assert set(rows_of(drawn["metric:fluency:chrf"], "system", "human", "metric")) == expected
    raters = {row[0]: row[1:] for row in rows_of(drawn["raters"], "rater", "severity", "seconds")}
    assert raters == {str(n): (row["severity"], row["seconds"]) for n, row in enumerate(report["raters"], start=1)}
    shapes = dict(rows_of(charts_drawn(report_named("left-out"))["raters"], "rater", "shape"))
    assert [rater for rater, shape in shapes.items() if shape != "circle"] == ["4"], "the one who was left out"


CRITERION_CHARTS = ("means", "differences", "distributions", "matrix")


def test_the_matrix_of_choices_holds_shares_won() -> None:
    """Of people and gru, 48 and 16 choices were decided."""
    report = report_named("pairs")
    cells = rows_of(charts_drawn(report)["matrix:better"], "one", "other", "text")
    assert ("people", "gru", "0.750") in cells
    assert ("gru", "people", "0.250") in cells
    page = said(report_html(report))
    assert "people is preferred to gru by 1.20 in log-strength (" in page
    assert "gru against people 16 16 48 0.250 0.120 to 0.448 0.300 0.181 to 0.455" in page


def test_specifications_keep_to_vega_lites_schema(drawn: dict[str, Chart]) -> None:
    """They are drawn unchecked; here Altair's own copy of the schema checks each whole."""
    import altair as alt

    for chart in drawn.values():
        alt.Chart.from_dict(chart.spec, validate=True)


def test_svg_needs_nothing_and_breaks_no_security_policy() -> None:
    """Of systems with long and hostile names."""
    names = ['<b>&"human"', *(f"a-transformer-of-six-layers-trained-for-long-seed-{n}" for n in range(4))]
    report = renamed(report_named("likert"), {f"s{n}": name for n, name in enumerate(names)})
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
        if name == "means:interest":
            assert '<b>&"human"' in texts
            short = {text for text in texts if text and "…" in text}
            assert len(short) == 4, "names that are cut stay apart"


SHAPES = ("path", "line", "rect", "text", "tspan")


def renamed(node: Any, names: dict[str, str]) -> Any:
    """A copy of a report in which systems are called otherwise."""
    if isinstance(node, dict):
        return {names.get(key, key): renamed(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [renamed(value, names) for value in node]
    return names.get(node, node) if isinstance(node, str) else node


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
        "No difference was shown between human and gru on human likeness: 5.6 points (95 % interval −2.6 to 13.9, "
        "p = 0.117, 20 items)."
    )
    order = [
        "Summary Evaluation on test albums of outings · slider · raters saw the caption",
        f"Prespecified primary comparison: {declared}",
        "What was asked Raters saw the caption and were asked for a number from 0 to 100",
        "Rate every sentence by itself.",
        f"Results Prespecified primary comparison: {declared}",
        "human is rated higher than lstm by 19.5 points (unadjusted 95 % interval 14.9 to 24.1, p = 0.002 after Holm "
        "adjustment",
        "Agreement Criterion",
        "Metrics and human ratings System",
        "Best, worst, most disputed Rated best for human likeness",
        "Raters Severity with 95 % intervals",
        "No rater was excluded.",
        "Method Means are over ratings",
    ]
    places = [page.find(part, page.find("Summary")) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_a_look_and_who_was_left_out_are_said() -> None:
    assert (
        "gru is rated higher than lstm by 13.9 points (95 % interval 4.8 to 22.9, p = 0.022, 20 items). At this "
        "analysis a difference counts as shown if p is below 0.0277; the interval is not adjusted for interim "
        "analyses."
    ) in said(report_html(report_named("looks")))
    assert "Rater 4: answered without reading, on 2026-03-02, after results had been seen" in said(
        report_html(report_named("left-out"))
    )


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list | tuple):
        for value in node:
            yield from leaves(value, path)
    else:
        yield path, node


# What is said otherwise than as it stands: in words of its own, in a sentence, in the datasheet, or on a chart alone.
OTHERWISE = {
    *("estimator", "version", "edges", "counts", "family", "purpose", "looks", "texts", "spending", "rater", "at"),
    *("began", "ended", "unit", "system_kinds", "sources", "protocol", "import_facts", "show", "consent"),
    *("split", "floor"),
    *("code", "facts"),  # of a reason, whose sentence is shown
}
UNSHOWN = {"points", "error", "freedom", "opponents", "residual_deviation", "missing", "accuracy items"}


@pytest.mark.parametrize("name", ["slider", "likert", "pairs"])
def test_every_number_and_word_of_a_report_is_shown(name: str) -> None:
    """Each number, made unlike all others, is on the page as a page would round it; each word is there as it is."""
    marked, number = report_named(name), 10_000
    marked["correlation"] = marked["correlation"] if marked["metrics"] else {}  # nothing to compare with

    def mark(node: Any, key: str = "") -> Any:
        nonlocal number
        if isinstance(node, dict):
            if "code" in node:
                return node
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
        each |= mark({key: each[key] for key in ("screens", "consistency") if key in each})
    page = said(report_html(marked)).replace("−", "-")
    figures = set(re.findall(r"-?\d+(?:\.\d+)?", page))
    values = {float(figure) for figure in figures}
    for path, value in leaves(marked):
        if isinstance(value, str):
            shown = " ".join(value.replace("_", " ").split()) in page.replace("_", " ")
            assert shown or not OTHERWISE.isdisjoint(path), (path, value)
        elif isinstance(value, int | float) and value > 10_000 and UNSHOWN.isdisjoint({*path, " ".join(path[-2:])}):
            turned = {float(value), -float(value), 1 - float(value)}  # as the better system's difference
            assert not turned.isdisjoint(values), (path, value)


def undefine(node: Any, reasons: list[Reason]) -> Any:
    """A copy in which whatever can be undefined is, each for a reason of its own; not the whole of which it is part."""
    if isinstance(node, list):
        return [undefine(each, reasons) for each in node]
    if not isinstance(node, dict) or "code" in node:
        return node
    before = len(reasons)
    changed = {key: undefine(value, reasons) for key, value in node.items()}
    if "undefined" in node and len(reasons) == before:
        reasons.append(Reason("few", needed=1_000 + len(reasons), found=len(reasons), unit="system"))
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
        changed["undefined"] = as_json(reasons[-1])
    return changed


@pytest.mark.parametrize(("name", "more_than"), [("slider", 90), ("likert", 80), ("pairs", 17)])
def test_why_something_is_undefined_is_said_in_its_place(name: str, more_than: int) -> None:
    reasons: list[Reason] = []
    report = report_named(name)
    report["primary"] = None  # its pair is among the others
    report["correlation"] = report["correlation"] if report["metrics"] else {}  # nothing to compare with
    page = said(report_html(undefine(report, reasons)))
    assert len(reasons) > more_than
    assert [why for why in reasons if str(why) not in page] == []


def test_a_report_without_ratings_or_of_one_system_says_so() -> None:
    page = said(report_html(report_named("unrated")))
    assert "Not scored yet: manage.py score --campaign unrated" in page
    assert "On human likeness: no ratings yet." in page
    assert "undefined: no ratings" in page
    lone = report_named("left-out")
    lone["criteria"]["human_likeness"]["systems"] = lone["criteria"]["human_likeness"]["systems"][:1]
    assert "On human likeness, only human was rated (59.9" in said(report_html(lone | {"pairs": []}))


def test_a_pair_without_a_model_is_said_to_have_none_and_ranks_are_whole_numbers() -> None:
    report = report_named("slider")
    report["pairs"][0]["mixed_model"] = None
    page = said(report_html(report))
    assert "not fitted −" in page
    assert "not fitted:" not in page
    assert "10 of 39" in page


def test_a_screen_reader_hears_what_a_cell_and_a_scrolled_part_are_of(report: dict[str, Any]) -> None:
    page = report_html(report)
    assert page.count("<tr><th scope=") == page.count("<tr>"), "columns in the head, and the row in every other"
    assert re.findall(r'<div class="scroll"(?! tabindex="0" role="(?:region|group)" aria-label="[^"])', page) == []
    assert re.search(r'<td class="given">[\d.]+\N{NO-BREAK SPACE}<span class="soft">\(1\)</span>, ', page)


def test_golden_pages_keep_what_is_bold_and_how_many_columns_a_cell_has() -> None:
    page = '<tr><th scope="row">a</th><td><b>1</b></td><td colspan="3" class="text">no</td></tr>'
    assert golden_words(page) == "a | **1** | [3 columns] no |\n"


@pytest.mark.parametrize(("scale", "mean"), [([0, 100], "61.7"), ([0, 25], "61.73"), ([0, 26], "61.7")])
def test_a_short_scale_has_two_decimals(report: dict[str, Any], scale: list[int], mean: str) -> None:
    report = report | {"campaign": report["campaign"] | {"scale": scale}}
    assert f'<th scope="row">human</th><td>{mean}</td>' in report_html(report)
    chart = charts_drawn(report)["means:fluency"]
    assert chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [float(end) for end in scale]


def test_the_page_escapes_what_others_wrote_and_has_nothing_inline() -> None:
    report = renamed(report_named("left-out"), {"bart": "<script>alert(1)</script>"})
    report["campaign"]["instructions"] = "<img src=x onerror=alert(1)>"
    page = report_html(report)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]* (?:style|on[a-z]+)=", page)


def test_the_pdf_has_the_pages_words_and_numbered_pages(report: dict[str, Any]) -> None:
    made = report_document(report)
    texts = [" ".join(box.text for box in page._page_box.descendants() if hasattr(box, "text")) for page in made.pages]
    count = len(made.pages)
    assert 5 <= count <= 15
    for number, text in enumerate(texts, start=1):
        assert f"page {number} of {count}" in " ".join(text.split())
        assert number == 1 or text.split().count("slider") >= 1, "the campaign's name runs along the top"
    whole = " ".join(" ".join(texts).split())
    for part in (
        "human is rated higher than lstm by 19.5 points",
        "Krippendorff's alpha",
        "Williams' test",
        "by a mixed model",
    ):
        assert part in whole
    widest = max(box.position_x + box.width for page in made.pages for box in words_of(page))
    assert widest < made.pages[0].width - 50, "nothing runs into the margin"
    for page in made.pages:
        right = page._page_box.content_box_x() + page._page_box.width
        for table in boxes(page, "TableBox"):
            over = table.position_x + table.border_width() - right
            assert over < 1, " ".join(box.text for box in table.descendants() if hasattr(box, "text"))


def words_of(page: Any) -> Iterator[Any]:
    return boxes(page, "TextBox")


def boxes(page: Any, kind: str) -> Iterator[Any]:
    return (box for box in page._page_box.descendants() if type(box).__name__ == kind)


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
    assert pdf.report_pdf(Report.model_validate(report)).startswith(b"%PDF-")
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
        pdf.report_pdf(Report.model_validate(report))


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
