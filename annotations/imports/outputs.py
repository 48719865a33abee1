"""Writes of uploaded outputs, held against what is there of their system."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef

from annotations.corpora.models import Dataset, Import, Source
from annotations.corpora.readers.identity import match_ranks
from annotations.errors import InputError
from annotations.imports.identity import Comparison, Difference, imported_decoding
from annotations.progress import OnShare
from annotations.systems.models import Decoding, Output, System
from annotations.systems.readers.outputs import OutputContent
from annotations.systems.services import OutputRow, decoding_begin, outputs_add, system_for_file


def imported_decoding_begin(
    *, import_row: Import, system: System, split: str, older: Decoding | None = None
) -> Decoding:
    """The decoding of the import's outputs of a system; where it takes the place of an older one, it is another one
    even if the file was imported before that."""
    fingerprint = import_row.fingerprint
    if older:
        fingerprint = hashlib.sha256(f"{fingerprint} after {older.pk}".encode()).hexdigest()
    return decoding_begin(
        system=system,
        dataset=import_row.dataset,
        split=split,
        settings={"file": import_row.fingerprint},
        fingerprint=fingerprint,
        imported_by=import_row,
    )


def older_outputs_copy(*, older: Decoding, newer: Decoding) -> int:
    """Take over the outputs of the sources for which only the older decoding has any: the newest of a system's counts,
    and is whole. A source's outputs are of one list, and never of two."""
    replaced = Output.objects.filter(decoding=newer, source=OuterRef("source"))
    rows = Output.objects.filter(~Exists(replaced), decoding=older).order_by("pk")
    return outputs_add(decoding=newer, rows=list(rows.values_list("source_id", "rank", "text", "logprob")))


@dataclass(frozen=True)
class ResolvedOutputs:
    """Uploaded outputs as rows by split; `left_out` counts the optional ones of sources that are not there."""

    by_split: dict[str, list[OutputRow]]
    left_out: int
    places: dict[tuple[int, int], OutputContent] = field(default_factory=dict)  # by source's primary key and rank


def outputs_resolve(*, dataset: Dataset, outputs: Sequence[OutputContent], file: str) -> ResolvedOutputs:
    """Find the sources of uploaded outputs.

    Raises InputError, by place in the file, for an output whose source is not there or not the only one of its key, and
    for a second one of a rank: a source may be named with its album and without.
    """
    sources: dict[str, list[tuple[int, str, str]]] = {}
    visible = Source.objects.visible().filter(album__dataset=dataset)
    for key, pk, album, split in visible.values_list("key", "pk", "album__external_id", "album__split"):
        sources.setdefault(key, []).append((pk, album, split))
    by_split: dict[str, list[OutputRow]] = {}
    places: dict[tuple[int, int], OutputContent] = {}
    left_out = 0
    for output in outputs:
        found = [source for source in sources.get(output.key, ()) if output.album in (None, source[1])]
        if not found and output.optional:
            left_out += 1
            continue
        if len(found) != 1:
            problem = "is not a source" if not found else f"matches {len(found)} sources (choose one with 'album')"
            where = f" of album '{output.album}'" if output.album else ""
            raise InputError(
                "", f"id='{output.key}' {problem}{where} of dataset '{dataset.name}'", where=f"{file}: {output.place}"
            )
        pk, _, split = found[0]
        if earlier := places.get((pk, output.rank)):
            raise InputError(
                "",
                f"id='{output.key}' with rank {output.rank} is already at {earlier.place}, once with its album and "
                "once without; give it once, or give each text its own rank",
                where=f"{file}: {output.place}",
            )
        by_split.setdefault(split, []).append((pk, output.rank, output.text, None))
        places[pk, output.rank] = output
    if not by_split:
        raise InputError(
            "", f"none of its {len(outputs)} outputs is for a source of dataset '{dataset.name}'", where=file
        )
    return ResolvedOutputs(by_split, left_out, places)


def outputs_compare(*, dataset: Dataset, system_name: str, outputs: ResolvedOutputs) -> Comparison:
    """Hold outputs against the newest uploaded ones of their system. A split where all are there is left out of
    `outputs`; `older` is by split."""
    comparison = Comparison(dataset, "")
    for split, rows in list(outputs.by_split.items()):
        older = imported_decoding(dataset, split, system_name)
        if older is None:
            continue
        stored = Output.objects.filter(decoding=older).values_list("source_id", "rank", "text")
        there, brought = by_source(stored.iterator(chunk_size=5000)), by_source(row[:3] for row in rows)
        same = changed = 0
        for source, texts in brought.items():
            known, changes = match_ranks(there.get(source, {}), texts)
            same, changed = same + known, changed + len(changes)
            for rank, old, new in changes:
                output = outputs.places[source, rank if rank in texts else max(texts)]
                what = f"output {rank} of system '{system_name}' for '{output.key}'"
                comparison.differences.append(Difference(what, old, new, output.place, (Output, source)))
        comparison.recognised["outputs"] += same
        if same == len(rows) and not changed:
            del outputs.by_split[split]
        else:
            comparison.older[split] = older
    return comparison


def by_source(rows: Iterable[tuple[int, int, str]]) -> dict[int, dict[int, str]]:
    """Texts by rank, by source, of (source, rank, text)."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for source, rank, text in rows:
        found[source][rank] = text
    return found


def outputs_write(
    *,
    import_row: Import,
    system_name: str,
    outputs: ResolvedOutputs,
    on_progress: OnShare,
    older: Mapping[str, Decoding] | None = None,
) -> dict[str, int]:
    """A decoding a split, invisible until the import is complete. With an `older` one of the split, by split, it has
    that one's other outputs too."""
    system = system_for_file(name=system_name)
    splits = sorted(outputs.by_split)
    written = 0
    for number, split in enumerate(splits, start=1):
        before = (older or {}).get(split)
        decoding = imported_decoding_begin(import_row=import_row, system=system, split=split, older=before)
        written += outputs_add(decoding=decoding, rows=outputs.by_split[split])
        if before:
            older_outputs_copy(older=before, newer=decoding)
        on_progress(number / len(splits))
    return {"outputs": written, "left_out": outputs.left_out, "decodings": len(splits)}
