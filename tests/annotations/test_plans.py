"""Plans of every protocol against answers from elsewhere: published formulas, statsmodels and scipy, or by hand."""

import json
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower, TTestPower
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize

from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.foretelling import Foretold
from annotations.errors import InputError
from annotations.protocols import PROTOCOLS
from annotations.reports.measures import MEASURES
from annotations.reports.planning.curves import Study
from annotations.reports.planning.known import CRITERION
from annotations.reports.plans.page import stopped_columns, table_of
from annotations.reports.plans.stops import row_of as row_of_kind
from annotations.reports.plans.stops import stopped_of
from annotations.statistics.dealing import Layout, Screens, screens_dealt
from annotations.statistics.pilot_parts import Answers, drawn_parts, parts_of_answers
from annotations.statistics.planning import Design, Variances
from annotations.statistics.populations import drawn_relative_scores, drawn_scores, probits
from annotations.statistics.recruiting import invitations, invited
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.once


def planned(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    call_command("plan_campaign", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def row_of(capsys: pytest.CaptureFixture[str], protocol: str, *arguments: object) -> Any:
    (row,) = planned(capsys, "--protocol", protocol, *arguments)["plans"]
    return row


ALONE = ("--item-sd", 0, "--rater-sd", 0)


@pytest.mark.parametrize(
    ("protocol", "deviation"),
    [("slider", 25), ("likert", 1.2), ("best_worst", 0.9), ("ranking", 0.5), ("error_spans", 3)],
)
def test_scores_of_both_systems_on_a_screen(
    capsys: pytest.CaptureFixture[str], protocol: str, deviation: float
) -> None:
    """600 items by ten raters, one each: the one-sample t-test of ten raters' means of 60 differences."""
    difference = deviation / 8
    given = ("--items", 600, "--overlap", 1, "--raters", 10, "--residual-sd", deviation, "--difference", difference)
    row = row_of(capsys, protocol, *ALONE, *given)
    expected = TTestPower().power(difference / (deviation / 60**0.5), 10, 0.05)
    assert row["power"] == pytest.approx(expected, abs=0.005)
    assert row["simulated"] is None
    needed = row_of(capsys, protocol, *ALONE, *given, "--items", row["items_needed"])
    fewer = row_of(capsys, protocol, *ALONE, *given, "--items", row["items_needed"] - 1)
    assert fewer["power"] < 0.8 <= needed["power"]


def binomial_power(share: float, n: int) -> float:
    """Of the exact two-sided test of one half."""
    counts = np.arange(n + 1)
    p = np.array([stats.binomtest(int(count), n).pvalue for count in counts])
    return float(stats.binom.pmf(counts, n, share)[p < 0.05].sum())


def test_choices_that_do_not_depend_on_one_another_are_binomial(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--items", 200, "--overlap", 1, "--raters", 100, "--ties", 0, *ALONE)
    assert row_of(capsys, "pairwise", *given, "--share", 0.6)["power"] == pytest.approx(
        binomial_power(0.6, 200), abs=0.03
    )
    row = row_of(capsys, "which_is_human", *given, "--accuracy", 0.6, "--runs", 400)
    assert row["above_chance"] == pytest.approx(binomial_power(0.6, 200), abs=0.08)
    low, high = row["above_chance_simulated"]
    assert low < row["above_chance"] < high
    assert row["power"] == pytest.approx(binomial_power(0.6, 200), abs=0.03)


def test_judgements_that_do_not_depend_on_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Two independent shares of 200 judgements each, 0.6 and 0.4 (Cohen 1988, chapter 6)."""
    given = ("--items", 200, "--overlap", 2, "--raters", 40, "--severity-sd", 0, *ALONE, "--runs", 300)
    row = row_of(capsys, "human_or_machine", *given, "--accuracy", 0.57)
    effect = proportion_effectsize(0.57, 0.43)
    assert row["power"] == pytest.approx(NormalIndPower().power(effect, 200, 0.05), abs=0.09)
    assert row["power_simulated"][0] < row["power"] < row["power_simulated"][1]
    by_d_prime = planned(capsys, "--protocol", "human_or_machine", *given, "--d-prime", 2 * stats.norm.ppf(0.57))
    assert by_d_prime["effect"] == pytest.approx(0.14), "H − F, where raters lean to neither answer"


def test_texts_rewritten_one_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Two independent samples of 200 texts; a difference's deviation is √2 that of a text."""
    deviation = 0.3
    given = ("--items", 200, "--overlap", 2, "--raters", 40, "--severity-sd", 0, *ALONE, "--runs", 300)
    row = row_of(capsys, "edit", *given, "--residual-sd", deviation * 2**0.5, "--difference", 0.08)
    assert row["power"] == pytest.approx(TTestIndPower().power(0.08 / deviation, 200, 0.05), abs=0.09)
    found = TTestIndPower().solve_power(nobs1=200, power=0.8, alpha=0.05)
    assert row["detectable"] == pytest.approx(deviation * found, rel=0.15)


def test_equivalence_is_concluded_as_often_as_normal_theory_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    """2 Φ(margin / error − z(0.95)) − 1 (Julious 2004), of 600 differences by 60 raters."""
    given = ("--items", 600, "--overlap", 1, "--raters", 60, "--residual-sd", 25, *ALONE, "--runs", 400)
    row = row_of(capsys, "slider", *given, "--margin", 3)
    expected = 2 * stats.norm.cdf(3 / (25 / 600**0.5) - stats.norm.ppf(0.95)) - 1
    assert row["equivalence"] == pytest.approx(expected, abs=0.08)
    forced = row_of(capsys, "which_is_human", *given[:6], *ALONE, "--margin", 0.06, "--runs", 400)
    expected = 2 * stats.norm.cdf(0.06 / (0.5 / 600**0.5) - stats.norm.ppf(0.95)) - 1
    assert forced["equivalence_to_chance"] == pytest.approx(expected, abs=0.08)


def test_scores_relative_to_a_screen_by_hand() -> None:
    """Two of four texts, all pairs once: the first system wins all of its three screens by 0.3, which is ± 0.15, and
    each of the others loses one of three so, and ties twice: 0.15 − (−0.15 / 3) = 0.2."""
    pairs = np.array(list(combinations(range(4), 2)))
    alone = np.arange(len(pairs))
    given = {"design": Design(6, 1, 6), "layout": Layout(4, 2), "draw": np.random.default_rng(1)}
    scores = drawn_relative_scores(0.2, Variances(0, 0, 0), screens=Screens(alone, alone, pairs), **given)
    assert np.nansum(scores, axis=1) == pytest.approx(0)
    assert scores[0, :2] == pytest.approx([0.15, -0.15])
    assert np.nanmean(scores, axis=0) == pytest.approx([0.15, -0.05, -0.05, -0.05])


def test_some_of_the_systems_ranked_a_screen() -> None:
    """Of two texts of four systems by chance: a text scores 1 or 0, its variance is 1/4 and its covariance with the
    other −1/4. Of 360 screens a system is on 180, and beside another on 60, so that the variance of the difference of
    their means is (2 × 180 + 2 × 60) / 4 / 180²."""
    error = ((2 * 180 + 2 * 60) / 4) ** 0.5 / 180
    ranking = PROTOCOLS["ranking"]
    measure = MEASURES[ranking.measure]
    known = measure.planning.assuming({"item_sd": 0, "rater_sd": 0, "residual_sd": 1, "severity_sd": 0})
    analyse = partial(measure.analysis, criterion=CRITERION, level=ranking.level, scale=ranking.scale)
    study = Study(Design(60, 6, 60), Layout(4, 2), analyse, 0.05, runs=200)
    assert known.error(0.1, study) == pytest.approx(error)
    expected = stats.norm.cdf(2.8 - stats.norm.ppf(0.975))
    assert known.curve(study).power(2.8 * error) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_has_a_page_and_says_what_it_assumes(capsys: pytest.CaptureFixture[str], protocol: str) -> None:
    known = MEASURES[PROTOCOLS[protocol].measure].planning
    assert set(PROTOCOLS[protocol].assumes()) == set(known.takes)
    effect = next(iter(known.effects))
    call_command(
        "plan_campaign", "--protocol", protocol, f"--{effect}", "0.7", "--items", "30", "--runs", "20", "--pay", "12"
    )
    shown = capsys.readouterr().out
    assert shown.startswith(f"Plan of a campaign: {protocol}, ")
    assert all(title in shown for title in ("What it finds", "power", "What it costs", "seconds a screen"))
    assert max(map(len, shown.splitlines())) < 160
    assert "None" not in shown


def test_a_layout_shows_all_systems_equally_often() -> None:
    draw = np.random.default_rng(1)
    for layout in (Layout(4, 2), Layout(5, 4), Layout(3, 1), Layout(4, 2, always=True)):
        screens = screens_dealt(Design(60, 3, 9), layout, draw)
        for rater in range(9):
            counts = np.bincount(screens.shown[screens.raters == rater].ravel(), minlength=layout.systems)
            others = counts[1:] if layout.always else counts
            assert np.ptp(others) <= 2
            assert not layout.always or counts[0] == (screens.raters == rater).sum()
        assert len({tuple(sorted(each)) for each in screens.shown.tolist()}) > 1
        assert all(len(set(each)) == layout.texts for each in screens.shown.tolist())


def test_shares_deviate_as_they_are_told_to() -> None:
    (at,), (one, other) = probits(np.array([0.7]), np.array([0.15, 0.1]))
    draw = np.random.default_rng(2)
    shares = stats.norm.cdf(at + one * draw.normal(size=200_000) + other * draw.normal(size=200_000))
    assert shares.mean() == pytest.approx(0.7, abs=0.002)
    assert shares.std() == pytest.approx((0.15**2 + 0.1**2) ** 0.5, rel=0.01)
    with pytest.raises(ValueError, match=r"a mean of 0\.9 cannot deviate by 0\.5"):
        probits(np.array([0.9]), np.array([0.5]))


def test_a_pilot_of_single_texts_is_unbiased_and_its_draws_hold_the_truth() -> None:
    truth, severity = Variances(0.5, 0.3, 2.0), 0.6
    design, layout, draw = Design(50, 4, 10), Layout(2, 1), np.random.default_rng(3)
    wanted, found, held = np.array([*truth, severity**2]), [], np.zeros(4)
    for run in range(120):
        screens = screens_dealt(design, layout, draw)
        scores = drawn_scores(0.7, truth, severity, screens=screens, design=design, layout=layout, draw=draw)
        rows, systems = np.nonzero(~np.isnan(scores))
        answers = Answers(scores[rows, systems], screens.items[rows], screens.raters[rows], systems)
        parts, _ = parts_of_answers(answers)
        assert parts is not None
        found.append([*parts.variances, parts.severity_sd**2])
        if run < 60:
            drawn = np.array([[*each.variances, each.severity_sd**2] for each in drawn_parts(answers)])
            low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
            held += (low <= wanted) & (wanted <= high)
    assert np.mean(found, axis=0) == pytest.approx(wanted, abs=0.12)
    assert (held / 60 >= 0.82).all()


def test_a_pilot_in_which_one_system_has_more_answers_is_unbiased_too() -> None:
    """Scores around 70 and 40, as a slider gives them."""
    draw, found = np.random.default_rng(5), []
    for _ in range(60):
        items, raters = np.repeat(np.arange(50), 6), np.tile(np.arange(10), 30)
        systems = (draw.random(300) < 1 / 3).astype(int)
        item, rater = draw.normal(0, 5, (2, 50)), draw.normal(0, 3, (2, 10))
        values = np.array([70.0, 40.0])[systems] + item[systems, items] + rater[systems, raters]
        parts, _ = parts_of_answers(Answers(values + draw.normal(0, 7, 300), items, raters, systems))
        assert parts is not None
        found.append(parts.variances)
    assert np.mean(found, axis=0) == pytest.approx([2 * 25, 2 * 9, 2 * 49], rel=0.25)


@pytest.mark.parametrize(("needed", "stays"), [(1, 0.5), (12, 0.9), (40, 0.75), (300, 0.97), (5, 1.0)])
def test_invitations_are_a_quantile_of_the_negative_binomial(needed: int, stays: float) -> None:
    for sure in (0.025, 0.5, 0.95):
        assert invitations(needed, stays, sure=sure) == needed + stats.nbinom.ppf(sure, needed, stays)
    assert invited(needed, stays).low <= invited(needed, stays).enough <= invited(needed, stays).high


def test_what_it_costs_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """40 items × 3 of 12 screens each take 10 raters. A fifth of those who come is stopped, so that with ten who stay
    2.5 are, who answer all of their 12 screens; two checks more each."""
    row = row_of(
        capsys, "slider", "--items", 40, "--overlap", 3, "--screens-per-rater", 12, "--checks", 2, "--seconds", 45,
        "--pay", 16, "--fee", 0.25, "--stopped", 0.2, "--leave", 0.1,
    )  # fmt: skip
    assert (row["raters"], row["raters_needed"], row["screens_a_rater"], row["minutes_a_rater"]) == (10, 10, 14, 10.5)
    assert row["hours"] == pytest.approx(12.5 * 14 * 45 / 3600)
    assert row["total"] == pytest.approx(1.25 * 16 * row["hours"])
    assert row["invite"] == 10 + stats.nbinom.ppf(0.95, 10, 0.8 * 0.9)


def test_who_comes_is_a_mix_of_kinds() -> None:
    kinds = [
        Foretold("honest", 1000, 0.01, {"degraded": 0.01}, 20.0, 6.0),
        Foretold("random", 1000, 0.9, {}, 8.0, 5.0),
    ]
    found = stopped_of(kinds, ["honest=0.9", "random=0.1"])
    assert found.share == pytest.approx(0.099)
    assert found.interval is not None
    assert found.interval[0] < 0.099 < found.interval[1]
    assert found.after == pytest.approx((0.009 * 6 + 0.09 * 5) / 0.099)
    rows = [row_of_kind(each) for each in kinds]
    low, high = proportion_confint(10, 1000, method="wilson")
    page = "\n".join(table_of(rows, {}, stopped_columns(rows)))
    assert page.count(f"0.010 ({low:.3f} to {high:.3f})") == 2, "in all, and by the one rule"
    for mix, message in (
        (["good=1"], "'good' is not a kind"),
        (["honest=0.5"], "add to 0.5"),
        (["honest"], "has no share"),
        (["honest=2"], "must be from 0 to 1"),
    ):
        with pytest.raises(InputError, match=message):
            stopped_of(kinds, mix)


@pytest.mark.django_db
@pytest.mark.parametrize("captions", [5, 30])
def test_a_pilot_of_judgements(capsys: pytest.CaptureFixture[str], captions: int) -> None:
    """Of five texts by three raters each there are no intervals, and the plan says so."""
    texts = {"gru": lambda n: f"gru told {n}"}
    made = make_campaign(captions=captions, overlap=4, protocol="human_or_machine", texts=texts)
    draw = np.random.default_rng(4)
    for _ in range(6 if captions > 5 else 4):
        rater = Rater(made.campaign)
        for _ in range(20):
            if "assignment" not in (screen := rater.next() or {}):
                break  # what is left is handed out to others
            answer = {"human": bool(draw.random() < 0.5), "confidence": 2}
            rater.submit(screen, answers={made.campaign.criteria[0]: answer})
    campaign_close(campaign=made.campaign)
    pilot = ("--pilot", made.campaign.name, "--systems", "human", "gru", "--runs", 30)
    found = planned(capsys, *pilot, "--difference", 0.3, "--items", 60)
    (row,) = found["plans"]
    assert (found["protocol"], found["seconds"]) == ("human_or_machine", 3.5)
    assert set(found["assumed"]) == {"origin", "said", "item_sd", "rater_sd", "severity_sd"}
    assert row["power"] is not None
    said = {each["code"] for each in found["assumed"]["said"]}
    if captions > 5:
        low, high = row["power_interval"]
        assert low <= high
        assert not said & {"small_pilot", "pilot_without_intervals"}
    else:
        assert "small_pilot" in said
    with pytest.raises(CommandError, match="--protocol: is the pilot's, human_or_machine"):
        call_command("plan_campaign", *map(str, pilot), "--protocol", "slider")
