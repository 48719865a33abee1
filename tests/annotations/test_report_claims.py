"""What a report claims of studies that carry little: each sentence against what the ratings can say."""

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotations.campaigns.services.campaigns import campaign_close
from annotations.reports.comparison import comparison_build
from annotations.reports.comparison_formats import html as comparison_html
from annotations.reports.limits import cut_at_scale
from annotations.reports.reading import rating_table
from annotations.reports.schema.report import Report
from annotations.reports.words import look_sentence
from annotations.statistics.means import clustered_mean
from tests.annotations.raters import Rater
from tests.annotations.reports import charts_drawn, report_build, report_heds, report_html, report_latex
from tests.annotations.test_import_ratings import PAIRS, imported, table
from tests.annotations.test_report_pages import said
from tests.factories import make_campaign
from tests.golden.documents import report_named

pytestmark = pytest.mark.django_db
SCORES = "item,system,rater,criterion,score"


def study(file: Path, rows: list[str], header: str = SCORES, **options: Any) -> tuple[dict[str, Any], str, str]:
    """The report of a table of ratings; its page, and its LaTeX, as words."""
    report = report_build(imported(table(file, header, *rows), **options))
    return report, said(report_html(report)), " ".join(report_latex(report).split())


def scored(raters: int, items: int, gap: float = 1.0, noise: float = 1.0, seed: int = 1) -> list[str]:
    """Every rater scores systems a and b on every item, on a slider; a is `gap` better."""
    draw, rows = np.random.default_rng(seed), []
    for rater, item in product(range(raters), range(items)):
        level = 50 + float(draw.normal(0, noise))
        for system, more in (("a", gap + float(draw.normal(0, noise))), ("b", 0.0)):
            rows.append(f"i{item},{system},r{rater},fluency,{level + more:.3f}")
    return rows


def test_one_rater_says_nothing_of_others(tmp_path: Path) -> None:
    _, page, latex = study(tmp_path / "one.csv", scored(1, 30, gap=3), scale=(0, 100))
    assert "All ratings are by one rater." in page
    assert "ahead of" not in page
    assert "above b for the only rater" in page
    assert "over items only, 30 items, one rater)" in page
    for disclaimed in ("whether other raters would agree", "the second nothing about other raters"):
        latex = latex.replace(disclaimed, "")
    assert "other raters" not in latex
    assert "over albums, for the one rater only" in latex
    assert "The bootstrap resamples albums, since there is one rater" in page


def test_one_item_says_nothing_of_others(tmp_path: Path) -> None:
    _, page, latex = study(tmp_path / "one.csv", scored(12, 1, gap=3), scale=(0, 100))
    assert "All ratings are on one item." in page
    assert "above b on one item, which says nothing about others" in page
    assert "ahead of" not in page
    assert "over raters only, 1 item" in page
    assert "over raters, on one item only" in latex


def test_one_rater_and_one_item(tmp_path: Path) -> None:
    _, page, _ = study(tmp_path / "one.csv", scored(1, 1, gap=3), scale=(0, 100))
    assert "One rater rated one item: the results say nothing about other raters or other items." in page
    assert "with no interval" in page


def test_several_raters_and_items_are_said_to_be_ahead(tmp_path: Path) -> None:
    _, page, latex = study(tmp_path / "many.csv", scored(8, 20, gap=3), scale=(0, 100))
    assert "ahead of b" in page
    assert "over albums and raters" in latex
    assert "by one rater" not in page


@pytest.mark.parametrize(("raters", "shown"), [(2, False), (8, True)])
def test_nobody_disagreed(tmp_path: Path, raters: int, shown: bool) -> None:
    """Always one point more: p is 2 of 2^R choices of signs over raters, and no p = 7e-33."""
    rows = [
        f"i{item},{system},r{rater},fluency,{2 + (item + rater) % 3 + (system == 'a')}"
        for item, rater, system in product(range(10), range(raters), "ab")
    ]
    report, page, latex = study(tmp_path / "same.csv", rows, scale=(1, 6))
    (pair,) = report["pairs"]
    assert (pair["difference"], pair["p"], pair["ci"], pair["shown"]) == (pytest.approx(1), None, None, shown)
    assert pair["exact"]["by_raters"]["p"] == pair["p_holm"] == 2 / 2**raters
    assert pair["exact"]["by_albums"]["p"] == 2 / 2**10
    assert (
        "Nobody disagreed: a was given 1.00 points more than b for every item by every rater "
        f"({raters} raters, 10 items). By the exact sign-flip test over raters p = {2 / 2**raters:.3f}, the smallest "
        f"that {raters} raters can give."
    ) in page
    assert ("The difference counts as shown" in page) == shown
    assert ("This does not show a difference: p = 0.500." in page) == (not shown)
    assert "nothing varied" in latex
    assert all("e-" not in str(row["p"]) for row in report["pairs"])


def test_systems_that_were_given_the_same(tmp_path: Path) -> None:
    rows = [f"i{item},{system},r{rater},fluency,{item % 4}" for item, rater, system in product(range(8), "xyz", "ab")]
    report, page, _ = study(tmp_path / "same.csv", rows)
    assert "a and b were given the same score for every item by every rater (3 raters, 8 items)." in page
    assert report["pairs"][0]["p_holm"] == 1


def test_where_no_rater_saw_both_systems(tmp_path: Path) -> None:
    """45 items; three raters see a alone, three b alone, each at their own level: ten of twenty divisions are as large
    by hand (2, 3, 4 against 1, 2, 3: sums of three of at least 9 or at most 6)."""
    levels = {"a": (2, 3, 4), "b": (1, 2, 3)}
    rows = [
        f"i{item},{system},{system}{place},fluency,{level}"
        for item, (system, given) in product(range(45), levels.items())
        for place, level in enumerate(given)
    ]
    report, page, latex = study(tmp_path / "split.csv", rows, scale=(1, 5))
    (pair,) = report["pairs"]
    assert pair["exact"]["raters_both"] == 0
    assert pair["exact"]["by_raters"]["test"] == "permutation of raters"
    assert pair["exact"]["by_raters"]["p"] == 0.5
    assert (
        "No rater scored two of the systems. Such a difference includes the difference between the two groups" in page
    )
    assert (
        "z, which removes the level at which each rater scores, also removes the difference between such systems"
        in page
    )
    assert "undefined: no rater scored both, so exchanging the systems within an album would exchange" in page
    assert "a $-$ b & permutation of raters & $0.500$ & 6 &" in latex
    assert "a $-$ b, Over albums: undefined: no rater scored both" in latex
    assert (
        "No rater scored two of the systems. Such a difference includes the difference between the two groups" in latex
    )


def test_a_single_pair_is_not_said_to_be_adjusted(tmp_path: Path) -> None:
    _, page, latex = study(tmp_path / "two.csv", scored(6, 20), scale=(0, 100))
    page, latex = page.split("Method Means are")[0], latex.split("section*{Method")[0]
    for said_of_several in ("Holm", "unadjusted", "djusted for the", "Simultaneous", "1 pairs"):
        assert said_of_several not in page
    assert "Holm" not in latex


def test_one_who_did_most_of_the_work_is_named(tmp_path: Path) -> None:
    busy = [row for row in scored(5, 20) if ",r0," in row or row.startswith("i1,")]
    _, page, _ = study(tmp_path / "busy.csv", busy, scale=(0, 100))
    assert "One rater answered 20 of all 24 screens: the results are based mostly on one person." in page


def test_two_with_equal_shares_are_not_called_one_person(tmp_path: Path) -> None:
    _, page, _ = study(tmp_path / "even.csv", scored(2, 20), scale=(0, 100))
    assert "are based mostly on one person" not in page


def test_the_bootstrap_has_no_interval_where_nothing_varied(tmp_path: Path) -> None:
    rows = [
        f"i{item},{system},r{rater},fluency,{1 + (item * 3 + rater) % 4 + (system == 'b')}"
        for item, rater, system in product(range(20), range(5), "ab")
    ]
    report, _, _ = study(tmp_path / "same.csv", rows, scale=(1, 5))
    assert report["pairs"][0]["bootstrap_ci"] is None


def test_choices_have_no_columns_of_what_only_scores_have(tmp_path: Path) -> None:
    rows = [f"{item},a,b,r{item % 4},better,{'a' if item % 3 else 'b'}" for item in range(20)]
    _, page, latex = study(tmp_path / "choices.csv", rows, PAIRS)
    assert "Rater Screens 1" in page
    assert "Severity and agreement with others are undefined: the raters made choices and gave no scores." in page
    assert "Superiority" not in latex
    assert re.search(r"Share (\\\\ )?won", latex)


def test_the_bootstrap_is_not_called_too_wide_where_it_is_too_narrow(tmp_path: Path) -> None:
    _, page, _ = study(tmp_path / "few.csv", scored(3, 20), scale=(0, 100))
    assert "with 3 raters its intervals are too narrow if raters differ" in page
    assert "tend to be too wide" not in page


def test_p_values_say_that_they_are_adjusted_and_intervals_that_they_are_not(tmp_path: Path) -> None:
    rows = scored(6, 20) + [row.replace(",b,", ",c,") for row in scored(6, 20, seed=2) if ",b," in row]
    report, page, latex = study(tmp_path / "three.csv", rows, scale=(0, 100))
    assert "95 % interval, not adjusted Simultaneous 95 % interval p, not adjusted p (Holm)" in page
    assert "by p-values Holm-adjusted within their family; only the simultaneous intervals are" in page
    assert "unadjusted 95 % interval" in page
    assert "not adjusted for multiple comparisons" in latex
    titles = [each.title for name, each in charts_drawn(report).items() if name.startswith(("differences", "matrix"))]
    assert len(titles) == 2
    assert all("(Holm)" in title for title in titles)


def test_intervals_stay_on_the_scale() -> None:
    """Two raters near the top of a slider: Student's t of one degree of freedom reaches far beyond 100."""
    campaign = make_campaign(captions=8, overlap=2).campaign
    for number in range(2):
        rater, draw = Rater(campaign), np.random.default_rng(number)
        screen = rater.next()
        while screen:
            ids = [each["id"] for each in screen["item"]["candidates"]]
            given = {each: 100 - 30 * number * (each == min(ids)) - int(draw.integers(0, 20)) for each in ids}
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], given)).json()["next"]
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    table = rating_table(campaign)
    means = [clustered_mean(column, table.albums, table.raters).interval for column in table.scores["human_likeness"].T]
    assert max(end for ends in means if ends for end in ends) > 100
    ends = [end for row in report["criteria"]["human_likeness"]["systems"] for end in row["ci"]]
    assert min(ends) >= 0
    assert max(ends) == 100
    assert all(-100 <= end <= 100 for pair in report["pairs"] for end in pair["ci"])
    assert "truncated at the ends of the scale" in report["method"]


def test_every_interval_of_a_report_is_cut() -> None:
    """Each of them, drawn out to a thousand points, ends where its scale does: 0 to 100, or a hundred apart."""
    report, limits = report_named("slider"), {(0.0, 100.0), (-100.0, 100.0), (-1000.0, 1.0)}
    for row in [*(row for each in report["criteria"].values() for row in each["systems"]), *report["pairs"]]:
        row |= {"ci": [-1000.0, 1000.0], "bootstrap_ci": [-1000.0, 1000.0]}
    report["primary"]["ci"] = report["raters"][0]["severity_ci"] = [-1000.0, 1000.0]
    report["criteria"]["fluency"]["agreement"]["ci"] = [-1000.0, 1000.0]
    found = dict(intervals_of(cut_at_scale(Report.model_validate(report)).model_dump()))
    wide = [path for path, value in intervals_of(report) if value == (-1000.0, 1000.0)]
    assert len(wide) > 20
    assert {found[path] for path in wide} == limits
    report["campaign"] |= {"imported": True, "scale_found": True}
    kept = dict(intervals_of(cut_at_scale(Report.model_validate(report)).model_dump()))
    assert [path for path in wide if kept[path] != (-1000.0, 1000.0)] == ["/criteria/fluency/agreement/ci"]


def intervals_of(node: Any, path: str = "") -> Iterator[tuple[str, tuple[float, float]]]:
    if isinstance(node, list | tuple) and len(node) == 2 and all(isinstance(end, float) for end in node):
        yield path, (node[0], node[1])
    elif isinstance(node, dict | list | tuple):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from intervals_of(value, f"{path}/{key}")


def test_an_import_does_not_say_how_raters_were_asked(tmp_path: Path) -> None:
    """Only scores of 2.5 to 5 came: nobody said that there was a slider, or where the scale ends."""
    rows = [
        f"i{item},{system},r{rater},fluency,{2.5 + (item + rater + (system == 'a')) % 6 / 2}"
        for item, rater, system in product(range(9), range(2), "ab")
    ]
    report, page, latex = study(tmp_path / "found.csv", rows)
    assert report["campaign"]["protocol"] == "slider"
    words = (
        "The file contains scores on fluency from 2.5 to 5; the ends of their scale were not stated. How raters were "
        "asked"
    )
    sheet = unescape(report_heds(report))
    assert words in page
    assert words in latex
    for claim in (
        "by a slider",
        "were asked for",
        "test albums",
        "Prespecified",
        "No primary comparison was prespecified",
    ):
        assert claim not in page, claim
    assert "observed range from 2.5 to 5" in latex
    assert "Scores from 2.5 to 5 were observed; the ends of the scale are not known." in sheet
    for claim in (
        "Direct estimation",
        "Subjective",
        "Automatic checks",
        "A slider",
        "No primary comparison was prespecified",
    ):
        assert claim not in sheet, claim
    assert "showed no degraded texts" not in report["method"]


def test_an_import_of_choices_does_not_say_how_raters_were_asked(tmp_path: Path) -> None:
    rows = [f"{item},a,b,r{item % 4},better,{'a' if item % 3 else 'b'}" for item in range(20)]
    report, page, _ = study(tmp_path / "choices.csv", rows, PAIRS)
    assert "The file contains choices between texts on better. How raters were asked is not known." in page
    assert "The first text, the second text, a tie" not in report_heds(report)


def test_shares_of_pairs_hold_items_and_raters(tmp_path: Path) -> None:
    """Two raters who always chose alike on forty items each are no eighty comparisons."""
    rows = [f"{item},a,b,r{rater},better,{'ab'[rater]}" for item, rater in product(range(40), range(2))]
    rows += [f"{item},a,b,r2,better,a" for item in range(40)]
    report, page, _ = study(tmp_path / "choices.csv", rows, PAIRS)
    (pair,) = report["criteria"]["better"]["choices"]["table"]
    assert pair["share"] == pytest.approx(2 / 3)
    assert pair["ci"][0] < 0.2
    assert "Franco, Little, Louis and Slud 2019" in page


def test_a_look_at_which_nothing_can_be_found_has_no_boundary_of_zero() -> None:
    report = report_named("looks")
    report["look"] |= {"number": 1, "p": 0.0000153}
    assert "needs p below 1.5e-05" in look_sentence(Report.model_validate(report))
    report["look"]["p"] = 0.0
    assert "cannot be shown yet" in look_sentence(Report.model_validate(report))


def test_a_p_value_is_not_rounded_across_its_limit() -> None:
    """On the page, its charts and in LaTeX: 0.0503 is not 0.050, and beside a look's small boundary p is in full."""
    report = report_named("looks")
    report["primary"] |= {"boundary": 0.000015, "p": 0.0004, "shown": False}
    for pair in report["pairs"]:
        pair |= {"p": 0.0004, "shown": False} if pair["primary"] else {"p": 0.0248, "p_holm": 0.0503, "shown": False}
    page, latex = said(report_html(report)), report_latex(report)
    assert "p = 0.0004, 20 items). At this analysis a difference counts as shown if p is below 1.5e-05" in page
    assert "p = 0.0503 after Holm adjustment" in page
    assert "0.050 " not in page
    assert "$0.0503$" in latex
    assert "$0.0004$" in latex
    drawn = json.dumps([each.spec["datasets"] for each in charts_drawn(report).values()])
    assert "p = 0.0503" in drawn
    assert "p = 0.0004" in drawn
    assert 'p = 0.050"' not in drawn


def test_agreement_and_metrics_are_said_as_they_are() -> None:
    """Alpha can be zero, so that raters do not "agree with" it; of metrics that tie none is the best."""
    report = report_named("slider")
    report["criteria"]["fluency"]["agreement"]["alpha"] = 0.0
    page = said(report_html(report))
    assert "Inter-rater agreement (Krippendorff's alpha): 0.47 (human likeness) and 0.00 (fluency)." in page
    assert "bleu and chrf agree with people's fluency on which of two texts is better, in 100 % of the pairs." in page


def test_imports_are_compared_as_far_as_is_known(tmp_path: Path) -> None:
    rows = scored(3, 12)
    for name in ("one", "two"):
        imported(
            table(tmp_path / f"{name}.csv", SCORES, *rows, f"extra,a,r0,fluency,{40 + len(name)}"), name, dataset="d"
        )
    comparison = comparison_build(["one", "two"])
    page = said(comparison_html(comparison).decode())
    assert (
        "'one' and 'two' were imported: how those raters were asked is not known, and assumed to be the same."
    ) in page
    assert "imported not known" in page
    assert comparison.criteria[0].scale_found


def test_the_method_says_by_which_way_intervals_were_made(tmp_path: Path) -> None:
    """Raters of one system each beside raters who scored both, on the same items."""
    crossed = [f"{item},{system},r{rater},fluency,{(item + rater + (system == 'a') * item) % 5}" for item in range(12)
               for rater in range(4) for system in "ab"]  # fmt: skip
    split = [f"{item},c,s{rater},fluency,{(item * rater) % 5}" for item in range(12) for rater in range(4)]
    one, _, _ = study(tmp_path / "crossed.csv", crossed, name="crossed")
    assert "In this report all differences have cluster-robust intervals." in one["method"]
    both, _, _ = study(tmp_path / "both.csv", [*crossed, *split])
    assert "the intervals of differences are 1 cluster-robust and 2 jackknife ones." in both["method"]
