"""A report's LaTeX, made from the report's JSON alone."""

import ast
import copy
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unicodedata import name

import pytest

from annotations.documents.blocks import Bullets, Column, Document, Section, Span, Table, Why, table
from annotations.documents.renderers.latex import document_latex
from annotations.documents.renderers.latex_signs import ESCAPED
from tests.annotations.reports import report_latex
from tests.annotations.test_exports import check_tex
from tests.golden.documents import KEPT, report_named
from tests.site import ROOT

pytestmark = pytest.mark.once
LINE = 345.0  # points of text in LaTeX's article
# Small letters are wider for their size.
SIZES = {"small": 9 * 1.028, "footnotesize": 8 * 1.0625, "scriptsize": 7 * 1.139}
GOLDEN = ["slider", "likert", "pairs", "looks", "left-out", "unrated"]


def latex_of(*blocks: Any) -> str:
    return document_latex(Document("title", [Section("name", "Title", blocks)]))


def test_an_early_look_at_a_feedback_campaign_is_said_to_be_one() -> None:
    report = report_named("left-out")
    report["campaign"] |= {"interim": True, "state": "open", "purpose": "feedback"}
    tex = report_latex(report)
    first = tex.split(r"\section*{")[1]
    assert first.startswith("Summary}")
    assert "Feedback campaign on outings: not a test result" in first
    assert "The campaign is open. These are interim results and will change." in first
    assert r"\item On human likeness, human ranks first" in first
    assert "collected elsewhere" in report_latex(report_named("likert")).split(r"\section*{")[1]


@pytest.mark.parametrize("report", GOLDEN)
def test_tables_are_as_wide_as_a_line_at_most(report: str) -> None:
    check_widths(report_latex(report_named(report)))


def test_those_of_a_comparison_too() -> None:
    check_widths((KEPT / "comparison" / "comparison.tex").read_text())


def test_a_table_of_many_columns_is_several_with_the_same_first_column() -> None:
    report = report_named("slider")
    for cells in report["metrics"].values():
        cells |= {f"metric_{number}": copy.deepcopy(cells["bleu"]) for number in range(11)}
    report["metric_facts"] |= dict.fromkeys(cells, report["metric_facts"]["bleu"])
    tex = report_latex(report)
    check_tex(tex)
    check_widths(tex)
    parts = re.findall(r"\\label\{tab:metrics-\d\}.*?\\end\{table\}", tex, re.S)
    assert len(parts) > 1
    assert all("\nSystem & " in part and "\ngru & " in part for part in parts)
    titles = [title for part in parts for title in re.findall(r"bleu|chrf|metric\\_\d+", part.split(r"\midrule")[0])]
    assert len(titles) == len(set(titles)) == 13, "every metric once"


def test_a_long_name_can_be_broken_in_a_narrow_column() -> None:
    system = "gru_luong_attention_feedback_round_2"
    rows = [[f"{system} − lstm", "word " * 20, 1]]
    tex = latex_of(table("some", "Some.", ("Systems", Column("Text", "text"), "n"), rows))
    assert r"gru\_\allowbreak{}luong\_\allowbreak{}attention" in tex
    assert r"\allowbreak" not in latex_of(table("some", "Some.", ("System", "n"), [[system, 1]]))


def check_widths(tex: str) -> None:
    """By the advances of the font cmr10, as its own metrics have them."""
    tables = re.findall(
        r"\\centering\\(\w+)\n\\setlength\{\\tabcolsep\}\{(\d)pt\}.*?\\label\{([^}]*)\}\n"
        r"\\begin\{tabular\}\{([^\n]*)\}\n(.*?)\n\\end\{tabular\}\n",
        tex,
        re.S,
    )
    assert len(tables) == tex.count(r"\caption{")
    assert tables
    for size, gap, label, columns, body in tables:
        kinds = re.findall(r"p\{(0?\.\d+)\\linewidth\}|([lr])", columns)
        rows = [re.split(r"(?<!\\)&", row[: -len(r"\\")]) for row in body.split("\n") if row.endswith(r"\\")]
        total = 2.0 * int(gap) * len(kinds)
        for place, (share, _) in enumerate(kinds):
            widest = max(width for row in rows for width in widths_of(row[place]))
            total += LINE * float(share) if share else widest * SIZES[size]
        assert total <= LINE, f"{label}: {total:.0f} pt"


def widths_of(cell: str) -> list[float]:
    """Of its lines, in sizes of the font."""
    inside = re.sub(r"\\begin\{tabular\}\[[tb]\]\{@\{\}[lr]@\{\}\}|\\end\{tabular\}", "", cell)
    inside = (
        re.sub(r"\\(?:text|math)(?:bf|tt)|\$", "", inside.replace("$-$", "−"))
        .replace(r"\pm", "±")
        .replace(r"\nobreakspace{}", " ")
    )
    inside = re.sub(r"\\text\w+\{\}", "o", inside)
    lines = re.split(r" \\\\ | \\newline ", re.sub(r"\\([%_&#])", r"\1", inside))
    return [sum(ADVANCES.get(sign, 500) for sign in re.sub(r"[{}]", "", line).strip()) / 1000 for line in lines]


def advances() -> dict[str, float]:
    """The font's own, as matplotlib, which the metrics bring along, carries them."""
    found = find_spec("matplotlib")
    assert found
    assert found.submodule_search_locations
    file = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "afm" / "cmr10.afm"
    signs = re.findall(r"^C (\d+) ; WX ([\d.]+) ; N \w+", file.read_text(), re.M)
    return {chr(int(code)): float(width) for code, width in signs if 33 <= int(code) < 127} | {" ": 333, "−": 778}


ADVANCES = advances()


def test_all_signs_that_reports_use_are_set_by_plain_latex() -> None:
    """Names may have others: a letter of another script needs another LaTeX."""
    sources = [*(ROOT / "annotations" / "reports").rglob("*.py"), ROOT / "annotations" / "reasons.py"]
    assert len(sources) > 40
    used = {
        (sign, source.name)
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for sign in node.value
        if not sign.isascii() and not name(sign).startswith(("LATIN", "FULLWIDTH"))
    }
    assert len(used) > 5
    assert [each for each in used if each[0] not in ESCAPED] == []
    assert r"log $\nu$" in report_latex(report_named("pairs"))
    assert all(report_latex(report_named(each)).isascii() for each in GOLDEN)


def test_a_note_names_the_cell_that_it_is_about() -> None:
    made = table(
        "some",
        "Some.",
        ("Metric", Column("Level", "names"), "Pearson", "Kendall"),
        [["bleu", "between systems", Why("too few"), 1], ["chrf", "within items", 2, Why("too few")]],
    )
    tex = latex_of(made, table("raters", "Raters.", ("Rater", "Alpha"), [[2, Span("not tested", 1)], [3, 1]]))
    assert "bleu, between systems, Pearson; chrf, within items, Kendall: too few." in tex
    assert "Rater 2: not tested." in tex or "Rater 2, Alpha: not tested." in tex


def test_what_is_empty_is_left_away() -> None:
    empty = Table("none", "Nothing.", [Column("A"), Column("B")], [], caption="What it means.")
    tex = latex_of(Bullets([]), empty)
    assert r"\begin" not in tex.replace(r"\begin{document}", "")
    assert "What it means" not in tex
