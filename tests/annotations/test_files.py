"""Files as they come: with a mark at the start or where parts were joined, in UTF-16, with endings in capitals."""

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from annotations.campaigns.spec_files import read_campaign_file
from annotations.corpora.readers.pairs import PairFields, read_pairs
from annotations.corpora.readers.vist import read_vist
from annotations.errors import InputError
from annotations.systems.readers.outputs import read_outputs
from modeling.corpus import read_examples
from tests.annotations.rating_files import read, scores

TEXT = "naïve 한국어"
PHOTOS = {"albums": [{"id": "a"}], "images": [{"id": f"{n}", "album_id": "a"} for n in range(5)]}
DII = PHOTOS | {"annotations": [[{"photo_flickr_id": "0", "album_id": "a", "photo_order_in_story": 0, "text": TEXT}]]}
CHALLENGE = {"output_stories": [{"album_id": "a", "photo_sequence": ["1"], "story_text_normalized": TEXT}]}
RATING = {"item": "1", "system": "gru", "rater": "r", "criterion": "c", "score": 1, "text": TEXT}
TOML = (
    'name = "a"\npurpose = "evaluation"\ndataset = "d"\nsplit = "test"\nsystems = ["human"]\n'
    f'criteria = ["fluency"]\nitems = 1\nconsent = "{TEXT}"\n'
)


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def rated_text(file: Path) -> str:
    content = read(file, scale=[1, 5])
    assert list(scores(content).values()) == [[1.0]]
    return content.texts["1", "1"]["gru"]


FORMS: dict[str, tuple[str, str, Any]] = {
    "vist": (".JSON", json.dumps(DII, ensure_ascii=False), lambda file: read_vist([file], [])[0].captions[0][2]),
    "pairs": (
        ".JSONL",
        lines({"caption": TEXT, "story": "s"}),
        lambda file: read_pairs(file, PairFields(), split="test")[0].captions[0][2],
    ),
    "outputs, jsonl": (".JSONL", lines({"id": "1", "text": TEXT}), lambda file: read_outputs(file)[0].text),
    "outputs, csv": (".CSV", f"id,text\n1,{TEXT}\n", lambda file: read_outputs(file)[0].text),
    "outputs, semicolons": (".CSV", f"id;text\n1;{TEXT}\n", lambda file: read_outputs(file)[0].text),
    "outputs, tsv": (".TSV", f"id\ttext\n1\t{TEXT}\n", lambda file: read_outputs(file)[0].text),
    "challenge": (".JSON", json.dumps(CHALLENGE, ensure_ascii=False), lambda file: read_outputs(file)[0].text),
    "ratings, csv": (".CSV", f"item,system,rater,criterion,score,text\n1,gru,r,c,1,{TEXT}\n", rated_text),
    "ratings, jsonl": (".JSONL", lines(RATING), rated_text),
    "ratings, list": (".JSON", json.dumps([RATING], ensure_ascii=False), rated_text),
    "ratings, list under a key": (".JSON", json.dumps({"n": 1, "rows": [RATING]}, ensure_ascii=False), rated_text),
    "ratings, by keys": (".JSON", json.dumps({"1": RATING, "2": {}}, ensure_ascii=False), rated_text),
    "campaign": (".TOML", TOML, lambda file: read_campaign_file(file).consent),
}
MARKS = {
    "none": b"",
    "UTF-8": codecs.BOM_UTF8,
    "UTF-16, little end first": codecs.BOM_UTF16_LE,
    "UTF-16, big end first": codecs.BOM_UTF16_BE,
    "UTF-32": codecs.BOM_UTF32_LE,
}
ENCODINGS = dict(zip(MARKS, ("utf-8", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le"), strict=True))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("form", FORMS)
def test_a_text_is_read_whatever_the_mark_the_line_ends_and_the_ending(
    form: str, mark: str, ends: str, tmp_path: Path
) -> None:
    ending, content, text_in = FORMS[form]
    if form == "campaign" and ends == "\r":
        return  # no line end of TOML
    file = tmp_path / f"FILE{ending}"
    file.write_bytes(MARKS[mark] + content.replace("\n", ends).encode(ENCODINGS[mark]))
    assert text_in(file) == TEXT


def test_parts_that_were_joined_may_each_have_a_mark(tmp_path: Path) -> None:
    part = codecs.BOM_UTF8
    one, two = (lines({"id": f"{n}", "text": TEXT}).encode() for n in (1, 2))
    (tmp_path / "a.jsonl").write_bytes(part + one + part + two)
    assert [output.key for output in read_outputs(tmp_path / "a.jsonl")] == ["1", "2"]
    (tmp_path / "a.csv").write_bytes(part + b"id,text\n1,x\n" + part + b'"2","y, z"\n')
    assert [output.key for output in read_outputs(tmp_path / "a.csv")] == ["1", "2"]
    one, two = (lines({"id": f"{n}", "source": "c", "references": ["s"]}).encode() for n in (1, 2))
    (tmp_path / "b.jsonl").write_bytes(part + one + part + two)
    assert [example.id for example in read_examples(tmp_path / "b.jsonl")] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"id": "1", "text": "x"}\n{"id": "\xff"}\n', r"line 2: not UTF-8: byte 33"),
        ("a.csv", b"id,text\n1,na\xefve\n", r"line 2: not UTF-8: byte 12"),
        ("a.csv", b"id,id,text\n1,2,x\n", r"line 1: the column 'id' appears twice"),
        ("a.csv", b"id,text\n1\n", r"line 2: has 1 cells, but the header has 2"),
        ("a.json", b'\xef\xbb\xbf{"output_stories": [}', r"line 1, column 21: not JSON"),
        ("a.json", b"\xff\xfe{\x00", r"not JSON"),
        ("a.xlsx", b"", r"must end with \.jsonl, \.csv, \.tsv, \.json"),
        ("a.jsonl", b'{"id": ' + b"1" * 5000 + b"}", r"line 1: a number has more than 300 digits"),
        ("a.jsonl", b"[" * 100_000, r"line 1: lists and objects are nested more than 64 deep"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_line(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_outputs(tmp_path / name)
