"""No score outlives what it was computed from: a split's, a campaign's, a part's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.campaigns.services.scores import scores_write
from annotations.corpora.rewriting import split_texts, unchanged_check
from annotations.errors import ConflictError
from annotations.systems import services as outputs
from annotations.systems.services import baseline_decoding
from modeling.config import TrainingConfig
from tests.annotations.test_import_pairs import import_pairs, lines
from tests.factories import DecodingFactory, MetricFactory, SystemFactory
from workers.formats import reading
from workers.jobs import corpus, decoding, scoring
from workers.lifecycle import Claim
from workers.models import Checkpoint, Run

pytestmark = pytest.mark.django_db
IDS = {"album_field": "a", "photo_field": "p"}
CAMPAIGN = {
    **{"name": "first", "purpose": "evaluation", "dataset": "mine", "split": "test", "unit": "sentence"},
    **{"systems": ["human", "lstm"], "protocol": "slider", "show": "caption", "criteria": ["fluency"]},
    **{"items": 3, "overlap": 1},
}


def row(n: int, *stories: str, split: str = "test") -> dict[str, Any]:
    return {"a": f"{split}{n}", "p": "p", "caption": f"a dog in boat {n}", "story": list(stories), "out": f"fun {n}"}


def content(folder: Path) -> list[dict[str, Any]]:
    """Three test rows of two references and outputs of `lstm` each, and a campaign of them."""
    rows = [row(n, f"We were in boat {n}.", f"Nobody could find the oars of boat {n}.") for n in range(3)]
    import_pairs(lines(folder / "a.jsonl", *rows), split="test", systems=["lstm=out"], **IDS)
    file = folder / "c.toml"
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in CAMPAIGN.items()))
    call_command("create_campaign", file)
    return rows


def score(**where: Any) -> None:
    call_command("score", **where, metrics=["bleu", "copy_rate"], wait=True)


def message() -> str:
    return Run.objects.filter(kind="import").latest("pk").message


def references_not_drawn() -> models.StorySentence:
    drawn = models.Output.objects.filter(sentence__isnull=False).values("sentence")
    found = models.StorySentence.objects.exclude(pk__in=drawn).order_by("pk").first()
    assert found is not None
    return found


def test_a_reference_that_was_not_drawn_is_not_replaced_below_a_campaign(tmp_path: Path) -> None:
    rows = content(tmp_path)
    old = references_not_drawn().text
    new = old.replace("boat", "ship")
    for each in rows:
        each["story"] = [new if text == old else text for text in each["story"]]
    with pytest.raises(CommandError, match="campaign 'first' has 1 of them as references of its items"):
        import_pairs(lines(tmp_path / "b.jsonl", *rows), split="test", update=True, **IDS)
    assert not models.StorySentence.objects.filter(text=new).exists()


def test_an_import_of_references_is_not_removed_below_a_campaign(tmp_path: Path) -> None:
    rows = content(tmp_path)
    further = [{**each, "story": [f"A further one {n}."]} for n, each in enumerate(rows)]
    import_pairs(lines(tmp_path / "b.jsonl", *further), split="test", **IDS)
    newest = models.Import.objects.latest("pk")
    with pytest.raises(CommandError, match="campaign 'first' has 3 of its sentences as references of its items"):
        call_command("remove", "import", str(newest.pk), yes=True)
    assert models.Import.objects.complete().filter(pk=newest.pk).exists()


def test_a_further_reference_ends_a_campaigns_scores(tmp_path: Path) -> None:
    """So that none stands under a signature with which scoring again gives another value."""
    rows = content(tmp_path)
    score(campaign="first")
    campaign = models.Campaign.objects.get()
    assert campaign.scores.exists()
    assert campaign.score_differences.exists()
    other = row(9, "We were in boat 9.")
    import_pairs(lines(tmp_path / "b.jsonl", other), split="test", **IDS)
    assert campaign.scores.exists()  # of another album
    rows[0]["story"] = ["It rained."]
    import_pairs(lines(tmp_path / "c.jsonl", rows[0]), split="test", **IDS)
    assert not campaign.scores.exists()
    assert not campaign.score_differences.exists()
    assert "scores were removed, because the texts they were computed from have changed." in message()


def test_what_is_new_in_training_ends_copy_rates(tmp_path: Path) -> None:
    content(tmp_path)
    score(campaign="first")
    score(dataset="mine", split="test")
    import_pairs(lines(tmp_path / "b.jsonl", row(0, "fun 0", split="train")), split="train", **IDS)
    assert set(models.Score.objects.values_list("metric", flat=True)) == {"bleu"}
    assert set(models.ScoreDifference.objects.values_list("metric", flat=True)) == {"bleu"}


def test_a_score_of_the_whole_does_not_outlive_the_whole(tmp_path: Path) -> None:
    content(tmp_path)
    score(dataset="mine", split="test")
    whole = models.Score.objects.filter(decoding__system__name="lstm", metric="bleu")
    assert whole.get().part is None
    import_pairs(lines(tmp_path / "b.jsonl", row(9, "We were in boat 9.")), split="test", **IDS)
    assert not whole.exists()
    assert "scores were removed" in message()
    score(dataset="mine", split="test")
    assert whole.get().part == (3, 4)


@pytest.mark.parametrize("where", [{"campaign": "first"}, {"dataset": "mine", "split": "test"}])
def test_what_was_read_before_an_import_is_not_written_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: dict[str, str]
) -> None:
    rows = content(tmp_path)
    rows[0]["story"] = ["It rained."]
    file = lines(tmp_path / "b.jsonl", rows[0])
    scored = scoring.score_outputs

    def meanwhile(*args: Any, **options: Any) -> Any:
        import_pairs(file, split="test", **IDS)
        return scored(*args, **options)

    monkeypatch.setattr(scoring, "score_outputs", meanwhile)
    with pytest.raises(CommandError, match=r"import \d+ \(b.jsonl\) has changed the references of split 'test' since"):
        score(**where)
    assert not models.Score.objects.exists()


def test_a_baseline_is_never_of_texts_that_were_replaced_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions = [
        {"a": f"a{n}", "p": "p", "caption": f"a dog in boat {n}", "story": f"We sat in boat {n}."} for n in range(3)
    ]
    import_pairs(lines(tmp_path / "a.jsonl", *captions), split="test", **IDS)
    mended = [{**each, "caption": f"{each['caption']}!"} for each in captions]
    file = lines(tmp_path / "b.jsonl", *mended)
    wanted = {"system_name": "caption", "dataset": models.Dataset.objects.get(), "split": "test", "kind": "caption"}
    with monkeypatch.context() as patched:
        whole = outputs.outputs_add

        def beside(**given: Any) -> int:
            written = whole(**given)
            import_pairs(file, split="test", update=True, **IDS)
            return written

        patched.setattr(outputs, "outputs_add", beside)
        with pytest.raises(ConflictError, match=r"\(b.jsonl\) has changed the sources of split 'test' since they were"):
            baseline_decoding(**wanted)
    assert not models.Decoding.objects.exists()
    texts = baseline_decoding(**wanted).outputs.order_by("source").values_list("text", flat=True)
    assert list(texts) == [f"a dog in boat {n}!" for n in range(3)]


def test_no_training_is_of_texts_that_were_replaced_while_it_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    told = [row(n, f"They sang in boat {n}.", split="train") for n in range(3)]
    import_pairs(lines(tmp_path / "a.jsonl", *told), split="train", **IDS)
    mended = lines(tmp_path / "b.jsonl", *({**each, "story": f"{each['story'][0]}!"} for each in told))
    whole = corpus.paired_records

    def meanwhile(*args: Any, **options: Any) -> Any:
        if "sources" in options:  # the training data is being written
            import_pairs(mended, split="train", update=True, **IDS)
        return whole(*args, **options)

    monkeypatch.setattr(corpus, "paired_records", meanwhile)
    with pytest.raises(CommandError, match=r"\(b.jsonl\) has changed the references of split 'train' since they"):
        call_command("train", dataset="mine", preset="tiny", wait=True)
    run = Run.objects.get(kind="train")
    assert not (settings.RUNS_DIR / str(run.public_id) / "train.jsonl").exists()


@pytest.fixture
def read(tmp_path: Path) -> models.Dataset:
    """A row in `train` and one in `test`."""
    for split in ("train", "test"):
        import_pairs(lines(tmp_path / f"{split}.jsonl", row(1, "We sat.", split=split)), split=split, **IDS)
    return models.Dataset.objects.get()


def replace(file: Path, split: str, **texts: str) -> None:
    import_pairs(lines(file, row(1, "We sat.", split=split) | texts), split=split, update=True, **IDS)


def test_what_is_made_of_texts_bears_what_happens_to_other_ones(tmp_path: Path, read: models.Dataset) -> None:
    decoded = unchanged_check(dataset=read, texts={("test", "sources")}, further=False)
    scored = unchanged_check(dataset=read, texts=split_texts("test"))
    import_pairs(lines(tmp_path / "a.jsonl", row(2, "We sat.", split="train")), split="train", **IDS)
    replace(tmp_path / "b.jsonl", "train", caption="a dog in boat 1!", story="We sat!")
    decoded()
    scored()
    import_pairs(lines(tmp_path / "c.jsonl", row(2, "We sat.")), split="test", **IDS)
    decoded()
    with pytest.raises(ConflictError, match=r"\(c.jsonl\) has changed the references of split 'test' since they were"):
        scored()
    scored = unchanged_check(dataset=read, texts=split_texts("test"))
    replace(tmp_path / "d.jsonl", "test", story="We sat!")
    decoded()
    with pytest.raises(ConflictError, match=r"\(d.jsonl\) has changed the references of split 'test' since they were"):
        scored()
    replace(tmp_path / "e.jsonl", "test", story="We sat!", caption="a dog in boat 1!")
    with pytest.raises(ConflictError, match=r"\(e.jsonl\) has changed the sources of split 'test' since they were"):
        decoded()


def test_texts_that_were_put_back_were_other_ones_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: models.Dataset
) -> None:
    """Also for who asked before they were replaced, and read them before they were put back."""
    check = unchanged_check(dataset=read, texts=split_texts("test"))
    elsewhere = unchanged_check(dataset=read, texts=split_texts("train"))
    while_replaced: list[str] = []

    def killed(**given: Any) -> None:
        while_replaced.extend(models.StorySentence.objects.of_split(read, "test").values_list("text", flat=True))
        elsewhere()
        raise KeyError("killed")

    monkeypatch.setattr(reading, "replacing_complete", killed)
    with pytest.raises(KeyError, match="killed"):
        replace(tmp_path / "b.jsonl", "test", story="We sat!")
    assert while_replaced == ["We sat!"]
    assert set(models.StorySentence.objects.values_list("text", flat=True)) == {"We sat."}
    with pytest.raises(ConflictError, match=r"\(b.jsonl\) has changed the references of split 'test' since they were"):
        check()
    elsewhere()


def test_a_decoding_of_replaced_sources_ends_at_its_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: models.Dataset
) -> None:
    """And not hours later."""
    system = SystemFactory(kind="model")
    config = {"source": "caption", "training": TrainingConfig(epochs=1).to_dict()}
    run = Run.objects.create(kind="train", config=config, system=system)
    Checkpoint.objects.create(run=run, system=system, directory="x", sha256="0" * 64, size_bytes=1)

    from modeling.decoding import Decoded  # torch

    def writing(checkpoint: Path, given: list[Any], *args: Any, **options: Any) -> Iterator[Any]:
        yield Decoded(given[0].id, 0, "we ran", -1.0)
        replace(tmp_path / "train.jsonl", "train", caption="a dog in boat 1!")
        yield Decoded(given[0].id, 1, "we ran", -1.0)
        replace(tmp_path / "test.jsonl", "test", caption="a dog in boat 1!")
        yield Decoded(given[0].id, 2, "we ran", -1.0)
        pytest.fail("it went on")

    monkeypatch.setattr("modeling.decoding.decode", writing)
    monkeypatch.setattr(decoding, "WRITE_BATCH_SIZE", 1)
    claim = Claim(decoding.launch(system=system.name, dataset="mine", split="test", claimed=True))
    with pytest.raises(ConflictError, match=r"\(test.jsonl\) has changed the sources of split 'test' since they were"):
        decoding.perform(claim)


@pytest.mark.parametrize("shown", [False, True])
def test_random_stories_are_of_the_training_stories_that_there_are(shown: bool, tmp_path: Path) -> None:
    content(tmp_path)
    told = [row(n, f"They sang in boat {n}.", split="train") for n in range(3)]
    import_pairs(lines(tmp_path / "b.jsonl", *told), split="train", **IDS)
    wanted = {"system_name": "random_story", "dataset": models.Dataset.objects.get(), "split": "test"}
    first = baseline_decoding(**wanted, kind="caption")
    assert baseline_decoding(**wanted, kind="caption") == first
    if shown:
        campaign = models.Campaign.objects.get()
        models.CampaignSystem.objects.create(campaign=campaign, system=first.system, decoding=first)
    scores_write(decoding=first, scores={MetricFactory().name: {"value": 1.0, "signature": "s"}})
    mended = [{**each, "story": [f"They sang in boat {n}!"]} for n, each in enumerate(told)]
    import_pairs(lines(tmp_path / "c.jsonl", *mended), split="train", update=True, **IDS)
    assert models.Score.objects.exists() == models.Decoding.objects.complete().filter(pk=first.pk).exists() == shown
    again = baseline_decoding(**wanted, kind="caption")
    assert all(text.endswith("!") for text in again.outputs.values_list("text", flat=True))
    further = [row(n, f"They sang in boat {n}?", split="train") for n in range(3, 6)]
    import_pairs(lines(tmp_path / "d.jsonl", *further), split="train", **IDS)
    assert baseline_decoding(**wanted, kind="caption") != again


@pytest.mark.parametrize(
    ("signature", "part", "stays"),
    [
        ("bleu|v:1", None, False),
        ("bleu|v:1", (3, 8), False),
        ("bleu|v:1", (3, 9), False),
        ("bleu|v:2", (3, 8), True),
        ("bleu|v:1|eff:yes", None, True),
    ],
)
def test_a_score_takes_the_place_of_that_of_another_part(
    signature: str, part: tuple[int, int] | None, stays: bool
) -> None:
    decoding, metric = DecodingFactory(), MetricFactory().name
    older, newer = {"signature": signature, "sources": part}, {"signature": "bleu|v:1", "sources": (3, 9)}
    for score in (older, newer):
        scores_write(decoding=decoding, scores={metric: {"value": 1.0, **score}})
    left = [{"signature": score.signature, "sources": score.part} for score in models.Score.objects.order_by("pk")]
    assert left == ([older, newer] if stays else [newer])
