"""What raters said of the texts of a source, in campaigns that are closed. Of one that is not, nothing is read: neither
who leads nor which sources it shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from django.db.models.fields.json import KeyTransform

from annotations.campaigns.models import Campaign, Candidate, CandidateOutput, Item, Rating
from annotations.corpora.models import Source
from annotations.protocols import protocol_named
from annotations.protocols.base import TIE
from annotations.systems.models import Score


class Said(NamedTuple):
    """By one criterion: the mean of a text's scores, or how often it was chosen."""

    criterion: str
    ratings: int
    mean: float | None = None
    chosen: int | None = None


class RatedText(NamedTuple):
    text: str
    writers: Sequence[str]
    said: Sequence[Said]
    metrics: Sequence[tuple[str, float]]  # with their values for this text


class RatedItem(NamedTuple):
    campaign: Campaign
    number: int  # of the item, as the campaign's pages count
    answers: int
    texts: Sequence[RatedText]


def rated_items(source: Source) -> list[RatedItem]:
    """Newest campaign first, in as many queries however many there are."""
    shown = Item.objects.filter(source=source, kind=Item.Kind.REGULAR, campaign__in=Campaign.objects.filter(
        state=Campaign.State.CLOSED
    ))  # fmt: skip
    items = list(shown.select_related("campaign").order_by("-campaign__closed_at", "-campaign"))
    if not items:
        return []
    candidates: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in Candidate.objects.filter(item__in=items).order_by("pk"):
        candidates[candidate.item_id].append(candidate)
    wrote, metrics = writers(items), metric_values(items)
    answers: dict[int, list[Any]] = defaultdict(list)
    for item, given, order in Rating.objects.counting_of(items).values_list(
        "assignment__item", "answers", "assignment__candidate_order"
    ):
        answers[item].append((given, [str(pk) for pk, _ in order]))
    return [
        RatedItem(
            item.campaign,
            item.position + 1,
            len(answers[item.pk]),
            [
                RatedText(
                    candidate.text,
                    sorted({name for name, _ in wrote.get(candidate.pk, ())}),
                    said_of(str(candidate.pk), item.campaign, answers[item.pk]),
                    sorted(
                        {
                            each
                            for _, decoding in wrote.get(candidate.pk, ())
                            for each in metrics.get((item.pk, decoding), ())
                        }
                    ),
                )
                for candidate in candidates[item.pk]
            ],
        )
        for item in items
    ]


def writers(items: Iterable[Item]) -> Mapping[int, list[tuple[str, int]]]:
    """By candidate the systems that wrote it, each with its decoding."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    rows = CandidateOutput.objects.filter(candidate__item__in=items)
    for candidate, name, decoding in rows.values_list(
        "candidate", "output__decoding__system__name", "output__decoding"
    ):
        found[candidate].append((name, decoding))
    return found


def said_of(candidate: str, campaign: Campaign, answers: Sequence[tuple[Any, Sequence[str]]]) -> list[Said]:
    """What the answers say of a text by each criterion; nothing by a protocol of which a text has no number."""
    protocol = protocol_named(campaign.protocol)
    scores: dict[str, list[float]] = defaultdict(list)
    choices: dict[str, list[bool]] = defaultdict(list)
    for given, order in answers:
        for criterion, of_texts in protocol.scores(given).items():
            if candidate in of_texts:
                scores[criterion].append(of_texts[candidate])
        for criterion, chosen in protocol.choices(given).items():
            if candidate in order:
                choices[criterion].append(chosen == candidate and chosen != TIE)
    titles = [(criterion.name, criterion.label.title) for criterion in campaign.asked]
    return [Said(str(title), len(scores[name]), mean=fmean(scores[name])) for name, title in titles if scores[name]] + [
        Said(str(title), len(choices[name]), chosen=sum(choices[name])) for name, title in titles if choices[name]
    ]


def metric_values(items: Sequence[Item]) -> Mapping[tuple[int, int], list[tuple[str, float]]]:
    """By item and decoding what each metric gives its text."""
    places = sorted({item.position for item in items})
    values = {f"at_{place}": KeyTransform(str(place), "by_item") for place in places}
    scores = Score.objects.filter(campaign__in=[item.campaign_id for item in items], by_item__isnull=False)
    found: dict[tuple[int, int], list[tuple[str, float]]] = defaultdict(list)
    of_campaign = {item.campaign_id: item for item in items}
    for row in (
        scores.order_by("metric__order", "pk").annotate(**values).values("campaign", "metric", "decoding", *values)
    ):
        item = of_campaign[row["campaign"]]
        value = row[f"at_{item.position}"]
        if value is not None:
            found[item.pk, row["decoding"]].append((row["metric"], float(value)))
    return found
