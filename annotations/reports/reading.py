"""A campaign's ratings read into the arrays that a report is computed from."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from annotations.campaigns.models import Campaign, CandidateOutput, Rater, Rating
from annotations.protocols import protocol_named
from annotations.reports.measures import measure_of
from annotations.reports.table import RatingTable

ANSWER_BATCH_SIZE = 2000


def rating_table(campaign: Campaign) -> RatingTable:
    """Reads the answers in batches: of n screens it holds what the arrays do, and one batch beside.

    Answers of raters who are left out are among them: see `RatingTable.without_excluded`.
    """
    columns = {
        name: place for place, name in enumerate(sorted(campaign.entries.values_list("system__name", flat=True)))
    }
    shown = CandidateOutput.objects.filter(candidate__item__campaign=campaign).values_list(
        "candidate_id", "candidate__item__position", "candidate__text", "output__decoding__system__name"
    )
    candidates = np.zeros((campaign.items.count(), len(columns)), dtype=np.int64)
    lengths, places = dict[int, int](), dict[str, list[int]]()
    of_item = np.zeros(len(candidates))  # words in all of an item's texts
    for pk, position, text, system in shown.iterator(chunk_size=ANSWER_BATCH_SIZE):
        candidates[position, columns[system]] = pk
        if pk not in lengths:
            lengths[pk] = len(text.split())
            of_item[position] += lengths[pk]
        places.setdefault(str(pk), []).append(columns[system])
    of_items = campaign.items.order_by("position").values_list("position", "source__album_id")
    albums = {album: code for code, album in enumerate(dict.fromkeys(album for _, album in of_items))}
    at = {position: albums[album] for position, album in of_items}
    measure, joined = measure_of(campaign), list(Rater.objects.filter(campaign=campaign, trial=False).order_by("pk"))
    raters = {rater.pk: code for code, rater in enumerate(joined)}
    columns_read = measure.columns(protocol_named(campaign.protocol), campaign.criteria, places, len(columns))
    rows, words = [np.empty((0, 4))], [np.empty(0)]
    wanted = ("assignment__item__position", "assignment__rater_id", "seconds", "answers", *columns_read.wanted)
    part = ("assignment__candidate_order",) if campaign.texts_per_screen else ()  # of an item's texts is shown
    for batch in answers_in_batches(campaign, *wanted, *part):
        columns_read.take([row[3 : len(wanted)] for row in batch])
        if part:
            words.append(np.array([sum(lengths[pk] for pk, _ in row[-1]) for row in batch], dtype=np.float64))
        about = [
            (position, at[position], raters[rater], np.nan if seconds is None else seconds)
            for position, rater, seconds, *_ in batch
        ]
        rows.append(np.array(about, dtype=np.float64))
    screens = np.concatenate(rows)
    items, of_albums, of_raters = screens[:, :3].astype(np.int64).T
    return RatingTable(
        systems=tuple(columns),
        criteria=tuple(campaign.criteria),
        items=items,
        albums=of_albums,
        raters=of_raters,
        rater_names=tuple(str(rater.public_id) for rater in joined),
        rater_keys=tuple(rater.pk for rater in joined),
        exclusions=tuple(rater.exclusion for rater in joined),
        seconds=screens[:, 3],
        scores=columns_read.scores(),
        comparisons=columns_read.comparisons(),
        sureness=columns_read.sureness(),
        errors=columns_read.errors(),
        words=np.concatenate(words) if part else of_item[items],
        candidates=candidates,
        placed=campaign.import_facts.get("order_known", True),
        no_scores=measure.no_scores,
        no_severity=measure.no_severity,
    )


def answers_in_batches(campaign: Campaign, *columns: str) -> Iterator[list[tuple[Any, ...]]]:
    """These columns of the campaign's answers, in the order in which they came in."""
    rows = Rating.objects.answered(campaign).order_by("pk").values_list(*columns)
    waiting = rows.iterator(chunk_size=ANSWER_BATCH_SIZE)
    while batch := list(islice(waiting, ANSWER_BATCH_SIZE)):
        yield batch
