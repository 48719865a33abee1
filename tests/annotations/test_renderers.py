"""One document of every block, by every renderer: the words stay, and signs that a format reads mean nothing in it."""

import re
from typing import get_args

import pytest

from annotations.documents.blocks import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Ends,
    Facts,
    Figure,
    Fold,
    Heading,
    Lines,
    Listing,
    Number,
    Paragraph,
    PValue,
    Quote,
    Run,
    Section,
    Soft,
    Span,
    Strong,
    Why,
    joined,
    table,
)
from annotations.documents.renderers.html import Html
from annotations.documents.renderers.latex import document_latex
from annotations.documents.renderers.markdown import document_markdown
from annotations.documents.renderers.text import document_text
from tests.annotations.test_exports import check_tex

pytestmark = pytest.mark.once
SIGNS = "*a* _b_ <c> |d| `e` #f &g ~h [i]"
NUMBERS = Lines([Strong(Number(-0.5, 2)), Ends((-1.25, 0.25), 2), Soft(Run(["z ", Number(1.5, 1)]))])
MEANS = table(
    "means",
    "Means.",
    (Column("System", "names"), Lines(["Mean,", "not adjusted"]), "p", Column("Text", "text")),
    [
        ["gru", NUMBERS, PValue(0.0301), "word " * 20],
        [SIGNS, Lines([Number(2.0, 2), Why("undefined: one rater")]), None, Code("a|b")],
        ["유창성", Span("nobody rated it", 2), "–"],
    ],
    caption="What they mean.",
)
BLOCKS: tuple[Block, ...] = (
    MEANS,
    Paragraph(joined(["Plain.", Strong("Strong."), Code("a `b`"), SIGNS])),
    Paragraph("left open", "gap"),
    Heading("the heading"),
    Bullets(["one", SIGNS]),
    Facts([("Raters", 3)]),
    Quote("first line\n\n# second line"),
    Listing("key = 1\n    ```\n"),
    Figure(["chart"], "A chart."),
    Fold("More", [Paragraph("inside")]),
)
DOCUMENT = Document(f"Of {SIGNS}", [Section("one", "Section one", BLOCKS)], [Paragraph("opening")])


def test_every_block_is_there() -> None:
    assert {type(block) for block in BLOCKS} == set(get_args(Block))


def test_text_has_aligned_columns() -> None:
    text = document_text(DOCUMENT)
    assert text.splitlines()[8:16] == [
        f"System{'Mean,':>48}{'p':>7}  Text",
        f"{'not adjusted':>54}",
        f"{'-' * 32}  {'-' * 20}  -----  {'-' * 44}",
        f"gru{'*−0.50*':>51}  0.030  {'word ' * 8}word",
        f"{'−1.25 to 0.25':>54}         {'word ' * 8}word",
        f"{'z 1.5':>54}         word word",
        f"{SIGNS}{'2.00':>22}      –  a|b",
        f"{'undefined: one rater':>54}",
    ]
    assert f"\n유창성{' ' * 28}nobody rated it              –\n" in text, "a sign of Korean is two columns wide"
    assert "Section one\n-----------" in text
    assert "The heading\n~~~~~~~~~~~" in text
    assert "- Raters: 3\n\n> first line\n>\n> # second line\n\n    key = 1\n" in text
    assert "A chart." not in text


def test_markdown_takes_no_text_for_markup() -> None:
    sheet = document_markdown(DOCUMENT)
    signs = r"\*a\* \_b\_ \<c\> \|d\| \`e\` \#f \&g \~h \[i\]"
    assert sheet.startswith(
        f"# Of {signs}\n\nopening\n\n## Section one\n\n| System | Mean,<br>not adjusted | p | Text |\n"
    )
    assert "| gru | **−0.50**<br>−1.25 to 0.25<br>z 1.5 | 0.030 | word" in sheet
    assert rf"| {signs} | 2.00<br>undefined: one rater | – | `a\|b` |" in sheet
    assert "| 유창성 | nobody rated it |  | – |\n\nWhat they mean." in sheet
    assert f"Plain. **Strong.** `` a `b` `` {signs}\n\nleft open\n\n### the heading" in sheet
    assert "> first line\n>\n> \\# second line\n\n````\nkey = 1\n    ```\n````\n\n**More**\n\ninside\n" in sheet
    rows = [line for line in sheet.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_html_and_latex() -> None:
    page = Html({"chart": "<svg></svg>"}, prefix="p-").section(DOCUMENT.sections[0])
    for markup in (
        '<th scope="row">gru</th><td><b>−0.50</b><br>−1.25 to 0.25<br><span class="soft">z 1.5</span></td>',
        '<p class="gap">left open</p>',
        "<pre>key = 1\n    ```\n</pre>",
        "&lt;c&gt;",
        "<svg></svg></div><figcaption>A chart.",
    ):
        assert markup in page
    tex = document_latex(DOCUMENT)
    check_tex(tex)
    assert (
        r"gru & \begin{tabular}[t]{@{}r@{}}$\mathbf{-0.50}$ \\ $[-1.25, 0.25]$ \\ z $1.5$\end{tabular} & $0.030$" in tex
    )
    assert r"key\ =\ 1\\" in tex
    assert "Mean, not adjusted: undefined: one rater." in tex
