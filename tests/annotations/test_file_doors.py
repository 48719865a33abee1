"""Every reader of files: a text is read as it is or refused by file and place."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from annotations.campaigns.spec_files import read_campaign_file
from annotations.corpora.readers.content import fingerprint
from annotations.corpora.readers.pairs import PairFields, read_pairs
from annotations.corpora.readers.vist import read_vist
from annotations.errors import InputError
from annotations.systems.readers.outputs import read_outputs
from tests.annotations.hostile import BLANK, STORABLE, TEXTS, UNSTORABLE
from tests.annotations.rating_files import read
from texts.storable import is_blank, text_problem


def as_json(file: Path, value: Any) -> Path:
    """With escapes, which is how NUL and halves of characters get into files that are good UTF-8."""
    file.write_text(json.dumps(value))
    return file


def vist(folder: Path, **hostile: str) -> tuple[str, str, str]:
    """Read one album with a caption and a story; the title, the caption and the first sentence."""
    photos = [{"id": f"{number}", "album_id": "a"} for number in range(5)]
    base = {"albums": [{"id": "a", "title": hostile.get("title", "t")}], "images": photos}
    one = {"photo_flickr_id": "0", "album_id": "a", "photo_order_in_story": 0, "text": hostile.get("caption", "c")}
    dii = as_json(folder / "dii.json", base | {"annotations": [[one]]})
    told = [
        {"photo_flickr_id": f"{n}", "album_id": "a", "story_id": "s", "storylet_id": f"{n}",
         "worker_arranged_photo_order": n, "text": hostile.get("sentence", "s"),
         "worker_id": hostile.get("author", "w")} for n in range(5)
    ]  # fmt: skip
    sis = as_json(folder / "sis.json", base | {"annotations": [[each] for each in told]})
    (album,) = read_vist([dii], [sis])
    return album.title, album.captions[0][2], album.stories[0].sentences[0][1]


def pairs_file(folder: Path, **hostile: str) -> Any:
    row = {"caption": "c", "story": "s", "out": "o"} | hostile
    fields = PairFields(systems=(("gru", "out"),))
    (album,) = read_pairs(as_json(folder / "a.jsonl", row), fields, split="test")
    return album


def outputs_file(folder: Path, ending: str, text: str) -> str:
    file = folder / f"a{ending}"
    if ending == ".jsonl":
        as_json(file, {"id": "1", "text": text})
    elif ending == ".json":
        story = {"album_id": "a", "photo_sequence": ["1", "2"], "story_text_normalized": text}
        as_json(file, {"output_stories": [story]})
    else:
        file.write_bytes(csv_of([["id", "text"], ["1", text]]))
    return read_outputs(file)[0].text


def csv_of(rows: list[list[str]]) -> bytes:
    quoted = ("\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)) + "\r\n"
    return quoted.encode(errors="surrogatepass")


RATED = ["item", "system", "rater", "criterion", "score", "text"]


def ratings_file(folder: Path, ending: str, text: str) -> str:
    rows = [["1", "gru", "r", "c", "1", text], ["2", "gru", "r", "c", "5", "known"]]
    file = folder / f"a{ending}"
    if ending == ".csv":
        file.write_bytes(csv_of([RATED, *rows]))
    elif ending == ".xlsx":
        book = Workbook()
        for row in [RATED, *rows]:
            book.active.append(row)
        book.save(file)
    elif ending == ".json":
        as_json(file, [dict(zip(RATED, row, strict=True)) for row in rows])
    else:
        file.write_text("\n".join(json.dumps(dict(zip(RATED, row, strict=True))) for row in rows))
    return read(file).texts["1", "1"]["gru"]


def campaign_file(folder: Path, text: str, key: str = "instructions") -> str:
    file = folder / "campaign.toml"
    basic = json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass").decode(errors="surrogateescape")
    lines = ['name = "a"', 'purpose = "evaluation"', 'dataset = "d"', 'split = "test"', 'systems = ["human"]',
             'criteria = ["fluency"]', "items = 1", f"{key} = {basic}"]  # fmt: skip
    file.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    return str(getattr(read_campaign_file(file), key))


FILES: dict[str, Callable[[Path, str], str]] = {
    "VIST: title": lambda folder, text: vist(folder, title=text)[0],
    "VIST: caption": lambda folder, text: vist(folder, caption=text)[1],
    "VIST: sentence": lambda folder, text: vist(folder, sentence=text)[2],
    "pairs: caption": lambda folder, text: pairs_file(folder, caption=text).captions[0][2],
    "pairs: reference": lambda folder, text: pairs_file(folder, story=text).stories[0].sentences[0][1],
    "pairs: output": lambda folder, text: pairs_file(folder, out=text).outputs[0][3][0],
    **{f"outputs: {end}": lambda folder, text, end=end: outputs_file(folder, end, text)  # type: ignore[misc]
       for end in (".jsonl", ".csv", ".json")},
    **{f"ratings: {end}": lambda folder, text, end=end: ratings_file(folder, end, text)  # type: ignore[misc]
       for end in (".csv", ".xlsx", ".json", ".jsonl")},
    "campaign file: instructions": campaign_file,
    "campaign file: consent": lambda folder, text: campaign_file(folder, text, "consent"),
}  # fmt: skip
MAY_BE_BLANK = ("title", "output", "ratings", "campaign file")
NOT_IN_THE_FORMAT = [  # a workbook is XML; and bytes that are no UTF-8 are read in the likeliest of other encodings
    *(("ratings: .xlsx", name) for name in UNSTORABLE),
    ("ratings: .csv", "half a character"),
]
CUT = {"VIST: title": 500}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("door", FILES)
def test_a_file_is_read_as_it_is_or_refused_by_file_and_place(door: str, name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    if (door, name) in NOT_IN_THE_FORMAT:
        return
    if name in UNSTORABLE or (name in BLANK and not any(each in door for each in MAY_BE_BLANK)):
        with pytest.raises(InputError) as refused:
            FILES[door](tmp_path, text)
        assert str(tmp_path) in str(refused.value), "the file is named"
        assert not text_problem(str(refused.value)), "the message itself can be stored and printed"
        assert len(str(refused.value)) < 600
        return
    stored = FILES[door](tmp_path, text)
    if name in BLANK:
        assert is_blank(stored)
    else:
        assert stored.strip() == text.strip()[: CUT.get(door)]


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (
            lambda folder: vist(folder, sentence="a\ud83d"),
            "sis\\.json: annotations\\[0\\]: text='a\\\\ud83d' contains an unpaired surrogate",
        ),
        (lambda folder: vist(folder, author="a\0"), r"sis\.json: annotations\[0\]: worker_id='a\\x00' contains a NUL"),
        (lambda folder: pairs_file(folder, out="a\0"), r"a\.jsonl: line 1: out='a\\x00' contains a NUL character"),
        (
            lambda folder: ratings_file(folder, ".jsonl", "a\ud83d"),
            r"a\.jsonl: line 1: text contains an unpaired surrogate",
        ),
        (lambda folder: outputs_file(folder, ".csv", "a\0"), r"a\.csv: line 2: text contains a NUL character"),
        (lambda folder: campaign_file(folder, "a\0"), r"campaign\.toml: instructions: contains a NUL character"),
    ],
)
def test_what_no_text_holds_is_refused_by_place_and_key(write: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        write(tmp_path)


def test_only_half_characters_are_refused_of_escapes(tmp_path: Path) -> None:
    """Pairs are whole characters, and a backslash before a "u" may be an escaped backslash."""
    for text in ("\U0001f600", "a \\ud83d in letters", "\\\\\U0001f600"):
        assert vist(tmp_path, caption=text)[1] == text


def test_a_long_key_of_a_sequence_is_refused_on_every_database(tmp_path: Path) -> None:
    file = tmp_path / "sis.json"
    base = {"albums": [{"id": "a"}], "images": [{"id": "x" * 150 + f"{n}", "album_id": "a"} for n in range(5)]}
    told = [
        {"photo_flickr_id": "x" * 150 + f"{n}", "album_id": "a", "story_id": "s", "storylet_id": f"{n}",
         "worker_arranged_photo_order": n, "text": "t"} for n in range(5)
    ]  # fmt: skip
    as_json(file, base | {"annotations": [[each] for each in told]})
    with pytest.raises(InputError, match=r"the ids of the story's photos=.* is longer than 500 characters"):
        read_vist([], [file])


def test_a_column_and_a_file_that_cannot_be_named_are_refused(tmp_path: Path) -> None:
    file = as_json(tmp_path / "a.json", [{**dict.fromkeys(RATED, "1"), "n\0te": "x"}])
    with pytest.raises(InputError, match=r"the column 'n\\x00te' contains a NUL character"):
        read(file)
    with pytest.raises(InputError, match="its path contains an unpaired surrogate"):
        fingerprint([tmp_path / "\udcff.jsonl"], [])


def test_a_campaign_file_is_toml_of_others_too(tmp_path: Path) -> None:
    """What our own reader takes, Python's does."""
    campaign_file(tmp_path, STORABLE["joined emoji"])
    values = tomllib.loads((tmp_path / "campaign.toml").read_text())
    assert values["instructions"] == STORABLE["joined emoji"]
