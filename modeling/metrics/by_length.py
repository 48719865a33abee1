"""Does quality fall where sources are long? A metric's mean over sources of like length, and a plot of it.

Texts are put into groups by how many words their source has, each group with about as many texts as another. (Bahdanau
et al. 2015, figure 2, plots BLEU so; a mean needs a value of each text, so here they are metrics that have one.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modeling.metrics import METRICS
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.metric import RESAMPLES, SEED, Score
from modeling.metrics.texts import Segment
from texts.folding import fold

GROUPS = 5
WIDTH, HEIGHT, COLOUR = 190, 150, "#0072B2"  # of a panel, in pixels

Profile = dict[str, list[dict[str, Any]]]


def length_profile(segments: Sequence[Segment], scores: Mapping[str, Score]) -> Profile:
    """By metric that is plotted so, for each group of sources `{"low", "high", "texts", "mean", "ci"}`: from how many
    words to how many they have, how many there are, and the mean of the metric with an interval bootstrapped over
    albums.

    `scores` are of these segments, with the values `by_segment`; a metric without those is left out, and so are all
    where the sources are no texts or do not make two groups.
    """
    words = [len(fold(segment.source or "").split()) for segment in segments]
    bounds = length_groups([count for count in words if count])
    if len(bounds) < 2:
        return {}
    albums = [segment.album or f"\0{segment.id}" for segment in segments]
    found: Profile = {}
    for metric in plotted():
        values = scores.get(metric, {}).get("by_segment")
        if values is None:
            continue
        for low, high in bounds:
            inside = [n for n, count in enumerate(words) if low <= count <= high and values[n] is not None]
            if inside:
                some = np.array([values[n] for n in inside], dtype=float)
                of_albums = [albums[n] for n in inside]
                ci = ratio_interval(some, np.ones(len(some)), of_albums, resamples=RESAMPLES, seed=SEED)
                found.setdefault(metric, []).append(
                    {"low": low, "high": high, "texts": len(some), "mean": float(some.mean()), "ci": ci}
                )
    return found


def plotted() -> list[str]:
    return [metric.name for metric in METRICS.values() if metric.plotted_by_length]


def length_groups(lengths: Sequence[int], groups: int = GROUPS) -> list[tuple[int, int]]:
    """Lengths from and to, both included, of at most so many groups of like numbers. Equal ones stay together."""
    counts, wanted = Counter(lengths), len(lengths) / groups
    found: list[tuple[int, int]] = []
    low, taken = 0, 0
    for length in sorted(counts):
        low = length if not taken else low
        taken += counts[length]
        if taken >= wanted:
            found.append((low, length))
            taken = 0
    if taken:
        if found and taken < wanted / 2:
            low = found.pop()[0]
        found.append((low, max(counts)))
    return found


def length_spec(profile: Profile) -> dict[str, Any]:
    """A Vega-Lite specification with its data in it: a panel per metric, its mean over the words of the source."""
    import altair as alt

    panels = []
    for metric, groups in profile.items():
        rows = [
            {
                "words": f"{group['low']}–{group['high']}" if group["low"] < group["high"] else f"{group['low']}",
                "mean": group["mean"],
                **dict(zip(("low", "high"), group["ci"] or (group["mean"], group["mean"]), strict=True)),
            }
            for group in groups
        ]
        base = alt.Chart(alt.Data(values=rows))
        across = alt.X("words:O", sort=None, axis=alt.Axis(title="words in the source", labelAngle=0))
        scale = alt.Scale(zero=False)
        up = alt.Y("mean:Q", scale=scale, axis=alt.Axis(title=f"mean {metric}", tickCount=5))
        panels.append(
            alt.layer(
                base.mark_rule(stroke=COLOUR).encode(x=across, y=alt.Y("low:Q", scale=scale), y2=alt.Y2("high:Q")),
                base.mark_point(filled=True, fill=COLOUR, size=60, opacity=1).encode(x=across, y=up),
            ).properties(width=WIDTH, height=HEIGHT)
        )
    made: dict[str, Any] = alt.hconcat(*panels).to_dict(validate=False)
    return made


def length_svg(profile: Profile) -> str:
    """The plot for a file."""
    import vl_convert

    made: str = vl_convert.vegalite_to_svg(length_spec(profile), allowed_base_urls=[])
    return made
