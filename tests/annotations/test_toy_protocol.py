"""A protocol that is one folder, and is used whole: nothing elsewhere was written for it."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.utils import timezone

from annotations import models, protocols
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.services.campaigns import campaign_close
from annotations.errors import InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build, report_csv, report_heds, report_html, report_latex
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign
from tests.site import ROOT

pytestmark = pytest.mark.django_db
FOLDER = ROOT / "tests" / "toy_protocol"
QUESTION = "Would a person have written this?"


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """As if the folder lay beside the others."""
    monkeypatch.setattr(protocols, "__path__", [*protocols.__path__, str(FOLDER)])
    monkeypatch.setattr(protocols, "PROTOCOLS", protocols.protocols_in(protocols.__path__))
    [template] = settings.TEMPLATES
    settings.TEMPLATES = [{**template, "DIRS": [*template["DIRS"], FOLDER / "yes_no" / "templates"]}]
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, FOLDER / "yes_no" / "static"]
    finders.get_finder.cache_clear()


def by_system(screen: dict[str, Any]) -> dict[str, str]:
    shown = models.CandidateOutput.objects.filter(
        candidate__public_id__in=[each["id"] for each in screen["item"]["candidates"]]
    )
    return dict(shown.values_list("output__decoding__system__name", "candidate__public_id"))


def rate(campaign: models.Campaign) -> None:
    """Yes to people's texts, and to one of gru's."""
    rater = Rater(campaign)
    screen, first = rater.next(), True
    while screen:
        yes = {"human", "gru"} if first else {"human"}
        given = {str(candidate): int(system in yes) for system, candidate in by_system(screen).items()}
        answered = rater.submit(screen, answers={"human_likeness": given})
        assert answered.status_code == 201, answered.content
        screen, first = answered.json()["next"], False


def test_it_is_offered_and_its_rules_hold() -> None:
    everything = [
        "slider", "best_worst", "edit", "error_spans", "human_or_machine", "likert", "pairwise", "ranking",
        "which_is_human", "yes_no"
    ]  # fmt: skip
    assert list(protocols.PROTOCOLS) == everything
    assert ("yes_no", "yes_no") in CampaignForm().fields["protocol"].choices  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="points: 5 must be left out: the protocol 'yes_no' has a scale of its own"):
        make_campaign(protocol="yes_no", points=5)


def test_from_a_campaign_to_its_reports(tmp_path: Path) -> None:
    campaign = make_campaign(captions=6, protocol="yes_no", overlap=3).campaign
    sheet = preregistration(campaign, at=timezone.now())
    assert "Two options, yes and no. No (0) and yes (1)." in sheet
    assert QUESTION in sheet
    visitor = Visitor(campaign)
    assert QUESTION in visitor.page
    visitor.join()
    assert "yes_no/field.js" in visitor.page
    assert "Say yes or no of every text, then send." in visitor.page
    fields = set(re.findall(r'data-field="([^"]+)"', visitor.page))
    assert len(fields) == 3

    def answer(value: str) -> Any:
        form = dict.fromkeys(fields, value) | {"key": visitor.key("answer"), "seconds": "4"}
        return visitor.send(f"answer/{visitor.assignment}/", form)

    assert answer("7").status_code == 200
    assert not models.Rating.objects.exists()
    answer("1")
    assert {score for each in models.Rating.objects.get().answers.values() for score in each.values()} == {1}

    rater = Rater(campaign)
    screen = rater.next()
    assert screen["protocol"] == "yes_no"
    for wrong in (0.5, 2, True, "yes", None):
        given = {each["id"]: wrong for each in screen["item"]["candidates"]}
        answered = rater.submit(screen, answers={"human_likeness": given})
        assert answered.status_code == 422
        assert "must be 0, for no, or 1, for yes" in answered.content.decode()
    for _ in range(2):
        rate(campaign)
    campaign_close(campaign=campaign)

    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(rows) == 3 * 13
    assert {row["score"] for row in rows} == {"0.0", "1.0"}

    report = report_build(campaign)
    result = report["criteria"]["human_likeness"]
    assert report["campaign"]["scale"] == [0, 1]
    assert {row["system"]: row["n"] for row in result["systems"]} == {"human": 13, "gru": 13, "lstm": 13}
    assert result["systems"][0] | {"ci": None} == result["systems"][0] | {"system": "human", "mean": 1.0, "ci": None}
    assert sum(result["distribution"]["counts"]["gru"]) == 13
    asked = "were asked of every text whether a person would have written it, no being 0 and yes 1"
    assert asked in report_html(report)
    assert asked in report_latex(report).replace("\n", " ")
    assert b"human_likeness" in report_csv(report)
    heds = report_heds(report)
    for words in ("Two options, yes and no.", "Classification.", "No (0) and yes (1).", QUESTION):
        assert words in heds


def test_it_teaches_a_model() -> None:
    campaign = make_campaign(captions=6, protocol="yes_no", purpose="feedback", overlap=2).campaign
    rate(campaign)
    rate(campaign)
    built = feedback_set_build(name="liked", campaigns=[campaign], settings=FeedbackSettings())
    assert (built.counts["kinds"]["score"], built.counts["ratings"], built.counts["raters"]) == (18, 12, 2)
    scores = dict(built.examples.filter(kind="score").values_list("text", "score"))
    assert min(score for text, score in scores.items() if text.startswith("People told")) > max(
        score for text, score in scores.items() if text.startswith("We had")
    )
