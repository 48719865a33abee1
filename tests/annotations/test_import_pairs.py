"""Pairs and outputs from JSON lines and CSV."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.corpora.selectors import pairs, references

pytestmark = pytest.mark.django_db


def lines(file: Path, *rows: Any) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def import_pairs(file: Path, split: str = "train", **options: Any) -> None:
    call_command("import_pairs", file, dataset="mine", split=split, **options)


def test_each_line_is_a_document_of_its_own(tmp_path: Path) -> None:
    rows = [{"caption": f"caption {n}", "story": f"Story {n}.", "lstm": "we had fun"} for n in range(4)]
    import_pairs(lines(tmp_path / "a.jsonl", *rows), systems=["lstm=lstm"])
    dataset = models.Dataset.objects.get()
    assert [(row["caption"], row["sentence"]) for row in pairs(dataset, "train")] == [
        (f"caption {n}", f"Story {n}.") for n in range(4)
    ]
    assert models.Album.objects.count() == 4
    decoding = models.Decoding.objects.get(system__name="lstm")
    assert (decoding.split, decoding.outputs.count(), decoding.completed_at is not None) == ("train", 4, True)


def test_files_of_other_splits_do_not_meet(tmp_path: Path) -> None:
    import_pairs(lines(tmp_path / "a.jsonl", {"caption": "one", "story": "One."}))
    import_pairs(lines(tmp_path / "b.jsonl", {"caption": "two", "story": "Two."}), split="test")
    dataset = models.Dataset.objects.get()
    assert [row["sentence"] for row in pairs(dataset, "test")] == ["Two."]


def test_lines_of_one_photo_share_its_references(tmp_path: Path) -> None:
    """Three captions of a photo, each line with the same reference and an output of its own."""
    rows = [{"a": "x", "p": "1", "caption": f"c{n}", "story": "S.", "out": [f"o{n}", "second"]} for n in range(3)]
    import_pairs(lines(tmp_path / "a.jsonl", *rows), album_field="a", photo_field="p", systems=["gru=out"])
    assert pairs(models.Dataset.objects.get(), "train").count() == 3
    written = models.Output.objects.order_by("source__key", "rank").values_list("source__text", "rank", "text")
    assert list(written) == [(f"c{n}", rank, text) for n in range(3) for rank, text in enumerate([f"o{n}", "second"])]


def test_nested_fields_and_lists(tmp_path: Path) -> None:
    row = {"in": {"texts": ["a", "b"]}, "out": {"human": ["A.", "B."]}}
    import_pairs(lines(tmp_path / "a.jsonl", row), source_field="in.texts", reference_field="out.human")
    assert {(row["caption"], row["sentence"]) for row in pairs(models.Dataset.objects.get(), "train")} == {
        (caption, story) for caption in "ab" for story in ("A.", "B.")
    }


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ({"caption": "a"}, {}, "line 2: the key 'story' is missing; available: caption"),
        ({"caption": "", "story": "b"}, {}, "line 2: caption='' must be a non-empty text"),
        ({"caption": "a", "story": []}, {}, r"line 2: story=\[\] must be a non-empty text"),
        ({"caption": "a", "story": "b"}, {"album_field": "album"}, "line 2: the key 'album' is missing"),
        ({"caption": "a", "story": "b", "album": 7.5}, {"album_field": "album"}, "line 2: album=7.5 must be an id"),
        (
            {"caption": "a", "story": "b", "m": "x"},
            {"systems": ["*=m"]},
            "line 2: m='x' must be an object with system names as keys",
        ),
        ([1], {}, r"line 2: \[1\] must be an object"),
    ],
)
def test_a_defect_is_named_by_line_key_and_value(tmp_path: Path, row: Any, options: dict[str, Any], says: str) -> None:
    first = {"caption": "a", "story": "b", "album": "x", "m": {"s": "t"}}
    file = lines(tmp_path / "a.jsonl", first, row)
    with pytest.raises(CommandError, match=says) as caught:
        import_pairs(file, **options)
    assert str(file) in str(caught.value)
    assert not models.Album.objects.exists()
    assert not models.Import.objects.exists()


def test_names_of_other_systems_are_refused(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"caption": "a", "story": "b"})
    with pytest.raises(CommandError, match="system 'human' is people"):
        import_pairs(file, systems=["human=story"])
    assert not models.Album.objects.exists()


def test_real_outputs_of_six_systems(shared_data: Path) -> None:
    file = shared_data / "machine_human" / "valid.jsonl"
    options = {"album_field": "album", "photo_field": "photo", "reference_field": "human", "systems": ["*=machine"]}
    import_pairs(file, split="valid", **options)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    sources = models.Source.objects.of_kind("photo")
    assert sources.count() == len(rows)
    assert references(sources).count() == sum(len({text.strip() for text in row["human"]}) for row in rows)
    for system in rows[0]["machine"]:
        written = models.Output.objects.filter(decoding__system__name=system)
        assert written.count() == sum(len(row["machine"].get(system, ())) for row in rows)
    one = rows[17]
    outputs = models.Output.objects.filter(source__key=one["photo"], decoding__system__name="tapm").order_by("rank")
    assert [output.text for output in outputs] == [text.strip() for text in one["machine"]["tapm"]]


def test_outputs_find_their_sources(tmp_path: Path) -> None:
    rows = [{"a": str(n), "p": f"p{n}", "caption": f"c{n}", "story": "S."} for n in range(3)]
    import_pairs(lines(tmp_path / "a.jsonl", *rows), album_field="a", photo_field="p", split="test")
    outputs = lines(tmp_path / "o.jsonl", *({"id": f"p{n}#0", "text": f"out {n}"} for n in range(3)))
    call_command("import_outputs", outputs, dataset="mine", system="up")
    table = tmp_path / "o.csv"
    table.write_text('id,text\np0#0,first\np0#0,"second, quoted"\n')
    call_command("import_outputs", table, dataset="mine", system="csv")
    assert models.Decoding.objects.get(system__name="up").split == "test"
    ranked = models.Output.objects.filter(decoding__system__name="csv").order_by("rank").values_list("rank", "text")
    assert list(ranked) == [(0, "first"), (1, "second, quoted")]
    unknown = lines(tmp_path / "u.jsonl", {"id": "p0#0", "text": "a"}, {"id": "p9#0", "text": "b"})
    with pytest.raises(CommandError, match=r"\[1\]|line 2: id='p9#0' is not a source of dataset 'mine'"):
        call_command("import_outputs", unknown, dataset="mine", system="other")
    twice = lines(tmp_path / "t.jsonl", *({"id": "p0#0", "text": "a", "rank": 0} for _ in range(2)))
    with pytest.raises(CommandError, match="line 2: id='p0#0' with rank 0 is already at line 1"):
        call_command("import_outputs", twice, dataset="mine", system="other")
