"""The worst files of a size: what is nested, long or many, in every place of every form of file that is read, and what
is packed."""

import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from typing import NamedTuple


class Hostile(NamedTuple):
    """`form` says which reader gets the file."""

    form: str
    name: str
    ending: str
    content: bytes


def filled(size: int, row: Callable[[int], str], between: str = ",") -> str:
    """As many rows as fit."""
    rows: list[str] = []
    length = 0
    for number in count():
        text = row(number)
        length += len(text) + len(between)
        if length > size:
            return between.join(rows)
        rows.append(text)
    raise AssertionError


def values(size: int) -> dict[str, str]:
    """What can stand where JSON has a value."""
    half = size // 2
    return {
        "lists, open": "[" * size,
        "lists, closed": "[" * half + "]" * half,
        "lists within the limit": filled(size, lambda _: "[" * 60 + "]" * 60).join("[]"),
        "objects, open": '{"a":' * (size // 5),
        "objects within the limit": filled(size, lambda _: '{"a":' * 60 + "1" + "}" * 60).join("[]"),
        "empty lists": filled(size, lambda _: "[]").join("[]"),
        "empty objects": filled(size, lambda _: "{}").join("[]"),
        "objects of a key each": filled(size, lambda n: f'{{"{n:x}":1}}').join("[]"),
        "objects of a key each in an object": filled(size, lambda n: f'"{n:x}":{{"{n:x}":1}}').join("{}"),
        "keys": filled(size, lambda n: f'"{n:x}":1').join("{}"),
        "texts": filled(size, lambda n: f'"{n:x}"').join("[]"),
        "numbers": filled(size, lambda n: f"{n}").join("[]"),
        "one text": "a" * size + "",
        "one text as JSON": json.dumps("a" * (size - 2)),
        "one text of escapes": '"' + "\\u0041" * (size // 6) + '"',
        "one text of halves": '"' + "\\ud83d" * (size // 6) + '"',
        "one text of brackets": '"' + "[{" * half + '"',
        "one number": "1" * size,
        "one fraction": "0." + "1" * size,
        "one exponent": "1e" + "9" * (size - 2),
        "300 digits": "9" * 300,
    }


ALBUMS = '{{"albums":[{}],"images":[{}],"annotations":[{}]}}'
DII_ROW = '[{{"photo_flickr_id":"p","album_id":"a","photo_order_in_story":0,"text":{}}}]'


def of_json(size: int) -> Iterator[Hostile]:
    for name, value in values(size).items():
        yield Hostile("vist", f"whole: {name}", ".json", value.encode())
        yield Hostile("vist", f"albums: {name}", ".json", f'{{"albums":{value}}}'.encode())
        yield Hostile("vist", f"id: {name}", ".json", f'{{"albums":[{{"id":{value}}}]}}'.encode())
        rows = ALBUMS.format('{"id":"a"}', '{"id":"p","album_id":"a"}', DII_ROW.format(value))
        yield Hostile("vist", f"caption: {name}", ".json", rows.encode())
        yield Hostile("outputs", f"stories: {name}", ".json", f'{{"output_stories":{value}}}'.encode())
        yield Hostile("outputs", f"story: {name}", ".json", f'{{"output_stories":[{value}]}}'.encode())
        yield Hostile("outputs", f"text: {name}", ".jsonl", f'{{"id":"1","text":{value}}}'.encode())
        yield Hostile("outputs", f"id: {name}", ".jsonl", f'{{"id":{value},"text":"a"}}'.encode())
        for form in ("pairs", "corpus"):
            yield Hostile(form, f"line: {name}", ".jsonl", value.encode())
        yield Hostile("pairs", f"story: {name}", ".jsonl", f'{{"story":{value}}}'.encode())
        yield Hostile("pairs", f"machine: {name}", ".jsonl", f'{{"story":"a","machine":{value}}}'.encode())
        yield Hostile("corpus", f"weight: {name}", ".jsonl", f'{{"id":1,"source":"a","weight":{value}}}'.encode())
        for ending in (".json", ".jsonl"):
            yield Hostile("ratings", f"whole: {name}", ending, value.encode())
            row = f'{{"item":"1","system":"s","rater":"r","criterion":"c","score":{value}}}'
            yield Hostile("ratings", f"score: {name}", ending, row.encode())
            yield Hostile("ratings", f"more: {name}", ending, row.replace('"score":', '"score":1,"more":').encode())
        yield Hostile("ratings", f"UTF-16: {name}", ".json", value[: size // 2].encode("utf-16", "surrogatepass"))
        yield Hostile("vist", f"UTF-32: {name}", ".json", f'{{"albums":{value}}}'[: size // 4].encode("utf-32"))


def of_rows(size: int) -> Iterator[Hostile]:
    """As many good rows as there can be, and rows that differ in what they have."""
    images = filled(size, lambda n: f'{{"id":"{n:x}","album_id":"a"}}')
    albums = filled(size, lambda n: f'{{"id":"{n:x}"}}')
    yield Hostile("vist", "albums", ".json", ALBUMS.format(albums, "", "").encode())
    yield Hostile("vist", "photos", ".json", ALBUMS.format('{"id":"a"}', images, "[]").encode())
    captions = filled(size, lambda n: DII_ROW.format(f'"{n:x}"'))
    yield Hostile(
        "vist", "captions", ".json", ALBUMS.format('{"id":"a"}', '{"id":"p","album_id":"a"}', captions).encode()
    )
    stories = filled(size, lambda n: f'{{"album_id":"a","photo_sequence":["{n:x}"],"story_text_normalized":""}}')
    yield Hostile("outputs", "stories", ".json", f'{{"output_stories":[{stories}]}}'.encode())
    lines: dict[tuple[str, str], Callable[[int], str]] = {
        ("outputs", "rows"): lambda n: f'{{"id":{n},"text":""}}',
        ("pairs", "rows"): lambda n: f'{{"story":"{n:x}"}}',
        ("pairs", "rows with a caption"): lambda n: f'{{"story":"{n:x}","caption":"{n:x}"}}',
        ("corpus", "rows"): lambda n: f'{{"id":{n},"source":"a","references":["b"]}}',
        ("ratings", "rows"): lambda n: f'{{"item":{n},"system":"s","rater":1,"criterion":"c","score":1}}',
        ("ratings", "rows of raters"): lambda n: f'{{"item":1,"system":"s","rater":{n},"criterion":"c","score":1}}',
        ("ratings", "keys"): lambda n: f'{{"{n:x}":1}}',
        ("ratings", "keys in lists"): lambda n: f'{{"a":[{{"{n:x}":1}},{{"{n + 1:x}":1}}]}}',
    }
    for (form, name), row in lines.items():
        yield Hostile(form, name, ".jsonl", filled(size, row, "\n").encode())
    yield Hostile("ratings", "lists of objects", ".jsonl", lists_of_objects(size).encode())
    texts = filled(size, lambda n: f'"{n:x}"')
    yield Hostile("pairs", "texts of a line", ".jsonl", f'{{"story":[{texts}]}}'.encode())
    for name, line in (("newlines", "\n"), ("blanks", " "), ("marks", "\ufeff"), ("NUL", "\0")):
        for form, ending in (("pairs", ".jsonl"), ("ratings", ".csv"), ("ratings", ".json"), ("vist", ".json")):
            yield Hostile(form, name, ending, (line * size).encode()[:size])


def lists_of_objects(size: int) -> str:
    objects = filled(4000, lambda n: f'{{"{n:x}":1}}')
    return filled(size, lambda n: f'"l{n}":[{objects}]').join("{}")


def of_tables(size: int) -> Iterator[Hostile]:
    header = "item,system,rater,criterion,score,text\n"
    cells = {
        "quoted": '"' + "a" * size + '"',
        "quoted, open": '"' + "a" * size,
        "quotes": '"' * (size // 2 * 2),
        "quoted lines": '"' + "\n" * size + '"',
        "one cell": "a" * size,
        "commas": "," * size,
        "semicolons": ";" * size,
        "tabs": "\t" * size,
        "bars": "|" * size,
        "digits": "1" * size,
        "list of JSON": '"[' + "1," * (size // 2) + '1]"',
        "list of Python": '"[' + "1," * (size // 2) + "'a']\"",
        "list, nested": '"' + "[" * (size // 2) + "]" * (size // 2) + '"',
        "list, signs": '"[' + "-" * size + '1]"',
        "list, brackets": '"[' + "(" * size + ']"',
        "accents": "é" * (size // 2),
    }
    for name, cell in cells.items():
        for place, text in (
            ("header", cell),
            ("score", f"{header}1,s,r,c,{cell},x"),
            ("text", f"{header}1,s,r,c,1,{cell}"),
        ):
            yield Hostile("ratings", f"{place}: {name}", ".csv", text.encode())
        yield Hostile("ratings", f"ranking: {name}", ".csv", f"item,rater,criterion,ranking\n1,r,c,{cell}".encode())
        yield Hostile("ratings", f"options: {name}", ".csv", f"item,rater,options,best,worst\n1,r,{cell},1,2".encode())
        yield Hostile("ratings", f"latin: {name}", ".csv", f"{header}1,s,r,c,1,{cell}\xe9".encode("latin-1", "replace"))
        yield Hostile("ratings", f"UTF-16: {name}", ".tsv", f"{header}{cell}"[: size // 2].encode("utf-16"))
        yield Hostile("outputs", f"text: {name}", ".csv", f"id,text\n1,{cell}".encode())
        yield Hostile("outputs", f"rank: {name}", ".csv", f"id,text,rank\n1,a,{cell}".encode())
    yield Hostile("ratings", "rows", ".csv", (header + filled(size, lambda n: f"{n},s,r,c,1,", "\n")).encode())
    yield Hostile("ratings", "raters", ".csv", (header + filled(size, lambda n: f"1,s,{n},c,1,", "\n")).encode())
    yield Hostile("ratings", "systems", ".csv", (header + filled(size, lambda n: f"1,{n},r,c,1,", "\n")).encode())
    yield Hostile("ratings", "criteria", ".csv", (header + filled(size, lambda n: f"1,s,r,{n},1,", "\n")).encode())
    yield Hostile(
        "ratings", "columns", ".csv", (filled(size // 2, str) + "\n" + filled(size // 2, lambda n: "1")).encode()
    )
    columns = takewhile(lambda n: n < 16_000, count())
    yield Hostile(
        "ratings",
        "wide",
        ".csv",
        ("item,rater," + ",".join(f"s{n}" for n in columns) + "\n1,r" + ",1" * 16_000).encode(),
    )
    yield Hostile("outputs", "rows", ".csv", ("id,text\n" + filled(size, lambda n: f"{n},", "\n")).encode())
    yield Hostile(
        "ratings",
        "best-worst",
        ".csv",
        ("item,rater,options,best,worst\n" + filled(size, lambda n: f"{n},r,a|b|c,a,b", "\n")).encode(),
    )
    yield Hostile(
        "ratings",
        "ranking of many",
        ".csv",
        ('item,rater,criterion,ranking\n1,r,c,"' + filled(size, lambda n: f"s{n}", ">") + '"').encode(),
    )


def of_toml(size: int) -> Iterator[Hostile]:
    texts = {
        "lists": "a = " + "[" * size,
        "tables": "a = " + "{a=" * (size // 3),
        "dotted": "a" + ".a" * (size // 2) + " = 1",
        "header": "[a" + ".a" * (size // 2) + "]",
        "dotted, half": "a" + ".a" * 100_000 + " = 1",
        "number": "items = " + "1" * size,
        "hexadecimal": "items = 0x" + "f" * 200_000,
        "text": 'name = "' + "a" * size + '"',
        "keys": filled(size, lambda n: f"k{n:x}=1", "\n"),
        "keys, a quarter": filled(size // 5, lambda n: f"k{n:x}=1", "\n"),
        "names": "systems = [" + filled(200_000, lambda n: f'"{n:x}"') + "]",
        "tables of arrays": filled(size // 5, lambda _: "[[a]]", "\n"),
    }
    for name, text in texts.items():
        yield Hostile("campaign", name, ".toml", text.encode())
        yield Hostile("campaign", f"UTF-16: {name}", ".toml", text[: size // 2].encode("utf-16"))


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'
STRINGS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</sst>'
NAMES = ("item", "system", "rater", "criterion", "score")


def of_workbooks(size: int) -> Iterator[Hostile]:
    """What `size` bytes of ZIP can hold: a thousand times as many of XML."""
    most = min(size * 900, 150_000_000)  # more than may be unpacked, and no more than is needed to see that

    def cells(row: int, *values: object) -> str:
        return "".join(f'<c r="{chr(65 + n)}{row}" t="str"><v>{value}</v></c>' for n, value in enumerate(values))

    head = f'<row r="1">{cells(1, *NAMES)}</row>'
    entities = ['<!ENTITY a{} "{}">'.format(n, f"&a{n - 1 or ''};" * 10) for n in range(1, 9)]
    sheets = {
        "cells in a row": lambda: SHEET.format("<sheetData><row>" + "<c/>" * (most // 4) + "</row></sheetData>"),
        "rows": lambda: SHEET.format("<sheetData>" + "<row/>" * (most // 6) + "</sheetData>"),
        "rows of a cell": lambda: SHEET.format(
            f"<sheetData>{head}" + "<row><c><v>1</v></c></row>" * (most // 26) + "</sheetData>"
        ),
        "a far row": lambda: SHEET.format(f'<sheetData>{head}<row r="99999999999"><c><v>1</v></c></row></sheetData>'),
        "a far column": lambda: SHEET.format(
            f'<sheetData>{head}<row r="2"><c r="ZZZZZZZ2"><v>1</v></c></row></sheetData>'
        ),
        "a far dimension": lambda: SHEET.format(
            '<dimension ref="A1:XFD1048576"/><sheetData>' + "<row><c><v>1</v></c></row>" * (size // 26) + "</sheetData>"
        ),
        "nested": lambda: SHEET.format("<a>" * (most // 3)),
        "a comment": lambda: SHEET.format(f"<!--{'a' * most}-->"),
        "a tag": lambda: SHEET.format(f"<a{' ' * most}/>"),
        "an attribute": lambda: SHEET.format(f'<a b="{"c" * most}"/>'),
        "a text": lambda: SHEET.format(f'<sheetData><row><c t="str"><v>{"a" * most}</v></c></row></sheetData>'),
        "merged cells": lambda: SHEET.format(
            "<mergeCells>" + '<mergeCell ref="A1:A1"/>' * (most // 24) + "</mergeCells>"
        ),
        "merged cells within the limit": lambda: SHEET.format(
            f"<sheetData>{head}</sheetData><mergeCells>"
            + '<mergeCell ref="A1:A1"/>' * min(99_000, size)
            + "</mergeCells>"
        ),
        "good rows": lambda: SHEET.format(
            f"<sheetData>{head}"
            + "".join(f'<row r="{n}">{cells(n, n, "s", "r", "c", 1)}</row>' for n in range(2, size // 12))
            + "</sheetData>"
        ),
        "entities": lambda: (
            '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(entities) + "]>" + SHEET.format("<a>&a8;</a>")
        ),
    }
    for name, made in sheets.items():
        yield Hostile("ratings", f"sheet: {name}", ".xlsx", packed_workbook(sheet=made()))
    texts = {
        "many": lambda: STRINGS.format("<si><t>a</t></si>" * (most // 18)),
        "a million": lambda: STRINGS.format("<si><t>a</t></si>" * min(1_000_000, 2 * size)),
        "within the inflation": lambda: STRINGS.format(
            "".join(f"<si><t>{random.random()}</t></si>" for _ in range(size // 12))
        ),
        "empty": lambda: STRINGS.format("<si/>" * (most // 5)),
        "one": lambda: STRINGS.format(f"<si><t>{'a' * most}</t></si>"),
        "runs": lambda: STRINGS.format(f"<si>{'<r><t>a</t></r>' * (most // 16)}</si>"),
    }
    sheet = SHEET.format(f'<sheetData>{head}<row r="2"><c r="A2" t="s"><v>0</v></c></row></sheetData>')
    for name, made in texts.items():
        yield Hostile("ratings", f"texts: {name}", ".xlsx", packed_workbook(sheet=sheet, strings=made()))
    styles = '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>{}</cellXfs></styleSheet>'
    yield Hostile(
        "ratings", "styles", ".xlsx", packed_workbook(sheet=sheet, styles=styles.format("<xf/>" * (most // 5)))
    )
    yield Hostile(
        "ratings",
        "styles within the limit",
        ".xlsx",
        packed_workbook(sheet=sheet, styles=styles.format("<xf/>" * min(99_000, size))),
    )
    yield Hostile("ratings", "a workbook of one byte", ".xlsx", b"P")


def packed_workbook(*, sheet_name: str = "sheet1.xml", **parts: str) -> bytes:
    """A workbook as the library writes it, with parts of it as they are given, and its sheet's file named so."""
    from openpyxl import Workbook

    book, plain = Workbook(), io.BytesIO()
    book.active.append(["a"])
    book.save(plain)
    names = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
    given = {names[part]: text for part, text in parts.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for row in source.infolist():
            content = given.get(row.filename, "").encode() or source.read(row)
            if row.filename.endswith((".rels", "[Content_Types].xml")):
                content = content.replace(b"sheet1.xml", sheet_name.encode())
            target.writestr(row.filename.replace("sheet1.xml", sheet_name), content)
    return packed.getvalue()


def png(side: int, rows: int, *, whole: bool) -> bytes:
    """A picture of so many pixels a side, of which so many rows are there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    packer = zlib.compressobj(1)
    line = bytes(1 + 4 * side)
    data = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    head = side.to_bytes(4, "big") * 2 + bytes([8, 6, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + (chunk(b"IEND", b"") if whole else b"")


def of_pictures(size: int) -> Iterator[Hostile]:
    from PIL import Image

    for side, rows in ((7_000, size // 150), (9_000, 1), (13_000, 1), (30_000, 1), (60_000, 1)):
        for whole in (True, False):
            what = f"PNG, {side}² pixels{'' if whole else ', cut short'}"
            yield Hostile("picture", what, ".png", png(side, min(rows, side), whole=whole))
    for form in ("GIF", "WEBP", "JPEG"):
        out = io.BytesIO()
        side = min(7_000, size // 100)
        Image.new("L" if form == "JPEG" else "P", (side, side)).save(out, form)
        cut = out.getvalue()[:-50] if form == "JPEG" else out.getvalue()
        yield Hostile("picture", f"{form}, {side}² pixels", f".{form.lower()}", cut)
    yield Hostile("picture", "SVG", ".svg", b"<svg>" + b"<g>" * (size // 3) + b"</svg>")
    bomb, many = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(size * 1000))
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(size // 110):
            archive.writestr(f"{number:x}.png", b"")
    yield Hostile("pictures", "one of zeros", ".zip", bomb.getvalue())
    yield Hostile("pictures", "many", ".zip", many.getvalue())


FAMILY = (of_json, of_rows, of_tables, of_toml, of_workbooks, of_pictures)
