"""Who wrote the texts that were shown: for whoever may know."""

from collections.abc import Iterable

from annotations.campaigns.models import Campaign, CandidateOutput


def writers_of(campaign: Campaign, candidates: Iterable[int]) -> dict[int, list[str]]:
    """The names of the systems that wrote each of these candidates, by their primary keys."""
    names = dict(campaign.entries.values_list("decoding", "system__name"))
    writers: dict[int, list[str]] = {}
    rows = CandidateOutput.objects.filter(candidate__in=list(candidates)).order_by("pk")
    for candidate, decoding in rows.values_list("candidate", "output__decoding"):
        if decoding in names:
            writers.setdefault(candidate, []).append(names[decoding])
    return writers
