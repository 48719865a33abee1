"""No score outlives what it was computed from: a split's, a campaign's, a part's."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.errors import ConflictError
from annotations.services import outputs
from annotations.services.outputs import baseline_decoding, scores_write
from tests.annotations.test_import_pairs import import_pairs, lines
from tests.factories import DecodingFactory
from workers.jobs import scoring
from workers.models import Run

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
    assert "sources:" not in whole.get().signature
    import_pairs(lines(tmp_path / "b.jsonl", row(9, "We were in boat 9.")), split="test", **IDS)
    assert not whole.exists()
    assert "scores were removed" in message()
    score(dataset="mine", split="test")
    assert whole.get().signature.endswith("|sources:3of4")


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
    with pytest.raises(CommandError, match=r"import \d+ \(b.jsonl\) has changed its texts while they were read"):
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
        with pytest.raises(ConflictError, match=r"\(b.jsonl\) has changed its texts while they were read; try again"):
            baseline_decoding(**wanted)
    assert not models.Decoding.objects.exists()
    texts = baseline_decoding(**wanted).outputs.order_by("source").values_list("text", flat=True)
    assert list(texts) == [f"a dog in boat {n}!" for n in range(3)]


@pytest.mark.parametrize(
    ("older", "stays"),
    [
        ("bleu|v:1", False),
        ("bleu|v:1|sources:3of8", False),
        ("bleu|v:1|sources:3of9", False),
        ("bleu|v:2|sources:3of8", True),
        ("bleu|v:1|eff:yes", True),
    ],
)
def test_a_score_takes_the_place_of_that_of_another_part(older: str, stays: bool) -> None:
    decoding = DecodingFactory()
    newer = "bleu|v:1|sources:3of9"
    for signature in (older, newer):
        scores_write(decoding=decoding, scores={"bleu": {"value": 1.0, "signature": signature}})
    left = set(models.Score.objects.values_list("signature", flat=True))
    assert left == ({older, newer} if stays else {newer})
