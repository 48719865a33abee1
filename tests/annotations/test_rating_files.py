"""Files of ratings as studies publish them: whatever the layout, what they say is what is read."""

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from annotations.corpora.readers.content import ImportFileError
from tests.annotations.rating_files import read, scores

HEADER = ["item", "system", "rater", "criterion", "score", "text"]
ROWS = [
    ["d 1", "GPT-3.5 (new)", "Zoë", "over all", "3.5", '„Ein Café“, sagt er; "so"\nneue Zeile'],
    ["d 1", "human", "Zoë", "over all", "5", "Straße | Weg"],
    ["d 2", "human", "Jürgen", "fluency/style", "1", "é"],
    ["d 2", "GPT-3.5 (new)", "Jürgen", "fluency/style", "2.25", ""],
]


def delimited(sign: str, encoding: str, *, comma: bool = False, mark: bytes = b"") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        def cell(value: str, place: int) -> str:
            value = value.replace(".", ",") if comma and place == 4 else value
            return '"' + value.replace('"', '""') + '"' if any(each in value for each in f'{sign}"\n,') else value

        lines = [sign.join(cell(value, place) for place, value in enumerate(row)) for row in [HEADER, *ROWS]]
        file = folder / "study.csv"
        file.write_bytes(mark + "\r\n".join(lines).encode(encoding))
        return file

    return write


def workbook(folder: Path) -> Path:
    book = Workbook()
    book.active.append(["about this file"])
    sheet = book.create_sheet("Ratings")
    for row in [HEADER, *ROWS]:
        sheet.append([float(cell) if place == 4 and cell != "score" else cell for place, cell in enumerate(row)])
    book.save(folder / "study.xlsx")
    return folder / "study.xlsx"


def objects() -> list[dict[str, Any]]:
    return [dict(zip(HEADER, [*row[:4], float(row[4]), row[5] or None], strict=True)) for row in ROWS]


def json_lines(folder: Path) -> Path:
    (folder / "study.jsonl").write_text("\n".join(json.dumps(row) for row in objects()))
    return folder / "study.jsonl"


def json_list(folder: Path) -> Path:
    (folder / "study.json").write_text(json.dumps(objects(), indent=1, ensure_ascii=False))
    return folder / "study.json"


def json_object(folder: Path) -> Path:
    (folder / "study.json").write_text(json.dumps({"study": "x", "n": 4, "ratings": objects()}))
    return folder / "study.json"


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (delimited(",", "utf-8"), {}),
        (delimited(",", "utf-8", mark=codecs.BOM_UTF8), {}),
        (delimited(";", "utf-8", comma=True), {}),
        (delimited(";", "cp1252", comma=True), {}),
        (delimited("\t", "utf-16-le", mark=codecs.BOM_UTF16_LE), {}),
        (delimited("|", "utf-8"), {}),
        (delimited(",", "utf-8", comma=True), {"decimal": "comma"}),
        (workbook, {"sheet": "Ratings"}),
        (json_lines, {}),
        (json_list, {}),
        (json_object, {}),
    ],
)
def test_a_study_reads_the_same_in_every_format(
    tmp_path: Path, write: Callable[[Path], Path], options: dict[str, Any]
) -> None:
    content = read(write(tmp_path), **options)
    assert scores(content) == {(row[0], row[0], row[1], row[2], row[3]): [float(row[4])] for row in ROWS}
    assert {text for texts in content.texts.values() for text in texts.values()} == {row[5] for row in ROWS}
    assert not content.facts.names, "every name may stay as it is"
    assert (content.scale, content.scale_found, content.protocol) == ((1, 5), True, "slider")


def test_quotes_that_part_nothing_are_kept_in_tables_with_tabs(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    texts = ['"Hello', 'she said "no" twice', '"quoted" at first, and 5" long']
    rows = [f"{n}\ta\tr\tc\t{n}\t{text}" for n, text in enumerate(texts)]
    file.write_text("\n".join(["\t".join(HEADER), *rows]))
    assert [
        texts[str(n)] for texts, n in [({p[1]: t["a"] for p, t in read(file).texts.items()}, n) for n in range(3)]
    ] == texts


NAMED = {"columns": ["item=Doc.Id", "system=Model", "criterion==quality", "rater==ann"]}


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        (
            "a.csv",
            "Doc.Id,Model,rater,Coherence (1-5),Flow\n1,x,p,3,4\n1,x,q,5,2\n",
            {"criteria": ["Coherence (1-5)", "Flow"]},
        ),
        (
            "a.csv",
            "Doc.Id,Model,p Coherence (1-5),q Coherence (1-5),p Flow,q Flow\n1,x,3,5,4,2\n",
            {"wide": ["{rater} {criterion}"]},
        ),
        (
            "a.json",
            json.dumps({"1": {"x": {"p": {"Coherence (1-5)": 3, "Flow": 4}, "q": {"Coherence (1-5)": 5, "Flow": 2}}}}),
            {"columns": ["item=key"], "wide": ["{system}.{rater}.{criterion}"]},
        ),
        (
            "a.jsonl",
            json.dumps(
                {"Doc.Id": 1, "Model": "x", "by": [{"who": "p", "Coherence (1-5)": 3, "Flow": 4},
                                                   {"who": "q", "Coherence (1-5)": 5, "Flow": 2}]}
            ),
            {"columns": ["item=Doc.Id", "system=Model", "rater=by.who"], "wide": ["by.{criterion}"]},
        ),
    ],
)  # fmt: skip
def test_wide_and_nested_tables_are_the_long_one(tmp_path: Path, name: str, text: str, options: dict[str, Any]) -> None:
    (tmp_path / name).write_text(text)
    content = read(tmp_path / name, **{"columns": ["item=Doc.Id", "system=Model"], **options})
    assert scores(content) == {
        ("1", "1", "x", "p", "Coherence (1-5)"): [3],
        ("1", "1", "x", "q", "Coherence (1-5)"): [5],
        ("1", "1", "x", "p", "Flow"): [4],
        ("1", "1", "x", "q", "Flow"): [2],
    }


def test_an_id_that_holds_several_things_is_taken_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,rater,score\nE-12_GPT_4,r,1\nE-12_human,r,2\nU-1_human,r,3\n")
    options = {"split": ["id={part}-{item:d}_{system}"], "columns": ["criterion==c"], "where": ["part=E"]}
    assert scores(read(file, **options)) == {("12", "12", "GPT_4", "r", "c"): [1], ("12", "12", "human", "r", "c"): [2]}
    file.write_text(file.read_text() + "E12,r,4\n")
    with pytest.raises(ImportFileError, match=r"line 5: id='E12' does not match '\{part\}-\{item:d\}_\{system\}'"):
        read(file, **options)


def test_rows_are_chosen_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("item,system,rater,criterion,score,kind\n1,a,r,c,1,x\n2,a,r,c,2,spam\n3,a,r,c,3,y\n4,a,r,c,4,\n")
    assert sorted(key[1] for key in scores(read(file, where=["kind!=spam", "kind!="]))) == ["1", "3"]
    assert sorted(key[1] for key in scores(read(file, where=["kind=x", "kind=spam", "item!=1"], scale=[1, 5]))) == ["2"]


@pytest.mark.parametrize("cell", ['"[4, 5, 3]"', "4|5|3", '"4,5,3"', "[4 5 3]", '"(4; 5; 3)"'])
def test_a_list_in_a_cell_is_a_score_a_rater(tmp_path: Path, cell: str) -> None:
    file, options = tmp_path / "a.csv", {"columns": ["criterion==c"]}
    if "(" in cell:
        cell, options = cell.replace("(", "").replace(")", ""), {**options, "lists": ";"}  # type: ignore[dict-item]
    file.write_text(f"item,system,score\n1,a,{cell}\n")
    content = read(file, **options)
    assert scores(content) == {("1", "1", "a", f"position {n}", "c"): [s] for n, s in ((1, 4), (2, 5), (3, 3))}
    assert content.facts.positions
    items = scores(read(file, **{**options, "columns": ["criterion==c", "rater==ann", "item="]}, positions="item"))
    assert items == {(f"{n}", f"{n}", "a", "ann", "c"): [s] for n, s in ((1, 4), (2, 5), (3, 3))}


def test_columns_that_are_numbered_together_make_a_row_each(tmp_path: Path) -> None:
    """Two texts per row, each with its system, text and score in columns of one number; several files as raters."""
    for name, second in (("ann", 5), ("bob", 3)):
        (tmp_path / f"{name}.csv").write_text(f"id,m1,t1,s1,m2,t2,s2\n7,a,A.,4,b,B.,{second}\n")
    content = read(
        [tmp_path / "ann.csv", tmp_path / "bob.csv"],
        columns=["item=id", "rater=#file", "criterion==c", "system=m{n}", "text=t{n}"],
        wide=["s{n:d}"],
    )
    assert scores(content) == {
        ("7", "7", system, rater, "c"): [score]
        for system, rater, score in (("a", "ann", 4), ("b", "ann", 5), ("a", "bob", 4), ("b", "bob", 3))
    }
    assert content.texts == {("7", "7"): {"a": "A.", "b": "B."}}


def test_albums_hold_items_of_the_same_name_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("doc,seg,system,rater,criterion,score\nx,1,a,r,c,1\ny,1,a,r,c,2\nx,2,a,r,c,3\n")
    content = read(file, columns=["album=doc", "item=seg"])
    assert scores(content) == {
        ("x", "1", "a", "r", "c"): [1],
        ("y", "1", "a", "r", "c"): [2],
        ("x", "2", "a", "r", "c"): [3],
    }
    assert [album.external_id for album in content.albums()] == ["x", "y"]
    joined = read(file, columns=["item=doc", "item=seg"])
    assert {screen.place for screen in joined.screens} == {(each, each) for each in ("x/1", "y/1", "x/2")}


def test_blanks_are_passed_over_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    blanks = ["", " ", "NaN", "NA", "n/a", "null", "-", "None", "#N/A"]
    rows = [f"{n},a,r,c,{blank}" for n, blank in enumerate(blanks)]
    file.write_text("\n".join(["item,system,rater,criterion,Quality", *rows, "9,a,r,c,1", "9,b,r,c,4"]))
    content = read(file, columns=["score=Quality"])
    assert content.facts.missing == {"Quality": len(blanks)}
    assert sum(map(len, scores(content).values())) == 2
    assert list(content.texts) == [("9", "9")]
