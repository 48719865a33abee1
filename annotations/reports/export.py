"""Tables for other tools. A cell that a spreadsheet would take for a formula is made inert."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from annotations.reports.rows import Row

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_csv(out: IO[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    writer, count = csv.writer(out), 0
    writer.writerow(columns)
    for row in rows:
        writer.writerow([inert(value) for value in row])
        count += 1
    return count


def write_ratings(out: IO[str], rows: Iterable[Row], form: str) -> int:
    """The rows as `csv` or `jsonl`. Returns how many there were."""
    if form == "csv":
        return write_csv(out, Row._fields, rows)
    encode, count = json.JSONEncoder(ensure_ascii=False).encode, 0  # `json.dumps` would make one for every row
    for row in rows:
        out.write(encode(row._asdict()) + "\n")
        count += 1
    return count


def write_report_csv(out: IO[str], report: Mapping[str, Any]) -> int:
    """One row a criterion and system, and one a metric and system."""
    rows: list[dict[str, Any]] = []
    for criterion, result in report["criteria"].items():
        for system in result["systems"]:
            low, high = system["ci"] or (None, None)
            rows.append(
                {**system, "kind": "rating", "measure": criterion, "value": system["mean"], "low": low, "high": high}
            )
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
            rows.append({**row, "signature": cell["signature"]})
    columns = ["kind", "measure", "system", "value", "low", "high", "n", "raters", "items", "z", "cluster", "signature"]
    return write_csv(out, columns, ([row.get(column) for column in columns] for row in rows))
