"""The pages of generations: how far one is, what people say of its model, and the line that it stands in."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.reports.keeping import report_freeze, results_of
from annotations.reports.querysets import campaign_revision
from storyblender_site.accounts import account_make
from tests.factories import make_campaign
from tests.pages import in_one_line
from tests.workers.generation_rows import JUDGES, generation_of, opened, rated
from workers.generations.results import Outcome, declared, judge_panels, outcome_of, rating_panels, verdict_of
from workers.generations.scores import scores_of
from workers.models import Checkpoint, Generation, Run

GAIN = "the new model’s texts are rated higher than those of the model before."
LOSS = "the texts of the model before are rated higher than those of the new one."
pytestmark = pytest.mark.django_db
LIST = "/models/generations/"
MEANS = {"first": 30, "second": 50, "human": 80}


@pytest.fixture(autouse=True)
def _no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.lifecycle.doorbell_ring", lambda run: None)


def page_of(client: Client, generation: Generation) -> str:
    return in_one_line(client.get(f"{LIST}{generation.pk}/"))


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def line_on(page: str) -> str:
    return text_of(page.partition('<ol class="line">')[2].partition("</ol>")[0])


@pytest.fixture
def researcher() -> Client:
    client = Client()
    client.force_login(account_make(name="ada", role="researcher", password="x"))
    return client


@pytest.mark.parametrize(
    ("to", "fields", "says", "moving"),
    [
        ("train", {"state": "running"}, "going on Train the new model", True),
        ("reward", {"state": "queued"}, "going on Fit a reward model", True),
        ("train", {"state": "failed", "message": "out of memory"}, "failed Train the new model: out of memory", False),
        ("score", {"state": "cancelled"}, "cancelled Score both: a person cancelled the run.", False),
        ("train", {"problem": "the new model is worse"}, "halted The new model is worse", False),
        ("feedback", {"state": "cancelled", "stopped_at": timezone.now()}, "stopped A person stopped it on", False),
        ("campaign", {}, "waiting for ratings 0 of 32 screens of its campaign are rated.", False),
    ],
)
def test_a_page_says_how_a_generation_stands(
    staff: Client, to: str, fields: dict[str, Any], says: str, moving: bool
) -> None:
    generation = generation_of(to=to, **fields)
    assert says in text_of(page_of(staff, generation))
    assert ("every 2s" in page_of(staff, generation)) == moving
    watched = staff.get(f"{LIST}{generation.pk}/watch/")
    assert (says in text_of(in_one_line(watched))) == moving
    assert ("HX-Refresh" in watched) != moving, "the whole page is loaded once more at the end"


def test_a_page_leads_to_each_run_and_to_what_it_made(staff: Client) -> None:
    generation = generation_of()
    page = page_of(staff, generation)
    runs = {run.step: run for run in generation.runs.all()}
    here = f"/models/generations/{generation.pk}/"
    for run in runs.values():
        assert f"/runs/{run.pk}/" in page
    assert here in in_one_line(staff.get(f"/runs/{runs['score'].pk}/"))
    campaign, built = runs["campaign"].campaign, runs["feedback"].feedback_set
    trained = models.System.objects.get(name="second")
    taught = models.Campaign.objects.get(name="liked")
    for address in (
        f"/campaigns/{campaign.pk}/",
        f"/campaigns/{taught.pk}/",
        f"/data/feedback/{built.pk}/",
        f"/models/{trained.pk}/",
        f"/models/{generation.before_id}/",
    ):
        assert address in page
        assert here in in_one_line(staff.get(address)), "and back"
    assert f"/models/{trained.pk}/?decoding={runs['decode'].result['decoding']}" in page


@pytest.mark.parametrize(
    ("scores", "answer", "short"),
    [
        ({"second": 50}, f"People: {GAIN}", "the new model is ahead"),
        ({"second": 10}, f"People: {LOSS}", "the model before is ahead"),
        ({"second": 30}, "Nothing was gained that these ratings could show.", "no gain shown"),
    ],
)
def test_what_people_say_is_one_sentence_and_then_its_figures(
    staff: Client, scores: dict[str, float], answer: str, short: str
) -> None:
    campaign = rated(opened(), **MEANS | scores)
    generation = generation_of(campaign)
    assert "see its page" in in_one_line(staff.get(LIST)), "no report is made for a list"
    page = text_of(page_of(staff, generation))
    report = results_of(report_freeze(campaign=campaign))
    verdict = verdict_of(report)
    assert verdict.answer == answer
    assert f"What people say {answer} {verdict.figures[0]}" in page
    assert re.search(r"95 % interval −?\d+\.\d to −?\d+\.\d, p [=<] \d", verdict.figures[0])
    assert short in text_of(in_one_line(staff.get(LIST)))
    assert "simulated" not in page


def test_a_campaign_closed_without_ratings_says_why_nothing_can_be_said(staff: Client) -> None:
    campaign = opened()
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    campaign.refresh_from_db()
    page = text_of(page_of(staff, generation_of(campaign)))
    report = results_of(report_freeze(campaign=campaign))
    assert outcome_of(declared(report)) == Outcome.UNDEFINED
    assert "These ratings do not say which model is better. The difference between second and first" in page


def test_nothing_is_told_of_who_leads_before_the_close(staff: Client) -> None:
    campaign = opened()
    generation = generation_of(campaign)
    rated(campaign, **MEANS)
    models.Campaign.objects.filter(pk=campaign.pk).update(state="open")
    campaign.refresh_from_db()
    report_freeze(campaign=campaign, unblind=True)
    report = results_of(report_freeze(campaign=campaign, unblind=True))
    for state in ("open", "paused"):
        models.Campaign.objects.filter(pk=campaign.pk).update(state=state)
        page, listed = page_of(staff, generation), in_one_line(staff.get(LIST))
        assert "32 of 32 screens" in page
        assert "until then nobody is told who leads" in page
        for html in (page, listed):
            assert "rated higher" not in html
            assert "is ahead" not in html
            assert "What people say.</b>" not in html
            assert "Mean score" not in html
            for row in report.criteria["human_likeness"].systems:
                assert f"{row.mean:.1f}" not in text_of(html)


def test_simulated_raters_are_named_and_mark_the_page(staff: Client) -> None:
    campaign = opened()
    simulation = simulation_of(
        raters={"honest": 6}, truth={"human": 1, "second": 1, "first": -1}, systems=["human", "first", "second"], seed=1
    )
    raters_simulate(campaign=campaign, simulation=simulation)
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    campaign.refresh_from_db()
    page = page_of(staff, generation_of(campaign))
    assert f"Simulated raters: {GAIN}" in page
    assert '<span class="state draft">simulated</span>' in page
    assert "these results say nothing about what people think" in page
    assert "second (simulated raters)" in page, "and in the chart"
    assert "the new model is ahead, simulated raters" in in_one_line(staff.get(LIST))


def test_what_learned_from_simulated_raters_is_marked(staff: Client) -> None:
    page = page_of(staff, generation_of(to="train", simulated=True))
    assert '<span class="state draft">simulated</span>' in page
    assert "whose raters are simulated: it is a rehearsal" in page


def test_who_may_not_read_reports_is_not_told_what_people_say() -> None:
    generation = generation_of(rated(opened(), **MEANS))
    report_freeze(campaign=models.Campaign.objects.get(name="second"))
    viewer, user = Client(), User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_generation"))
    viewer.force_login(user)
    for page in (page_of(viewer, generation), in_one_line(viewer.get(LIST))):
        assert "second" in page
        assert "rated higher" not in page
        assert "is ahead" not in page
    assert "Mean score" not in page_of(viewer, generation)
    assert viewer.post(f"{LIST}{generation.pk}/stop/act/").status_code == 403


def test_buttons_stop_it_and_go_on(researcher: Client) -> None:
    generation = generation_of(to="train", state="queued")
    page = page_of(researcher, generation)
    assert ">Stop</button>" in page
    assert ">Go on</button>" not in page
    answer = researcher.post(f"{LIST}{generation.pk}/stop/act/")
    assert answer.url == f"{LIST}{generation.pk}/"
    generation.refresh_from_db()
    assert generation.stopped_at
    assert generation.runs.get(step="train").state == "cancelled"
    again = in_one_line(researcher.post(f"{LIST}{generation.pk}/stop/act/", follow=True))
    assert "is complete or was stopped already" in again
    assert ">Go on</button>" in again
    researcher.post(f"{LIST}{generation.pk}/resume/act/")
    generation.refresh_from_db()
    assert generation.stopped_at is None
    assert generation.runs.get(step="train").state == "queued"
    assert researcher.post(f"{LIST}{generation.pk}/explode/act/").status_code == 404
    assert researcher.get(f"{LIST}{generation.pk}/stop/act/").status_code == 405


def test_a_worse_model_is_shown_to_raters_only_by_a_button_that_says_so(researcher: Client) -> None:
    generation = generation_of(to="train", problem="the new model is worse than the one before: NLL")
    Checkpoint.objects.update(worse="NLL")
    page = page_of(researcher, generation)
    assert ">Go on</button>" not in page
    assert "Go on all the same" in page
    assert "What learning from feedback has cost" in page
    researcher.post(f"{LIST}{generation.pk}/resume/act/", {"accepts_worse": "1"})
    generation.refresh_from_db()
    assert generation.accepts_worse


def test_the_line_of_generations_is_drawn_with_those_that_are_rated(staff: Client) -> None:
    first = generation_of(rated(opened(), **MEANS))
    trained = models.System.objects.get(name="second")
    third = Generation.objects.create(name="third", dataset=first.dataset, before=trained, config=first.config)
    made = models.System.objects.create(name="third", kind="model")
    Run.objects.create(kind="train", step="train", generation=third, system=made)
    Generation.objects.create(name="fourth", dataset=first.dataset, before=made, config=first.config)
    line = text_of(page_of(staff, third).partition('<ol class="line">')[2].partition("</ol>")[0])
    assert line == "second third fourth from third"
    assert text_of(page_of(staff, first).partition('<ol class="line">')[2].partition("</ol>")[0]).startswith(
        "first second third"
    )

    reports = {"second": results_of(report_freeze(campaign=models.Campaign.objects.get(name="second")))}
    (panel,) = rating_panels(reports)
    means = {row.system: (row.mean, row.ci) for row in reports["second"].criteria["human_likeness"].systems}
    assert [tuple(each) for each in panel.rows[0].estimates] == [
        ("new", *means["second"]), ("before", *means["first"]), ("people", *means["human"]),
    ]  # fmt: skip
    (judge,) = judge_panels({"second": scores_of([first])[first.pk]})
    assert [(each.whose, each.value) for each in judge.rows[0].estimates] == [
        ("new", JUDGES["second"]), ("before", JUDGES["first"]), ("people", JUDGES["human"]),
    ]  # fmt: skip
    page = page_of(staff, third)
    assert page.count("<svg") >= 2, "those before it are drawn on its page"


def test_generations_that_were_asked_otherwise_are_drawn_apart() -> None:
    score = rated(opened(), **MEANS)
    other = opened(name="third", before="other", criterion="fluency")
    rated(other, **{"other": 30, "third": 40, "human": 70})
    reports = {each.name: results_of(report_freeze(campaign=each)) for each in (score, other)}
    assert [len(panel.rows) for panel in rating_panels(reports)] == [1, 1]
    assert [len(panel.rows) for panel in rating_panels({"one": reports["second"], "two": reports["second"]})] == [2]


def test_scores_stand_side_by_side_with_their_signature(staff: Client) -> None:
    page = text_of(page_of(staff, generation_of()))
    assert (
        "embedding_indistinguishable 0.110 0.060 to 0.160 0.200 0.150 to 0.250 0.500 0.450 to 0.550 "
        "unique 40 40 – Signatures embedding_indistinguishable judge|v:1 unique unique|v:1" in page
    )


def test_a_report_that_an_older_version_kept_is_said_to_be_unreadable(staff: Client) -> None:
    campaign = opened()
    generation = generation_of(campaign)
    rated(campaign, **MEANS)
    revision = campaign_revision(campaign)
    models.Report.objects.create(campaign=campaign, revision=revision, sha256="0" * 64, content=b'{"version": 1}')
    page = text_of(page_of(staff, generation))
    assert "The report that was kept of the campaign cannot be read here." in page
    assert "rated higher" not in page


def test_a_list_of_generations_asks_the_database_as_often_however_many_there_are(
    staff: Client, django_assert_num_queries: Any
) -> None:
    generation_of(rated(opened(), **MEANS))
    with CaptureQueriesContext(connection) as one:
        staff.get(LIST)
    asked = len(one)
    for number in range(3):
        campaign = opened(name=f"more{number}", before=f"base{number}", captions=2)
        generation_of(rated(campaign, **{f"base{number}": 30, f"more{number}": 40, "human": 70}))
        report_freeze(campaign=campaign)
    with django_assert_num_queries(asked):
        page = in_one_line(staff.get(LIST))
    assert page.count("state done") == 4


def test_the_form_asks_for_what_the_command_asks_for(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign(purpose="feedback", name="liked", captions=2).campaign
    assert "No feedback campaign is closed yet" in in_one_line(staff.get("/runs/launch/generation/"))
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    page = in_one_line(staff.get("/runs/launch/generation/?campaigns=liked"))
    assert re.search(r'value="liked"[^>]*checked', page)
    asked: dict[str, Any] = {}
    made = generation_of()

    def begin(**values: Any) -> Generation:
        asked.update(values)
        return made

    monkeypatch.setattr("workers.feedback_forms.generation_begin", begin)
    values = {
        "name": "third", "campaigns": ["liked"], "system": "", "budget": "30", "best_of": "4", "items": "5",
        "overlap": "", "protocol": "pairwise", "preset": "", "objective": "kto", "anchor": "", "beta": "0.3",
        "criteria": "fluency, ", "reward": "on", "unseen_albums": "on", "temperature": "0.8", "top_p": "",
        "queue": "cpu",
    }  # fmt: skip
    answer = staff.post("/runs/launch/generation/", values)
    assert answer.url == f"{LIST}{made.pk}/"
    assert asked == {
        "name": "third", "campaigns": ["liked"], "system": None, "criteria": ["fluency"], "admit_pasted": False,
        "simulated": False, "preset": None, "overrides": ["budget=30.0", "objective=kto", "beta=0.3"], "reward": True,
        "best_of": 4, "decoding": ["temperature=0.8"], "queue": "cpu",
        "campaign": {"items": 5, "overlap": None, "protocol": "pairwise", "unseen_albums": True},
    }  # fmt: skip


def test_what_is_wrong_is_said_at_its_field_and_begins_nothing(staff: Client) -> None:
    campaign = make_campaign(purpose="feedback", name="liked", captions=2).campaign
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    values = {"name": "liked", "campaigns": ["liked"], "best_of": "1", "queue": "cpu", "system": ""}
    page = in_one_line(staff.post("/runs/launch/generation/", values))
    assert "campaign &#x27;liked&#x27; already exists" in page
    assert "has no ratings yet" in in_one_line(staff.post("/runs/launch/generation/", values | {"name": "second"}))
    assert not Generation.objects.exists()


def test_pages_offer_to_train_the_next_generation(researcher: Client) -> None:
    campaign = make_campaign(purpose="feedback", name="liked", captions=2).campaign
    address, offered = f"/campaigns/{campaign.pk}/", "launch/generation/?campaigns=liked"
    assert offered not in in_one_line(researcher.get(address))
    models.Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    assert offered in in_one_line(researcher.get(address))
    for page in ("/", "/runs/", LIST):
        assert "launch/generation/" in in_one_line(researcher.get(page))
