"""Campaigns of whole stories: what is shown of each system, and that nothing of how it is set tells who wrote it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.campaigns.normalisation import normalise, normalise_story
from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.services.making import campaign_create, draft_delete
from annotations.corpora.selectors import story_references
from annotations.errors import ConflictError, InputError
from annotations.removal.services import removal_begin, removal_finishing
from annotations.storage.bulk import exhaust
from annotations.systems.services import stories_decoding
from tests.annotations.stories import PLACES, story_campaign, story_dataset, story_spec
from tests.annotations.test_import_pairs import lines
from tests.annotations.test_import_vist import import_vist, vist_files
from tests.annotations.test_normalisation import pieces
from tests.factories import (
    AlbumFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StoryFactory,
    StorySentenceFactory,
    SystemFactory,
)


def texts_of(campaign: models.Campaign) -> dict[int, dict[str, str]]:
    """By album's primary key what each system is shown to have written."""
    found: dict[int, dict[str, str]] = {}
    rows = models.Candidate.objects.filter(item__campaign=campaign)
    for album, text, system in rows.values_list("item__source__album", "text", "outputs__decoding__system__name"):
        found.setdefault(album, {})[system] = text
    return found


@pytest.mark.django_db
def test_a_story_is_shown_of_every_system_whatever_it_wrote_for() -> None:
    """People's stories, sentences for captions and for photos, and one text a sequence: all as one paragraph."""
    campaign = story_campaign(systems=["human", "gru", "tapm", "arel"])
    assert set(campaign.items.values_list("source__kind", flat=True)) == {"sequence"}
    shown = texts_of(campaign)
    assert len(shown) == 4
    for album, by_system in shown.items():
        number = models.Photo.objects.filter(album=album).order_by("pk")[0].external_id[0]
        for system in ("gru", "tapm", "arel"):
            assert by_system[system] == " ".join(f"{system.capitalize()} wrote words{number}x{n}." for n in PLACES)
        told = {" ".join(f"Person {person} told words{number}x{n}." for n in PLACES) for person in (0, 1)}
        assert by_system["human"] in told


@pytest.mark.django_db
def test_the_human_candidate_is_one_drawn_story() -> None:
    campaign = story_campaign(story_dataset(albums=12, people=3), items=12)
    outputs = campaign.entries.get(system__name="human").decoding.outputs.select_related("sentence__story", "source")
    for output in outputs:
        assert output.sentence is not None
        assert output.sentence.position == 0
        assert output.sentence.story.sequence_id == output.source_id
        assert output.text.split("\n") == [each.text for each in output.sentence.story.sentences.all()]
    assert len({output.text[:8] for output in outputs}) == 3, "always the same story of three"


@pytest.mark.django_db
def test_sentences_are_put_together_once_and_again_for_other_sequences() -> None:
    dataset = story_dataset()
    campaigns = [story_campaign(dataset, name=name, systems=["gru", "tapm"]) for name in ("one", "two")]
    first, second = (campaign.entries.get(system__name="gru").decoding for campaign in campaigns)
    assert first == second
    given = models.Decoding.objects.get(system__name="gru", sentences_of=None)
    assert first.sentences_of == given
    assert models.Decoding.objects.latest_of(given.system, dataset, "test") == given
    row = AlbumFactory(dataset=dataset, split="test")
    photos = [PhotoFactory(album=row) for _ in PLACES]
    models.SequencePhoto.objects.bulk_create(
        models.SequencePhoto(
            source=models.Source.objects.create(album=row, imported_by=row.imported_by, kind="sequence", key=key),
            photo=photo,
            position=0,
        )
        for key, photo in enumerate(photos)
    )
    again = stories_decoding(decoding=given)
    assert again != first
    assert again.outputs.count() == 4, "a story of photos that the system did not write for"
    arel = models.Decoding.objects.get(system__name="arel")
    assert stories_decoding(decoding=arel) == arel


@pytest.mark.django_db
def test_a_story_lacks_no_sentence() -> None:
    dataset = story_dataset()
    missing = models.Output.objects.filter(decoding__system__name="gru", source__photo__external_id="2-of-album-2")
    missing.delete()
    with pytest.raises(InputError, match=r"4 requested.*has 3 sources.*\(4 sequences, 3 by gru, 4 by arel, 4 with"):
        story_campaign(dataset)
    assert len(texts_of(story_campaign(dataset, items=3))) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "photos"}, "layout: 'photos' needs a sentence for each photo from every system.*of 'arel'"),
        ({"show": "photo"}, "show: 'photo', and no sequence of .* has a picture of each photo"),
        ({"systems": ["human", "silent"]}, "systems: 'silent' wrote no story, nor for all photos of any sequence"),
        ({"purpose": "feedback", "split": "feedback"}, "unit: 'story' does not go with purpose 'feedback'"),
        ({"unit": "sentence", "layout": "photos", "systems": ["human"]}, "layout: 'photos' is for stories"),
        (
            {"unit": "sentence", "systems": ["human", "arel"]},
            "systems: 'arel' wrote whole stories, and unit is 'sentence'",
        ),
        ({"unit": "novel"}, "unit: 'novel' is not one of sentence, story"),
        ({"layout": "grid"}, "layout: 'grid' is not one of paragraph, photos"),
        ({"show": "caption", "systems": ["caption"]}, "'caption' competes only where the caption is not shown"),
    ],
)
@pytest.mark.django_db
def test_what_makes_no_stories_is_refused_by_key(change: dict[str, Any], message: str) -> None:
    dataset = story_dataset()
    silent = DecodingFactory(dataset=dataset, system=SystemFactory(name="silent"))
    OutputFactory(decoding=silent, source=models.Source.objects.filter(kind="caption").first())
    with pytest.raises(InputError, match=message):
        story_campaign(dataset, **change)
    assert not models.Campaign.all_rows.exists()


@pytest.mark.django_db
def test_without_a_sequence_or_its_captions_there_are_no_stories() -> None:
    dataset = story_dataset()
    models.Source.objects.filter(kind="caption", photo__external_id__endswith="3").delete()
    with pytest.raises(InputError, match=r"no sequence of .* has a caption of each photo"):
        story_campaign(dataset, systems=["human"], show="caption")
    models.Item.objects.all().delete()
    models.Story.objects.all().delete()
    models.Source.objects.filter(kind="sequence").delete()
    with pytest.raises(InputError, match=r"unit: 'story', and .* has no sequence of photos"):
        story_campaign(dataset, systems=["human"])


@pytest.mark.django_db
def test_baselines_tell_stories_too() -> None:
    dataset = story_dataset()
    with pytest.raises(InputError, match="no stories in split 'train'"):
        story_campaign(dataset, systems=["random_story"])
    album = AlbumFactory(dataset=dataset, split="train")
    story = StoryFactory(album=album, sequence=None)
    photo = PhotoFactory(album=album)
    StorySentenceFactory(story=story, photo=photo, text="Alone.")
    story = StoryFactory(
        album=album,
        sequence=models.Source.objects.create(album=album, imported_by=album.imported_by, kind="sequence", key="s"),
    )
    for place in PLACES:
        StorySentenceFactory(story=story, photo=photo, position=place, text=f"train {place} .")
    shown = texts_of(story_campaign(dataset, systems=["caption", "random_story"]))
    for by_system in shown.values():
        assert by_system["random_story"] == " ".join(f"Train {n}." for n in PLACES)
        assert re.fullmatch(r"(A thing \d\d\. ?){5}", by_system["caption"])


@pytest.mark.django_db
def test_photo_by_photo_every_text_has_a_line_for_each_photo() -> None:
    dataset = story_dataset()
    campaign = story_campaign(dataset, systems=["human", "gru", "tapm"], layout="photos")
    for by_system in texts_of(campaign).values():
        for text in by_system.values():
            assert [line.rpartition("x")[2] for line in text.split("\n")] == [f"{n}." for n in PLACES]
    assert spec_of(campaign).layout == "photos"
    assert spec_of(story_campaign(dataset, name="plain")).layout is None


@pytest.mark.django_db
def test_the_same_seed_draws_the_same_stories() -> None:
    dataset = story_dataset(albums=8, people=3)
    one, other = (story_campaign(dataset, name=name, items=5, seed=7) for name in ("one", "other"))
    assert texts_of(one) == texts_of(other)


@pytest.mark.django_db
def test_albums_are_used_once_before_any_is_used_twice() -> None:
    """Their sequences share photos."""
    dataset = story_dataset(albums=4)
    for album in models.Album.objects.filter(dataset=dataset):
        for number in range(3):
            more = models.Source.objects.create(
                album=album, imported_by=album.imported_by, kind="sequence", key=f"more {number}"
            )
            story = StoryFactory(album=album, sequence=more)
            StorySentenceFactory(story=story, photo=album.photos.first())
    campaign = story_campaign(dataset, systems=["human"], items=4)
    assert campaign.items.values("source__album").distinct().count() == 4


sentences = st.lists(pieces, max_size=6).map(lambda found: " ".join(["we", *found]))


@given(st.lists(sentences, min_size=1, max_size=5))
def test_nothing_tells_whether_sentences_came_apart(told: list[str]) -> None:
    """The story of a sentence system, and the same words as submissions to the VIST challenge have them."""
    apart = normalise_story("\n".join(told), by_photo=False)
    assert apart == normalise_story("".join(f" {each} ." for each in told), by_photo=False)
    assert apart == normalise(apart)
    assert "\n" not in apart
    by_photo = normalise_story("\n".join(told), by_photo=True)
    assert by_photo == normalise_story(by_photo, by_photo=True)
    assert by_photo.split("\n") == [normalise(each) for each in told]


@pytest.mark.parametrize(
    "written",
    [
        "we went out\nit was fun\ni liked it",
        "We went out.\nIt was fun!\nI liked it.",
        "we went out . it was fun . i liked it .",
        " We went out.  It was fun.\r\n\r\nI liked it. ",
        "WE WENT OUT. IT WAS FUN. I LIKED IT",
    ],
)
def test_however_a_story_was_set_it_is_shown_alike(written: str) -> None:
    assert normalise_story(written, by_photo=False) == "We went out. It was fun. I liked it."


@pytest.mark.django_db
def test_reference_stories_are_those_of_complete_imports() -> None:
    dataset = story_dataset(albums=1, people=2)
    sequences = models.Source.objects.filter(kind="sequence", album__dataset=dataset)
    found = list(story_references(sequences))
    assert [row["sentence"].split("\n")[4] for row in found] == [f"Person {n} told words0x4!" for n in (0, 1)]
    models.Import.objects.update(state="writing", completed_at=None)
    assert list(story_references(sequences)) == []
    models.Import.objects.update(state="complete", completed_at=timezone.now())


@pytest.mark.django_db
def test_an_import_goes_with_the_stories_put_together_from_it_unless_they_are_shown(tmp_path: Path) -> None:
    import_vist(*vist_files(tmp_path, split="test"), split="test")
    rows = [
        {"id": source.key, "album": source.album.external_id, "text": f"we saw {source.key}"}
        for source in models.Source.objects.captions().select_related("album")
    ]
    call_command("import_outputs", lines(tmp_path / "up.jsonl", *rows), dataset="vist", system="up")
    files, outputs = models.Import.objects.order_by("pk")
    dataset = models.Dataset.objects.get()
    campaign = campaign_create(spec=story_spec(dataset, systems=["human", "up"], items=2), state="draft")
    assert models.Decoding.objects.get(sentences_of__isnull=False).imported_by == outputs
    with pytest.raises(ConflictError, match=f"campaign '{campaign.name}' shows 2 of its texts"):
        removal_begin(target=outputs)
    draft_delete(draft=campaign)
    assert models.Decoding.objects.complete().count() == 2, "the stories are kept for the next campaign"
    for row in (outputs, files):
        removal_begin(target=row)
        exhaust(removal_finishing(target=row))
    assert not models.Decoding.objects.exists()
    assert not models.Source.objects.exists()
