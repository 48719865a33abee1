"""A section of the report is one file and one line of the registry: a toy one is in all that a campaign's report is."""

import json
from collections.abc import Iterator

import pytest

from annotations.campaigns.services.campaigns import campaign_close
from annotations.documents.blocks import Block, Number, Section, table, undefined
from annotations.documents.renderers.markdown import document_markdown
from annotations.models import Campaign
from annotations.reasons import Reason
from annotations.reports import sections
from annotations.reports.formats import FORMATS
from annotations.reports.inputs import Inputs
from annotations.reports.keeping import as_json, report_freeze, report_recompute, results_of
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.report import OwnPart, Report
from annotations.reports.sections import ReportSection, document_of
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = [pytest.mark.once, pytest.mark.django_db]

TITLE = "How much there was to read"
FEW = Reason("few", needed=5, found=2, unit="rater")


class LengthsPart(OwnPart):
    words_per_item: Estimate
    words_per_hour: Estimate


def compute(inputs: Inputs) -> LengthsPart:
    return LengthsPart(
        words_per_item=Estimate(value=float(inputs.table.words.mean()), ci=(1.5, 99.5)),
        words_per_hour=Estimate(value=None, ci=None, undefined=FEW),
    )


def section(report: Report) -> Section:
    return Section("lengths", TITLE, list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    if part := LengthsPart.of(report):
        value, why = part.words_per_item.value, part.words_per_hour.undefined
        yield table("lengths", "Words.", ("Of", "Words"), [["an item", Number(value, 2)], ["an hour", undefined(why)]])


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "SECTIONS", (*sections.SECTIONS, ReportSection(section, compute)))


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = make_campaign(captions=4, overlap=2).campaign
    for score in (20, 40):
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            screen = rater.submit(screen, answers=rater.answers(screen, score)).json()["next"]
    campaign_close(campaign=campaign)
    return campaign


@pytest.mark.usefixtures("added")
def test_a_section_is_in_every_form_of_the_report(campaign: Campaign) -> None:
    kept = report_freeze(campaign=campaign)
    *_, item, hour = json.loads(bytes(kept.content)).items()
    assert item == ("words_per_item", {"value": 16.0, "ci": [1.5, 99.5], "undefined": None})
    assert hour[1]["undefined"]["facts"] == {"needed": 5, "found": 2, "unit": "rater"}
    report = results_of(kept)
    documents = {name: FORMATS[name].write(report).decode() for name in ("html", "latex", "text")}
    documents["markdown"] = document_markdown(document_of(report))
    for name, text in documents.items():
        said = " ".join(text.split())
        assert all(words.lower() in said.lower() for words in (TITLE, "16.00", str(FEW))), name


@pytest.mark.usefixtures("added")
def test_its_data_are_the_same_after_they_were_kept(campaign: Campaign) -> None:
    kept = report_freeze(campaign=campaign)
    report = results_of(kept)
    assert as_json(report) == bytes(kept.content)
    assert LengthsPart.of(report) == compute(Inputs.read(campaign, look=None, before=None))
    assert report_recompute(report=kept) == []


def test_a_report_kept_before_the_section_is_shown_without_it(
    request: pytest.FixtureRequest, campaign: Campaign
) -> None:
    report = results_of(report_freeze(campaign=campaign))
    before = document_of(report)
    request.getfixturevalue("added")
    assert document_of(report) == before
