"""What a model is given: a split's sources with their references, as the plain records `modeling` reads.

A record is `{"id", "source", "references", "album", "photo"}`, with `"weight"` where it comes from a feedback set, and
with the sentences before a reference in its story as `"context"` where a model is given those. The id begins with the
source's primary key; `"photo"` is what sources of one picture share, and None for a source of none.
"""

import json
import os
import random
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import Any

from django.db.models import QuerySet

from annotations.corpora.selectors import pairs, references
from annotations.errors import InputError
from annotations.feedback.answers import check_album
from annotations.models import (
    Album,
    Dataset,
    Decoding,
    FeedbackExample,
    FeedbackSet,
    Output,
    Source,
    StorySentence,
    System,
)
from annotations.systems.stories import whole_training_stories
from texts.folding import fold

ANY_SYSTEM = "*"
CAPTION = "caption"
ALL, OWN = "all", "own"
SOURCES = (ALL, OWN)  # whose sentences a training reads where its source is a system: every system's, or its own alone
Record = dict[str, Any]
OF_RECORD = re.compile(r"of '(\d+)[^']*'")  # its id


def input_systems(dataset: Dataset, split: str, source: str) -> QuerySet[System]:
    """The systems whose outputs are the input, for `source` a system's name or `*` for any of them."""
    decoded = Decoding.objects.complete().filter(dataset=dataset, split=split, system__kind__in=["file", "model"])
    systems = System.objects.filter(decodings__in=decoded).distinct().order_by("name")
    return systems if source == ANY_SYSTEM else systems.filter(name=source)


def check_source(dataset: Dataset, split: str, source: str) -> None:
    """Raises InputError unless `source` is `caption` or names systems with outputs on the split."""
    if source != CAPTION and not input_systems(dataset, split, source):
        there = ", ".join(system.name for system in input_systems(dataset, split, ANY_SYSTEM)) or "none"
        raise InputError(
            "source",
            f"'{source}' is not '{CAPTION}', '{ANY_SYSTEM}' or a system with outputs on {dataset.name}/{split}",
            f"available systems: {there}",
        )


def system_inputs(
    dataset: Dataset, split: str, source: str, *, only: Collection[int] | None = None
) -> dict[int, list[str]]:
    """Texts of the chosen systems by source, those without words left out; the newest decoding of each counts. `only`
    are the primary keys of the sources wanted."""
    found: dict[int, list[str]] = {}
    for system in input_systems(dataset, split, source):
        decoding = Decoding.objects.latest_of(system, dataset, split)
        rows = Output.objects.filter(decoding=decoding).order_by("source_id", "rank")
        if only is not None:
            rows = rows.filter(source__in=only)
        for source_id, text in rows.values_list("source_id", "text").iterator(chunk_size=5000):
            if fold(text):
                found.setdefault(source_id, []).append(text)
    return found


def source_texts(dataset: Dataset, split: str, source: str, sources: str) -> dict[int, list[str]]:
    """`system_inputs`, those of the chosen system first; with `sources` "all" every other system's behind them."""
    found = system_inputs(dataset, split, source)
    if sources == ALL and source != ANY_SYSTEM:
        for pk, texts in system_inputs(dataset, split, ANY_SYSTEM).items():
            found.setdefault(pk, []).extend(texts)
    return found


def paired_records(
    dataset: Dataset, split: str, *, source: str, pairing: str, context: int = 0, sources: str = OWN
) -> Iterator[Record]:
    """Sources of a split with all their references, in a fixed order.

    With `source` "caption" a record is a caption with the sentences that `pairing` gives it. With a system's name, or
    `*` for all, it is a photo's different text by the system, or with `sources` "all" by any of them, with the photo's
    sentences. With a `context` of sentences, which stand before a reference in its story, each reference is a record
    of its own.
    """
    before = stories_so_far(dataset, split, context) if context else None
    if source == CAPTION:
        captioned = pairs(dataset, split, pairing).iterator(chunk_size=5000)
        for (pk, text, album, photo), group in groupby(
            captioned, key=itemgetter("caption_id", "caption", "album_key", "photo_key")
        ):
            record = {"id": str(pk), "source": text, "album": album, "photo": photo}
            yield from with_references(record, list(group), before)
        return
    texts = source_texts(dataset, split, source, sources)
    rows = Source.objects.of_split(dataset, split).exclude(kind="sequence")
    places = {pk: place for pk, *place in rows.values_list("pk", "album__external_id", "photo__external_id")}
    seen: set[tuple[str, str, str]] = set()
    for pk, group in groupby(references(rows).iterator(chunk_size=5000), key=itemgetter("source_pk")):
        album, photo = places[pk]
        told = list(group)
        for number, text in enumerate(texts.get(pk, ())):
            if (key := (album, photo, fold(text))) not in seen:
                seen.add(key)
                record = {"id": f"{pk}-{number}", "source": text, "album": album, "photo": photo}
                yield from with_references(record, told, before)


def beside_albums(records: Iterable[Record], dataset: Dataset, split: str, *, source: str) -> Iterator[Record]:
    """The records with `others`: what a model is given of the album's other photos, be there sentences for them or not,
    the same as when it decodes."""
    from modeling.corpus import Example, albums_of, others_of  # numpy, which the sweeper does without

    albums = albums_of(Example(**record) for record in given_records(dataset, split, source=source))
    for record in records:
        example = Example(record["id"], record["source"], album=record["album"], photo=record["photo"])
        yield record | {"others": list(others_of(example, albums))}


def with_references(
    record: Record, rows: Sequence[dict[str, Any]], before: dict[int, list[str]] | None
) -> Iterator[Record]:
    """The record with the sentences of the rows; where those before each in its story are given, one for each."""
    if before is None:
        yield record | {"references": [row["sentence"] for row in rows]}
        return
    for row in rows:
        of_one = {"references": [row["sentence"]], "context": before[row["sentence_id"]]}
        yield record | {"id": f"{record['id']}-{row['sentence_id']}"} | of_one


def stories_so_far(dataset: Dataset, split: str, sentences: int) -> dict[int, list[str]]:
    """For each story sentence of a split, by primary key, the texts of as many sentences before it in its story."""
    rows = StorySentence.objects.of_split(dataset, split).order_by("story_id", "position")
    found: dict[int, list[str]] = {}
    for _, told in groupby(rows.values_list("pk", "story_id", "text").iterator(chunk_size=5000), key=itemgetter(1)):
        texts: list[str] = []
        for pk, _, text in told:
            found[pk] = texts[-sentences:]
            texts.append(text)
    return found


def feedback_records(feedback_set: FeedbackSet, *, source: str, seed: int) -> Iterator[Record]:
    """The set's texts as weighted examples of their sources, for weighted likelihood.

    A text that has a score weighs clip(exp(β score), 0.1, 3). So does one that is only compared or labelled, if on the
    whole it is preferred or found as it should be: its score is the mean of those rows' weights, negative against it.
    """
    import numpy as np  # here: the sweeper loads this module, and counts nothing

    from annotations.statistics.scores import feedback_weights

    kinds = FeedbackExample.Kind
    scored: list[tuple[Record, float]] = []
    judged: dict[tuple[int, str], Record] = {}
    said: dict[tuple[int, str], list[float]] = defaultdict(list)
    with_scores = set(feedback_set.examples.filter(kind=kinds.SCORE).values_list("source", "text"))
    for example, given in feedback_given(feedback_set, source=source, seed=seed):
        record = {"id": f"feedback-{example.number}", **given, "references": [example.text]}
        text = example.source_id, example.text
        if example.score is not None:
            scored.append((record, example.score))
        elif example.kind in (kinds.PREFERENCE, kinds.LABEL) and text not in with_scores:
            judged.setdefault(text, record)
            said[text].append(-example.weight if example.desirable is False else example.weight)
        if example.kind == kinds.PREFERENCE:
            said[example.source_id, example.rejected].append(-example.weight)
    scored += [(record, score) for text, record in judged.items() if (score := fmean(said[text])) > 0]
    weights = feedback_weights(np.array([score for _, score in scored]), beta=feedback_set.settings["beta"])
    for (record, _), weight in zip(scored, weights.tolist(), strict=True):
        yield record | {"weight": weight}


def feedback_rows(feedback_set: FeedbackSet, *, source: str = CAPTION, seed: int = 0) -> Iterator[Record]:
    """All of the set, as the rows that `modeling.feedback_rows` reads. The ids of a simulated set begin with that
    word."""
    prefix = "simulated-" if feedback_set.simulated else ""
    for example, given in feedback_given(feedback_set, source=source, seed=seed):
        texts = {"text": example.text}
        if example.kind == FeedbackExample.Kind.PREFERENCE:
            texts = {"chosen": example.text, "rejected": example.rejected, "origin": example.origin}
        values = {name: getattr(example, name) for name in ("score", "desirable", "flip_rate", "spans")}
        yield {
            "id": f"{prefix}{example.kind}-{example.number}",
            **given,
            "kind": example.kind,
            **texts,
            **{name: value for name, value in values.items() if value is not None},
            "weight": example.weight,
            "raters": example.judgements,
        }


def feedback_given(feedback_set: FeedbackSet, *, source: str, seed: int) -> Iterator[tuple[FeedbackExample, Record]]:
    """The examples in their order, each with what a model is given for its source; without those for whose source it is
    given nothing."""
    for example, given in feedback_inputs(feedback_set, source=source, seed=seed):
        if given:
            photo = example.source.photo and example.source.photo.external_id
            yield example, {"source": given, "album": example.source.album.external_id, "photo": photo}


def feedback_left_out(feedback_set: FeedbackSet, *, source: str) -> dict[str, int]:
    """How many of the examples are for each source, as ALBUM/KEY, for which a model is given nothing."""
    inputs = feedback_inputs(feedback_set, source=source, seed=0)
    return Counter(f"{each.source.album.external_id}/{each.source.key}" for each, given in inputs if not given)


def feedback_inputs(feedback_set: FeedbackSet, *, source: str, seed: int) -> Iterator[tuple[FeedbackExample, str]]:
    """The examples in their order, each with the text that a model is given for its source, "" where it is given none.
    Of several texts of the systems that are the input one is drawn by the seed. Raises InputError for a source whose
    album is none of split feedback any more."""
    draw = random.Random(seed)
    inputs: dict[str, dict[int, list[str]]] = {}
    rows = feedback_set.examples.select_related("source__album", "source__photo").order_by("number")
    for example in rows.iterator(chunk_size=5000):
        given, album = example.source.text, example.source.album
        check_album(album.split, f"source '{album}/{example.source.key}' of feedback set '{feedback_set.name}'")
        if source != CAPTION:
            if album.split not in inputs:
                inputs[album.split] = system_inputs(feedback_set.dataset, album.split, source)
            texts = inputs[album.split].get(example.source_id)
            given = draw.choice(texts) if texts else ""
        yield example, given


def captions(dataset: Dataset, split: str) -> QuerySet[Source]:
    return Source.objects.of_split(dataset, split).captions()


def captions_before(dataset: Dataset, split: str) -> dict[int, int]:
    """For captions, by primary key, the caption of the photo before in its album: that of the same number among its
    photo's captions, so that the first captions of an album make one story, its second ones another."""
    found: dict[int, int] = {}
    rows = (
        captions(dataset, split).order_by("album_id", "position", "pk").values_list("pk", "album_id", "key", "position")
    )
    last: dict[tuple[int, str], tuple[int, int]] = {}
    for pk, album, key, position in rows.iterator(chunk_size=5000):
        story = album, key.rpartition("#")[2]
        if story in last and last[story][1] < position:
            found[pk] = last[story][0]
        last[story] = pk, position
    return found


def given_records(dataset: Dataset, split: str, *, source: str, album: Album | None = None) -> list[Record]:
    """What a model decodes: a record without references of every source of the split, or of one album of it."""
    rows = Source.objects.of_split(dataset, split) if source != CAPTION else captions(dataset, split)
    if album:
        rows = rows.filter(album=album)
    values = rows.values_list("pk", "text", "album__external_id", "photo__external_id")
    places = {pk: (text, {"album": key, "photo": photo}) for pk, text, key, photo in values.iterator(chunk_size=5000)}
    if source == CAPTION:
        return [{"id": str(pk), "source": text, **place} for pk, (text, place) in places.items()]
    inputs = system_inputs(dataset, split, source, only=places if album else None)
    there = sorted(inputs.keys() & places.keys())
    return [{"id": str(pk), "source": inputs[pk][0], **places[pk][1]} for pk in there]


def given_beside(decoding: Decoding, source: Source) -> list[Record]:
    """What the model was given for the source and for the others of its album, as far as that is still there."""
    named = decoding.settings.get("source", CAPTION)
    return given_records(decoding.dataset, decoding.split, source=named, album=source.album)


def given_text(decoding: Decoding, source: Source) -> str:
    """What a model was given for the source in its decoding; empty where that is not there any more."""
    named = decoding.settings.get("source", CAPTION)
    if named == CAPTION:
        return source.text
    texts = system_inputs(decoding.dataset, decoding.split, named, only=[source.pk])
    return texts.get(source.pk, [""])[0]


def with_keys(said: Sequence[str]) -> list[str]:
    """The sentences of `modeling` about records, which know a source by its primary key, with its album and key."""
    pks = {int(found[1]) for each in said for found in OF_RECORD.finditer(each)}
    rows = Source.objects.filter(pk__in=pks).values_list("pk", "album__external_id", "key")
    names = {str(pk): f"'{album}/{key}'" for pk, album, key in rows}
    return [OF_RECORD.sub(lambda found: f"of {names.get(found[1], found[0][3:])}", each, count=1) for each in said]


def training_stories(dataset: Dataset, *, whole: bool = False) -> list[str]:
    """What people wrote for the train albums: sentences, or `whole` stories."""
    if whole:
        return whole_training_stories(dataset)
    return list(StorySentence.objects.of_split(dataset, "train").values_list("text", flat=True))


def write_records(records: Iterable[Record], file: Path) -> int:
    """Write JSON lines under a temporary name, then rename. Returns how many there were."""
    draft, count = file.with_suffix(f".{secrets.token_hex(4)}.part"), 0  # of this process alone
    with draft.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
    return count
