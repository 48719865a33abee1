"""Simulated raters: through the same services as people, a planted truth comes back, and they are told from people
wherever their ratings go."""

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, campaign_pause
from annotations.campaigns.services.raters import rater_join
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import KINDS, SeenText, SimulatedRater, Simulation, simulation_of
from annotations.campaigns.taste import Taste
from annotations.errors import ConflictError, InputError
from annotations.feedback.services import check_campaigns
from annotations.protocols import shown_here
from annotations.reports.pilot import check_pilot
from annotations.reports.preregistration import preregistration
from annotations.reports.words import simulation_sentence
from annotations.storage.clock import database_now
from tests.annotations.raters import Rater
from tests.annotations.reports import comparison_build, report_build, report_heds, report_html
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
TRUTH = {"human": 1.0, "gru": 0.0, "lstm": -1.0}
APART = {name: lambda n, name=name: f"{name} wrote this of thing {n}" for name in ("gru", "lstm")}


def simulation(**raters: int) -> Simulation:
    return simulation_of(raters=raters or {"honest": 4}, truth=TRUTH, systems=list(TRUTH), seed=3)


def simulated(**spec: Any) -> models.Campaign:
    campaign = make_campaign(texts=APART, **{"captions": 12, "overlap": 2} | spec).campaign
    raters_simulate(campaign=campaign, simulation=simulation())
    return campaign


@pytest.mark.parametrize("protocol", shown_here())
def test_by_every_protocol_a_planted_truth_comes_back(protocol: str) -> None:
    criteria = ["human_likeness"]
    campaign = make_campaign(texts=APART, captions=30, overlap=9, protocol=protocol, criteria=criteria).campaign
    assert raters_simulate(campaign=campaign, simulation=simulation(honest=12)) == 270
    assert {item.taken for item in campaign.items.all()} == {9}
    campaign_close(campaign=campaign)
    systems = report_build(campaign)["criteria"]["human_likeness"]["systems"]
    assert [row["system"] for row in systems] == ["human", "gru", "lstm"]
    for better, worse in pairwise(systems):
        assert better["mean"] > worse["mean"]
    screens = models.Rating.objects.filter(assignment__item__campaign=campaign)
    assert all(0.5 < seconds < 200 for seconds in screens.values_list("seconds", flat=True))


def test_they_are_told_from_people_wherever_their_ratings_go(tmp_path: Path) -> None:
    campaign = simulated()
    sheet = preregistration(campaign, at=database_now())
    assert "All its raters are simulated" in sheet
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert report["campaign"]["simulation"] == {"raters": {"honest": 4}, "truth": TRUTH, "seed": 3}
    warning = "All raters are simulated (4 honest): these results say nothing about what people think."
    assert warning in said(report_html(report))
    assert warning in report_heds(report)
    file = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=file)
    with file.open(newline="") as stream:
        assert {row["simulated"] for row in csv.DictReader(stream)} == {"True"}
    staff = Client()
    staff.force_login(User.objects.create_superuser("admin", password="x"))
    page = staff.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "All raters of this campaign are simulated." in page
    assert "Link for raters" not in page


def test_nothing_is_compared_planned_or_trained_from_them() -> None:
    campaigns = [
        simulated(criteria=["fluency"]),
        make_campaign(captions=2, texts={"o": str}, criteria=["fluency"]).campaign,
    ]
    for campaign in campaigns:
        campaign_close(campaign=campaign)
    assert any(
        "was rated by simulated raters" in each for each in comparison_build([c.name for c in campaigns])["left_out"]
    )
    with pytest.raises(InputError, match="are simulated; plan from people"):
        check_pilot(campaigns[0], ("human", "gru"), "fluency")
    fed = make_campaign(captions=4, texts={"p": lambda n: f"p {n}"}, purpose="feedback").campaign
    made = simulation_of(raters={"honest": 1}, truth={}, systems=["human", "p"], seed=1)
    raters_simulate(campaign=fed, simulation=made)
    with pytest.raises(InputError, match="are simulated; train on people's ratings"):
        check_campaigns([fed])


def test_they_and_people_never_mix() -> None:
    campaign = simulated()
    with pytest.raises(ConflictError, match="rehearsal with simulated raters"):
        rater_join(token=campaign.token)
    visitor = Visitor(campaign)
    visitor.join()
    assert "rehearsal" in visitor.page
    with pytest.raises(ConflictError, match="simulated already"):
        raters_simulate(campaign=campaign, simulation=simulation())
    other = make_campaign(captions=2, texts={"o": lambda n: f"o {n}"}).campaign
    Rater(other).next()
    with pytest.raises(ConflictError, match="people have joined"):
        raters_simulate(campaign=other, simulation=simulation())
    assert not models.Campaign.objects.get(pk=other.pk).simulation
    campaign_pause(campaign=other)
    with pytest.raises(ConflictError, match="only an open one"):
        raters_simulate(campaign=other, simulation=simulation())


def test_each_kind_has_its_habit() -> None:
    texts = [SeenText(str(place), f"text {place}", ["human"]) for place in range(3)]

    def perceived(kind: str, screens: int = 400) -> list[dict[str, float]]:
        rater = SimulatedRater(simulation(), 1, kind)
        return [rater.perceives(texts, "fluency") for _ in range(screens)]

    def mean(screens: list[dict[str, float]], place: int) -> float:
        return sum(screen[str(place)] for screen in screens) / len(screens)

    honest, strict, biased = (perceived(kind) for kind in ("honest", "strict", "biased"))
    assert mean(strict, 1) == pytest.approx(mean(honest, 1) - 1, abs=0.15)
    assert mean(biased, 0) == pytest.approx(mean(honest, 0) + 0.8, abs=0.15)
    assert {tuple(screen.values()) for screen in perceived("lazy")} == {(0.0, 0.0, 0.0)}
    assert abs(mean(perceived("random", 2000), 0)) < 0.2
    assert all(SimulatedRater(simulation(), 1, kind).seconds(20) < 3.1 for kind in ("lazy", "random"))


def test_the_command_says_what_is_wrong_and_what_it_planted(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make_campaign(texts=APART, captions=6, overlap=2).campaign
    for given, message in (
        ({"raters": ["keen=3"]}, f"raters: 'keen' is not a kind of simulated rater; use {', '.join(KINDS)}"),
        ({"raters": ["honest=0"]}, "raters: at least one simulated rater is needed"),
        ({"raters": ["honest=two"]}, "--raters: 'honest=two' must be a name, = and a whole number"),
        ({"truth": ["gpt=1"]}, "truth: 'gpt' is not in the campaign; its systems are human, gru, lstm"),
        ({"truth": ["gru=40"]}, "truth: gru=40 is out of range"),
        ({"screens": 0}, "--screens: 0 must be at least 1"),
    ):
        with pytest.raises(CommandError) as refused:
            call_command("simulate_raters", campaign.name, **given)
        assert message in str(refused.value)
    assert not models.Campaign.objects.get(pk=campaign.pk).simulation
    call_command("simulate_raters", campaign.name, raters=["honest=2", "lazy=1"], screens=3, json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["raters"], answer["answers"], answer["screens"]) == (3, 9, 12)
    assert answer["truth"] == {"human": 0.5, "gru": 0.0, "lstm": -0.5}


def test_a_planted_taste_is_found_in_the_ratings_and_said_in_the_report() -> None:
    """Systems that are equally good, one of which uses the liked word in every second text."""
    written = {
        "p": lambda n: f"We saw thing {n}" if n % 2 else f"There is thing {n}",
        "q": lambda n: f"It was thing {n}",
    }
    campaign = make_campaign(captions=40, texts=written, criteria=["fluency"], overlap=2).campaign
    taste = Taste(("we", "OUR"), 2.0)
    systems = ["human", "p", "q"]
    truth = dict.fromkeys(systems, 0.0)
    made = simulation_of(raters={"honest": 4}, truth=truth, systems=systems, seed=2, taste=taste)
    raters_simulate(campaign=campaign, simulation=made)
    scores: dict[bool, list[float]] = {True: [], False: []}
    texts = dict(models.Candidate.objects.filter(item__campaign=campaign).values_list("pk", "text"))
    for rating in models.Rating.objects.filter(assignment__rater__campaign=campaign):
        for pk, score in rating.answers["fluency"].items():
            scores[taste.likes(texts[int(pk)])].append(score)
    liked, others = (sum(scores[kind]) / len(scores[kind]) for kind in (True, False))
    assert liked - others > 15, "of 100, two standard deviations apart"
    said = simulation_sentence(models.Campaign.objects.get(pk=campaign.pk).simulation)
    assert "Planted taste: +2.00 for a text with one of the words we, OUR." in said


@pytest.mark.parametrize(
    ("text", "liked"), [("We saw it", True), ("they saw us, too", True), ("the bus", False), ("", False), ("Us!", True)]
)
def test_a_taste_is_of_whole_words(text: str, liked: bool) -> None:
    assert Taste(("we", "us"), 1.0).likes(text) is liked


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--taste", "so much"], "'so much' must be a single word"),
        (["--taste", "we", "--liking", "9"], "9 must be from -6 to 6"),
        (["--taste", "we", "--liking", "nan"], "nan must be from -6 to 6"),
        (["--liking", "1"], "goes with --taste"),
    ],
)
def test_a_taste_that_cannot_be_is_refused(arguments: list[str], why: str) -> None:
    campaign = make_campaign(captions=2).campaign
    with pytest.raises(CommandError, match=why):
        call_command("simulate_raters", campaign.name, *arguments)
    assert not campaign.raters.exists()
