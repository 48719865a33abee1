"""Texts that two groups of raters scored: against simulations whose truth is known, and the paired estimate."""

import numpy as np
import pytest

from annotations.statistics.differences import paired_difference
from annotations.statistics.rater_groups import Group, groups_difference

pytestmark = pytest.mark.once  # no database has a part in it


def group(draw: np.random.Generator, item: np.ndarray, raters: int, overlap: int, severity: float, first: int) -> Group:
    """Scores of the items by raters drawn anew for each, who differ in severity; no true difference between groups."""
    items = np.repeat(np.arange(len(item)), overlap)
    rater = np.argsort(draw.random((len(item), raters)), axis=1)[:, :overlap].ravel()
    texts = item + draw.normal(0, 8, len(item))
    scores = texts[items] + draw.normal(0, severity, raters)[rater] + draw.normal(0, 15, len(items))
    return Group(scores, items, rater + first, items)


@pytest.mark.parametrize(
    ("raters", "overlap", "severity"), [((3, 20), 3, 10.0), ((8, 8), 3, 10.0), ((8, 8), 3, 0.0), ((20, 8), 2, 5.0)]
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    raters: tuple[int, int], overlap: int, severity: float
) -> None:
    """With 3 raters against 20, who differ much, the interval of `paired_difference` holds it in 86 of 100."""
    draw, runs, held = np.random.default_rng(1), 600, 0
    for _ in range(runs):
        item = draw.normal(50, 10, 60)
        one, other = (
            group(draw, item, count, overlap, severity, first=100 * place) for place, count in enumerate(raters)
        )
        estimate = groups_difference(one, other).estimate
        assert estimate is not None
        assert estimate.interval is not None
        held += estimate.interval[0] <= 0 <= estimate.interval[1]
    assert 0.93 <= held / runs <= 0.985


def test_the_estimate_is_the_paired_one_and_turns_with_the_order() -> None:
    draw = np.random.default_rng(3)
    item = draw.normal(50, 10, 30)
    one, other = (group(draw, item, 6, 3, 5.0, first=10 * place) for place in range(2))
    one = one.of_items(np.arange(25))
    kept = draw.random(len(other.items)) < 0.6  # items with none to three scores
    other = Group(*(part[kept] for part in other))  # type: ignore[arg-type]
    nothing = [np.full(len(each.scores), np.nan) for each in (one, other)]
    paired = paired_difference(
        np.concatenate([one.scores, nothing[1]]),
        np.concatenate([nothing[0], other.scores]),
        np.concatenate([one.items, other.items]),
        np.concatenate([one.raters, other.raters]),
    )
    found, turned = groups_difference(one, other), groups_difference(other, one)
    assert found.estimate is not None
    assert turned.estimate is not None
    assert paired.estimate is not None
    assert found.estimate.mean == pytest.approx(paired.estimate.mean)
    assert (found.screens, found.items) == (paired.screens, paired.items)
    assert turned.estimate.mean == pytest.approx(-found.estimate.mean)
    assert turned.estimate.error == pytest.approx(found.estimate.error)
    assert turned.estimate.p == pytest.approx(found.estimate.p)


def test_people_of_both_groups_bring_their_severity_into_both() -> None:
    """The same six people: what they differ by cancels, and the interval is that of people who do not differ."""
    draw = np.random.default_rng(4)
    item, severity = draw.normal(50, 10, 40), draw.normal(0, 20, 6)
    items, raters = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    one, other = (
        Group(item[items] + severity[raters] + draw.normal(0, 5, 240), items, raters, items) for _ in range(2)
    )
    same = groups_difference(one, other).estimate
    strangers = groups_difference(one, other._replace(raters=raters + 6)).estimate
    assert same is not None
    assert strangers is not None
    assert same.error is not None
    assert strangers.error is not None
    assert same.error < 1 < 5 < strangers.error
