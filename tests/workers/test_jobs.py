"""What the commands that make runs refuse, before a run is made: names, keys, values."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StoryFactory,
    StorySentenceFactory,
    SystemFactory,
)
from workers.jobs import corpus, scoring
from workers.models import Run

pytestmark = pytest.mark.django_db


def small_dataset(split: str = "train", captions: int = 3, references: int = 2) -> models.Dataset:
    dataset = DatasetFactory(name="beach")
    for _ in range(captions):
        photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split=split))
        CaptionFactory(photo=photo)
        for _ in range(references):
            StorySentenceFactory(photo=photo)
    return dataset


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --dataset see --preset tiny", "dataset 'see' does not exist; there is: beach"),
        ("train --dataset beach --preset huge", "unknown preset 'huge'; valid presets: gru-luong, seed-bilstm"),
        ("train --dataset beach --preset tiny --set layers=x", "layers=x: must be a whole number from 1 to 24"),
        ("train --dataset beach --preset tiny --set pairing=near", "pairing: 'near' is not one of aligned, positional"),
        ("train --dataset beach --preset tiny --set source=lstm", "source: 'lstm' is neither 'caption' nor"),
        ("train --dataset beach --preset tiny --feedback f", "feedback set 'f' does not exist"),
        ("train --dataset beach --preset tiny --name human", "system 'human' is people"),
        ("decode --system human --dataset beach --split test", "system 'human' has no checkpoint to decode with"),
        ("score --dataset beach --split exam", "split: 'exam' is not one of train, feedback, valid, test"),
        ("score --dataset beach --split test --metric meteor", "metric: 'meteor' is not one of bleu"),
        ("score --campaign none", "campaign 'none' does not exist"),
        ("build_feedback set --campaign none", "campaign 'none' does not exist"),
        ("runs 0e0e", "run '0e0e' does not exist"),
    ],
)
def test_bad_input_makes_no_run(command: str, message: str) -> None:
    small_dataset()
    with pytest.raises(CommandError, match=message):
        call_command(*command.split())
    assert not Run.objects.exists()


def test_a_system_is_trained_once(capsys: pytest.CaptureFixture[str]) -> None:
    small_dataset()
    command = ["train", "--dataset", "beach", "--preset", "tiny", "--name", "mine"]
    call_command(*command, "--json")
    assert json.loads(capsys.readouterr().out)["state"] == "queued"
    with pytest.raises(CommandError, match="system 'mine' is trained or in training already"):
        call_command(*command)
    call_command("train", "--dataset", "beach", "--preset", "tiny", "--json")
    call_command("train", "--dataset", "beach", "--preset", "tiny", "--json")
    assert sorted(Run.objects.values_list("system__name", flat=True)) == ["mine", "tiny-beach", "tiny-beach-2"]


def test_a_caption_is_trained_with_all_its_references() -> None:
    dataset = small_dataset(captions=2, references=3)
    records = list(corpus.paired_records(dataset, "train", source="caption", pairing="aligned", seed=1))
    assert [len(record["references"]) for record in records] == [3, 3]
    assert len({record["album"] for record in records}) == 2


def test_a_systems_outputs_can_be_the_input() -> None:
    """One drawn text a reference, by the seed; a source without outputs is left out."""
    dataset = small_dataset(captions=3, references=2)
    decoding = DecodingFactory(dataset=dataset, split="train", system=SystemFactory(name="lstm"))
    for source in models.Source.objects.order_by("pk")[:2]:
        for rank in range(3):
            OutputFactory(decoding=decoding, source=source, rank=rank)
    records = list(corpus.paired_records(dataset, "train", source="*", pairing="aligned", seed=1))
    assert len(records) == 4
    assert all(len(record["references"]) == 1 for record in records)
    written = set(models.Output.objects.values_list("text", flat=True))
    assert {record["source"] for record in records} <= written
    assert records == list(corpus.paired_records(dataset, "train", source="lstm", pairing="aligned", seed=1))


def test_the_reference_shown_as_the_human_is_withheld_from_everybody() -> None:
    dataset = small_dataset(split="test", captions=2, references=3)
    sources = models.Source.objects.of_split(dataset, "test")
    drawn = models.StorySentence.objects.order_by("pk").first()
    assert drawn is not None
    kept = scoring.references_by_source(sources, withheld=[drawn.pk])
    assert sorted(len(texts) for texts in kept.values()) == [2, 3]
    assert drawn.text not in {text for texts in kept.values() for text in texts}


def test_with_a_context_each_sentence_stands_behind_those_before_it() -> None:
    """Two photos with two captions each, told in two stories."""
    dataset = DatasetFactory(name="beach")
    album = AlbumFactory(dataset=dataset, split="train")
    photos = [PhotoFactory(album=album, external_id=name) for name in ("p", "q")]
    captions = {
        (photo.external_id, number): CaptionFactory(photo=photo, key=f"{photo.external_id}#{number}", position=place)
        for place, photo in enumerate(photos)
        for number in (1, 2)
    }
    for story in (StoryFactory(album=album), StoryFactory(album=album)):
        for place, photo in enumerate(photos):
            StorySentenceFactory(story=story, photo=photo, position=place, text=f"{story} {photo}")
    chosen = {"source": "caption", "pairing": "aligned", "seed": 1}
    records = list(corpus.paired_records(dataset, "train", context=3, **chosen))
    assert len(records) == 2 * 2 * 2
    for record in records:
        (sentence,) = record["references"]
        story, photo = sentence.rsplit(" ", 1)
        assert record["context"] == ([] if photo == "p" else [f"{story} p"])
    assert "context" not in next(corpus.paired_records(dataset, "train", **chosen))
    assert corpus.captions_before(dataset, "train") == {
        captions["q", number].pk: captions["p", number].pk for number in (1, 2)
    }


def test_a_run_done_here_leaves_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Score the baselines of a split with --wait: no worker needed."""
    dataset = small_dataset(split="train")
    photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split="test"))
    caption = CaptionFactory(photo=photo)
    StorySentenceFactory(photo=photo)
    decoding = DecodingFactory(dataset=dataset, split="test", system=SystemFactory(name="lstm"))
    OutputFactory(decoding=decoding, source=caption)
    call_command("score", "--dataset", "beach", "--split", "test", "--wait", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["state"] == "done"
    assert set(told["scores"]) == {"lstm", "caption", "random_story", "human"}
    run = Run.objects.get()
    assert (run.state, run.attempt, run.fraction) == ("done", 1, 1.0)
    assert models.Score.objects.filter(decoding=decoding, metric="bleu", campaign=None).count() == 1


def test_a_judge_is_asked_only_by_name_and_stands_beside_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Forty photos of ten albums; a system that wrote one text has no figure, and none is stored for it."""
    dataset = small_dataset(split="train", captions=3, references=10)
    lstm = DecodingFactory(dataset=dataset, split="test", system=SystemFactory(name="lstm"))
    for number in range(40):
        if number % 4 == 0:
            album = AlbumFactory(dataset=dataset, split="test")
        photo = PhotoFactory(album=album)
        caption = CaptionFactory(photo=photo, text=f"a picture of thing {number}")
        StorySentenceFactory(photo=photo, text=f"we saw it {number} times")
        OutputFactory(decoding=lstm, source=caption, text="we had fun")
    command = ["score", "--dataset", "beach", "--split", "test", "--wait", "--json"]
    call_command(*command, "--metric", "cnn_indistinguishable", "--system", "lstm")
    scores = json.loads(capsys.readouterr().out.splitlines()[-1])["scores"]
    assert set(scores) == {"lstm", "human", "caption", "random_story"}
    assert scores["lstm"]["cnn_indistinguishable"]["value"] is None
    assert "1 different texts are too few" in scores["lstm"]["cnn_indistinguishable"]["undefined"]
    low, high = scores["human"]["cnn_indistinguishable"]["ci"]
    assert low <= 0.5 <= high
    assert scores["caption"]["cnn_indistinguishable"]["value"] < 0.2
    assert not models.Score.objects.filter(metric="cnn_indistinguishable", decoding=lstm).exists()
    assert "cnn_indistinguishable" not in scoring.launch(dataset="beach", split="test").config["metrics"]
