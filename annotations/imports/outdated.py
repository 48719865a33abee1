"""Scores and baselines that would not be made so any more: what they were made from was added to or replaced."""

from collections.abc import Collection

from django.db.models import Q

from annotations.campaigns.models import Campaign, Item
from annotations.corpora.locks import dataset_lock
from annotations.corpora.models import Import, Source, Story
from annotations.corpora.rewriting import TRAIN
from annotations.feedback.models import FeedbackSet
from annotations.systems.models import Decoding, Score, ScoreDifference, System


def outdated_remove(*, import_row: Import, rewritten: Collection[str] = ()) -> int:
    """Remove the scores that an import outdates, by what it brought or what goes with it: those of splits with other
    sources or references or with `rewritten` texts, those of campaigns whose items have other references, and
    those by metrics that read training stories where there are other ones. Returns how many.

    Baselines that no campaign shows are taken from view with theirs, and made anew when they are next needed: those of
    splits with `rewritten` texts, and where there are other training stories every `random_story`."""
    dataset = dataset_lock(dataset=import_row.dataset)
    sources, stories = (model._default_manager.filter(imported_by=import_row) for model in (Source, Story))
    told = set(stories.order_by().values_list("album__split", flat=True).distinct())
    splits = {*rewritten, *told, *sources.order_by().values_list("album__split", flat=True).distinct()}
    told_by = "photo__sentences__story", "stories"
    of_import = [Item.objects.filter(**{f"source__{story}__imported_by": import_row}) for story in told_by]
    candidates = Campaign.objects.filter(dataset=dataset, split__in=told)
    campaigns = [each for each in candidates if any(items.filter(campaign=each).exists() for items in of_import)]
    scores, differences = Q(campaign__in=campaigns), Q(campaign__in=campaigns)
    scores |= Q(campaign=None, decoding__split__in=splits)
    quoting = Q(split__in=rewritten)
    if TRAIN in {*rewritten, *told}:
        quoting |= Q(system__name="random_story")
        scores |= Q(metric__reads_training_stories=True)
        differences |= Q(metric__reads_training_stories=True)
    outdated: list[int] = []
    if not Campaign.all_rows.filter(dataset=dataset, unfinished_until__isnull=False).exists():  # it may take one
        baselines = Decoding.objects.complete().filter(dataset=dataset, system__kind=System.Kind.BASELINE, entries=None)
        outdated = list(baselines.filter(quoting).values_list("pk", flat=True))
    Decoding.objects.filter(pk__in=outdated).update(completed_at=None)
    scores |= Q(decoding__in=outdated)
    ScoreDifference.objects.filter(differences, campaign__dataset=dataset).delete()
    removed: int = Score.objects.filter(scores, decoding__dataset=dataset).delete()[0]
    return removed


def made_of(datasets: Collection[int]) -> frozenset[tuple[object, ...]]:
    """What is made of datasets, and how far it is. What depends on their texts is looked for before they are locked,
    which takes long; while this has stayed the same, nothing has come to depend on them since."""
    rows = (
        (Import.objects, ("state", "completed_at")),
        (Decoding.objects.complete(), ("completed_at",)),
        (Campaign.all_rows, ("unfinished_until",)),
        (FeedbackSet.all_rows, ("unfinished_until",)),
    )
    return frozenset(
        (manager.model, *row)
        for manager, fields in rows
        for row in manager.filter(dataset__in=datasets).values_list("pk", *fields)
    )
