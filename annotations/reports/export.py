"""Tables for other tools. JSON lines and Parquet hold every text as it is, and are for programs.

CSV is what people open by a click, and the one writer here makes what Excel and LibreOffice open rightly: UTF-8 with
its mark, without which Excel takes it for another encoding; commas, and quotes where a cell needs them; numbers as
numbers. A text that a spreadsheet would take for a formula gets an apostrophe before it, since it may be anybody's.
Nothing is lost by that: a text that begins with apostrophes and then such a sign gets one more, so that taking one away
gives back what was written.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any

from annotations.reports.dictionary import Column

# Full-width signs too, which Excel reads alike where its language has them.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
ROWS_A_BLOCK, ROWS_A_GROUP = 500, 10_000


def inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    return b"".join(csv_blocks(columns, rows))


def csv_blocks(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file's bytes, a few rows at a time."""
    waiting, out = iter(rows), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    yield codecs.BOM_UTF8
    while True:
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
        if not (part := list(islice(waiting, ROWS_A_BLOCK))):
            return
        writer.writerows([inert(value) for value in row] for row in part)


def jsonl_blocks(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    names, waiting = [column.name for column in columns], iter(rows)
    encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one for every row
    while part := list(islice(waiting, ROWS_A_BLOCK)):
        yield "".join(encode(dict(zip(names, row, strict=True))) + "\n" for row in part).encode()


# Parquet is not among them: its end says where its parts are, so that it is written into a file.
BLOCKS: dict[str, Callable[[Sequence[Column], Iterable[Sequence[Any]]], Iterator[bytes]]] = {
    "csv": lambda columns, rows: csv_blocks([column.name for column in columns], rows),
    "jsonl": jsonl_blocks,
}


def write_parquet(out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Row group by row group; each field's metadata has its unit and its meaning."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "time": pa.timestamp("us", tz="UTC")}
    fields = [
        pa.field(column.name, types[column.type], metadata={"unit": column.unit, "meaning": column.meaning})
        for column in columns
    ]
    schema, waiting = pa.schema(fields), iter(rows)
    with ParquetWriter(out, schema) as writer:
        while part := list(islice(waiting, ROWS_A_GROUP)):
            read = [pa.string() if column.type == "time" else types[column.type] for column in columns]
            arrays = [pa.array(values, kind) for values, kind in zip(zip(*part, strict=True), read, strict=True)]
            table = pa.table(dict(zip(schema.names, arrays, strict=True))).cast(schema)
            writer.write_table(table, row_group_size=ROWS_A_GROUP)


def write_ratings(out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]], form: str) -> int:
    """The rows as `csv`, `jsonl` or `parquet`. Returns how many there were."""
    count = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    if form == "parquet":
        write_parquet(out, columns, counted())
    else:
        out.writelines(BLOCKS[form](columns, counted()))
    return count


def dictionary_csv(columns: Sequence[Column]) -> bytes:
    """What the columns mean."""
    return csv_file(("column", *Column._fields[1:]), columns)


def report_csv(report: Mapping[str, Any]) -> bytes:
    """A row a criterion and system, a row a coefficient of agreement by a criterion, and a row a metric and system;
    `said` is why a value or an interval is missing."""
    rows: list[dict[str, Any]] = []
    for criterion, result in report["criteria"].items():
        wins = {row["system"]: row["value"] for row in result.get("expected_wins") or []}
        lacking = {row["system"]: row["missing"] for row in (result.get("missing") or {}).get("systems") or []}
        for system in result["systems"]:
            low, high = system["ci"] or (None, None)
            beside = {"expected_wins": wins.get(system["system"]), "missing": lacking.get(system["system"])}
            rows.append(
                {**system, "kind": "rating", "measure": criterion, "value": system["mean"], "low": low, "high": high}
                | {"said": system.get("note"), **beside}
            )
        agreement = result["agreement"]
        alpha = {**agreement, "name": f"Krippendorff's alpha, {agreement['level']} level", "value": agreement["alpha"]}
        for found in [alpha, *(agreement.get("coefficients") or [])]:
            low, high = found["ci"] or (None, None)
            row = {"kind": "agreement", "measure": criterion, "value": found["value"], "low": low, "high": high}
            rows.append({**row, "said": found["undefined"], "coefficient": found["name"]})
    for name, cells in report["metrics"].items():
        for metric, cell in cells.items():
            low, high = cell["ci"] or (None, None)
            row = {
                "kind": "metric",
                "measure": metric,
                "system": name,
                "value": cell["value"],
                "low": low,
                "high": high,
            }
            rows.append({**row, "signature": cell["signature"], "said": cell.get("undefined")})
    columns = [
        *("kind", "measure", "system", "value", "low", "high", "n", "raters", "items", "z", "cluster", "signature"),
        *("said", "coefficient", "expected_wins", "missing"),
    ]
    return csv_file(columns, ([row.get(column) for column in columns] for row in rows))
