"""The same content twice is the same content, and what differs is said."""

import json
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.corpora.locks import dataset_lock
from annotations.corpora.readers.identity import match_texts
from annotations.corpora.rewriting import split_texts, unchanged_check
from annotations.corpora.selectors import references
from annotations.errors import ConflictError
from annotations.imports import writing as imports
from tests.annotations.test_import_pairs import import_pairs, lines
from tests.annotations.test_import_vist import change, import_vist, vist_files
from texts.folding import fold
from workers.jobs import importing

COUNTED = (*(models.Album, models.Photo, models.Source, models.Story, models.StorySentence), models.Output)


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in COUNTED}


def result() -> dict[str, Any]:
    """Of the newest run."""
    from workers.models import Run

    found: dict[str, Any] = Run.objects.latest("pk").result
    return found


@given(st.text(), st.sampled_from(["\n", "\r\n", "\t", "  ", "\u2028"]))
def test_line_ends_white_space_and_unicode_forms_make_no_other_text(text: str, space: str) -> None:
    other = unicodedata.normalize("NFD", text).replace(" ", space) + space
    assert fold(other) == fold(text) == fold(fold(text))


@pytest.mark.parametrize(
    ("stored", "given_", "same", "changed"),
    [
        (["a", "b"], ["b", "a"], {0: 1, 1: 0}, {}),
        (["a", "a"], ["a", "a"], {0: 0, 1: 1}, {}),
        (["a"], ["a", "a"], {0: 0, 1: 0}, {}),
        (["We saw teh dog."], ["We saw the dog."], {}, {0: 0}),  # nearly the same
        (["We saw a dog."], ["They went home early."], {}, {}),  # another reference
        (["a b", "c d", "e f"], ["c d", "x y", "a b"], {0: 1, 2: 0}, {1: 2}),  # a list as long, that shares texts
        (["a b", "c d", "e f"], ["c d", "x y"], {0: 1}, {}),
        ([], ["a"], {}, {}),
    ],
)
def test_lists_are_compared_by_text(
    stored: list[str], given_: list[str], same: dict[int, int], changed: dict[int, int]
) -> None:
    matched = match_texts(stored, given_)
    assert (matched.same, matched.changed) == (same, changed)


def other_line_ends(file: Path) -> None:
    text = json.dumps(json.loads(file.read_text()), indent=1)
    file.write_bytes(text.replace("\n", "\r\n").encode())


def pictures(folder: Path) -> Path:
    made = folder / "pictures"
    made.mkdir()
    for n in range(3):
        (made / f"train-0-{n}.svg").write_bytes(b"<svg></svg>")
    return made


@pytest.mark.django_db
def test_vist_again_doubles_nothing(tmp_path: Path) -> None:
    """With other line ends, with pictures, with one text mended: once each, after one another."""
    dii, sis = vist_files(tmp_path)
    import_vist(dii, sis)
    before = counts()
    other_line_ends(dii)
    import_vist(dii, sis)
    assert counts() == before
    assert models.Import.objects.count() == 1
    assert result()["unchanged"]
    assert result()["recognised"] == {"albums": 2, "photos": 12, "sources": 34, "stories": 4, "sentences": 20}
    assert result()["message"] == "Nothing new: 72 rows were already there."

    import_vist(dii, sis, images=pictures(tmp_path))
    assert counts() == before
    assert models.Photo.objects.exclude(image="").count() == result()["attached"]["pictures"] == 3
    assert models.Import.objects.latest("pk").sentence.endswith("Added: 3 pictures.")

    change(sis, 7, text="another sentence altogether .")
    change(dii, 0, original_text="Caption zero of train-0-1.")
    with pytest.raises(CommandError) as caught:
        import_vist(dii, sis)
    said = str(caught.value)
    assert f"{sis}: annotations[7]: sentence 2 of story 'train-album-0-1' of album 'train-album-0'" in said
    assert "'sentence 2 of story 1 of train-album-0 .' → 'another sentence altogether .'" in said
    assert f"{dii}: annotations[0]: caption of photo 'train-0-1' of album 'train-album-0'" in said
    assert said.startswith("2 texts differ from dataset 'vist'; nothing was imported; --update")
    assert "\n" not in said
    assert counts() == before
    import_vist(dii, sis, update=True)
    assert counts() == before
    assert result()["replaced"] == {"texts": 2}
    assert models.StorySentence.objects.filter(text="another sentence altogether .").count() == 1
    assert models.Source.objects.get(key="train-0-1#0").text == "Caption zero of train-0-1."
    import_vist(dii, sis, images=tmp_path / "pictures")
    assert result()["unchanged"]


@pytest.mark.django_db
def test_a_file_again_is_no_longer_the_same_once_its_texts_were_replaced(tmp_path: Path) -> None:
    dii, sis = vist_files(tmp_path)
    first = sis.read_bytes()
    import_vist(dii, sis)
    change(sis, 7, text="another sentence .")
    import_vist(dii, sis, update=True)
    sis.write_bytes(first)
    with pytest.raises(CommandError, match="1 text differs"):
        import_vist(dii, sis)


PAIR = {"caption": "a dog in a boat", "story": "We saw teh dog.", "lstm": "we had fun"}
OTHER = {"caption": ["a cat", "a mat"], "story": ["The cat slept.", "A cat at last!"], "lstm": "we had fun"}
WITH_IDS = {"album_field": "a", "photo_field": "p"}


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"album_field": "a"}, WITH_IDS])
@pytest.mark.parametrize("key", ["caption", "story"])
def test_pairs_again(tmp_path: Path, options: dict[str, str], key: str) -> None:
    """With and without ids: the rows are recognised, their lists in any order; a mended one is named and replaced."""
    rows = [{**row, "a": "x", "p": str(n)} for n, row in enumerate((PAIR, OTHER))]
    everything = {**options, "systems": ["lstm=lstm"]}
    import_pairs(lines(tmp_path / "a.jsonl", *rows), **everything)
    before = counts()
    turned = [{name: value[::-1] if isinstance(value, list) else value for name, value in row.items()} for row in rows]
    import_pairs(lines(tmp_path / "b.jsonl", *reversed(turned)), **everything)
    assert counts() == before
    assert result()["recognised"]["outputs"] == 3
    assert result()["unchanged"]
    mended = lines(
        tmp_path / "c.jsonl", rows[1], {**rows[0], key: "We saw the dog." if key == "story" else "a dog in a boat!"}
    )
    with pytest.raises(
        CommandError, match=r"^1 text differs .*c.jsonl: line 2: .*" + f"'{rows[0][key]}' → ".replace("?", ".")
    ):
        import_pairs(mended, **everything)
    assert counts() == before
    import_pairs(mended, update=True, **everything)
    assert counts() == before
    assert result()["replaced"] == {"texts": 1}
    mended.write_bytes(mended.read_bytes().replace(b"\n", b"\r\n"))
    import_pairs(mended, **everything)
    assert result()["unchanged"]


@pytest.mark.django_db
def test_the_same_twice_in_one_file_counts_once(tmp_path: Path) -> None:
    row = {"caption": ["one", "two", "one"], "story": ["A.", "B.", "A. "]}
    import_pairs(lines(tmp_path / "a.jsonl", row, row), source_field="caption")
    assert counts() == {"Album": 1, "Photo": 1, "Source": 2, "Story": 2, "StorySentence": 2, "Output": 0}
    assert result()["repeated"] == 3
    assert "3 texts were duplicated in the file and counted once." in result()["message"]


@pytest.mark.django_db
def test_a_further_reference_and_system_are_added(tmp_path: Path) -> None:
    import_pairs(lines(tmp_path / "a.jsonl", {**PAIR, "a": "x", "p": "1"}), **WITH_IDS)
    further = {**PAIR, "a": "x", "p": "1", "story": ["We saw teh dog.", "Nobody could find the oars."]}
    import_pairs(lines(tmp_path / "b.jsonl", further), systems=["lstm=lstm"], **WITH_IDS)
    assert counts() == {"Album": 1, "Photo": 1, "Source": 1, "Story": 2, "StorySentence": 2, "Output": 1}
    assert models.Output.objects.get().source == models.Source.objects.get()


@pytest.mark.django_db
def test_outputs_again(tmp_path: Path) -> None:
    """The same, more of them, and one that was mended: the newest decoding is whole each time."""
    rows = [{"a": str(n), "p": f"p{n}", "caption": f"c{n}", "story": "S."} for n in range(3)]
    import_pairs(lines(tmp_path / "a.jsonl", *rows), split="test", **WITH_IDS)

    def upload(name: str, *texts: str, **options: Any) -> dict[str, Any]:
        file = lines(tmp_path / name, *({"id": f"p{n}#0", "text": text} for n, text in enumerate(texts)))
        call_command("import_outputs", file, dataset="mine", system="up", **options)
        return result()

    def newest() -> list[str]:
        decoding = models.Decoding.objects.complete().latest("pk")
        return list(decoding.outputs.order_by("source").values_list("text", flat=True))

    upload("1.jsonl", "x", "y")
    assert upload("2.jsonl", "x ", "y\r\n")["message"] == "Nothing new: 2 rows were already there."
    assert models.Output.objects.count() == 2
    upload("3.jsonl", "x", "y", "z")
    assert newest() == ["x", "y", "z"]
    with pytest.raises(CommandError, match=r"1 text differs .*4.jsonl: line 1: output 0 of system 'up' .*'x' → 'w'"):
        upload("4.jsonl", "w")
    assert upload("4.jsonl", "w", update=True)["replaced"] == {"texts": 1}
    assert newest() == ["w", "y", "z"]
    with pytest.raises(CommandError, match="'w' → 'x'"):
        upload("3.jsonl", "x", "y", "z")


@pytest.mark.django_db
def test_what_something_depends_on_is_not_replaced(tmp_path: Path) -> None:
    """Outputs of another system, an item, a drawn reference: each is named."""
    rows = [
        {"a": str(n), "p": "p", "caption": f"a dog in boat {n}", "story": f"We were in boat {n}."} for n in range(3)
    ]
    import_pairs(lines(tmp_path / "a.jsonl", *rows), split="test", **WITH_IDS)
    dataset = models.Dataset.objects.get()
    parts = lines(tmp_path / "o.jsonl", *({"id": "p#0", "album": str(n), "text": "fun"} for n in range(3)))
    call_command("import_outputs", parts, dataset="mine", system="lstm")
    campaign = tmp_path / "c.toml"
    campaign.write_text(
        'name = "first"\npurpose = "evaluation"\ndataset = "mine"\nsplit = "test"\nunit = "sentence"\n'
        'systems = ["human", "lstm"]\nprotocol = "slider"\nshow = "caption"\ncriteria = ["fluency"]\nitems = 3\n'
        "overlap = 1\n"
    )
    call_command("create_campaign", campaign)
    rows[1] |= {"caption": "a dog in boat 1!", "story": "We were in boat 1!"}
    with pytest.raises(CommandError) as caught:
        import_pairs(lines(tmp_path / "b.jsonl", *rows), split="test", update=True, **WITH_IDS)
    for name in (
        "campaign 'first' shows 1 of them",
        "drew 1 of them as human texts",
        "system 'lstm' has outputs",
    ):
        assert name in str(caught.value)
    assert not models.Source.objects.filter(text__endswith="!").exists()
    assert dataset.imports.count() == 2


@pytest.mark.django_db
def test_what_a_killed_import_replaced_is_put_back(tmp_path: Path) -> None:
    """What a killed import had replaced is put back, and nothing is made of the dataset meanwhile."""
    dii, sis = vist_files(tmp_path)
    import_vist(dii, sis)
    change(dii, 0, original_text="Caption zero of train-0-1.")
    config = {"form": "vist", "files": {"dii": [str(dii)], "sis": [str(sis)]}, "images": "", "split": "train"}
    reading = importing.reading_of({**config, "dataset": "vist", "update": True})
    dataset = models.Dataset.objects.get()
    row = imports.import_begin(dataset=dataset, fingerprint=reading.digest, description="killed")
    prepared = reading.prepare(dataset, reading.read(lambda message: None))
    written = reading.write(row, prepared, lambda share: None)
    old = models.Source.objects.get(key="train-0-1#0")
    for begin in (dataset_lock, partial(unchanged_check, texts=())):
        with pytest.raises(
            ConflictError, match=rf"import {row.pk} \(killed\) is replacing some of its texts; .*sweeper"
        ):
            begin(dataset=dataset)
    imports.import_discard(import_row=row)
    old.refresh_from_db()
    unchanged_check(dataset=dataset, texts=split_texts("train"))()
    assert (old.text, models.Import.objects.count()) == ("Caption 0 of train-0-1.", 1)
    assert written.outcome.replaced == {"texts": 1}


@pytest.mark.django_db
def test_a_reference_is_known_from_a_story(tmp_path: Path) -> None:
    """Whichever comes first, a sentence of a story and the same reference on its own are one reference to a metric."""
    from workers.jobs.scoring import references_by_source

    _, sis = vist_files(tmp_path)
    row = {
        "a": "train-album-0",
        "p": "train-0-1",
        "caption": "a boat",
        "story": "sentence 1 of story 1 of train-album-0 .",
    }
    pair = lines(tmp_path / "a.jsonl", row)

    def told(first: Callable[[], None], second: Callable[[], None]) -> list[tuple[str, ...]]:
        first()
        second()
        captions = models.Source.objects.filter(kind="caption")
        assert references(captions).exists()
        found = references_by_source(captions)
        models.Dataset.objects.filter(name="vist").update(name=f"before-{len(found)}")
        return [sorted(texts) for texts in found.values()]

    def stories() -> None:
        import_vist(None, sis)

    def pairs_() -> None:
        call_command("import_pairs", pair, dataset="vist", split="train", **WITH_IDS)

    expected = [sorted(["sentence 0 of story 0 of train-album-0 .", row["story"]])]  # one of each of two stories
    assert told(stories, pairs_) == expected
    assert told(pairs_, stories) == [*expected, *expected]
