"""Quality by the length of the source: groups of about equal numbers, and the mean of each."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from modeling.__main__ import main
from modeling.metrics.by_length import length_groups, length_profile, length_svg
from modeling.metrics.texts import Segment


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([3, 1, 2, 4, 5], [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
        ([4] * 7 + [5, 6, 9], [(4, 4), (5, 6), (9, 9)]),
        ([4] * 20 + [7], [(4, 7)]),
        ([], []),
    ],
)
def test_groups_are_of_about_equal_numbers_and_keep_equal_lengths(
    lengths: list[int], expected: list[tuple[int, int]]
) -> None:
    assert length_groups(lengths) == expected


def test_a_groups_mean_is_that_of_its_texts_with_a_value() -> None:
    segments = [
        Segment(f"{n}", "a text", ("a text",), f"album {n % 4}", " ".join(["word"] * (2 + 3 * (n % 2))))
        for n in range(20)
    ]
    values = [None if n == 4 else float(n) for n in range(20)]
    profile = length_profile(segments, {"chrf": {"by_segment": values}, "bleu": {"by_segment": values}})
    assert list(profile) == ["chrf"]
    short, long = profile["chrf"]
    assert (short["low"], short["high"], short["texts"], long["texts"]) == (2, 2, 9, 10)
    assert short["mean"] == pytest.approx(np.mean([0, 2, 6, 8, 10, 12, 14, 16, 18]))
    assert long["mean"] == pytest.approx(10.0)
    assert long["ci"][0] < 10.0 < long["ci"][1]
    assert length_profile(segments[::2], {"chrf": {"by_segment": values[::2]}}) == {}, "all of one length"


def test_the_plot_has_a_point_with_its_interval_for_each_group(tmp_path: Path) -> None:
    rows = [
        {"id": f"{n}", "source": "dog " * (1 + n % 3), "references": [f"we saw dog {n}"], "album": f"a{n % 5}"}
        for n in range(30)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    written = [{"id": f"{n}", "text": "we saw a dog"} for n in range(30)]
    (tmp_path / "out.jsonl").write_text("\n".join(map(json.dumps, written)))
    files = ["--input", str(tmp_path / "in.jsonl"), "--outputs", str(tmp_path / "out.jsonl")]
    assert main(["score", *files, "--metric", "unique", "--by-length", str(tmp_path / "plot.svg")]) == 0
    drawn = ElementTree.fromstring((tmp_path / "plot.svg").read_text())
    said = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    panels = {"mean chrf", "mean bertscore_f1", "mean caption_recall"}
    assert panels <= set(said)
    assert said.count("words in the source") == len(panels)
    assert all(said.count(f"{words}") >= len(panels) for words in (1, 2, 3))
    assert length_svg({"chrf": [{"low": 1, "high": 2, "texts": 1, "mean": 5.0, "ci": None}]}).startswith("<svg")
