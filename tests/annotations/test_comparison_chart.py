"""The chart of compared campaigns."""

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache

from annotations.reports import charts
from annotations.reports.charts import Chart, drawing
from tests.annotations.reports import Json, comparison_build, comparison_charts, comparison_charts_of
from tests.annotations.test_comparison import harsher, overlapping, rate

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # drawn of the comparison alone
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


def cell_of(campaign: str, mean: float | None, ci: list[float] | None = None) -> Json:
    counts = {"n": 3, "raters": 1, "items": 3}
    return {"campaign": campaign, **counts, "mean": mean, "ci": ci, "z": None, "undefined": None}


def system_of(name: str, cells: list[Json | None]) -> Json:
    return {"system": name, "name": name, "cells": cells}


def criterion_of(campaigns: list[str], scale: tuple[int, int], systems: list[Json]) -> Json:
    items = {"of": dict.fromkeys(campaigns, 3), "shared": 3, "rated": 3}
    about = {"criterion": "fluency", "scale": scale, "scale_found": False}
    return {**about, "campaigns": campaigns, "items": items, "notes": [], "systems": systems}


def comparison_of(*criteria: Json) -> Json:
    nothing: Json = {"campaigns": [], "left_out": [], "metrics": {"tables": [], "left_out": [], "notes": []}}
    return {**nothing, "criteria": criteria, "method": ""}


def looks_of(spec: dict[str, Any]) -> dict[str, Any]:
    """How the chart's points are drawn."""
    return next(layer["encoding"] for layer in spec["layer"] if "shape" in layer["encoding"])


def test_the_chart_holds_the_means_on_the_criterions_scale() -> None:
    """Campaign under campaign; a system without a mean is not in it, and neither is an interval that is none."""
    import altair as alt

    long = [
        "second-wave-of-a-name-that-is-too-long-for-a-legend",
        "second-wave-of-a-name-that-is-too-long-for-a-legenD",
    ]
    campaigns = ['<b>&"first"', *long]
    systems = [
        system_of("gru", [cell_of(campaigns[0], 3.5, [2.5, 4.75]), None, cell_of(campaigns[2], 2.25)]),
        system_of("lstm", [None, cell_of(campaigns[1], None), None]),
        system_of("new", [None, cell_of(campaigns[1], 4.0, [3.0, 5.5]), None]),
    ]
    nothing, result = criterion_of(campaigns, (1, 5), []), criterion_of(campaigns, (1, 5), systems)
    drawn = comparison_charts(comparison_of(nothing, result))
    assert list(drawn) == ["means:1"]
    spec = drawn["means:1"].spec
    alt.Chart.from_dict(spec, validate=True)
    means, ranges, labels = spec["datasets"].values()
    looks = looks_of(spec)
    legend = looks["shape"]["scale"]["domain"]
    assert legend[0] == campaigns[0]
    assert len(set(legend)) == 3, "names that are cut stay apart"
    assert [(row["system"], row["campaign"], row["mean"], row["low"], row["high"], row["text"]) for row in means] == [
        ("gru", legend[0], 3.5, 2.5, 4.75, "3.50  (2.50 to 4.75)"),
        ("gru", legend[2], 2.25, None, None, "2.25"),
        ("new", legend[1], 4.0, 3.0, 5.5, "4.00  (3.00 to 5.50)"),
    ]
    assert ranges == [means[0], means[2]]
    assert [(row["label"], row["at"]) for row in labels] == [("gru", means[0]["at"]), ("new", means[2]["at"])]
    gaps = [later["at"] - earlier["at"] for earlier, later in pairwise(means)]
    assert 0 < gaps[0] < gaps[1], "a system's campaigns stand together"
    scales = [layer["encoding"]["x"].get("scale") for layer in spec["layer"]]
    assert [(scale["domain"], scale["clamp"]) for scale in scales if scale] == [([1, 5], True)] * 2
    assert len(set(looks["shape"]["scale"]["range"])) == 3, "told apart by shape"
    assert looks["fill"] == looks["stroke"]
    svg = ElementTree.fromstring(drawing.svg_of(drawn["means:1"]))
    assert {*legend, "gru", "new", "3.50  (2.50 to 4.75)"} <= {text.text for text in svg.iter(f"{SVG}text")}
    attributes = {attribute for element in svg.iter() for attribute in element.attrib}
    assert not attributes & {"style", "href", "id", "class"}


def test_many_campaigns_look_different() -> None:
    campaigns = [f"wave {number}" for number in range(24)]
    system = system_of("gru", [cell_of(name, 50 + place) for place, name in enumerate(campaigns)])
    result = criterion_of(campaigns, (0, 100), [system])
    spec = comparison_charts(comparison_of(result))["means:0"].spec
    looks = looks_of(spec)
    assert len(set(zip(looks["shape"]["scale"]["range"], looks["fill"]["scale"]["range"], strict=True))) == 24


def test_the_chart_is_of_what_is_compared_and_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, second = overlapping()
    rate(made.campaign, 3)
    rate(second, 3, harsher)
    found = comparison_build(["first", "second"])
    [chart] = comparison_charts(found).values()
    means, *_ = chart.spec["datasets"].values()
    [result] = found["criteria"]
    cells = [(row["system"], cell) for row in result["systems"] for cell in filter(None, row["cells"])]
    assert [(row["system"], row["campaign"], row["mean"], (row["low"], row["high"])) for row in means] == [
        (system, cell["campaign"], cell["mean"], tuple(cell["ci"])) for system, cell in cells
    ]
    drawn: list[Chart] = []
    monkeypatch.setattr(charts, "svg_of", lambda chart: drawn.append(chart) or "<svg></svg>")
    for _ in range(2):
        assert comparison_charts_of(comparison_build(["first", "second"])) == {"means:0": "<svg></svg>"}
    assert len(drawn) == 1
    changed = {**found, "criteria": [{**result, "scale": [0, 120]}]}
    comparison_charts_of(changed)
    assert len(drawn) == 2
