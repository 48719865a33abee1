"""Rows of which a text was mended, and rows that only look like others: what is replaced, and what is new."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations import models
from annotations.corpora.readers.content import PlaceNames
from annotations.corpora.readers.identity import near
from annotations.corpora.readers.outcome import Outcome
from annotations.errors import ConflictError
from annotations.imports.identity import Comparison
from annotations.imports.replacing import differences_check
from tests.annotations.test_identity import WITH_IDS, counts, result
from tests.annotations.test_import_pairs import import_pairs, lines

FUN = "At the end of a long day at the lake everyone had fun."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("We saw teh dog.", "We saw the dog.", True),
        ("The dgo ran.", "the dog ran!", True),
        ("Their boats recieved the guests.", "There boats received the guests.", True),
        ("We were in boat 1.", "We were in boat 1!", True),
        ("We had fun at the lake", "We had no fun at the lake.", True),  # one word more
        (FUN, FUN.replace("fun", "a beer"), False),
        (FUN, FUN.replace("At", "By").replace("fun", "a beer"), False),
        ("We saw a dog.", "We saw a cat.", False),
        ("We went to the lake in boat 1.", "We went to the lake in boat 2.", False),
    ],
)
def test_another_writing_has_words_that_are_spelt_alike(one: str, other: str, same: bool) -> None:
    assert near(one, other) is near(other, one) is same


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"album_field": "a"}, WITH_IDS])
def test_another_reference_of_the_same_caption_is_new(tmp_path: Path, options: dict[str, str]) -> None:
    row = {"a": "x", "p": "1", "caption": "people at a lake", "story": FUN}
    import_pairs(lines(tmp_path / "a.jsonl", row), **options)
    import_pairs(lines(tmp_path / "b.jsonl", {**row, "story": FUN.replace("fun", "a beer")}), **options)
    told = set(models.StorySentence.objects.values_list("text", flat=True))
    assert told == {FUN, FUN.replace("fun", "a beer")}


@pytest.mark.django_db
def test_a_typo_of_a_short_reference_is_a_difference(tmp_path: Path) -> None:
    """The error says how rows that only look alike are kept apart."""
    row = {"caption": "a man and a woman are sitting on the grass by the lake", "story": "We saw teh dog."}
    import_pairs(lines(tmp_path / "a.jsonl", row))
    mended = {**row, "story": "We saw the dog."}
    with pytest.raises(CommandError) as caught:
        import_pairs(lines(tmp_path / "b.jsonl", mended))
    assert "if it belongs to another row, give rows ids with --album-field or --photo-field" in str(caught.value)
    assert "line 1: reference of a row without ids: 'We saw teh dog.' → 'We saw the dog.'" in str(caught.value)
    apart = lines(tmp_path / "c.jsonl", {**mended, "a": "x", "p": "1"})
    import_pairs(apart, **WITH_IDS)
    assert counts()["Album"] == 2
    other = {**row, "caption": "a cat", "story": "Everyone left."}  # both sides are others
    import_pairs(lines(tmp_path / "d.jsonl", other))
    assert counts()["Album"] == 3


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"album_field": "a"}])
@pytest.mark.parametrize("caption", [{}, {"caption": "a dog"}])
def test_sources_are_named_after_a_mended_row(tmp_path: Path, options: dict[str, str], caption: dict[str, str]) -> None:
    """So that its outputs are recognised ever after, with a caption and where the photo is the source."""
    everything: dict[str, Any] = {**options, "systems": ["lstm=lstm"]}
    row = {"a": "x", **caption, "story": "We saw teh dog.", "lstm": "we had fun"}
    import_pairs(lines(tmp_path / "a.jsonl", row), **everything)
    mended = lines(tmp_path / "b.jsonl", {**row, "story": "We saw the dog."})
    import_pairs(mended, update=True, **everything)
    source = models.Source.objects.get()
    photo = models.Photo.objects.get().external_id
    assert source.key == (f"{photo}#0" if caption else photo)
    before = counts()
    mended.write_bytes(mended.read_bytes().replace(b"\n", b"\r\n"))
    import_pairs(mended, **everything)
    assert result()["unchanged"]
    assert counts() == before


def outputs_file(file: Path, *texts: str) -> Path:
    return lines(file, *({"id": key, "text": text} for key, text in (one.split("=") for one in texts)))


@pytest.fixture
def _sources(tmp_path: Path) -> None:
    rows = [{"a": str(n), "p": f"p{n}", "caption": f"c{n}", "story": "S."} for n in range(2)]
    import_pairs(lines(tmp_path / "sources.jsonl", *rows), split="test", **WITH_IDS)


def upload(file: Path, **options: Any) -> None:
    call_command("import_outputs", file, dataset="mine", system="up", **options)


def newest() -> list[str]:
    decoding = models.Decoding.objects.complete().latest("pk")
    return list(decoding.outputs.order_by("source", "rank").values_list("text", flat=True))


@pytest.mark.django_db
@pytest.mark.usefixtures("_sources")
def test_the_texts_of_a_source_are_of_one_version(tmp_path: Path) -> None:
    """A list that is shorter than the one that is there takes its place whole, and loses nothing without being told."""
    upload(outputs_file(tmp_path / "1.jsonl", "p0#0=a", "p0#0=b", "p0#0=c", "p1#0=z"))
    shorter = outputs_file(tmp_path / "2.jsonl", "p0#0=a", "p0#0=e")
    with pytest.raises(CommandError, match=r"^2 texts differ .*'b' → 'e'; .*output 2 .* 'c' → nothing$"):
        upload(shorter)
    upload(shorter, update=True)
    assert newest() == ["a", "e", "z"]
    assert result()["replaced"] == {"texts": 2}
    upload(outputs_file(tmp_path / "3.jsonl", "p0#0=a", "p0#0=e", "p0#0=f"))
    assert newest() == ["a", "e", "f", "z"]
    first = outputs_file(tmp_path / "4.jsonl", "p0#0=a")
    with pytest.raises(CommandError, match=r"^2 texts differ .*'e' → nothing; .*'f' → nothing$"):
        upload(first)


@pytest.mark.django_db
def test_the_texts_of_a_source_are_of_one_version_in_pairs_too(tmp_path: Path) -> None:
    row = {"a": "x", "p": "1", "caption": "a boat", "story": "S.", "out": ["a", "b", "c"]}
    options: dict[str, Any] = {"systems": ["up=out"], **WITH_IDS}
    import_pairs(lines(tmp_path / "a.jsonl", row), **options)
    shorter = lines(tmp_path / "b.jsonl", {**row, "out": ["d", "e"]})
    with pytest.raises(CommandError, match="3 texts differ"):
        import_pairs(shorter, **options)
    import_pairs(shorter, update=True, **options)
    assert newest() == ["d", "e"]


@pytest.mark.django_db
@pytest.mark.usefixtures("_sources")
def test_a_source_is_named_once_for_each_rank(tmp_path: Path) -> None:
    rows = {"id": "p0#0", "text": "x"}, {"id": "p1#0", "text": "x"}, {"id": "p0#0", "album": "0", "text": "y"}
    with pytest.raises(CommandError, match=r"line 3: id='p0#0' with rank 0 is already at line 1"):
        upload(lines(tmp_path / "o.jsonl", *rows))
    assert not models.Output.objects.exists()


@pytest.mark.django_db
def test_a_second_list_of_a_system_is_for_a_further_caption(tmp_path: Path) -> None:
    """Of the same words, as it is where both lists come in one file."""
    row = {"a": "x", "p": "1", "caption": "a boat", "story": "S.", "out": "a"}
    options: dict[str, Any] = {"systems": ["up=out"], **WITH_IDS}
    import_pairs(lines(tmp_path / "a.jsonl", row), **options)
    both = lines(tmp_path / "b.jsonl", row, {**row, "out": "b"})
    import_pairs(both, **options)
    assert (newest(), counts()["Source"]) == (["a", "b"], 2)
    both.write_bytes(both.read_bytes().replace(b"\n", b"\r\n"))
    import_pairs(both, **options)
    assert result()["unchanged"]


def test_what_was_replaced_is_called_by_its_kind() -> None:
    said = Outcome(replaced={"pictures": 1, "addresses": 2}).sentence({})
    assert said == "1 picture, 2 addresses were replaced."
    assert Outcome(replaced={"titles": 1}).sentence({}) == "1 title was replaced."
    assert Outcome().sentence({}) == "Nothing new: 0 rows were already there."


@pytest.mark.django_db
def test_what_differs_is_called_by_its_kind_within_the_length_of_a_message() -> None:
    """Of a run's message the site shows 500 characters."""
    found = Comparison(models.Dataset.objects.create(name="d" * 100), "test", mended=True)
    for n in range(9):
        found.differs(f"caption of photo '{n}' of album 'x'", "a" * 900, "b" * 900, (models.Source, n), "text", n)
    found.differs("address of photo 'p'", "https://a.example", "https://b.example", (models.Photo, 1), "url", None)
    with pytest.raises(ConflictError) as caught:
        differences_check(comparison=found, places=PlaceNames([Path("captions.jsonl")]), update=False)
    said = str(caught.value)[:500]
    assert said.startswith("9 texts, 1 address differ from dataset")
    assert "captions.jsonl: line 0: caption of photo '0' of album 'x': '" + "a" * 80 + "…' → '" in said
