"""What all charts share: colours for print and for colour-blind eyes on light and dark, and how they become SVG."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, NamedTuple

BLUE, ORANGE, GREEN = (
    "#0072B2",
    "#D55E00",
    "#009E73",
)  # of Okabe and Ito's palette, each 3:1 or more against white and the dark page
INK = "currentColor"  # the page's own
TEXT, SMALL = 13, 11  # pixels
EM = 16  # pixels of a chart to the em of its place on the page, which paper makes smaller
NAME = 24  # characters of a system's name on an axis

VegaSpec = dict[str, Any]  # Vega-Lite's own JSON
Datum = Mapping[str, Any]  # a row of its data
CONFIG: VegaSpec = {
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "text": {"color": INK, "fontSize": TEXT},
    "axis": {
        "labelColor": INK,
        "labelFontSize": TEXT,
        "titleColor": INK,
        "titleFontSize": TEXT,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 6,
        "gridColor": INK,
        "gridOpacity": 0.15,
        "domainColor": INK,
        "domainOpacity": 0.4,
        "tickColor": INK,
        "tickOpacity": 0.4,
    },
    "legend": {"labelColor": INK, "labelFontSize": TEXT, "labelLimit": 400, "symbolSize": 120, "symbolOpacity": 1},
}


class Chart(NamedTuple):
    """A Vega-Lite specification with its data in it, and what a screen reader calls it."""

    title: str
    spec: VegaSpec


class Sheets(dict[str, list[Datum]]):
    """The rows of a chart's layers, by name. They stand beside the Altair chart, which would copy and check each."""

    def add(self, rows: Iterable[Datum]) -> Any:
        import altair as alt

        name = f"rows{len(self)}"
        self[name] = [dict(row) for row in rows]
        return alt.Chart(alt.NamedData(name))


def chart(title: str, drawn: Any, sheets: Sheets, *, left: int = 0, right: int = 0) -> Chart:
    """From an Altair chart, whose classes have checked their values as they were made; the whole is not checked again.
    `left`, `right`: characters of the longest text there, as a reader's font can be wider than the one measured."""
    room = {"left": 5 + 2 * left, "right": 5 + 2 * right, "top": 5, "bottom": 5}
    return Chart(title, drawn.to_dict(validate=False) | {"datasets": dict(sheets), "config": CONFIG, "padding": room})


def longest(rows: Iterable[Datum], field: str) -> int:
    return max((len(row[field]) for row in rows), default=0)


def names(systems: Iterable[str], most: int = NAME) -> dict[str, str]:
    """Systems by name, as they fit on an axis: long ones lose their middle, and stay apart."""
    short: dict[str, str] = {}
    for system in systems:
        label, number = shortened(system, most), 1
        while label in short.values():
            number += 1
            label = f"{shortened(system, most - 3)} {number}"
        short[system] = label
    return short


def shortened(name: str, most: int) -> str:
    tail = most // 2
    return name if len(name) <= most else f"{name[: most - tail - 1]}…{name[-tail:]}"


UNSEEN = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events|font-family)="[^"]*"| (?:fill-)?opacity="1"| font-weight="normal"'
)
NOTHING = re.compile(r'<path [^>]*d=""[^>]*/>|<path [^>]*d="M0,0h0v0h0Z"[^>]*/>|<rect [^>]*fill="transparent"/>')
BARE = re.compile(r"<g>((?:(?!</?g)[\s\S])*)</g>")  # a group that moves and colours nothing, and holds no other
TAG = re.compile(r"<[^>]*>")
LONG = re.compile(r"(\d+\.\d\d)\d+")
ROOT = re.compile(r"<svg [^>]*>")
SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def svg_of(drawn: Chart) -> str:
    """SVG without styles, links or network, with an accessible name; text takes the page's colour."""
    import vl_convert

    made = vl_convert.vegalite_to_svg(drawn.spec, allowed_base_urls=[])
    if not (root := ROOT.match(made)) or not (size := SIZE.search(root[0])):
        raise RuntimeError(f"no SVG came back for the chart '{drawn.title}'")
    width, height = (float(length) for length in size.groups())
    inside = TAG.sub(lambda tag: LONG.sub(r"\1", UNSEEN.sub("", tag[0])), NOTHING.sub("", made[root.end() :]))
    while (bared := BARE.sub(r"\1", inside)) != inside:
        inside = bared
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width / EM:g}em" height="{height / EM:g}em"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} font-family="system-ui, sans-serif">'
    return f"{start}<title>{escape(drawn.title)}</title>{inside}"
