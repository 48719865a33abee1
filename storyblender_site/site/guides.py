"""The guides of `docs/`, as pages of the site, and the glossary's terms for whoever meets one."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from markdown_it import MarkdownIt
from markdown_it.token import Token

from annotations.web.pages import render_page

DOCS = settings.BASE_DIR / "docs"
GUIDES = {
    "researcher": "For the researcher",
    "learning_from_feedback": "Learning from feedback",
    "reward": "Reward models",
    "glossary": "Glossary",
    "rater": "For the rater",
    "collapse": "Collapse",
    "engineer": "For the engineer",
    "architecture": "Architecture",
}
PICTURE = re.compile(r"[\w-]+\.png")
ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)


class Heading(NamedTuple):
    text: str
    anchor: str


class Guide(NamedTuple):
    body: SafeString
    headings: list[Heading]


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return redirect("guide", "researcher")


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    if name not in GUIDES:
        raise Http404
    guide = guide_of(name)
    context = {"name": name, "guides": GUIDES, "body": guide.body, "headings": guide.headings}
    return render_page(request, "site/guide.html", GUIDES[name], context)


@require_GET
def picture(request: HttpRequest, name: str) -> FileResponse:
    file = DOCS / "pictures" / name
    if not PICTURE.fullmatch(name) or not file.is_file():
        raise Http404
    return FileResponse(file.open("rb"), headers={"Cache-Control": "private, max-age=3600"})


@cache
def guide_of(name: str) -> Guide:
    """A guide's HTML, its own title aside, each heading with an anchor as GitHub makes it."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = markdown.parse((DOCS / f"{name}.md").read_text())
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]
    headings = list(with_anchors(tokens))
    for token in tokens:
        if token.type in ("code_block", "table_open"):  # they may scroll, by keys too
            token.attrSet("tabindex", "0")
        for child in token.children or ():
            lead_here(child)
    return Guide(mark_safe(markdown.renderer.render(tokens, markdown.options, {})), headings)


def with_anchors(tokens: list[Token]) -> Iterator[Heading]:
    """Those of the second level, in their order; all get an anchor."""
    taken: dict[str, int] = {}
    for opened, inline in pairwise(tokens):
        if opened.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            anchor = slugify(text)
            taken[anchor] = taken.get(anchor, -1) + 1
            anchor += f"-{taken[anchor]}" if taken[anchor] else ""
            opened.attrSet("id", anchor)
            if opened.tag == "h2":
                yield Heading(text, anchor)


def lead_here(token: Token) -> None:
    """A link to another guide or a picture leads to its page; to any other file of the project it leads nowhere."""
    if token.type == "link_open":
        target, _, anchor = str(token.attrGet("href")).partition("#")
        name = target.removesuffix(".md")
        if name in GUIDES:
            token.attrSet("href", reverse("guide", args=[name]) + (f"#{anchor}" if anchor else ""))
        elif target and not target.startswith("http"):
            token.attrs.pop("href")
    elif token.type == "image":
        token.attrSet("src", reverse("guide_picture", args=[Path(str(token.attrGet("src"))).name]))
        token.attrSet("loading", "lazy")


@cache
def terms() -> dict[str, SafeString]:
    """What the glossary says of each term, in HTML."""
    markdown = MarkdownIt("commonmark", {"html": True})
    rows = ROW.findall((DOCS / "glossary.md").read_text())
    return {term: mark_safe(markdown.renderInline(meaning)) for term, meaning in rows if term != "term"}
