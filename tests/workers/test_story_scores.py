"""Metrics of stories: against the other stories of their sequence, never against the one that raters saw."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.reports.build import report_build
from annotations.reports.heds import report_heds
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater
from tests.annotations.stories import PLACES, story_campaign, story_dataset
from tests.factories import DecodingFactory, OutputFactory, SystemFactory
from workers.models import Run

pytestmark = pytest.mark.django_db
METRICS = ["bleu", "distinct_1", "copy_rate"]


def with_plagiarist(people: int) -> Any:
    """A dataset with a system that hands in the story of the second person, or of the only one."""
    dataset = story_dataset(albums=8, people=people)
    decoding = DecodingFactory(dataset=dataset, system=SystemFactory(name="plagiarist"))
    for sequence in models.Source.objects.filter(kind="sequence"):
        story = sequence.stories.order_by("pk").last()
        OutputFactory(decoding=decoding, source=sequence, text=" ".join(each.text for each in story.sentences.all()))
    return dataset


def values_of(campaign: models.Campaign, metric: str) -> dict[str, list[float | None]]:
    scores = models.Score.objects.filter(campaign=campaign, metric=metric).exclude(by_item=None)
    return {score.decoding.system.name: score.by_item for score in scores.select_related("decoding__system")}


def test_the_drawn_story_is_withheld_from_every_systems_references() -> None:
    """Whoever copied the drawn one has nothing to match; whoever copied the other one matches it whole."""
    campaign = story_campaign(with_plagiarist(people=2), systems=["human", "plagiarist", "gru"], items=8)
    call_command("score", campaign=campaign.name, metrics=METRICS, wait=True)
    bleu = values_of(campaign, "bleu")
    drawn = campaign.entries.get(system__name="human").decoding.outputs
    seconds = {output.source_id: output.text.startswith("Person 1") for output in drawn.all()}
    assert len(set(seconds.values())) == 2, "the seed draws both"
    for item in campaign.items.all():
        value = bleu["plagiarist"][item.position]
        assert value is not None
        assert (value == pytest.approx(100)) == (not seconds[item.source_id])
    assert all(value is not None and value < 99 for value in bleu["human"])
    assert models.Score.objects.filter(campaign=campaign, metric="copy_rate").count() == 3


def test_where_a_sequence_has_a_single_story_the_humans_metric_is_undefined() -> None:
    campaign = story_campaign(with_plagiarist(people=1), systems=["human", "plagiarist", "gru"], items=8)
    call_command("score", campaign=campaign.name, metrics=METRICS, wait=True)
    bleu = values_of(campaign, "bleu")
    assert bleu["plagiarist"] == pytest.approx([100] * 8)
    assert "human" not in bleu
    assert "the human candidate is the only reference" in str(Run.objects.latest("pk").result["undefined"])
    campaign_close(campaign=campaign)
    human = report_build(campaign).metrics["human"]["bleu"]
    assert human.value is None
    assert human.undefined is not None
    assert human.undefined.code == "own_reference"


def test_stories_and_sentences_are_scored_apart() -> None:
    dataset = story_dataset()
    call_command("score", dataset=dataset.name, split="test", systems=["arel"], metrics=["bleu"], wait=True)
    told = models.Score.objects.get(decoding__system__name="arel", campaign=None)
    assert told.sources in (None, 4)
    call_command("score", dataset=dataset.name, split="test", metrics=["bleu"], wait=True)
    run = Run.objects.latest("pk")
    assert "system 'arel' wrote whole stories: score it apart" in str(run.result["undefined"])
    assert models.Score.objects.filter(decoding__system__name="gru", campaign=None).exists()


def test_a_report_says_that_texts_are_stories() -> None:
    campaign = story_campaign(
        story_dataset(), show="caption", systems=["human", "gru", "tapm"], layout="photos", criteria=["coherence"]
    )
    said = preregistration(campaign, at=timezone.now())
    assert "unit: story (photo by photo)" in said
    assert "a caption of each photo, but not the photos" in said
    call_command("simulate_raters", campaign.name, "--raters", "honest=3", "--json")
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    best = report.examples["coherence"].best[0]
    assert best.source.split(" · ") == [f"a thing {best.source[8]}{place}" for place in PLACES]
    assert best.text.count("\n") == 4
    sheet = report_heds(report)
    assert "a story of several sentences for each source" in sheet
    assert "A sequence of photos." in sheet
    assert "every album once before any album was used twice" in sheet


def test_a_campaign_of_stories_is_a_pilot_like_any_other() -> None:
    campaign = story_campaign(systems=["human", "gru", "tapm"])
    for number in range(2):
        rater = Rater(campaign)
        for score in (30 + 20 * number, 40, 25, 60):
            screen = rater.next()
            texts = enumerate(screen["item"]["candidates"])
            scores = {each["id"]: score + len(each["text"]) % (7 + number) + place for place, each in texts}
            assert rater.submit(screen, answers={"coherence": scores}).status_code == 201
    campaign_close(campaign=campaign)
    planned = StringIO()
    call_command("plan_campaign", "--pilot", campaign.name, "--systems", "gru", "tapm", "--json", stdout=planned)
    assert json.loads(planned.getvalue().splitlines()[-1])["plans"][0]["detectable"] > 0
