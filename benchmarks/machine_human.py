"""`machine_human` as examples: from what systems wrote for a photo to what people wrote for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import read_jsonl, shared, write_jsonl
from texts.folding import fold

SYSTEM = "arel"


def example_file(split: str, folder: Path, *, every_system: bool = False) -> Path:
    """An example is a different text that `arel` wrote for a photo, or with `every_system` any, with all that people
    wrote for it. The texts of `arel` come first."""
    return write_jsonl(folder / f"{split}{'-every-system' * every_system}.jsonl", examples(split, every_system))


def examples(split: str, every_system: bool) -> Iterator[dict[str, Any]]:
    for row in read_jsonl(shared("machine_human", f"{split}.jsonl")):
        systems = [SYSTEM, *(name for name in row["machine"] if name != SYSTEM and every_system)]
        texts = [text for system in systems for text in row["machine"].get(system, ())]
        different = {key: text for text in reversed(texts) if (key := fold(text))}
        place = {"album": row["album"], "photo": row["photo"]}
        for number, text in enumerate(reversed(different.values())):
            name = f"{row['album']}-{row['photo']}-{number}"
            yield {"id": name, "source": text, "references": row["human"], **place}
