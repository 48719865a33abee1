"""Models of a difference that stand beside it in a report, to see whether it hangs on how it was estimated."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Level
from annotations.statistics.cumulative_link import CumulativeLink, cumulative_link_model
from annotations.statistics.mixed import MixedModel, mixed_model
from annotations.statistics.uncertainty import Floats

LARGEST_MODEL = 20_000  # screens to which a mixed model is fitted
LARGEST_ORDINAL = 6_000  # scores to which cumulative link models of a criterion are fitted, all pairs together
NO_MODELS = {"mixed_model": None, "cumulative_link_model": None}  # of choices


def model_rows(
    table: RatingTable, scores: Floats, pairs: Sequence[tuple[str, str, bool]], level: Level
) -> list[dict[str, Any]]:
    """For each pair of systems (whether it is the primary contrast stands third) its models by these scores (n, s).

    Cumulative link models are of ordinal scores alone. Where there are too many for all pairs the primary contrast has
    one still.
    """
    columns = [[scores[:, table.systems.index(name)] for name in pair[:2]] for pair in pairs]
    sizes = [sum(int((~np.isnan(column)).sum()) for column in both) for both in columns]
    rows = []
    for (_, _, primary), (one, other), size in zip(pairs, columns, sizes, strict=True):
        fits = sum(sizes) <= LARGEST_ORDINAL or (primary and size <= LARGEST_ORDINAL)
        ordinal = ordinal_row(table, one, other, fits=fits) if level == "ordinal" else None
        rows.append({"mixed_model": model_row(table, one - other), "cumulative_link_model": ordinal})
    return rows


def model_row(table: RatingTable, differences: Floats) -> dict[str, Any]:
    """The mixed model of the differences of raters who scored both, and of which screens it is."""
    both = ~np.isnan(differences)
    if not both.any():
        model = MixedModel(None, undefined="no rater scored both on a screen")
    elif both.sum() > LARGEST_MODEL:
        model = MixedModel(None, n=int(both.sum()), undefined=f"it is fitted to {LARGEST_MODEL:,} screens at most")
    else:
        model = mixed_model(differences[both], table.items[both], table.raters[both], albums=table.albums[both])
    row = model._asdict()
    return {"ci": row.pop("interval"), **row}


def ordinal_row(table: RatingTable, one: Floats, other: Floats, *, fits: bool) -> dict[str, Any]:
    """The cumulative link mixed model of all scores of two systems."""
    given = [~np.isnan(one), ~np.isnan(other)]
    if fits:
        items, raters, albums = (
            np.concatenate([codes[rows] for rows in given]) for codes in (table.items, table.raters, table.albums)
        )
        scores = np.concatenate([one[given[0]], other[given[1]]])
        first = np.repeat([1, 0], [int(rows.sum()) for rows in given])
        model = cumulative_link_model(scores, first, items, raters, albums=albums)
    else:
        why = f"it is fitted where all pairs by a criterion have {LARGEST_ORDINAL:,} scores at most"
        model = CumulativeLink(None, n=int(sum(rows.sum() for rows in given)), undefined=why)
    row = model._asdict()
    return {"ci": row.pop("interval"), **row}
