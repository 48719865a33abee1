"""Pictures of attention that runs leave behind, for pages to draw.

A worker computes them; the web process reads them without torch. They lie outside of the run's folder, as JSON lines
under `VAR_DIR/attention`, and so outlive the checkpoint's files.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from modeling.heatmap import AttentionMap, heatmap_svg
from workers.jobs.corpus import write_records
from workers.models import Run

if TYPE_CHECKING:
    from modeling.corpus import Example

T = TypeVar("T")


def attention_file(run: Run) -> Path:
    return settings.VAR_DIR / "attention" / f"{run.public_id}.jsonl"


def attention_draw(
    run: Run, checkpoint: Path, texts: Sequence[tuple["Example", str | None]], *, device: str = "auto"
) -> dict[str, AttentionMap]:
    """Compute and keep a map, by its id, for each source and what was written for it, greedily where that is None.
    Among several, a source without words has none.

    Raises the errors of `modeling.attention.attention_maps`.
    """
    from modeling.attention import attention_maps

    drawn = zip(texts, attention_maps(checkpoint, texts, device=device), strict=True)
    maps = {source.id: each for (source, _), each in drawn if each}
    file = attention_file(run)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_records(({"id": name, **vars(each)} for name, each in maps.items()), file)
    return maps


def attention_of(run: Run | None) -> dict[str, AttentionMap]:
    """The maps that the run kept, in its order, by name; none where it kept none."""
    if run is None or not attention_file(run).is_file():
        return {}
    rows = map(json.loads, attention_file(run).read_text(encoding="utf-8").splitlines())
    return {row["id"]: AttentionMap(row["source"], row["target"], row["weights"]) for row in rows}


def picture(shown: AttentionMap) -> SafeString:
    return mark_safe(heatmap_svg(shown))


def spread(rows: Sequence[T], count: int) -> list[T]:
    """At most so many of the rows, evenly far apart: neighbours are often of one photo."""
    return [rows[place * len(rows) // count] for place in range(count)] if len(rows) > count else list(rows)
