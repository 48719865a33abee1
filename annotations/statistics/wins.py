"""How often each system is expected to win against another."""

from typing import NamedTuple

import numpy as np

from annotations.statistics.uncertainty import Floats, Ints


class ExpectedWins(NamedTuple):
    """The share of decided comparisons that a system wins, as a mean over the systems it was compared with: how many
    those are, and None where there are none."""

    value: float | None
    opponents: int


def expected_wins(wins: Ints) -> list[ExpectedWins]:
    """Expected wins of each system from a table (systems, systems) of how often the row beat the column.

    The mean over the other systems of wins / (wins + losses), ties left out (Koehn 2012; Bojar et al. 2013, "Expected
    Wins"): every opponent counts alike, however often it was met.
    """
    decided = wins + wins.T
    met = decided > 0
    np.fill_diagonal(met, False)
    shares = np.where(met, wins / np.maximum(decided, 1), 0.0).sum(axis=1)
    return [
        ExpectedWins(float(share / opponents) if opponents else None, int(opponents))
        for share, opponents in zip(shares, met.sum(axis=1), strict=True)
    ]


def wins_by_scores(scores: Floats) -> Ints:
    """How often the row's score was above the column's on a screen (systems, systems), of scores (screens, systems)
    with NaN where there is none."""
    return np.stack([(column[:, None] > scores).sum(axis=0) for column in scores.T]).astype(np.int64)
