"""What is read at most, in one place, of files and of requests alike. Whoever sends more is told what the limit is;
nothing that a few bytes can describe, such as lists in lists or a drawing of nothing, gets more memory than that.

JSON is looked at on its way into the parser: parsers spend memory on depth before anybody can count it.
"""

import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import accumulate
from typing import IO, Any

MAX_DEPTH = 64  # lists and objects inside each other
MAX_DIGITS = 300  # of a number, which a float still takes
MAX_VALUE_LENGTH = 1 << 20  # characters of one text
MAX_LINE_LENGTH = 1 << 24  # characters of one line
MAX_COLUMNS = 16_384  # of a table, as many as a workbook has
MAX_KEYS = 2_000  # different ones of a table's records, each of which has a cell for every key
MAX_CELLS = 1_000_000  # that one record of JSON becomes
MAX_LISTED = 32_767  # values that one cell lists, as many as an item has raters
MAX_NAMES = 1_000  # of systems, and of criteria, in one file
MAX_CHOICES = 500_000  # between every two of what rankings list
MAX_ROWS = 1_048_576  # of a sheet, as many as a workbook has
MAX_WHOLE_BYTES = 1 << 25  # bytes of a file that cannot be read in parts
MAX_INFLATION = 100  # times the size of a ZIP file that what is in it may have
FREE_INFLATION = 1 << 20  # bytes that a small one may unpack to in any case
MAX_PIXELS = 50_000_000  # of a picture
MAX_BODY_BYTES = 1 << 20  # bytes of what a rater sends
MAX_JSON_BYTES = 1 << 26  # bytes of a JSON file of a pretrained model, of which tokenizers are the largest
MAX_HEADER_BYTES = 1 << 26  # bytes of a model's GGUF file before its weights
MAX_ENTRIES = 10_000  # of such a header
MAX_TENSORS = 100_000

PART = 1 << 16  # bytes
SHOWN = 60  # characters of a value in an error
ESCAPE = re.compile(rb"\\.", re.DOTALL)
# What JSON is made of here: a string, or the rest of one (the group `open` is a list or object that begins).
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|(?P<open>[\[{])|[\]}]|(?P<number>[0-9]++)', re.DOTALL)
LONG_NUMBER = re.compile(f"[0-9]{{{MAX_DIGITS + 1}}}")
DIGITS = bytes.maketrans(bytes(range(256)), bytes(48 if 48 <= byte < 58 else 32 for byte in range(256)))
DIGIT_RUN = b"0" * (MAX_DIGITS + 1)
BUT_CONTINUATIONS = bytes(set(range(256)) - set(range(0x80, 0xC0)))
BUT_SIGNS = bytes(set(range(256)) - set(b'"[]{}'))
STEPS = {ord(sign): step for sign, step in zip("[{]}", (1, 1, -1, -1), strict=True)}


class LimitError(ValueError):
    """What is beyond a limit and what would be right; `position` is the byte of it, from 0, where one is known."""

    def __init__(self, problem: str, position: int | None = None) -> None:
        super().__init__(problem)
        self.position = position


def parse_json(text: str, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """The value; NaN and the infinities are numbers, unless `parse_constant` makes something else of them. Raises
    LimitError, and json.JSONDecodeError for what is no JSON."""
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_DEPTH or len(text) > MAX_VALUE_LENGTH or LONG_NUMBER.search(text):
        stream = BoundedJson(BytesIO(text.encode("utf-8", "surrogatepass")))
        while stream.read(PART):
            pass
    return json.loads(text, parse_constant=parse_constant)


class BoundedJson:
    """A stream of JSON in UTF-8, looked at part by part before a parser gets it.

    Quotation marks and brackets are all that is looked at in a part, which costs little; where it goes beyond a limit
    it is gone through sign by sign to say where.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.start, self.depth = 0, 0  # of the next part
        self.within, self.length = False, 0  # a text, and how many characters of it came before

    def read(self, size: int = PART) -> bytes:
        """The next part, longer than was asked for where it would end in a number or after a backslash. Raises
        LimitError."""
        part = self.stream.read(size)
        for _ in range(MAX_DIGITS + 1):
            if not part[-1:].isdigit():
                break
            part += self.stream.read(1)
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            part += self.stream.read(1)
        self.look_at(part)
        return part

    def look_at(self, part: bytes) -> None:
        plain = ESCAPE.sub(b"?", part) if b"\\" in part else part
        signs = plain.translate(None, BUT_SIGNS).replace(b'""', b"").split(b'"')
        brackets = b"".join(signs[int(self.within) :: 2])
        depths = list(accumulate(map(STEPS.__getitem__, brackets), initial=self.depth))
        first, last = plain.find(b'"'), plain.rfind(b'"')
        too_long = self.within and self.length + characters(plain[: first if first >= 0 else None]) > MAX_VALUE_LENGTH
        if too_long or max(depths) > MAX_DEPTH or len(part) > MAX_VALUE_LENGTH or DIGIT_RUN in part.translate(DIGITS):
            self.go_through(part)
        self.within ^= plain.count(b'"') % 2 == 1
        self.length = self.length * (last < 0) + characters(plain[last + 1 :]) if self.within else 0
        self.depth = depths[-1]
        self.start += len(part)

    def go_through(self, part: bytes) -> None:
        """Raises LimitError where the part goes beyond a limit: it need not, since a text may hold many digits."""
        depth, before = self.depth, b'"' if self.within else b""
        for found in TOKEN.finditer(before + part):
            sign, position = found[0], self.start + max(0, found.start() - len(before))
            if sign[:1] == b'"':
                length = characters(sign.strip(b'"')) + (self.length if self.within and not found.start() else 0)
                if length > MAX_VALUE_LENGTH:
                    raise LimitError(f"a text has more than {MAX_VALUE_LENGTH:,} characters", position)
            elif found["number"]:
                if len(sign) > MAX_DIGITS:
                    raise LimitError(f"a number has more than {MAX_DIGITS} digits", position)
            else:
                depth += 1 if found["open"] else -1
                if depth > MAX_DEPTH:
                    raise LimitError(f"lists and objects are nested more than {MAX_DEPTH} deep", position)


def characters(text: bytes) -> int:
    """How many a text in UTF-8 has."""
    return len(text) - len(text.translate(None, BUT_CONTINUATIONS))


def too_deep(value: Any) -> bool:
    """Whether a value of lists and mappings is nested deeper than may be, found without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for each in level for part in parts_of(each)]
        if not level:
            return False
    return True


def parts_of(value: Any) -> Iterator[Any]:
    """The lists and mappings right inside a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (part for part in inner if isinstance(part, list | dict))


def lines_within(stream: IO[str]) -> Iterator[str]:
    """The lines of a text. Raises LimitError for one that is longer than a line may be, which is not read whole."""
    while line := stream.readline(MAX_LINE_LENGTH + 1):
        if len(line) > MAX_LINE_LENGTH:
            raise LimitError(f"a line has more than {MAX_LINE_LENGTH:,} characters")
        yield line


def shown(value: Any) -> str:
    """A value as an error shows it: short."""
    try:
        text = repr(value[:SHOWN] if isinstance(value, str | bytes | list | tuple) else value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or what is nested as deep
        text = f"<{type(value).__name__}>"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
