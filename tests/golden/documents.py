"""What a campaign's documents say, in a form that two databases and two processors have in common."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

from annotations.errors import ConflictError
from annotations.models import Campaign
from annotations.reports import comparison_formats
from annotations.reports.charts import charts_drawn
from annotations.reports.comparison import comparison_build
from annotations.reports.formats import FORMATS
from annotations.reports.keeping import report_freeze, results_of
from annotations.reports.preregistration import preregistration
from annotations.reports.schema.report import Report

KEPT = Path(__file__).with_name("kept")
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TIME = re.compile(r"\b\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?\+00:00)?")
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
BLOCKS = re.compile(r"</(?:p|li|h\d|tr|caption|summary|figcaption|dt|dd|blockquote)>|<br>")
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def report_named(name: str) -> dict[str, Any]:
    """The kept report of one of the golden campaigns."""
    report: dict[str, Any] = json.loads((KEPT / name / "report.json").read_text())
    return report


def documents_of(campaign: Campaign) -> dict[str, str]:
    """Each of the campaign's documents as text, by the name of its file."""
    kept = report_freeze(campaign=campaign, unblind=True)
    report = results_of(kept)
    files = {
        "report.json": bytes(kept.content).decode() + "\n",
        "page.txt": words_of(FORMATS["html"].write(report).decode()),
        "report.tex": FORMATS["latex"].write(report).decode(),
        "report.txt": FORMATS["text"].write(report).decode(),
        "report.csv": FORMATS["csv"].write(report).decode("utf-8-sig").replace("\r\n", "\n"),
        "heds.md": FORMATS["heds"].write(report).decode(),
        "charts.json": rows_of_charts(report),
    }
    with suppress(ConflictError):  # an imported study was declared elsewhere
        files["preregistration.md"] = preregistration(campaign, at=AT)
    return {name: steady(text) for name, text in files.items()}


def comparison_of(*names: str) -> dict[str, str]:
    comparison = comparison_build(names)
    files = {
        "comparison.json": comparison_formats.as_json(comparison).decode() + "\n",
        "page.txt": words_of(comparison_formats.html(comparison).decode()),
        "comparison.csv": comparison_formats.csv(comparison).decode("utf-8-sig").replace("\r\n", "\n"),
        "comparison.tex": comparison_formats.FORMATS["latex"].write(comparison).decode(),
        "terminal.txt": comparison_formats.text(comparison),
    }
    return {name: steady(text) for name, text in files.items()}


def words_of(page: str) -> str:
    """A page's words and figures, a line a paragraph or row, without markup and drawings, but for what is **bold** and
    of how many columns a cell is."""
    page = re.sub(r"<(svg|style)[\s\S]*?</\1>", " ", page)
    page = re.sub(r"</?(?:b|strong)>", "**", page)
    page = re.sub(r'<t[hd][^>]* colspan="(\d+)"[^>]*>', r"[\1 columns] ", page)
    page = re.sub(r"</t[hd]>", " | ", BLOCKS.sub("\n", page))
    lines = (" ".join(unescape(re.sub(r"<[^>]*>", " ", line)).split()) for line in page.splitlines())
    return "\n".join(filter(None, lines)) + "\n"


def rows_of_charts(report: Report) -> str:
    drawn = {name: [chart.title, chart.spec["datasets"]] for name, chart in charts_drawn(report).items()}
    return json.dumps(drawn, ensure_ascii=False, indent=1) + "\n"


def steady(text: str) -> str:
    """Times, and what is drawn anew for each rater, alike in all campaigns."""
    found = list(dict.fromkeys(match.group() for match in UUID.finditer(text)))
    text = UUID.sub(lambda match: f"00000000-0000-4000-8000-{found.index(match.group()) + 1:012d}", text)
    return TIME.sub(lambda match: AT.isoformat() if match.group(1) else AT.date().isoformat(), text)


def differences(kept: str, made: str) -> Iterator[str]:
    """The lines in which two texts differ by more than a number's seventh digit."""
    one, other = kept.splitlines(), made.splitlines()
    if len(one) != len(other):
        yield f"{len(one)} lines were kept, {len(other)} were made"
    for number, (was, now) in enumerate(zip(one, other, strict=False), start=1):
        if was != now and not nearly(was, now):
            yield f"line {number}\n  kept: {was}\n  made: {now}"


def nearly(one: str, other: str) -> bool:
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    both = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 1e-9 + 1e-6 * abs(float(a)) for a, b in both)
