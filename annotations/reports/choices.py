"""What raters' choices between two texts say of the systems: shares won, strengths, every pair."""

from itertools import combinations
from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.choices import Parameter, Strengths, strengths, win_table
from annotations.statistics.differences import Difference
from annotations.statistics.shares import clustered_share
from annotations.statistics.uncertainty import Mean

PLACES_UNKNOWN = "in which places the texts were shown is not known"


def fitted_strengths(table: RatingTable, criterion: str) -> Strengths:
    """The Bradley-Terry model of a criterion's choices; errors are robust to albums and raters.

    Only systems that were compared have a place in it: `Strengths.names`.
    """
    first, second, outcome, rows = table.comparisons[criterion]
    compared, codes = np.unique([first, second], return_inverse=True)
    names = [table.systems[place] for place in compared]
    one, other = codes.reshape(2, -1)
    return strengths(
        one, other, outcome, names=names, items=table.albums[rows], raters=table.raters[rows], position=table.placed
    )


def choice_differences(table: RatingTable, criterion: str, fitted: Strengths) -> dict[tuple[str, str], Difference]:
    """Of every pair of compared systems the difference in log-strength."""
    first, second, _, rows = table.comparisons[criterion]
    found: dict[tuple[str, str], Difference] = {}
    for one, other in combinations(range(len(fitted.names)), 2):
        codes = [table.systems.index(fitted.names[place]) for place in (one, other)]
        both = np.isin(first, codes) & np.isin(second, codes)
        screens, items = int(both.sum()), len(np.unique(table.items[rows[both]]))
        pair = (fitted.names[one], fitted.names[other])
        if fitted.worths is None:
            found[pair] = Difference(None, screens, items, fitted.undefined)
            continue
        worths, errors = fitted.worths, fitted.worths.difference_errors
        interval, p = worths.difference_intervals, worths.difference_p
        estimate = Mean(
            float(worths.differences[one, other]),
            None if errors is None else float(errors[one, other]),
            None if interval is None else (float(interval[one, other, 0]), float(interval[one, other, 1])),
            None if p is None or np.isnan(p[one, other]) else float(p[one, other]),
            worths.freedom,
        )
        found[pair] = Difference(estimate, screens, items, fitted.undefined)
    return found


def expected_share(fitted: Strengths, one: str, other: str) -> float | None:
    """The share of their decided choices that the model expects the first to win."""
    if fitted.win_shares is None:
        return None
    return float(fitted.win_shares[fitted.names.index(one), fitted.names.index(other)])


def shares_won(table: RatingTable, criterion: str) -> dict[str, dict[str, Any]]:
    """Of each compared system the share of its comparisons that it won, a tie being half."""
    first, second, outcome, rows = table.comparisons[criterion]
    found = {}
    for place, name in enumerate(table.systems):
        as_first, as_second = first == place, second == place
        mine = as_first | as_second
        if not mine.any():
            continue
        won = np.where(as_first, outcome, 1 - outcome)[mine]
        theirs = rows[mine]
        share = clustered_share(won, table.albums[theirs], table.raters[theirs])
        found[name] = {
            "system": name,
            "n": int(mine.sum()),
            "raters": len(np.unique(table.raters[theirs])),
            "items": len(np.unique(table.items[theirs])),
            "mean": share.share,
            "ci": share.interval,
            "note": share.note,
            "bootstrap_ci": None,
            "z": None,
        }
    return found


def choices_row(table: RatingTable, criterion: str, fitted: Strengths) -> dict[str, Any]:
    """The model's parameters and the table of wins, ties and losses."""
    first, second, outcome, rows = table.comparisons[criterion]
    albums, raters = table.albums[rows], table.raters[rows]
    intervals, shares = fitted.worths and fitted.worths.intervals, fitted.win_shares
    return {
        "systems": [
            {
                "system": name,
                "worth": float(fitted.worths.values[place]),
                "ci": None if intervals is None else intervals[place].tolist(),
                "win_share": None if shares is None else float(np.delete(shares[place], place).mean()),
            }
            for place, name in enumerate(fitted.names)
        ]
        if fitted.worths
        else [],
        "ties": parameter_row(fitted.ties),
        "position": parameter_row(
            fitted.position if table.placed else fitted.position._replace(undefined=PLACES_UNKNOWN)
        ),
        "table": [
            {
                "system_a": table.systems[pair.one],
                "system_b": table.systems[pair.other],
                "wins": pair.wins,
                "ties": pair.ties,
                "losses": pair.losses,
                "share": pair.decided.share,
                "ci": pair.decided.interval,
                "halved": pair.halved.share,
                "halved_ci": pair.halved.interval,
                "undefined": pair.undefined,
                "note": pair.decided.note or pair.halved.note,
            }
            for pair in win_table(first, second, outcome, names=table.systems, items=albums, raters=raters)
        ],
        "penalised": fitted.penalised,
        "undefined": fitted.undefined,
    }


def parameter_row(parameter: Parameter) -> dict[str, Any]:
    return {"value": parameter.value, "ci": parameter.interval, "undefined": parameter.undefined}
