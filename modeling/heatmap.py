"""A heat map of attention as SVG: pieces of the source across, pieces of the text down, a cell for each two of them.

Plain SVG without a style sheet: its attributes make it readable by itself, on paper too, and a page's own rules for the
classes `paper`, `cells`, `label` and `tick` go over them. One hue from clear to full is a scale that colour-blind eyes
and grey printers keep in order.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

CELL, GAP, MARGIN = 22, 8, 10  # of a cell's side, between labels and cells, around the picture; all in pixels
LETTER = 7.4  # width of a letter at the size of the labels
MAX_LABEL_LENGTH = 18  # letters
SLANT = 60  # degrees by which the source's labels rise
CORNER = (74, 44)  # room for the names of the two axes
SCALE = (0.0, 0.25, 0.5, 0.75, 1.0)
SCALE_HEIGHT = 62


@dataclass(frozen=True)
class AttentionMap:
    """S pieces of a source, T pieces of a text, and weights (T, S) from 0 to 1, each row summing to one."""

    source: Sequence[str]
    target: Sequence[str]
    weights: Sequence[Sequence[float]]


def heatmap_svg(shown: AttentionMap) -> str:
    """The map as one SVG element. Opacity is the weight, so that two pictures can be compared."""
    source, target = [_printable(each) for each in shown.source], [_printable(each) for each in shown.target]
    columns, rows = [_shortened(each) for each in source], [_shortened(each) for each in target]
    rise, lean = math.sin(math.radians(SLANT)), math.cos(math.radians(SLANT))
    left = MARGIN + GAP + max(CORNER[0], *map(_width, rows))
    top = MARGIN + GAP + max(CORNER[1], rise * max(map(_width, columns)) + LETTER)
    right, bottom = left + CELL * len(columns), top + CELL * len(rows)
    overhang = max(left + CELL * (place + 0.5) + lean * _width(label) for place, label in enumerate(columns))
    width = max(right, overhang, left + CELL * 2 * len(SCALE)) + MARGIN
    height = bottom + SCALE_HEIGHT

    def label(x: float, y: float, text: str, full: str, rest: str) -> str:
        told = f"<title>{escape(full)}</title>" if full != text else ""
        return f'<text x="{x:.1f}" y="{y:.1f}" {rest}>{escape(text)}{told}</text>'

    def cell(x: float, y: float, weight: float, told: str) -> str:
        place = f'x="{x:.1f}" y="{y:.1f}" width="{CELL}" height="{CELL}" fill-opacity="{weight:.4f}"'
        return f"<rect {place}><title>{escape(told)}</title></rect>"

    parts = [
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="13">',
        f"<title>Attention of {len(rows)} output tokens to {len(columns)} source tokens</title>",
        f"<desc>{escape(_described(source, target, shown.weights))}</desc>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        '<g class="label" fill="#1b1b1b">',
    ]
    for place, (text, full) in enumerate(zip(columns, source, strict=True)):
        x, y = left + CELL * (place + 0.5) + LETTER / 2, top - GAP
        parts.append(label(x, y, text, full, f'transform="rotate(-{SLANT} {x:.1f} {y:.1f})"'))
    for place, (text, full) in enumerate(zip(rows, target, strict=True)):
        parts.append(label(left - GAP, top + CELL * place + CELL / 2 + 4.5, text, full, 'text-anchor="end"'))
    parts.append('</g><g class="tick" fill="#595959" font-size="12">')
    parts.append(f'<text x="{left - GAP:.1f}" y="{top - GAP - 18:.1f}" text-anchor="end">source →</text>')
    parts.append(f'<text x="{left - GAP:.1f}" y="{top - GAP:.1f}" text-anchor="end">written ↓</text>')
    parts.append(f'<text x="{left - GAP:.1f}" y="{bottom + 33:.1f}" text-anchor="end">share</text>')
    for place, value in enumerate(SCALE):
        x = left + 2 * CELL * place + CELL / 2
        parts.append(f'<text x="{x:.1f}" y="{bottom + 54:.1f}" text-anchor="middle">{value:g}</text>')
    parts.append('</g><g class="cells" fill="#0b4a94" stroke="#8a8a8a" stroke-width="0.5">')
    for row, (piece, weights) in enumerate(zip(target, shown.weights, strict=True)):
        for column, (read, weight) in enumerate(zip(source, weights, strict=True)):
            told = f"{piece} attends to {read}: {weight:.2f}"
            parts.append(cell(left + CELL * column, top + CELL * row, weight, told))
    parts.append('</g><g class="cells scale" fill="#0b4a94" stroke="#8a8a8a" stroke-width="0.5">')
    for place, value in enumerate(SCALE):
        x = left + 2 * CELL * place
        parts.append(f'<rect x="{x:.1f}" y="{bottom + 20:.1f}" width="{CELL}" height="18" fill-opacity="{value:g}"/>')
    return "".join([*parts, "</g></svg>"])


def _described(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]) -> str:
    """For who hears the picture: where each piece looks most."""
    most = [max(range(len(row)), key=row.__getitem__) for row in weights]
    said = [f"{piece}: {source[at]} {row[at]:.2f}" for piece, row, at in zip(target, weights, most, strict=True)]
    return f"For each output token, the source token with the largest share of its attention. {'; '.join(said)}."


def _printable(text: str) -> str:
    """Without what XML cannot hold and nobody could see."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LABEL_LENGTH else f"{text[: MAX_LABEL_LENGTH - 1]}…"


def _width(text: str) -> float:
    """About how wide a label is, in pixels: East Asian letters take the room of two."""
    return LETTER * sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
