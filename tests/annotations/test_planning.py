"""Plans against textbook power, hand computation, and campaigns drawn and tested as they will be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy import stats
from statsmodels.stats.power import TTestPower

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.statistics.choice_planning import Choices, choice_power, choice_variances, detectable_share
from annotations.statistics.means import clustered_mean
from annotations.statistics.pilot_uncertainty import drawn_variances, percentiles
from annotations.statistics.planning import (
    Design,
    Variances,
    detectable_difference,
    information_at,
    plan,
    power,
    standard_error,
    variances_of_pilot,
    why_undefined,
)
from benchmarks.planning import simulated_choices
from tests.annotations.raters import Rater
from tests.annotations.test_import_ratings import PAIRS, imported, table
from tests.factories import make_campaign

pytestmark = pytest.mark.once  # of numbers alone

SOME = Variances(item=0.25, rater=0.09, residual=1.0)


def drawn(design: Design, variances: Variances, draw: np.random.Generator, runs: int) -> tuple[Any, Any, Any]:
    """Items (n), raters (n), and differences (runs, n) of true mean 0; shares are equal, who meets whom is drawn."""
    rounds = [draw.permutation(design.items) for _ in range(design.overlap)]
    items = np.concatenate(rounds)
    turn = np.concatenate([(np.argsort(order) + shift) % design.raters for shift, order in enumerate(rounds)])
    seen: set[tuple[int, int]] = set()
    raters = np.empty(len(items), dtype=np.int64)
    for place, item in enumerate(items):
        free = [each for each in range(design.raters) if (item, each) not in seen]
        raters[place] = min(
            free, key=lambda each: ((raters[:place] == each).sum(), (each - turn[place]) % design.raters)
        )
        seen.add((item, raters[place]))
    scores = draw.normal(0, variances.item**0.5, (runs, design.items))[:, items]
    scores += draw.normal(0, variances.rater**0.5, (runs, design.raters))[:, raters]
    return items, raters, scores + draw.normal(0, variances.residual**0.5, (runs, len(items)))


@pytest.mark.parametrize(
    ("design", "variances"),
    [(Design(600, 1, 10), SOME), (Design(2400, 1, 12), SOME), (Design(400, 1, 20), Variances(1.0, 0.5, 2.0))],
)
def test_with_one_rater_an_item_power_is_of_the_t_test_over_raters(design: Design, variances: Variances) -> None:
    """Then each rater's mean is an observation of its own. With many items the variance is never held at their part."""
    deviation = standard_error(variances, design) * design.raters**0.5
    for difference in (0.05, 0.2, 0.4):
        expected = TTestPower().power(difference / deviation, design.raters, 0.05)
        assert power(difference, variances, design) == pytest.approx(expected, abs=1e-3)
    detectable = detectable_difference(variances, design, power=0.9, alpha=0.01) or 0.0
    assert TTestPower().power(detectable / deviation, design.raters, 0.01) == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize(
    ("design", "variances"),
    [
        (Design(50, 3, 4), Variances(1.0, 0.0, 1.0)),
        (Design(100, 3, 8), Variances(0.25, 0.0, 1.0)),
        (Design(60, 5, 6), SOME),
        (Design(12, 5, 20), SOME),
    ],
)
def test_power_is_that_of_drawn_campaigns(design: Design, variances: Variances) -> None:
    items, raters, scores = drawn(design, variances, np.random.default_rng(1), runs=2000)
    tested = [clustered_mean(each, items, raters) for each in scores]
    means, errors = np.array([each.value for each in tested]), np.array([each.error for each in tested])
    critical = stats.t.ppf(0.975, min(design.items, design.raters) - 1)
    for planned in (0.3, 0.5, 0.8, 0.95):
        difference = detectable_difference(variances, design, power=planned) or 0.0
        found = np.mean(np.abs(means + difference) > critical * errors)  # a shift leaves the errors as they are
        assert found == pytest.approx(planned, abs=0.03)
        assert power(difference, variances, design) == pytest.approx(planned)


def test_error_by_hand_and_more_of_anything_helps() -> None:
    assert standard_error(SOME, Design(50, 3, 10)) == pytest.approx((0.25 / 50 + 0.09 / 10 + 1 / 150) ** 0.5)
    small = detectable_difference(SOME, Design(50, 3, 10)) or 0.0
    for more in (Design(100, 3, 10), Design(50, 5, 10), Design(50, 3, 20)):
        assert (detectable_difference(SOME, more) or 9.0) < small
    assert power(-0.4, SOME, Design(50, 3, 10)) == power(0.4, SOME, Design(50, 3, 10))
    assert power(50.0, SOME, Design(50, 3, 10)) == pytest.approx(1.0)


def test_information_by_hand() -> None:
    """A third of 3 × 50 ratings has each item once: 0.25/50 + 0.09/10 + 1/50 against 0.25/50 + 0.09/10 + 1/150."""
    design = Design(50, 3, 10)
    assert information_at(1.0, SOME, design) == pytest.approx(1.0)
    assert information_at(1 / 3, SOME, design) == pytest.approx((0.014 + 1 / 150) / (0.014 + 1 / 50))
    assert information_at(1 / 6, SOME, design) == pytest.approx((0.014 + 1 / 150) / (0.01 + 0.009 + 1 / 25))


def test_a_balanced_pilot_is_the_textbook_analysis_of_variance() -> None:
    """Two-way layout without replication, 3 items × 3 raters: variances from mean squares (item, rater, residual)."""
    table = np.array([[9.0, 6.0, 2.0], [5.0, 4.0, 1.0], [1.0, 3.0, 0.0]])
    items, raters = (part.ravel() for part in np.indices(table.shape))
    mean = table.mean()
    by_item, by_rater = table.mean(axis=1) - mean, table.mean(axis=0) - mean
    left = table - mean - by_item[:, None] - by_rater
    squares = 3 * (by_item**2).sum() / 2, 3 * (by_rater**2).sum() / 2, (left**2).sum() / 4
    found = variances_of_pilot(table.ravel(), items, raters)
    expected = (squares[0] - squares[2]) / 3, (squares[1] - squares[2]) / 3, squares[2]
    assert found.variances == pytest.approx(expected)
    assert min(expected) > 0
    assert found.said == ()


def test_an_unbalanced_pilot_is_unbiased() -> None:
    truth, draw = Variances(4.0, 2.0, 9.0), np.random.default_rng(1)
    items, raters, scores = drawn(Design(60, 3, 12), truth, draw, runs=400)
    kept = (draw.random(len(items)) < 0.7) & ((raters > 3) | (items < 30))
    found = [variances_of_pilot(50 + each[kept], items[kept], raters[kept]).variances for each in scores]
    values = np.array([each for each in found if each is not None])
    assert values.mean(axis=0) == pytest.approx(truth, abs=4 * values.std(axis=0).max() / 20)


def test_a_negative_variance_is_taken_as_zero_and_said() -> None:
    found = variances_of_pilot(np.array([1.0, -1.0, -1.0, 1.0]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    assert found.variances == (0, 0, pytest.approx(4.0))
    assert str(found.said[0]) == "the item variance is estimated as -2, and set to 0"


@pytest.mark.parametrize(
    ("items", "raters", "why"),
    [
        ([0, 0, 0], [0, 1, 2], "a single item"),
        ([0, 1, 2], [0, 0, 0], "a single rater"),
        ([0, 1, 2], [0, 1, 0], "no item was rated twice"),
        ([0, 1, 0], [0, 1, 2], "no rater rated twice"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "cannot be separated"),
    ],
)
def test_what_a_pilot_cannot_say(items: list[int], raters: list[int], why: str) -> None:
    found = variances_of_pilot(np.arange(len(items), dtype=float), np.array(items), np.array(raters))
    assert found.variances is None
    assert why in str(found.said[0])


@pytest.mark.parametrize(
    ("design", "variances", "why"),
    [
        (Design(50, 1, 1), SOME, "a single rater"),
        (Design(1, 3, 3), SOME, "a single item"),
        (Design(50, 9, 8), SOME, "9 raters per item is more than 8 raters"),
        (Design(5, 1, 8), SOME, "5 ratings leave some of 8 raters without any"),
        (Design(50, 3, 8), Variances(0, 0, 0), "all variances are 0"),
    ],
)
def test_designs_without_a_test_say_why(design: Design, variances: Variances, why: str) -> None:
    assert why in str(why_undefined(variances, design))
    planned = plan(variances, design, difference=1.0, seconds=36, pay=10)
    assert (planned.error, planned.power, planned.detectable) == (None, None, None)
    assert why in str(planned.undefined)
    assert planned.cost == pytest.approx(design.ratings / 100 * 10)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap: 0 must be"):
        Design(5, 0, 2)
    with pytest.raises(ValueError, match="rater variance: -1"):
        power(1.0, Variances(1, -1, 1), Design(5, 2, 2))
    with pytest.raises(ValueError, match="must lie between alpha"):
        detectable_difference(SOME, Design(5, 2, 2), power=0.05)


def planned_by_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    call_command("plan_campaign", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_on_assumed_variances(capsys: pytest.CaptureFixture[str]) -> None:
    sds = ("--item-sd", 0.5, "--rater-sd", 0.3, "--residual-sd", 1)
    found = planned_by_command(
        capsys, *sds, "--items", 50, 100, "--overlap", 3, "--raters", 2, 10, "--difference", 0.4, "--pay", 12
    )
    assert [(row["items"], row["raters"]) for row in found["plans"]] == [(50, 2), (50, 10), (100, 2), (100, 10)]
    first, second = found["plans"][:2]
    assert (first["detectable"], first["undefined"]["code"]) == (None, "overlap_above_raters")
    assert second["power"] == pytest.approx(power(0.4, SOME, Design(50, 3, 10)))
    assert second["detectable"] == pytest.approx(detectable_difference(SOME, Design(50, 3, 10)))
    assert (second["hours"], second["minutes_a_rater"], second["cost"]) == (1.25, 7.5, 15.0)
    assert (second["invite"], second["total"]) == (10, 15.0), "nobody is stopped or leaves"
    with_looks = planned_by_command(capsys, *sds, "--items", 50, "--raters", 10, "--looks", 3)
    assert [row["screens"] for row in with_looks["looks"]] == [50, 100, 150]
    assert with_looks["looks"][-1]["p"] < 0.05
    assert with_looks["plans"][0]["detectable"] > second["detectable"]
    call_command("plan_campaign", "--items", "50", "--raters", "2", "--looks", "2", "--overlap", "2", "3")
    shown = capsys.readouterr().out
    assert "row 2: 3 raters per item is more than 2 raters" in shown
    assert "nan" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--items", "0"], "--items: 0 must be a whole number of at least 1"),
        (["--alpha", "1"], "--alpha: 1.0 must be between 0 and 1"),
        (["--power", "0.04"], "--power: 0.04 must be above alpha"),
        (["--seconds", "nan"], "--seconds: nan must be above 0"),
        (["--rater-sd", "-1"], "--rater-sd: -1.0 must be 0 or more"),
        (["--looks", "2", "--items", "60000"], "180,000 screens are too many to simulate"),
        (["--systems", "a", "b"], "--systems: only applies to a pilot"),
        (["--protocol", "guess"], "protocol: 'guess' is not one of slider"),
        (["--ties", "0.2"], "--ties: does not go with the protocol 'slider'; it takes --difference, --item-sd"),
        (["--raters", "8", "--screens-per-rater", "20"], "--raters: follow from --screens-per-rater"),
        (["--protocol", "pairwise", "--texts-per-screen", "3"], "--texts-per-screen: 3 must be 2"),
        (["--protocol", "best_worst", "--system-count", "2"], "--system-count: 2 systems; the protocol 'best_worst'"),
        (["--points", "7"], "--points: 7 must be left out"),
        (["--mix", "honest=1"], "--mix: says who comes to a campaign"),
        (["--stopped", "1"], "--stopped: 1.0 must be from 0 to below 1"),
    ],
)
def test_bad_input_says_what_would_be_right(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("plan_campaign", *arguments)
    assert message in str(raised.value)


@pytest.mark.django_db
def test_the_command_on_a_pilot(capsys: pytest.CaptureFixture[str]) -> None:
    made = make_campaign(captions=6, overlap=3)
    shown = {
        str(candidate.public_id): (output.decoding.system.name, candidate.item.position)
        for candidate in models.Candidate.objects.filter(item__campaign=made.campaign)
        for output in candidate.outputs.all()
    }
    draw, differences = np.random.default_rng(1), []
    for number in range(3):
        rater = Rater(made.campaign)
        while screen := rater.next():
            given = {each["id"]: int(draw.integers(30, 70)) for each in screen["item"]["candidates"]}
            by_system = {shown[public_id]: score for public_id, score in given.items()}
            position = next(iter(by_system))[1]
            differences.append((by_system["gru", position] - by_system["lstm", position], position, number))
            rater.submit(screen, answers={"human_likeness": given})
    pilot = ("--pilot", made.campaign.name)
    with pytest.raises(CommandError, match="is open: close it first"):
        call_command("plan_campaign", *pilot, "--systems", "gru", "lstm")
    campaign_close(campaign=made.campaign)
    found = planned_by_command(capsys, *pilot, "--systems", "gru", "lstm")
    columns = [np.array(part) for part in zip(*differences, strict=True)]
    variances = variances_of_pilot(columns[0].astype(float), columns[1], columns[2]).variances
    assert variances is not None
    sds = [found["assumed"][f"{name}_sd"] for name in Variances._fields]
    assert sds == pytest.approx(np.sqrt(variances))
    assert found["seconds"] == 3.5
    low, high = found["plans"][0]["detectable_interval"]
    assert low < found["plans"][0]["detectable"] < high
    assert found["assumed"]["origin"] == f"18 differences of gru and lstm, human_likeness, in {made.campaign.name}"
    for arguments, message in (
        (["--systems", "gru", "gpt"], "'gpt' is not in campaign"),
        (["--systems", "gru", "gru"], "'gru' is given twice"),
        (["--systems", "gru", "lstm", "--criterion", "wit"], "'wit' is not in campaign"),
        (["--systems", "gru", "lstm", "--rater-sd", "3"], "cannot be given together with --pilot"),
        ([], "--systems: name two systems of campaign"),
    ):
        with pytest.raises(CommandError) as raised:
            call_command("plan_campaign", *pilot, *arguments)
        assert message in str(raised.value)


@pytest.mark.django_db
@pytest.mark.parametrize("raters", [0, 1])
def test_a_pilot_that_says_too_little(raters: int) -> None:
    made = make_campaign(captions=3, overlap=3)
    for _ in range(raters):
        rater = Rater(made.campaign)
        while screen := rater.next():
            rater.submit(screen)
    campaign_close(campaign=made.campaign)
    with pytest.raises(CommandError, match="a single rater" if raters else "no rater of campaign"):
        call_command("plan_campaign", "--pilot", made.campaign.name, "--systems", "gru", "lstm")


def test_choices_by_hand() -> None:
    """A decided choice of share 0.6 has 1 / (0.6 · 0.4) on the logit's scale; a quarter of ties makes it 4/3."""
    plain = choice_variances(0.6, Choices(0.0, 0.0, 0.0))
    assert plain == pytest.approx((0.0, 0.0, 1 / 0.24))
    some = choice_variances(0.6, Choices(0.12, 0.06, 0.25))
    assert some == pytest.approx((0.25, 0.0625, 4 / 3 / 0.24 - 0.3125))
    with pytest.raises(ValueError, match=r"vary by 0\.6 over items and 0 over raters cannot have 0\.6 as their mean"):
        choice_variances(0.6, Choices(0.6, 0.0, 0.0))
    with pytest.raises(ValueError, match="ties: must be from 0 to below 1"):
        choice_variances(0.6, Choices(0.1, 0.0, 1.0))


@pytest.mark.parametrize(
    ("design", "choices", "planned"),
    [
        (Design(100, 3, 8), Choices(0.15, 0.1, 0.2), 0.8),
        (Design(200, 1, 20), Choices(0.15, 0.1, 0.0), 0.5),
        (Design(100, 2, 6), Choices(0.0, 0.0, 0.2), 0.8),
    ],
)
def test_power_for_choices_is_that_of_drawn_choices(design: Design, choices: Choices, planned: float) -> None:
    share = detectable_share(choices, design, power=planned)
    assert share is not None
    assert choice_power(share, choices, design) == pytest.approx(planned, abs=1e-3)
    assert choice_power(1 - share, choices, design) == pytest.approx(planned, abs=1e-3), "whoever wins"
    assert simulated_choices(design, choices, share, 1500, np.random.default_rng(2)) == pytest.approx(planned, abs=0.03)


def test_variances_that_a_balanced_pilot_may_have_had() -> None:
    """Generalised confidence intervals of a crossed layout by its mean squares, drawn anew with another seed."""
    draw = np.random.default_rng(3)
    table = 2 * draw.normal(size=(12, 1)) + 1.5 * draw.normal(size=(1, 6)) + draw.normal(size=(12, 6))
    items, raters = (part.ravel() for part in np.indices(table.shape))
    mean, by_item, by_rater = table.mean(), table.mean(axis=1), table.mean(axis=0)
    left = table - by_item[:, None] - by_rater + mean
    noise = (left**2).sum() / stats.chi2.rvs(55, size=20_000, random_state=draw)
    of_items = (6 * ((by_item - mean) ** 2).sum() / stats.chi2.rvs(11, size=20_000, random_state=draw) - noise) / 6
    of_raters = (12 * ((by_rater - mean) ** 2).sum() / stats.chi2.rvs(5, size=20_000, random_state=draw) - noise) / 12
    found = np.array(drawn_variances(table.ravel(), items, raters, draws=20_000))
    for mine, expected in zip(found.T, (of_items, of_raters, noise), strict=True):
        quantiles = np.quantile(np.maximum(expected, 0), (0.05, 0.25, 0.5, 0.75, 0.95))
        assert np.quantile(mine, (0.05, 0.25, 0.5, 0.75, 0.95)) == pytest.approx(quantiles, rel=0.06)


def test_the_interval_of_a_pilots_plan_holds_the_truth() -> None:
    """Incomplete pilots, three raters per item out of eight, a fifth of the ratings missing in every other one."""
    truth, pilot, planned = Variances(0.25, 0.09, 1.0), Design(40, 3, 8), Design(200, 3, 12)
    draw, runs, held = np.random.default_rng(4), 200, 0
    for run in range(runs):
        items, raters, scores = drawn(pilot, truth, draw, runs=1)
        kept = draw.random(len(items)) < 0.8 + run % 2
        others = drawn_variances(scores[0][kept], items[kept], raters[kept])
        ends = percentiles([standard_error(each, planned) for each in others])
        held += ends is not None and ends[0] <= standard_error(truth, planned) <= ends[1]
    assert held / runs >= 0.9


def test_a_pilot_without_degrees_of_freedom_says_nothing_of_itself() -> None:
    assert drawn_variances(np.arange(4.0), np.arange(4), np.array([0, 1, 0, 1])) == []
    assert percentiles([]) is None


def test_the_command_on_choices(capsys: pytest.CaptureFixture[str]) -> None:
    known = Choices(0.12, 0.06, 0.25)
    given = ("--protocol", "pairwise", "--item-sd", 0.12, "--rater-sd", 0.06, "--ties", 0.25, "--share", 0.6)
    found = planned_by_command(capsys, *given, "--items", 100, "--overlap", 3, "--raters", 2, 10)
    first, second = found["plans"]
    assert (first["power"], first["detectable"]) == (None, None)
    assert first["undefined"]["says"] == "3 raters per item is more than 2 raters"
    assert second["power"] == pytest.approx(choice_power(0.6, known, Design(100, 3, 10)))
    assert second["detectable"] == pytest.approx(detectable_share(known, Design(100, 3, 10)))
    assert (second["simulated"], second["hours"], found["quality"]) == (None, 2.5, [])
    for arguments, message in (
        (["--difference", "3"], "--difference: does not go with the protocol 'pairwise'; it takes --share, --item-sd"),
        (["--residual-sd", "2"], "--residual-sd: does not go with"),
        (["--item-sd", "0.6"], "--item-sd, --rater-sd: shares won that vary by 0.6"),
        (["--share", "1"], "--share: 1.0 must be above 0 and below 1"),
    ):
        with pytest.raises(CommandError) as raised:
            call_command("plan_campaign", "--protocol", "pairwise", *arguments)
        assert message in str(raised.value)


@pytest.mark.django_db
def test_the_command_on_a_pilot_of_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two of every three choices decided; a planned share and an interval around it."""
    draw, rows, columns = np.random.default_rng(5), [], []
    for item in range(30):
        for rater in range(4):
            won, tied = draw.random() < 0.55 + 0.1 * (rater - 1.5), (item + rater) % 3 == 0
            rows.append(f"{item},a,b,r{rater},better,{'tie' if tied else 'a' if won else 'b'}")
            if not tied:
                columns.append((float(won), item, rater))
    campaign = imported(table(tmp_path / "pairs.csv", PAIRS, *rows))
    found = planned_by_command(capsys, "--pilot", campaign.name, "--systems", "a", "b", "--raters", 12)
    outcome, items, raters = (np.array(part) for part in zip(*columns, strict=True))
    variances = variances_of_pilot(outcome, items, raters).variances
    assert variances is not None
    assert found["assumed"]["ties"] == pytest.approx(1 / 3)
    assert found["assumed"]["item_sd"] == pytest.approx(variances.item**0.5)
    assert found["assumed"]["rater_sd"] == pytest.approx(variances.rater**0.5)
    assert found["assumed"]["origin"] == "80 decided choices of a and b, better, in study"
    (row,) = found["plans"]
    low, high = row["detectable_interval"]
    assert 0.5 < low <= row["detectable"]
    assert high is None, "with four raters it may be that not even all choices won would be found by twelve"
    assert "small_pilot" in [each["code"] for each in found["assumed"]["said"]]
    with pytest.raises(CommandError, match="--difference: does not go with the protocol 'pairwise'"):
        call_command("plan_campaign", "--pilot", campaign.name, "--systems", "a", "b", "--difference", "5")
