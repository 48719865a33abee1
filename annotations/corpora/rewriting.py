"""Texts of a dataset that an import replaces or adds to, while something is made of them."""

from collections.abc import Callable, Collection, Mapping, Sequence

from django.db.models import Model

from annotations.corpora.locks import dataset_held, settled_check
from annotations.corpora.mended_rows import Writing
from annotations.corpora.models import Dataset, Import, Source, Story, StorySentence
from annotations.errors import ConflictError
from annotations.storage.bulk import ID_BATCH_SIZE, batched

Texts = tuple[str, str]  # a split, and which of its texts
SOURCES, REFERENCES = "sources", "references"
HOLDING: Mapping[str, tuple[type[Model], str]] = {  # the rows that hold them, and where their split is
    SOURCES: (Source, "album__split"),
    REFERENCES: (StorySentence, "story__album__split"),
}
BROUGHT: Mapping[str, type[Model]] = {SOURCES: Source, REFERENCES: Story}  # by an import
TRAIN = "train"
TRAINING_STORIES: Texts = (TRAIN, REFERENCES)


def split_texts(*splits: str) -> frozenset[Texts]:
    return frozenset((split, kind) for split in splits for kind in HOLDING)


def rewriting_note(*, import_row: Import, writings: Sequence[Writing]) -> None:
    """Count with the dataset that an import replaces texts, or puts them back, in the transaction that does."""
    dataset = Dataset.all_rows.select_for_update(no_key=True).get(pk=import_row.dataset_id)
    for split, kind in texts_among(writings):
        times, _ = dataset.rewritten.get(f"{split} {kind}", (0, ""))
        dataset.rewritten[f"{split} {kind}"] = [times + 1, f"import {import_row.pk} ({import_row.description})"]
    dataset.save(update_fields=["rewritten"])


def texts_among(writings: Sequence[Writing]) -> set[Texts]:
    found: set[Texts] = set()
    for kind, (holding, split) in HOLDING.items():
        pks = [pk for model, name, pk, _ in writings if model is holding and name == "text"]
        for part in batched(pks, ID_BATCH_SIZE):
            rows = holding._default_manager.filter(pk__in=part).order_by()
            found |= {(each, kind) for each in rows.values_list(split, flat=True).distinct()}
    return found


def unchanged_check(*, dataset: Dataset, texts: Collection[Texts], further: bool = True) -> Callable[[], None]:
    """To be asked for before `texts` are read, to score or to copy them, and called in each transaction that writes
    what was made of them: raises ConflictError where an import has replaced some of them meanwhile, even if it put them
    back, or brought `further` ones. Nothing is read while an import is replacing any of the dataset's."""
    before = Dataset.all_rows.filter(pk=dataset.pk).values_list("rewritten", flat=True).first() or {}
    complete = Import.objects.complete().filter(dataset=dataset)
    known = list(complete.values_list("pk", flat=True))
    settled_check(dataset=dataset)

    def check() -> None:
        rewritten = dataset_held(dataset=dataset).rewritten
        for split, kind in sorted(texts):
            name = f"{split} {kind}"
            by = rewritten[name][1] if rewritten.get(name) != before.get(name) else ""
            for row in complete.exclude(pk__in=known) if further and not by else ():
                if BROUGHT[kind]._default_manager.filter(imported_by=row, album__split=split).exists():
                    by = f"import {row.pk} ({row.description})"
            if by:
                raise ConflictError(
                    "",
                    f"dataset '{dataset.name}': {by} has changed the {kind} of split '{split}' since they were read",
                    "try again",
                )

    return check
