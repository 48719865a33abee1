"""A campaign with all of quality control, from recruiting to report, rated by forty simulated raters."""

import math
from typing import Any

import pytest

from annotations import models
from annotations.campaigns.payments import payments_of
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.foretelling import stops_foretold
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.reports.build import report_build
from tests.factories import make_campaign
from tests.workers.test_recruiting_sync import DECLARED, TOKEN, Prolific
from workers.recruiting import recruiting_sync

pytestmark = pytest.mark.django_db

RATERS = {"honest": 16, "strict": 8, "lazy": 6, "random": 10}
SYSTEMS = ["human", "lstm", "gru"]
QUALITY = {
    "training": 2, "qualification": 4, "qualification_needed": 3, "degraded": 3, "degraded_needed": 2, "attention": 2,
    "attention_needed": 1, "repeats": 2,
}  # fmt: skip
QUESTION = {
    "id": "what", "text": "What do you judge?", "kind": "choice", "options": ["texts", "pictures", "people"],
    "answer": "texts",
}  # fmt: skip
TEXTS = {
    "lstm": lambda n: f"we all had a great time at place {n} .",
    "gru": lambda n: f"then we went to see thing number {n} again .",
}


@pytest.mark.once
def test_forty_raters_are_recruited_trained_checked_paid_and_reported(settings: Any) -> None:
    campaign = make_campaign(
        texts=TEXTS, captions=80, items=30, overlap=20, screens_per_rater=24, criteria=["human_likeness", "fluency"],
        quality=QUALITY, recruiting=DECLARED, comprehension=[QUESTION],
    ).campaign  # fmt: skip
    foretold = {each.kind: each.stopped for each in stops_foretold(campaign=campaign, raters=300)}
    simulation = simulation_of(raters=RATERS, truth={}, systems=SYSTEMS, seed=11)
    raters_simulate(campaign=campaign, simulation=simulation)

    raters = list(models.Rater.objects.filter(campaign=campaign))
    assert len(raters) == 40
    for kind, count in RATERS.items():
        stopped = sum(bool(rater.stopped_by) for rater in raters if rater.outside_id.endswith(kind))
        share = foretold[kind]
        # Three standard errors of the binomial, one rater more, and what the degraded texts of one campaign differ by.
        assert abs(stopped - count * share) <= 3 * math.sqrt(count * share * (1 - share)) + 1 + 0.1 * count, kind
    assert foretold["lazy"] == 1
    assert foretold["honest"] < 0.2 < 0.6 < foretold["random"]
    kinds = {rater.stopped_by for rater in raters if rater.stopped_by}
    assert kinds <= {"comprehension", "qualification", "degraded", "attention"}
    for rater in raters:
        shown = rater.assignments.exclude(state="released")
        if "comprehension" not in rater.stopped_by:
            assert shown.filter(item__kind="training").count() == 2
        if not rater.stopped_by and shown.count() == 24:
            assert shown.exclude(item__kind="regular").count() == 2 + 4 + 3 + 2 + 2

    assert all(models.Participation.objects.filter(rater=rater).exists() for rater in raters)
    service = Prolific()
    settings.PROLIFIC_URL, settings.PROLIFIC_TOKEN = service.url, TOKEN
    done = [rater for rater in raters if not rater.stopped_by]
    returned = done[0]
    for rater in done:
        service.says(rater.outside_id, "RETURNED" if rater == returned else "AWAITING REVIEW")
    taken = sum(campaign.items.filter(kind="regular").values_list("taken", flat=True))
    theirs = returned.assignments.filter(state="done", item__kind="regular").count()
    assert recruiting_sync(campaign=campaign).changed == 1
    assert recruiting_sync(campaign=campaign).changed == 0
    service.server.shutdown()
    service.server.server_close()
    assert sum(campaign.items.filter(kind="regular").values_list("taken", flat=True)) == taken - theirs

    rows = list(payments_of(campaign))
    assert len({row.outside_id for row in rows}) == len(rows) == 40
    endings = {row.outside_id: (row.ending, row.code, row.pay) for row in rows}
    assert endings[returned.outside_id] == ("returned", "", 0.0)
    for rater in done[1:]:
        assert endings[rater.outside_id] == ("completed", "C0MPLETE", 3.0)

    campaign_close(campaign=campaign)
    report = report_build(campaign)
    counting = {rater.pk for rater in done[1:]}
    regular = models.Assignment.objects.filter(item__kind="regular", state="done", rater__in=counting)
    assert report.campaign.ratings == regular.count()
    assert report.campaign.raters == len(counting)
    assert report.repeats["human_likeness"].repeats > 0
    said = " ".join(report.campaign.quality)
    for part in ("training", "qualification", "degraded", "attention item", "planned repeat"):
        assert part in said
    assert report.campaign.simulation
