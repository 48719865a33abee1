"""VIST's files: what is read, what is refused, and that nothing shows before it is complete."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.corpora.selectors import pairs

pytestmark = pytest.mark.django_db

COUNTED = (models.Album, models.Photo, models.Source, models.Story, models.StorySentence, models.SequencePhoto)


def vist_files(folder: Path, albums: int = 2, split: str = "train") -> tuple[Path, Path]:
    """Two small files in the official layout: six photos per album, captions on five, two stories on other orders."""
    images, listed, dii, sis = [], [], [], []
    for a in range(albums):
        album = f"{split}-album-{a}"
        photos = [f"{split}-{a}-{n}" for n in range(6)]
        listed.append({"id": album, "title": f"Day {a}"})
        images += [{"id": photo, "album_id": album, "url_o": f"https://example.org/{photo}.jpg"} for photo in photos]
        for place, photo in enumerate(photos[1:]):
            for n in range(3):
                row = {"album_id": album, "photo_flickr_id": photo, "photo_order_in_story": place}
                dii.append([{**row, "original_text": f"Caption {n} of {photo}.", "text": f"caption {n} of {photo} ."}])
        for s, order in enumerate((photos[1:], photos[:5])):
            for place, photo in enumerate(order):
                row = {"album_id": album, "photo_flickr_id": photo, "worker_arranged_photo_order": place}
                ids = {"story_id": f"{album}-{s}", "storylet_id": f"{album}-{s}-{place}"}
                sis.append([{**row, **ids, "text": f"sentence {place} of story {s} of {album} ."}])
    files = []
    for name, annotations in (("dii", dii), ("sis", sis)):
        file = folder / f"{split}.{name}.json"
        file.write_text(json.dumps({"images": images, "albums": listed, "annotations": annotations}))
        files.append(file)
    return files[0], files[1]


def import_vist(dii: Path | None, sis: Path | None, split: str = "train", **options: Any) -> None:
    given = {"dii": [dii] if dii else [], "sis": [sis] if sis else [], "split": split, "dataset": "vist", **options}
    call_command("import_vist", **given)


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in COUNTED}


def test_both_files_become_sources_stories_and_sequences(tmp_path: Path) -> None:
    import_vist(*vist_files(tmp_path))
    assert counts() == {
        "Album": 2,
        "Photo": 12,
        "Source": 2 * (15 + 2),
        "Story": 4,
        "StorySentence": 20,
        "SequencePhoto": 20,
    }
    caption = models.Source.objects.get(key="train-0-3#1")
    assert (caption.text, caption.position, caption.photo.url) == (
        "Caption 1 of train-0-3.",
        2,
        "https://example.org/train-0-3.jpg",
    )
    story = models.Story.objects.get(external_id="train-album-0-1")
    assert [sentence.position for sentence in story.sentences.all()] == [0, 1, 2, 3, 4]
    assert [place.photo.external_id for place in story.sequence.sequence_photos.all()] == [
        f"train-0-{n}" for n in range(5)
    ]


def test_aligned_is_by_photo_and_positional_by_place(tmp_path: Path) -> None:
    """Counted from the files themselves."""
    files = vist_files(tmp_path, albums=3)
    import_vist(*files)
    dii, sis = ([row[0] for row in json.loads(file.read_text())["annotations"]] for file in files)
    dataset = models.Dataset.objects.get()
    for pairing, caption_key, sentence_key in (
        ("aligned", "photo_flickr_id", "photo_flickr_id"),
        ("positional", "photo_order_in_story", "worker_arranged_photo_order"),
    ):
        expected = Counter(
            (caption["original_text"], sentence["text"])
            for caption in dii
            for sentence in sis
            if caption["album_id"] == sentence["album_id"] and caption[caption_key] == sentence[sentence_key]
        )
        found = Counter((row["caption"], row["sentence"]) for row in pairs(dataset, "train", pairing))
        assert found == expected
        assert found
    with pytest.raises(ValueError, match="aligned, positional"):
        pairs(dataset, "train", "random")


def test_the_same_files_again_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = vist_files(tmp_path)
    import_vist(*files)
    before = counts()
    import_vist(*files, json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["unchanged"] is True
    assert counts() == before
    assert models.Import.objects.count() == 1


def test_captions_and_stories_may_come_one_after_the_other(tmp_path: Path) -> None:
    dii, sis = vist_files(tmp_path)
    import_vist(dii, None)
    import_vist(None, sis)
    assert counts()["Album"] == 2
    assert counts()["Photo"] == 12
    assert pairs(models.Dataset.objects.get(), "train").count() == 2 * (5 + 4) * 3
    before = counts()
    import_vist(dii, sis)
    assert counts() == before


def test_an_album_in_two_splits_is_refused(tmp_path: Path) -> None:
    files = vist_files(tmp_path)
    import_vist(*files)
    before = counts()
    with pytest.raises(CommandError, match=r"album 'train-album-0' is in split 'train' .* cannot also be in 'test'"):
        import_vist(*files, split="test")
    assert counts() == before


def change(file: Path, at: int, **values: Any) -> None:
    content = json.loads(file.read_text())
    content["annotations"][at][0].update(values)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("at", "values", "says"),
    [
        (3, {"worker_arranged_photo_order": 7}, r"annotations\[3\]: worker_arranged_photo_order=7 must be from 0 to 4"),
        (
            3,
            {"worker_arranged_photo_order": 2},
            r"annotations\[3\]: worker_arranged_photo_order=2 is already used in story",
        ),
        (3, {"story_id": "other"}, r"story_id='train-album-0-0' has 4 sentences instead of 5"),
        (3, {"album_id": "nowhere"}, r"annotations\[3\]: album_id='nowhere' is not among the file's albums"),
        (3, {"text": ""}, r"annotations\[3\]: text='' must be a non-empty string"),
        (3, {"text": "a\0b"}, r"annotations\[3\]: text='a\\x00b' contains a NUL character"),
        (3, {"story_id": 17}, r"annotations\[3\]: story_id=17 must be a non-empty string"),
    ],
)
def test_a_defect_is_named_by_place_key_and_value(tmp_path: Path, at: int, values: dict[str, Any], says: str) -> None:
    _, sis = vist_files(tmp_path)
    change(sis, at, **values)
    with pytest.raises(CommandError, match=says) as caught:
        import_vist(None, sis)
    assert str(sis) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not any(counts().values())


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the generator of VIST-shaped data, where it is beside the checkout."""
    tool = Path(__file__).resolve().parents[3] / "shared" / "tools" / "make_vist.py"
    if not tool.exists():
        pytest.skip(f"the generator of VIST-shaped data is not at {tool}")
    folder = tmp_path_factory.mktemp("vist")
    subprocess.run([sys.executable, tool, folder, "--albums", "30", "--malformed"], check=True, capture_output=True)
    return folder


WHERE = {
    "truncated": "line 1, column",
    "unknown-photo": "annotations[7]: photo_flickr_id='999'",
    "duplicate-storylet": "annotations[50]: storylet_id=",
    "missing-key": "annotations[11]: the key 'story_id'",
    "wrong-type": "annotations[13]: worker_arranged_photo_order='first'",
    "empty-annotation": "annotations[17]: []",
    "not-utf8": "byte ",
    "not-an-object": "must be a JSON object",
}


def test_every_generated_defect_is_refused(generated: Path) -> None:
    listed = dict(line.split("\t") for line in (generated / "defects.tsv").read_text().splitlines())
    assert set(listed.values()) == set(WHERE)
    for name, defect in listed.items():
        with pytest.raises(CommandError) as caught:
            import_vist(None, generated / name)
        assert str(generated / name) in str(caught.value)
        assert WHERE[defect] in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not any(counts().values())


def test_positional_pairs_of_generated_files(generated: Path) -> None:
    """75 an album: 15 captions, each with the sentence at its place of five stories."""
    dii, sis = generated / "train.description-in-isolation.json", generated / "train.story-in-sequence.json"
    import_vist(dii, sis)
    assert pairs(models.Dataset.objects.get(), "train", "positional").count() == 30 * 75


def test_real_stories_without_metadata(shared_data: Path) -> None:
    sis = shared_data / "vist_sis" / "test.story-in-sequence.json"
    import_vist(None, sis, split="test")
    assert counts()["Story"] == 2184
    assert counts()["StorySentence"] == 10920
    submission = shared_data / "vist_challenge" / "arel.challenge.json"
    call_command("import_outputs", submission, dataset="vist", system="arel")
    stories = json.loads(submission.read_text())["output_stories"]
    known = set(models.Source.objects.of_kind("sequence").values_list("album__external_id", "key"))
    expected = {
        (one["album_id"], key): one["story_text_normalized"].strip()
        for one in stories
        if (one["album_id"], key := "-".join(one["photo_sequence"])) in known
    }
    found = models.Output.objects.values_list("source__album__external_id", "source__key", "text")
    assert {(album, key): text for album, key, text in found} == expected
    assert len(expected) > 1000
