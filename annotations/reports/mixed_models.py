"""Models of a difference that stand beside it in a report, to see whether it hangs on how it was estimated."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.reports.schema.results import CumulativeLinkModel, MixedModel
from annotations.reports.table import RatingTable
from annotations.statistics import cumulative_link, mixed
from annotations.statistics.agreement import Level
from annotations.statistics.uncertainty import Floats

MAX_MODEL_SCORES = 20_000  # screens to which a mixed model is fitted
MAX_ORDINAL_SCORES = 6_000  # scores to which cumulative link models of a criterion are fitted, all pairs together


class Models(NamedTuple):
    """Of a pair of systems."""

    mixed: MixedModel | None
    cumulative_link: CumulativeLinkModel | None


NO_MODELS = Models(None, None)  # of choices


def models_of(table: RatingTable, scores: Floats, pairs: Sequence[tuple[str, str, bool]], level: Level) -> list[Models]:
    """For each pair of systems (whether it is the primary comparison stands third) its models by these scores (n, s).

    Cumulative link models are of ordinal scores alone. Where there are too many for all pairs the primary comparison
    still has one.
    """
    columns = [[scores[:, table.systems.index(name)] for name in pair[:2]] for pair in pairs]
    sizes = [sum(int((~np.isnan(column)).sum()) for column in both) for both in columns]
    fitted = []
    for (_, _, primary), (one, other), size in zip(pairs, columns, sizes, strict=True):
        fits = sum(sizes) <= MAX_ORDINAL_SCORES or (primary and size <= MAX_ORDINAL_SCORES)
        ordinal = ordinal_model(table, one, other, fits=fits) if level == "ordinal" else None
        fitted.append(Models(linear_model(table, one - other), ordinal))
    return fitted


def linear_model(table: RatingTable, differences: Floats) -> MixedModel:
    """The mixed model of the differences of raters who scored both, and of which screens it is."""
    both = ~np.isnan(differences)
    if not both.any():
        model = mixed.MixedModel(None, undefined=Reason("nobody_rated_both"))
    elif both.sum() > MAX_MODEL_SCORES:
        model = mixed.MixedModel(
            None, n=int(both.sum()), undefined=Reason("too_many", most=MAX_MODEL_SCORES, unit="screen")
        )
    else:
        model = mixed.mixed_model(differences[both], table.items[both], table.raters[both], albums=table.albums[both])
    row = model._asdict()
    return MixedModel(ci=row.pop("interval"), **row)


def ordinal_model(table: RatingTable, one: Floats, other: Floats, *, fits: bool) -> CumulativeLinkModel:
    """The cumulative link mixed model of all scores of two systems."""
    given = [~np.isnan(one), ~np.isnan(other)]
    if fits:
        items, raters, albums = (
            np.concatenate([codes[rows] for rows in given]) for codes in (table.items, table.raters, table.albums)
        )
        scores = np.concatenate([one[given[0]], other[given[1]]])
        first = np.repeat([1, 0], [int(rows.sum()) for rows in given])
        model = cumulative_link.cumulative_link_model(scores, first, items, raters, albums=albums)
    else:
        why = Reason("too_many_scores", most=MAX_ORDINAL_SCORES)
        model = cumulative_link.CumulativeLink(None, n=int(sum(rows.sum() for rows in given)), undefined=why)
    row = model._asdict()
    return CumulativeLinkModel(ci=row.pop("interval"), **row)
