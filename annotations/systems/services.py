"""Writes of systems, decodings and outputs."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from annotations.corpora.locks import dataset_lock, writing_lock
from annotations.corpora.models import Dataset, Import, Source, StorySentence
from annotations.corpora.rewriting import SOURCES, TRAINING_STORIES, unchanged_check
from annotations.errors import ConflictError, InputError
from annotations.names import check_name
from annotations.storage.bulk import batched, exhaust, ids_reserve, rows_deleting, rows_insert
from annotations.storage.clock import database_now
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write
from annotations.systems.models import Decoding, Output, System
from annotations.systems.stories import (
    OutputRow,
    caption_story_rows,
    random_story_rows,
    story_rows,
    whole_training_stories,
)
from texts.storable import without_unstorable

LEFT_AFTER = timedelta(hours=1)  # nobody takes so long between two writes


def settings_fingerprint(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


@transaction.atomic
def system_for_file(*, name: str) -> System:
    """The system of uploaded outputs with that name, made if it is not there. Refuses the names of other systems."""
    system, _ = System.objects.get_or_create(name=check_name(name, "system"), defaults={"kind": System.Kind.FILE})
    if system.kind != System.Kind.FILE:
        raise ConflictError(
            "", f"system '{name}' is {system.get_kind_display()}; give the uploaded outputs another name"
        )
    return system


def system_lock(*, system: System) -> System:
    """As `dataset_lock`, which comes first, of a system."""
    try:
        return System.objects.select_for_update(no_key=True).get(pk=system.pk)
    except System.DoesNotExist:
        raise ConflictError("", f"system '{system.name}' is being removed") from None


@transaction.atomic
def decoding_begin(
    *,
    system: System,
    dataset: Dataset,
    split: str,
    settings: Mapping[str, Any],
    fingerprint: str,
    imported_by: Import | None = None,
    sentences_of: Decoding | None = None,
) -> Decoding:
    """A new decoding to write outputs into. A complete one of the same fingerprint is returned as it is; one that was
    left incomplete is removed first. Raises ConflictError where the system or the dataset is being removed."""
    dataset_lock(dataset=dataset)
    system_lock(system=system)
    same = Decoding.objects.filter(system=system, dataset=dataset, split=split, fingerprint=fingerprint).first()
    if same and same.completed_at:
        return same
    if same:
        decoding_discard(decoding=same)
    return Decoding.objects.create(
        system=system,
        dataset=dataset,
        split=split,
        settings=dict(settings),
        fingerprint=fingerprint,
        imported_by=imported_by,
        sentences_of=sentences_of,
    )


def outputs_add(*, decoding: Decoding, rows: Iterable[OutputRow]) -> int:
    """Write outputs in short transactions, without what no text can hold: a model may write anything. Returns how many
    there were."""
    count = 0
    for batch in batched(rows, WRITE_BATCH_SIZE):
        with short_write():
            if decoding.imported_by and not decoding.sentences_of:
                writing_lock(import_row=decoding.imported_by)
            ids = ids_reserve(Output, len(batch))
            complete = (
                (pk, decoding.pk, source, rank, without_unstorable(text), logprob)
                for pk, (source, rank, text, logprob) in zip(ids, batch, strict=True)
            )
            rows_insert(Output, ("id", "decoding", "source", "rank", "text", "logprob"), complete)
        count += len(batch)
    return count


def decoding_complete(*, decoding: Decoding, settled: Mapping[str, Any] | None = None) -> None:
    """Show the decoding. `settled`: settings as they turned out, such as the engine that was there."""
    decoding.settings |= settled or {}
    decoding.completed_at = database_now()
    decoding.save(update_fields=["settings", "completed_at"])


def decoding_discard(*, decoding: Decoding) -> None:
    """Remove a decoding that was never completed, with its outputs."""
    exhaust(decoding_discarding(decoding=decoding))


def decoding_discarding(*, decoding: Decoding) -> Iterator[None]:
    """`decoding_discard`, a write a step."""
    if Decoding.objects.complete().filter(pk=decoding.pk).exists():
        raise ConflictError("", f"decoding {decoding.pk} is complete, and complete decodings are never removed")
    yield from rows_deleting(Output.objects.filter(decoding=decoding))
    Decoding.objects.filter(pk=decoding.pk).delete()


def stories_decoding(*, decoding: Decoding) -> Decoding:
    """A decoding with a system's stories: the given one where the system wrote for whole sequences, and otherwise
    another one with a story for each sequence of the split of whose photos the system wrote a sentence for every one:
    those sentences, in the order of the photos. Of several sentences for a photo it is the one for its first caption
    that the system wrote for, or else the one for the photo itself. A system that was given the story so far wrote the
    first captions of an album as one story.

    It is made once, and again where there are other sequences since.
    """
    sequences = Source.objects.of_split(decoding.dataset, decoding.split).of_kind("sequence")
    if Output.objects.filter(decoding=decoding, source__kind="sequence").exists():
        return decoding
    newest = sequences.order_by("-pk").values_list("pk", flat=True).first()
    settings = {"stories_of": decoding.fingerprint, "sequences": sequences.count(), "newest": newest}
    fingerprint = settings_fingerprint(settings)
    same = decoding.stories.filter(fingerprint=fingerprint)
    if there := same.filter(completed_at__isnull=False).first():
        return there
    for left in same:  # of texts that are not all there any more
        decoding_discard(decoding=left)
    made = decoding_begin(
        system=decoding.system,
        dataset=decoding.dataset,
        split=decoding.split,
        settings={**decoding.settings, "stories": "of its sentences"},
        fingerprint=token_hex(32),
        imported_by=decoding.imported_by,
        sentences_of=decoding,
    )
    outputs_add(decoding=made, rows=story_rows(sequences, decoding))
    try:
        with transaction.atomic():
            made.fingerprint = fingerprint
            made.save(update_fields=["fingerprint"])
            decoding_complete(decoding=made)
    except IntegrityError:  # whoever else made it this very moment was first
        decoding_discard(decoding=made)
        return same.get(completed_at__isnull=False)
    return made


def baseline_decoding(*, system_name: str, dataset: Dataset, split: str, kind: str, seed: int = 1) -> Decoding:
    """The decoding of `caption` (the captions themselves) or `random_story` (a random training sentence for each
    source, for a sequence of photos a random training story) over the split's sources of a kind; made once, the same
    for the same seed. The captions of a sequence are the first of each of its photos.

    Raises InputError for `caption` of other sources, and for `random_story` without training stories; ConflictError
    where an import changed the dataset's texts while they were copied.
    """
    texts = {(split, SOURCES)} | ({TRAINING_STORIES} if system_name == "random_story" else set())
    check_unchanged = unchanged_check(dataset=dataset, texts=texts)
    settings: dict[str, Any] = {"source": kind} | ({"seed": seed} if system_name == "random_story" else {})
    sources = Source.objects.of_split(dataset, split).of_kind(kind)
    if system_name == "caption" and kind == Source.Kind.PHOTO:
        raise InputError("", f"system 'caption': a {kind} has no caption to show")
    system = System.objects.get(name=system_name, kind=System.Kind.BASELINE)
    whole = kind == Source.Kind.SEQUENCE
    stories = training_stories(dataset, whole=whole) if system_name == "random_story" else []
    if whole and system_name == "caption":
        settings["captions"] = Source.objects.of_split(dataset, split).captions().count()
    fingerprint = baseline_fingerprint(settings, sources, stories)
    same = Decoding.objects.filter(system=system, dataset=dataset, split=split, fingerprint=fingerprint)
    if there := same.complete().first():
        return there
    for left in same:  # of texts that are not all there any more
        decoding_discard(decoding=left)
    # Whoever else makes it this very moment writes outputs of their own; who is done first is there for both.
    made = decoding_begin(system=system, dataset=dataset, split=split, settings=settings, fingerprint=token_hex(32))
    copied = caption_story_rows if whole else caption_rows
    rows = random_story_rows(sources, stories, seed) if stories else copied(sources)
    outputs_add(decoding=made, rows=rows)
    try:
        with transaction.atomic():
            check_unchanged()
            made.fingerprint = fingerprint
            made.save(update_fields=["fingerprint"])
            decoding_complete(decoding=made)
    except IntegrityError:
        decoding_discard(decoding=made)
        return same.complete().get()
    except ConflictError:
        decoding_discard(decoding=made)
        raise
    return made


def training_stories(dataset: Dataset, *, whole: bool = False) -> list[str]:
    """Story sentences, or `whole` stories."""
    sentences = StorySentence.objects.of_split(dataset, "train").values_list("text", flat=True)
    if not (stories := whole_training_stories(dataset) if whole else list(sentences)):
        raise InputError("", f"system 'random_story': dataset '{dataset.name}' has no stories in split 'train'")
    return stories


def baseline_fingerprint(settings: Mapping[str, Any], sources: Any, stories: Sequence[str]) -> str:
    """Of the settings, of how far the split's sources go, and of the stories drawn from: after another import the
    baseline is made anew."""
    newest = sources.order_by("-pk").values_list("pk", flat=True).first()
    told = {"stories": hashlib.sha256("\0".join(stories).encode()).hexdigest()} if stories else {}
    return settings_fingerprint({**settings, "sources": sources.count(), "newest": newest, **told})


def caption_rows(sources: Any) -> Iterator[OutputRow]:
    for pk, text in sources.values_list("pk", "text"):
        yield pk, 0, text, None


def copies_left() -> QuerySet[Decoding]:
    """Baselines' decodings, and stories put together from sentences, whose maker was killed."""
    left: QuerySet[Decoding] = Decoding.objects.made_again().filter(completed_at=None)
    left = left.filter(created_at__lt=Now() - LEFT_AFTER)
    return left
