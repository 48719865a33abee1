"""Large campaigns, written straight into the tables."""

import uuid

from annotations import models
from annotations.campaigns.assignment.tally import shown_as
from annotations.storage.bulk import statistics_gather

BATCH = 1000


def grow(campaign: models.Campaign, items: int) -> None:
    """Give a campaign many more items, each a source with two candidates."""
    model, first = campaign.items.select_related("source").get(position=0), campaign.items.count()
    sources = models.Source.objects.bulk_create(
        (
            models.Source(
                album=model.source.album,
                imported_by=model.source.imported_by,
                kind="caption",
                photo=model.source.photo,
                key=f"more-{campaign.pk}-{n}",
                text=f"thing {n}",
            )
            for n in range(first, items)
        ),
        batch_size=BATCH,
    )
    made = models.Item.objects.bulk_create(
        (models.Item(campaign=campaign, source=source, position=n) for n, source in enumerate(sources, start=first)),
        batch_size=BATCH,
    )
    models.Candidate.objects.bulk_create(
        (models.Candidate(item=item, text=text) for item in made for text in ("It was fun.", "It was not.")),
        batch_size=BATCH,
    )
    models.Campaign.objects.filter(pk=campaign.pk).update(item_count=items)


def answer_nearly_all(campaign: models.Campaign, rater: models.Rater, other: models.Rater, left: int) -> None:
    """What nearly all rounds of a campaign would leave: every item is answered once, by the rater but for `left` of
    them, evenly over the campaign, which another rater has answered."""
    candidates: dict[int, list[list[object]]] = {}
    texts = models.Candidate.objects.filter(item__campaign=campaign).order_by("pk")
    for item, pk, public_id in texts.values_list("item", "pk", "public_id"):
        candidates.setdefault(item, []).append([pk, str(public_id)])
    systems = [[each] for each in campaign.entries.order_by("pk").values_list("decoding", flat=True)]
    items, assignments = list(campaign.items.order_by("position").values_list("pk", flat=True)), []
    last = len(items) // left - 1
    for number, item in enumerate(items):
        turn = 1 if number % 2 else -1
        assignments.append(
            models.Assignment(
                item_id=item,
                rater=other if number % (last + 1) == last else rater,
                state="done",
                candidate_order=candidates[item][::turn],
                shown=shown_as(systems[::turn]),
                leased_until=campaign.created_at,
                revision=1,
            )
        )
    models.Assignment.objects.bulk_create(assignments, batch_size=BATCH)
    models.Rating.objects.bulk_create(
        (
            models.Rating(assignment=each, revision=1, kind="answer", seconds=2.0, key=uuid.uuid4(), body_hash="-")
            for each in assignments
        ),
        batch_size=BATCH,
    )
    campaign.items.update(taken=1)
    written = (models.Item, models.Candidate, models.Assignment, models.Rating)
    statistics_gather(len(items), models.Source, *written)  # as services do that write so many
