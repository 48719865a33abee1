"""What the commands that make runs refuse, before a run is made: names, keys, values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from sacrebleu.metrics import BLEU

from annotations import models
from annotations.errors import InputError
from modeling.corpus import Example, with_others
from modeling.metrics.outputs import score_outputs
from modeling.metrics.texts import Segment
from modeling.text import normalize
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
    make_campaign,
)
from workers.jobs import attention, comparing, corpus, scoring
from workers.models import Checkpoint, Run

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
        ("train --dataset see --preset tiny", "dataset 'see' does not exist; available: beach"),
        ("train --dataset beach --preset huge", "unknown preset 'huge'; valid presets: gru-luong, seed-bilstm"),
        ("train --dataset beach --preset tiny --set layers=x", "layers=x: must be a whole number from 1 to 24"),
        ("train --dataset beach --preset tiny --set pairing=near", "pairing: 'near' is not one of aligned, positional"),
        ("train --dataset beach --preset tiny --set sources=some", "sources: 'some' is not one of all, own"),
        ("train --dataset beach --preset tiny --set source=lstm", "source: 'lstm' is not 'caption'"),
        (
            "train --dataset beach --preset tiny --set init=seed",
            "init: 'seed' is neither a trained system nor a checkpoint folder",
        ),
        ("train --dataset beach --preset tiny --feedback f", "feedback set 'f' does not exist"),
        ("train --dataset beach --preset tiny --name human", "system 'human' is people"),
        ("decode --system human --dataset beach --split test", "system 'human' has no checkpoint to decode with"),
        ("score --dataset beach --split exam", "split: 'exam' is not one of train, feedback, valid, test"),
        ("score --dataset beach --split test --metric meteor", "metrics: 'meteor' is not one of bleu"),
        (
            "score --dataset beach --split test --metric reward",
            "metrics: 'reward' needs a reward model; name one, as reward:NAME",
        ),
        (
            "score --dataset beach --split test --metric reward:warm",
            "reward model 'warm' does not exist; available: none yet",
        ),
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


def test_a_pretrained_model_is_found_from_whatever_folder_a_worker_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_dataset()
    (tmp_path / "talker").mkdir()
    monkeypatch.chdir(tmp_path)
    for typed in ("talker", "./talker", "elsewhere/talker.gguf"):
        call_command("train", dataset="beach", preset=f"lm:{typed}", overrides=["max_steps=1"])
        kept = Run.objects.latest("pk").config["training"]["model_path"]
        assert kept == str(tmp_path / typed)


def test_a_system_is_trained_once(capsys: pytest.CaptureFixture[str]) -> None:
    small_dataset()
    command = ["train", "--dataset", "beach", "--preset", "tiny", "--name", "mine"]
    call_command(*command, "--json")
    assert json.loads(capsys.readouterr().out)["state"] == "queued"
    with pytest.raises(CommandError, match="system 'mine' is already trained or being trained"):
        call_command(*command)
    call_command("train", "--dataset", "beach", "--preset", "tiny", "--json")
    call_command("train", "--dataset", "beach", "--preset", "tiny", "--json")
    assert sorted(Run.objects.values_list("system__name", flat=True)) == ["mine", "tiny-beach", "tiny-beach-2"]


def test_without_captions_a_training_says_what_else_it_can_read() -> None:
    dataset = small_dataset()
    models.Source.objects.update(kind="photo", text="")
    decoding = DecodingFactory(dataset=dataset, split="train", system__name="arel")
    OutputFactory(decoding=decoding, source=models.Source.objects.earliest("pk"))
    with pytest.raises(CommandError, match=r"no caption source .* set source to a system with outputs there: arel$"):
        call_command("train", "--dataset", "beach", "--preset", "tiny")


def test_a_caption_is_trained_with_all_its_references() -> None:
    dataset = small_dataset(captions=2, references=3)
    records = list(corpus.paired_records(dataset, "train", source="caption", pairing="aligned"))
    assert [len(record["references"]) for record in records] == [3, 3]
    assert len({record["album"] for record in records}) == 2


def test_a_systems_outputs_can_be_the_input_and_others_beside_them() -> None:
    """Each different text of a photo once, with all of its references; a source without outputs is left out."""
    dataset = small_dataset(captions=3, references=2)
    sources = list(models.Source.objects.order_by("pk"))
    written = {
        "lstm": {0: ["we ran .", "we swam .", "we sat ."], 1: ["we ran ."]},
        "gru": {0: ["we  sat .", "oh !"], 2: ["oh !"]},
    }
    for name, texts in written.items():
        decoding = DecodingFactory(dataset=dataset, split="train", system=SystemFactory(name=name))
        for place, ranked in texts.items():
            for rank, text in enumerate(ranked):
                OutputFactory(decoding=decoding, source=sources[place], rank=rank, text=text)

    def read(source: str, **chosen: Any) -> list[tuple[int, str]]:
        records = list(corpus.paired_records(dataset, "train", source=source, pairing="aligned", **chosen))
        assert len({record["id"] for record in records}) == len(records)
        for record in records:
            source_row = sources[places[record["photo"]]]
            told = [sentence.text for sentence in source_row.photo.sentences.order_by("pk")]
            assert record["references"] == told if not chosen.get("context") else record["references"][0] in told
            assert record["album"] == source_row.album.external_id
        return [(places[record["photo"]], record["source"]) for record in records]

    places = {source.photo.external_id: place for place, source in enumerate(sources)}
    own = [(0, "we ran ."), (0, "we swam ."), (0, "we sat ."), (1, "we ran .")]
    assert read("lstm") == own
    assert read("lstm", sources="all") == [*own[:3], (0, "oh !"), own[3], (2, "oh !")]
    assert read("lstm", context=2) == [each for each in own for _ in range(2)]
    assert sorted(read("*")) == sorted(read("gru", sources="all"))


def test_the_reference_shown_as_the_human_is_withheld_from_everybody() -> None:
    dataset = small_dataset(split="test", captions=2, references=3)
    sources = models.Source.objects.of_split(dataset, "test")
    drawn = models.StorySentence.objects.order_by("pk").first()
    assert drawn is not None
    kept = scoring.references_by_source(sources, withheld=[drawn.pk])
    assert sorted(len(texts) for texts in kept.values()) == [2, 3]
    assert drawn.text not in {text for texts in kept.values() for text in texts}


def test_a_training_is_given_of_an_album_what_a_decoding_is() -> None:
    """Three photos with captions, of which people wrote for the first two alone."""
    dataset = DatasetFactory(name="beach")
    album = AlbumFactory(dataset=dataset, split="train")
    for place, name in enumerate(("p", "q", "r")):
        photo = PhotoFactory(album=album, external_id=name)
        for number in (1, 2):
            CaptionFactory(photo=photo, key=f"{name}#{number}", position=place, text=f"caption {number} of {name}")
        if name != "r":
            StorySentenceFactory(story=StoryFactory(album=album), photo=photo, position=0)
    decoded = {
        (each.source, each.others)
        for each in with_others(
            [Example(**record) for record in corpus.given_records(dataset, "train", source="caption")]
        )
    }
    paired = corpus.paired_records(dataset, "train", source="caption", pairing="aligned")
    trained = [
        (record["source"], tuple(record["others"]))
        for record in corpus.beside_albums(paired, dataset, "train", source="caption")
    ]
    assert ("caption 2 of p", ("caption 1 of q", "caption 1 of r")) in trained
    assert len(trained) == 4
    assert set(trained) < decoded


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
    chosen = {"source": "caption", "pairing": "aligned"}
    records = list(corpus.paired_records(dataset, "train", context=3, **chosen))
    assert len(records) == 2 * 2 * 2
    for record in records:
        (sentence,) = record["references"]
        story, photo = sentence.rsplit(" ", 1)
        assert record["context"] == ([] if photo == "p" else [f"{story} p"])
    assert "context" not in next(corpus.paired_records(dataset, "train", **chosen))
    shared = [(record["photo"], record["source"]) for record in corpus.paired_records(dataset, "train", **chosen)]
    assert shared == [(photo, caption.text) for (photo, _), caption in captions.items()]
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
    asked = scoring.launch(dataset="beach", split="test", metrics=["unique", "source_gain"])
    assert asked.config["metrics"] == ["unique", "nll", "source_gain"]


def test_a_campaigns_scores_by_text_and_their_differences(capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve items of three references each; what people wrote names their item, so a text tells its place."""
    texts = {"lstm": lambda n: "People told a story .", "gru": lambda n: f"People told story {n} in their way ."}
    made = make_campaign(captions=12, references_each=3, texts=texts)
    small_dataset(split="train")
    metrics = ["bleu", "chrf", "caption_recall", "repetition", "copy_rate", "unique"]
    command = ["score", "--campaign", made.campaign.name, "--wait", "--json"]
    command += [part for metric in metrics for part in ("--metric", metric)]
    call_command(*command)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "by_segment" not in told["scores"]["gru"]["bleu"]
    assert "undefined" not in told

    entries = {entry.system.name: entry.decoding for entry in made.campaign.entries.all()}
    withheld = set(models.Output.objects.filter(decoding=entries["human"]).values_list("sentence_id", flat=True))
    scorer = BLEU(lowercase=True, effective_order=True)
    for system, decoding in entries.items():
        score = models.Score.objects.get(decoding=decoding, campaign=made.campaign, metric="bleu")
        assert len(score.by_item) == 12
        for item in made.campaign.items.select_related("source__photo"):
            others = item.source.photo.sentences.exclude(pk__in=withheld)
            assert others.count() == 2
            text = models.Output.objects.get(decoding=decoding, source=item.source).text
            references = [normalize(sentence.text) for sentence in others]
            expected = scorer.sentence_score(normalize(text), references).score
            assert score.by_item[item.position] == pytest.approx(expected, abs=1e-6), (system, item.position)
        assert ("|eff:no|" in score.signature, "|eff:yes|" in score.by_item_signature) == (True, True)
        recall = models.Score.objects.get(decoding=decoding, campaign=made.campaign, metric="caption_recall")
        assert np.mean(recall.by_item) == pytest.approx(recall.value, abs=1e-6)
        assert models.Score.objects.get(decoding=decoding, metric="unique").by_item is None

    scores = {
        (metric, system): value
        for metric, system, value in models.Score.objects.values_list("metric", "decoding__system__name", "value")
    }
    differences = models.ScoreDifference.objects.filter(campaign=made.campaign)
    assert set(differences.values_list("metric", flat=True)) == set(metrics) - {"unique"}
    for each in differences.select_related("one__system", "other__system"):
        one, other = each.one.system.name, each.other.system.name
        assert each.value == pytest.approx(scores[each.metric_id, one] - scores[each.metric_id, other])
        assert 0 < each.p <= 1
        if each.ci_low is None:  # only where the systems differ by the same in every album
            by_item = [
                models.Score.objects.get(
                    decoding__system__name=name, campaign=made.campaign, metric=each.metric
                ).by_item
                for name in (one, other)
            ]
            assert np.ptp(np.subtract(*by_item)) == pytest.approx(0, abs=1e-9)
            continue
        assert each.ci_low <= each.value <= each.ci_high
    for metric in set(metrics) - {"unique"}:
        pairs = differences.filter(metric=metric).values_list("one__system__name", "other__system__name")
        assert set(pairs) == {("gru", "human"), ("gru", "lstm"), ("human", "lstm")}

    kept = set(differences.exclude(metric="bleu").values_list("pk", flat=True))
    call_command("score", "--campaign", made.campaign.name, "--wait", "--metric", "bleu")
    assert kept < set(differences.values_list("pk", flat=True)), "of the metric that was scored again, only"
    assert differences.filter(metric="bleu").count() == 3


def test_the_same_differences_whichever_system_comes_first() -> None:
    texts = {"lstm": "people told a story", "gru": "people told story", "human": "we told it"}
    scored = []
    for name, text in texts.items():
        segments = [Segment(str(n), f"{text} {n % 5}", (f"people told story {n}", "a story")) for n in range(12)]
        scores = score_outputs(segments, metrics=["chrf", "repetition", "copy_rate"], by_segment=True)
        decoding = models.Decoding(system=models.System(name=name))
        scored.append(comparing.Scored(decoding, segments, scores))
    for metric in ("chrf", "repetition"):
        there, back = comparing.compare(metric, scored), comparing.compare(metric, scored[::-1])
        assert len(there.differences) == 3
        for (one, other), found in there.differences.items():
            turned = back.differences[other, one]
            assert turned.value == pytest.approx(-found.value)
            assert turned.interval == pytest.approx((-found.interval[1], -found.interval[0]))
            assert (turned.p, turned.p_sacrebleu) == pytest.approx((found.p, found.p_sacrebleu))
    short = [scored[0], scored[1]._replace(segments=scored[1].segments[:-1])]
    for metric in ("chrf", "repetition"):
        found = comparing.compare(metric, short)
        assert not found.differences
        assert "lstm 12, gru 11" in str(found.undefined)
    assert "there is 1" in str(comparing.compare("chrf", scored[:1]).undefined)


def test_of_a_single_reference_the_human_has_the_metrics_of_texts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    made = make_campaign(captions=3, references_each=1)
    command = ["score", "--campaign", made.campaign.name, "--wait", "--json", "--metric"]
    call_command(*command, "bleu", "--metric", "repetition")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: sorted(scores) for name, scores in told["scores"].items()} == {
        "gru": ["bleu", "repetition"],
        "human": ["repetition"],
        "lstm": ["bleu", "repetition"],
    }
    assert "the human candidate is the only reference" in told["undefined"][0]
    assert "at least 10 items or albums" in told["undefined"][1]
    assert models.ScoreDifference.objects.filter(metric="bleu").get().ci_low is None
    assert models.ScoreDifference.objects.filter(metric="repetition").count() == 3


def test_no_picture_is_drawn_of_what_several_models_wrote() -> None:
    dataset = small_dataset()
    run = Run.objects.create(kind="train", config={"training": {"architecture": "gru-luong"}})
    first = SystemFactory(name="first", kind="model")
    Checkpoint.objects.create(run=run, system=first, directory="first", sha256="0" * 64, size_bytes=1)
    decoding = DecodingFactory(dataset=dataset, split="train", system=first, settings={"ensemble": {"second": "1"}})
    output = OutputFactory(decoding=decoding, source=models.Source.objects.earliest("pk"), text="we ran")
    with pytest.raises(InputError, match="was written by 'first' together with second; attention maps"):
        attention.launch(system="first", source="a boat", output=output)
    alone = DecodingFactory(dataset=dataset, split="train", system=first, settings={}, fingerprint="x")
    assert attention.launch(
        system="first", source="a boat", output=OutputFactory(decoding=alone, source=output.source, text="we ran")
    )
