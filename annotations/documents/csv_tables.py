"""Tables that people open by a click.

The one writer of CSV makes what Excel and LibreOffice open rightly: UTF-8 with
its mark, without which Excel takes it for another encoding; commas, and quotes where a cell needs them; numbers as
numbers. A text that a spreadsheet would take for a formula gets an apostrophe before it, since it may be anybody's.
Nothing is lost by that: a text that begins with apostrophes and then such a sign gets one more, so that taking one away
gives back what was written.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

# Full-width signs too, which Excel reads alike where its language has them.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
BLOCK_BATCH_SIZE = 500


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
        if not (part := list(islice(waiting, BLOCK_BATCH_SIZE))):
            return
        writer.writerows([inert(value) for value in row] for row in part)
