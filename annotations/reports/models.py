"""Models of a difference that stand beside it in a report, to see whether it hangs on how it was estimated."""

from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.mixed import MixedModel, mixed_model
from annotations.statistics.uncertainty import Floats

LARGEST_MODEL = 20_000  # screens to which a mixed model is fitted


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
