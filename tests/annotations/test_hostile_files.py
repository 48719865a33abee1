"""What a few bytes can describe, and no reader gives memory to: every file of a hostile family is read, or refused in
a line that names it. `benchmarks/hostile_files.py` measures whole imports of larger ones."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from annotations.campaigns.readers import preview_ratings, rating_options
from annotations.campaigns.spec_files import read_campaign_file
from annotations.corpora.readers.pairs import PairFields, read_pairs
from annotations.corpora.readers.pictures import gather, problem_of
from annotations.corpora.readers.vist import read_vist
from annotations.errors import InputError
from annotations.systems.readers.outputs import read_outputs
from benchmarks import hostile
from benchmarks.hostile import Hostile
from modeling.corpus import read_examples
from modeling.errors import ModelingError
from texts.limits import MAX_DEPTH, MAX_DIGITS, MAX_VALUE_LENGTH, BoundedJson, LimitError, parse_json, shown, too_deep

MEGABYTE = 1 << 20
READERS: dict[str, Callable[[Path], object]] = {
    "vist": lambda file: read_vist([file], []),
    "pairs": lambda file: read_pairs(file, PairFields(systems=(("*", "machine"),)), split="train"),
    "outputs": read_outputs,
    "ratings": lambda file: preview_ratings([file], rating_options({})),
    "campaign": read_campaign_file,
    "corpus": read_examples,
    "picture": problem_of,
    "pictures": lambda file: gather([file], file.with_suffix(".d")),
}
SIZES = {"of_json": 2_000, "of_workbooks": 200, "of_pictures": 20_000}  # bytes; of others 5,000


def said_of(hostile: Hostile, folder: Path) -> str:
    """What the reader says that is wrong with it; nothing where it reads it."""
    file = folder / f"hostile{hostile.ending}"
    file.write_bytes(hostile.content)
    try:
        READERS[hostile.form](file)
    except (InputError, ModelingError) as error:
        return str(error)
    return ""


@pytest.mark.once
@pytest.mark.parametrize("part", hostile.FAMILY, ids=lambda part: part.__name__)
def test_every_file_is_read_or_refused_in_a_line(part: Callable[[int], Iterator[Hostile]], tmp_path: Path) -> None:
    said = [said_of(hostile, tmp_path) for hostile in part(SIZES.get(part.__name__, 5_000))]
    assert len(said) > 10
    assert any(said)
    for error in filter(None, said):
        assert "hostile." in error, "an error names the file"
        assert len(error) < 2_000, "an error is a line"


KEYS = ("a" + ".a" * 100, '"a b"' + '."a b"' * 100, "'a\\'" + ".'a\\'" * 100, "a" + ' . "\\" b"' * 100)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_many_tables_is_refused(key: str, tmp_path: Path) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(f"# it's\n{key} = 1\n")
    with pytest.raises(InputError, match="nested more than 64 deep"):
        read_campaign_file(file)


@pytest.mark.parametrize("text", ['"{}"', '"""{}"""', "'{}'", "'''{}'''"])
def test_short_sentences_are_no_tables(text: str, tmp_path: Path) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(f"instructions = {text.format('Well.' * 70)} # Well.{'Well.' * 70}\n")
    with pytest.raises(InputError, match="name: missing"):
        read_campaign_file(file)


WORST = {
    "a list in a list": Hostile("outputs", "", ".json", b'{"output_stories":' + b"[" * 50_000),
    "an object in an object": Hostile("vist", "", ".json", b'{"a":' * 20_000),
    "list of objects": Hostile("ratings", "", ".jsonl", hostile.lists_of_objects(20_000).encode()),
    "a row of cells": Hostile(
        "ratings",
        "",
        ".xlsx",
        hostile.packed_workbook(sheet=hostile.SHEET.format("<row>" + "<c/>" * 300_000)),
    ),
    "a row of cells in a sheet of another name": Hostile(
        "ratings",
        "",
        ".xlsx",
        hostile.packed_workbook(sheet=hostile.SHEET.format("<row>" + "<c/>" * 300_000), sheet_name="sheet1.bin"),
    ),
    "a picture of nothing": Hostile("picture", "", ".png", hostile.png(9_000, 1, whole=False)),
}


@pytest.mark.parametrize("name", WORST)
def test_memory_has_little_to_do_with_what_a_file_describes(name: str, tmp_path: Path) -> None:
    tracemalloc.start()
    said_of(WORST[name], tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * MEGABYTE


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", '{"output_stories":' + "[" * 200_000, "byte 81: lists and objects are nested more than 64 deep"),
        ("a.json", '{"output_stories":[' + "1" * 2_000 + "]}", "byte 19: a number has more than 300 digits"),
        (
            "a.jsonl",
            '{"id":"1","text":"x"}\n{"id":"' + "x" * (1 << 21),
            "line 2: a text has more than 1,048,576 characters",
        ),
        ("a.jsonl", "x" * (1 << 24) + "x", "line 1: a line has more than 16,777,216 characters"),
        ("a.csv", "id,text\n1,x\n2," + "x" * (1 << 21), "line 3: a cell has more than 1,048,576 characters"),
    ],
)
def test_an_error_says_where_and_what_the_limit_is(name: str, content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as raised:
        read_outputs(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {says}"


def test_as_much_as_may_be_is_read(tmp_path: Path) -> None:
    text = "한" * MAX_VALUE_LENGTH
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "9" * MAX_DIGITS, "text": text}, ensure_ascii=False))
    (tmp_path / "a.csv").write_text(f'id,text\n1,"{text}"\n')
    for name in ("a.jsonl", "a.csv"):
        assert [len(output.text) for output in read_outputs(tmp_path / name)] == [MAX_VALUE_LENGTH]
    assert not too_deep(parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH))


# ---- the look at JSON before a parser gets it

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"[]{}\\\n한9'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='a"[\\', max_size=3), inner, max_size=4)
    ),
)


def whole(content: bytes, size: int) -> bytes:
    stream = BoundedJson(BytesIO(content))
    return b"".join(iter(lambda: stream.read(size), b""))


@settings(max_examples=150, deadline=None)
@given(value=ANY_JSON, ascii_only=st.booleans(), size=st.integers(1, 50))
def test_what_is_within_the_limits_goes_through_unchanged(value: Any, ascii_only: bool, size: int) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert whole(content, size) == content
    assert parse_json(content.decode()) == value


@example(before=['9"'], beyond="[" * (MAX_DEPTH + 1), size=1)  # a part would end between a backslash and its sign
@settings(max_examples=150, deadline=None)
@given(
    before=st.lists(ANY_JSON, max_size=3),
    beyond=st.sampled_from(["[" * (MAX_DEPTH + 1), '{"a":' * MAX_DEPTH + "[", "7" * (MAX_DIGITS + 1)]),
    size=st.sampled_from([1, 3, 50, 1 << 16]),
)
def test_what_goes_beyond_is_found_at_the_same_byte_in_parts_of_any_size(before: Any, beyond: str, size: int) -> None:
    start = json.dumps(before)[:-1].encode() + (b"," if before else b"")
    with pytest.raises(LimitError) as raised:
        whole(start + beyond.encode(), size)
    assert raised.value.position is not None
    assert len(start) <= raised.value.position < len(start) + len(beyond)


def test_a_value_is_shown_short_whatever_it_is() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10**6, int("f" * 10_000, 16), list(range(10**6)), deep):
        assert len(shown(value)) <= 60
    assert too_deep(deep)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,s,r,c," + "1|" * 40_000 + "1", "lists 40,001 values; the limit is 32,767"),
        (
            "\n".join(f"1,s{number},r,c,1" for number in range(1_001)),
            "is one system too many; the limit is 1,000 per file",
        ),
    ],
)
def test_nobody_has_so_many_raters_or_systems(row: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"item,system,rater,criterion,score\n{row}\n")
    found = preview_ratings([tmp_path / "a.csv"], rating_options({}))
    assert says in found["defects"][0]["problem"]
