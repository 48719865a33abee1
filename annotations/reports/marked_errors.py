"""What marked errors say of the systems: how many of which kind, and whether raters marked the same."""

from collections.abc import Sequence

import numpy as np

from annotations.campaigns.models import Campaign, Candidate
from annotations.protocols import protocol_named
from annotations.reasons import Reason
from annotations.reports.agreement import rated_together
from annotations.reports.estimates import estimate_of
from annotations.reports.exact import nothing_varied
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.errors import CategoryErrors, Errors, SpanAgreement, SystemErrors
from annotations.reports.scores import ScoreAnalysis
from annotations.reports.table import Bools, MarkedSpans, Names, RatingTable
from annotations.statistics.marked_spans import span_agreement
from annotations.statistics.means import clustered_mean
from annotations.statistics.uncertainty import Floats, Ints

READ_BATCH_SIZE = 2000


class ErrorAnalysis(ScoreAnalysis):
    max_bins = 26  # of scores from −25 to 0


class Texts:
    """How many words and code points the campaign's texts have, by primary key."""

    def __init__(self, campaign: Campaign) -> None:
        rows = Candidate.objects.filter(item__campaign=campaign).order_by("pk").values_list("pk", "text")
        sizes = [(pk, len(text.split()), len(text)) for pk, text in rows.iterator(chunk_size=READ_BATCH_SIZE)]
        self.pks, self.word_counts, self.point_counts = np.array(sizes, dtype=np.int64).reshape(-1, 3).T

    def words(self, pks: Ints) -> Ints:
        return self.word_counts[np.searchsorted(self.pks, pks)]

    def points(self, pks: Ints) -> Ints:
        return self.point_counts[np.searchsorted(self.pks, pks)]


def errors_of(campaign: Campaign, table: RatingTable, criterion: str) -> Errors:
    """Of all ratings by a criterion; a text of several systems counts for each of them."""
    protocol, texts = protocol_named(campaign.protocol), Texts(campaign)
    categories = protocol.categories_of(campaign.rules)
    return Errors(
        weights=dict(protocol.severities),
        systems=[
            system_errors(table, criterion, place, texts, categories, list(protocol.severities))
            for place in np.flatnonzero(~np.isnan(table.scores[criterion]).all(axis=0)).tolist()
        ],
        agreement=agreements(table, criterion, texts),
    )


def system_errors(
    table: RatingTable,
    criterion: str,
    place: int,
    texts: Texts,
    categories: Sequence[str],
    severities: Sequence[str],
) -> SystemErrors:
    """Of the system at this place."""
    marked = table.errors[criterion]
    rated = np.flatnonzero(~np.isnan(table.scores[criterion][:, place]))
    theirs = table.candidates[table.items[marked.rows], place] == marked.texts
    words = texts.words(table.candidates[table.items[rated], place]).astype(np.float64)
    whole = weights_on(marked, theirs, rated, len(table.items))
    share = 100 * whole.sum() / words.sum() if words.any() else 0.0
    by_word = share + (100 * whole - share * words) / max(words.mean(), 1.0)  # linearised, with the share as its mean
    return SystemErrors(
        system=table.systems[place],
        n=len(rated),
        clean=int((whole == 0).sum()),
        counts=counts_of(marked, theirs, severities),
        per_100_words=mean_of(table, rated, by_word),
        categories=[
            CategoryErrors(
                category=category,
                counts=counts_of(marked, of_it := theirs & (marked.categories == category), severities),
                weight=mean_of(table, rated, weights_on(marked, of_it, rated, len(table.items))),
            )
            for category in categories
        ],
    )


def weights_on(marked: MarkedSpans, which: Bools, rows: Ints, count: int) -> Floats:
    """What these errors weigh in each of the rows, of `count` rows in all."""
    sums = np.bincount(marked.rows[which], marked.weights[which], minlength=count)
    return sums[rows].astype(np.float64)


def counts_of(marked: MarkedSpans, which: Bools, severities: Sequence[str]) -> dict[str, int]:
    return {severity: int((marked.severities[which] == severity).sum()) for severity in severities}


def mean_of(table: RatingTable, rows: Ints, values: Floats) -> Estimate:
    """The mean of these rows' values; without an interval where nothing varied."""
    mean = clustered_mean(values, table.albums[rows], table.raters[rows])
    if nothing_varied(mean, float(np.abs(values).max())):
        mean = mean._replace(interval=None, undefined=Reason("nothing_varied"))
    elif mean.interval:
        low, high = mean.interval
        mean = mean._replace(interval=(max(low, 0.0), high))
    return estimate_of(mean)


def agreements(table: RatingTable, criterion: str, texts: Texts) -> list[SpanAgreement]:
    """On which code points of a text are wrong, how severely, and in which way."""
    marked, once = table.errors[criterion], ~np.isnan(table.scores[criterion]) & table.first
    rows, places = np.nonzero(once)
    pks = table.candidates[table.items[rows], places]
    keys = {key: number for number, key in enumerate(zip(rows.tolist(), pks.tolist(), strict=True))}
    rating = np.array(
        [keys[key] for key in zip(marked.rows.tolist(), marked.texts.tolist(), strict=True)], dtype=np.int64
    )
    labels = {
        "marked or not": np.ones(len(marked.rows), dtype=np.int64),
        "severity": codes_of(marked.severities),
        "category": codes_of(marked.categories),
    }
    several, each = rated_together(pks)
    found = {
        what: span_agreement(
            table.shown[once], texts.points(pks), table.albums[rows], rating, marked.starts, marked.ends, codes
        )
        for what, codes in labels.items()
    }
    return [
        SpanAgreement(
            what=what,
            value=one.value,
            ci=one.interval,
            undefined=one.undefined,
            texts=several,
            ratings=each,
        )
        for what, one in found.items()
    ]


def codes_of(names: Names) -> Ints:
    """From 1, in alphabetical order."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64) + 1
