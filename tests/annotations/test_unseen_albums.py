"""A campaign can be drawn from albums of which no other campaign has shown an item."""

import re
import tomllib
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.campaigns import campaign_archive, campaign_close, spec_of
from annotations.campaigns.services.choosing import content_choose
from annotations.campaigns.services.making import campaign_begin, campaign_create, draft_delete, draft_replace
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import InputError
from annotations.reports.preregistration import preregistration
from tests.annotations.reports import report_build, report_heds, report_html
from tests.annotations.stories import story_dataset
from tests.annotations.test_campaign_pages import LIST, draft
from tests.factories import CaptionFactory, ImportFactory, OutputFactory, make_campaign

pytestmark = pytest.mark.django_db
LATER = {"unseen_albums": True, "name": "later"}


def later(campaign: models.Campaign, **values: Any) -> CampaignSpec:
    return spec_of(campaign).model_copy(update=LATER | values)


def albums(campaign: models.Campaign) -> set[int]:
    return set(models.Item.objects.filter(campaign=campaign).values_list("source__album", flat=True))


def all_captioned_twice(campaign: models.Campaign) -> None:
    """So that every album has a source that no item shows."""
    decodings = campaign.entries.exclude(system__name="human").values_list("decoding", flat=True)
    for source in models.Source.objects.all():
        caption = CaptionFactory(photo=source.photo, text="again")
        for decoding in decodings:
            OutputFactory(decoding_id=decoding, source=caption)


def test_no_album_of_an_earlier_campaign_is_drawn_from() -> None:
    first = make_campaign(captions=12, items=4).campaign
    all_captioned_twice(first)
    second = campaign_create(spec=later(first, items=4))
    assert second.unseen_albums
    assert len(albums(second)) == 4
    assert not albums(first) & albums(second)
    campaign_archive(campaign=campaign_close(campaign=first))
    third = campaign_create(spec=later(first, name="third", items=8))
    assert len(albums(third)) == 4
    assert not albums(third) & (albums(first) | albums(second))
    counts = r"\(24 captions, 24 by lstm, 24 by gru, 24 with a reference, 0 in albums that no campaign has shown\)"
    said = f"^items: 1 requested, .* has 0 unseen sources with a text .* {counts}; ask for fewer items"
    with pytest.raises(InputError, match=said):
        campaign_create(spec=later(first, name="fourth", items=1))
    assert len(albums(campaign_create(spec=later(first, name="fourth", items=12, unseen_albums=False)))) == 12


def test_quality_control_shows_unseen_albums_alone_and_what_it_showed_counts() -> None:
    checks = {"quality": {"training": 1, "degraded": 2, "degraded_needed": 1}, "screens_per_rater": 8}
    texts = {
        name: lambda n, name=name: f"{name} said that we had a great time at place {n}" for name in ("lstm", "gru")
    }
    first = make_campaign(captions=20, items=5, texts=texts, **checks).campaign
    assert len(albums(first)) == 8
    second = campaign_create(spec=later(first))
    assert len(albums(second)) == 8
    assert not albums(first) & albums(second)
    counts = "5 and 3 for quality control requested, .* has 4 unseen sources .*, 4 in albums that no campaign has shown"
    with pytest.raises(InputError, match=counts):
        campaign_create(spec=later(first, name="third"))


def test_a_draft_counts_until_it_is_deleted_but_for_the_one_that_is_replaced() -> None:
    first = make_campaign(captions=12, items=4).campaign
    draft = campaign_create(spec=later(first, name="draft", items=8), state="draft")
    with pytest.raises(InputError, match="0 in albums that no campaign has shown"):
        campaign_create(spec=later(first, items=1))
    replaced = draft_replace(draft=draft, spec=later(first, name="draft", items=7))
    assert len(albums(replaced)) == 7
    assert not albums(first) & albums(replaced)
    draft_delete(draft=replaced)
    half_made = campaign_begin(later(first), "open", None)
    models.Item.objects.filter(campaign=first).update(campaign=half_made)
    assert len(albums(campaign_create(spec=later(first, name="all", items=12)))) == 12


def test_an_imported_study_has_shown_its_albums() -> None:
    study = make_campaign(captions=6, items=4).campaign
    spec = later(study, items=2)
    models.Campaign.objects.filter(pk=study.pk).update(state="closed", imported_by=ImportFactory(dataset=study.dataset))
    made = campaign_create(spec=spec)
    assert not albums(study) & albums(made)


def test_stories_of_unseen_albums() -> None:
    dataset = story_dataset(albums=5)
    values = {
        "purpose": "evaluation", "dataset": dataset.name, "split": "test", "systems": ["human", "gru"],
        "criteria": ["fluency"],
    }  # fmt: skip
    sentences = campaign_create(spec=CampaignSpec.from_mapping(values | {"name": "sentences", "items": 2}))
    stories = LATER | {"unit": "story", "show": "none", "items": 3}
    assert not albums(sentences) & albums(campaign_create(spec=CampaignSpec.from_mapping(values | stories)))


def test_a_source_of_a_seen_album_cannot_be_named() -> None:
    first = make_campaign(captions=4, items=2).campaign
    key = models.Item.objects.filter(campaign=first)[0].source.key
    with pytest.raises(InputError, match=f"'{key}' lacks a text .*, or is of an album that a campaign has shown"):
        campaign_create(spec=later(first), named=[NamedSource("ann", key, "")])


def test_albums_are_looked_up_in_one_query_however_many_there_are() -> None:
    first = make_campaign(captions=40, items=2).campaign
    told = []
    for name, items in (("a few", 2), ("many", 30)):
        with CaptureQueriesContext(connection) as queries:
            content_choose(later(first, items=2), first.dataset)
        told.append([len(query["sql"]) for query in queries if "unfinished_until" in query["sql"]])
        campaign_create(spec=later(first, name=name, items=items))
    assert told[0] == told[1]
    assert len(told[0]) == 1


def test_the_key_is_kept_in_form_file_and_copy(admin_client: Client) -> None:
    parts = make_campaign(captions=8, items=2)
    assert not spec_of(parts.campaign).unseen_albums
    made = draft(admin_client, parts, unseen_albums="on")
    assert not albums(made) & albums(parts.campaign)
    spec = spec_of(made)
    assert spec.unseen_albums
    assert CampaignSpec.from_mapping(tomllib.loads(campaign_toml(spec))) == spec
    copied = admin_client.get(f"{LIST}{made.pk}/copy/").content.decode()
    assert re.search(r'<input type="checkbox" name="unseen_albums"[^>]* checked', copied)
    for campaign, said in ((made, True), (parts.campaign, False)):
        page = admin_client.get(f"{LIST}{campaign.pk}/").content.decode()
        assert ("/ test, only unseen ones" in page) is said


@pytest.mark.parametrize("unseen", [False, True])
def test_the_documents_say_from_which_albums_items_were_drawn(unseen: bool) -> None:
    first = make_campaign(captions=6, items=3).campaign
    campaign = campaign_create(spec=later(first, unseen_albums=unseen))
    said = "of which no earlier campaign had shown an item"
    assert (f"3 albums, {said}; unit: sentence" in preregistration(campaign, at=timezone.now())) is unseen
    report = report_build(campaign)
    assert (f"for which every system had an output, in albums {said}, every photo" in report_heds(report)) is unseen
    assert (f"Items were drawn from albums {said}." in report_html(report)) is unseen
    assert report["campaign"]["unseen_albums"] is unseen
