"""Scores that a recomputation would not give any more: what they were computed from was added to or replaced."""

from collections.abc import Collection

from django.db.models import Q

from annotations.models import Campaign, Import, Score, ScoreDifference, Source, Story, StorySentence

OF_TRAINING_STORIES = "copy_rate"  # the metric that compares outputs of any split with what people wrote in training
TRAIN = "train"


def outdated_scores_remove(*, import_row: Import, rewritten: Collection[str] = ()) -> int:
    """Remove the scores that an import outdates, by what it brought or what goes with it: those of splits with other
    sources or references or with `rewritten` texts, those of campaigns whose items have other references, and
    `copy_rate` where there are other training stories. Returns how many."""
    dataset = import_row.dataset
    sources, stories = (model._default_manager.filter(imported_by=import_row) for model in (Source, Story))
    told = set(stories.order_by().values_list("album__split", flat=True).distinct())
    splits = {*rewritten, *told, *sources.order_by().values_list("album__split", flat=True).distinct()}
    counted = StorySentence.objects.filter(story__imported_by=import_row).counted_by_campaign()
    campaigns = Campaign.objects.filter(dataset=dataset, name__in=counted)
    scores, differences = Q(campaign__in=campaigns), Q(campaign__in=campaigns)
    scores |= Q(campaign=None, decoding__split__in=splits)
    if TRAIN in {*rewritten, *told}:
        scores |= Q(metric=OF_TRAINING_STORIES)
        differences |= Q(metric=OF_TRAINING_STORIES)
    ScoreDifference.objects.filter(differences, campaign__dataset=dataset).delete()
    removed: int = Score.objects.filter(scores, decoding__dataset=dataset).delete()[0]
    return removed
