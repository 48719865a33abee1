"""Scores that a recomputation would not give any more: what they were computed from was added to or replaced."""

from collections.abc import Callable, Collection

from django.db.models import Q

from annotations.errors import ConflictError
from annotations.models import Campaign, Dataset, Import, Item, Score, ScoreDifference, Source, Story
from annotations.services.locks import dataset_lock

CHANGING = ("sources", "sentences")  # what an import brings, of the kinds of rows that it counts
OF_TRAINING_STORIES = ("copy_rate", "nonword_rate")  # compare outputs of any split with what people wrote in training
TRAIN = "train"


def outdated_scores_remove(*, import_row: Import, rewritten: Collection[str] = ()) -> int:
    """Remove the scores that an import outdates, by what it brought or what goes with it: those of splits with other
    sources or references or with `rewritten` texts, those of campaigns whose items have other references, and
    those of OF_TRAINING_STORIES where there are other training stories. Returns how many."""
    dataset = dataset_lock(dataset=import_row.dataset)
    sources, stories = (model._default_manager.filter(imported_by=import_row) for model in (Source, Story))
    told = set(stories.order_by().values_list("album__split", flat=True).distinct())
    splits = {*rewritten, *told, *sources.order_by().values_list("album__split", flat=True).distinct()}
    of_import = Item.objects.filter(source__photo__sentences__story__imported_by=import_row)
    candidates = Campaign.objects.filter(dataset=dataset, split__in=told)
    campaigns = [campaign for campaign in candidates if of_import.filter(campaign=campaign).exists()]
    scores, differences = Q(campaign__in=campaigns), Q(campaign__in=campaigns)
    scores |= Q(campaign=None, decoding__split__in=splits)
    if TRAIN in {*rewritten, *told}:
        scores |= Q(metric__in=OF_TRAINING_STORIES)
        differences |= Q(metric__in=OF_TRAINING_STORIES)
    ScoreDifference.objects.filter(differences, campaign__dataset=dataset).delete()
    removed: int = Score.objects.filter(scores, decoding__dataset=dataset).delete()[0]
    return removed


def unchanged_check(*, dataset: Dataset) -> Callable[[], None]:
    """To be asked for before texts are read, to score or to copy them, and called in the transaction that shows what
    was made of them: raises ConflictError where an import has brought or replaced texts of the dataset meanwhile."""
    complete = Import.objects.complete().filter(dataset=dataset)
    known = list(complete.values_list("pk", flat=True))

    def check() -> None:
        dataset_lock(dataset=dataset)
        for row in complete.exclude(pk__in=known):
            if row.outcome.get("replaced") or any(row.counts.get(kind) for kind in CHANGING):
                raise ConflictError(
                    f"dataset '{dataset.name}': import {row.pk} ({row.description}) has changed its texts while they "
                    "were read; try again"
                )

    return check
