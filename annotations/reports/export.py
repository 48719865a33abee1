"""Tables for other tools. JSON lines and Parquet hold every text as it is, and are for programs; CSV is for people."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple, Self

from annotations.documents.csv_tables import BLOCK_BATCH_SIZE, csv_blocks, csv_file
from annotations.reasons import worded
from annotations.reports.dictionary import Column
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.report import Report

GROUP_BATCH_SIZE = 10_000


def jsonl_blocks(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    names, waiting = [column.name for column in columns], iter(rows)
    encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one for every row
    while part := list(islice(waiting, BLOCK_BATCH_SIZE)):
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

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    fields = [
        pa.field(column.name, types[column.type], metadata={"unit": column.unit, "meaning": column.meaning})
        for column in columns
    ]
    schema, waiting = pa.schema(fields), iter(rows)
    with ParquetWriter(out, schema) as writer:
        while part := list(islice(waiting, GROUP_BATCH_SIZE)):
            read = [pa.string() if column.type == "time" else types[column.type] for column in columns]
            arrays = [pa.array(values, kind) for values, kind in zip(zip(*part, strict=True), read, strict=True)]
            table = pa.table(dict(zip(schema.names, arrays, strict=True))).cast(schema)
            writer.write_table(table, row_group_size=GROUP_BATCH_SIZE)


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


class ResultRow(NamedTuple):
    """A system's mean by a criterion or value by a metric, or a coefficient of agreement; `said` is why a value or an
    interval is missing."""

    kind: str
    measure: str
    system: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None = None
    raters: int | None = None
    items: int | None = None
    z: float | None = None
    cluster: int | None = None
    signature: str | None = None
    said: str = ""
    coefficient: str | None = None
    expected_wins: float | None = None
    missing: int | None = None
    description: str | None = None
    level: str | None = None
    less_is_better: bool | None = None

    @classmethod
    def of(cls, kind: str, measure: str, system: str | None, found: Estimate) -> Self:
        low, high = found.ci or (None, None)
        return cls(kind, measure, system, found.value, low, high, said=worded(found.undefined))


def report_csv(report: Report) -> bytes:
    return csv_file(ResultRow._fields, result_rows(report))


def result_rows(report: Report) -> Iterator[ResultRow]:
    for criterion, result in report.criteria.items():
        wins = {row.system: row.value for row in result.expected_wins}
        lacking = {row.system: row.missing for row in result.missing.systems} if result.missing else {}
        for row in result.systems:
            mean = Estimate(value=row.mean, ci=row.ci, undefined=row.note)
            yield ResultRow.of("rating", criterion, row.system, mean)._replace(
                n=row.n,
                raters=row.raters,
                items=row.items,
                z=row.z,
                cluster=row.cluster,
                expected_wins=wins.get(row.system),
                missing=lacking.get(row.system),
            )
        found = result.agreement
        alpha = Estimate(value=found.alpha, ci=found.ci, undefined=found.undefined)
        named = {
            f"Krippendorff's alpha, {found.level} level": alpha,
            **{each.name: each for each in found.coefficients},
        }
        for name, coefficient in named.items():
            yield ResultRow.of("agreement", criterion, None, coefficient)._replace(coefficient=name)
    for system, cells in report.metrics.items():
        for metric, cell in cells.items():
            facts = report.metric_facts[metric]
            yield ResultRow.of("metric", metric, system, cell)._replace(
                signature=cell.signature,
                description=facts.description,
                level=facts.level,
                less_is_better=facts.less_is_better,
            )
