"""Best-worst scaling: of the texts on a screen, which is best and which worst.

Everywhere one row stands for one system on one screen: `systems` its code, `screens` which screen, `best` and `worst`
whether its text was chosen. Screens may show different numbers of texts. A text that several systems wrote has a row
for each of them, all with the same number in `texts`, and is one text: chosen, it counts for each of its systems, and
the model gives it the mean of their worths.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.connections import Bools, named, one_sided, why_apart
from annotations.statistics.estimate import Estimate
from annotations.statistics.logit import Worths, centring, fit, spread_of, worths
from annotations.statistics.means import clustered_mean
from annotations.statistics.uncertainty import Floats, Ints


class Counts(NamedTuple):
    """Of one system: how often shown, best and worst, and the mean of best − worst with its interval."""

    shown: int
    best: int
    worst: int
    score: Estimate


class Model(NamedTuple):
    """The systems' worths in the maxdiff model, or why there are none, or no intervals."""

    names: Sequence[str]
    worths: Worths | None
    undefined: Reason | None


class _Screens(NamedTuple):
    """Texts, in the order of their screens: screen (texts), place on it (texts), and which systems wrote it, 0 or 1.

    Of each screen, the row that stands for it (screens) and the places of its best and worst text (screens).
    """

    screen: Ints
    place: Ints
    wrote: Floats  # (texts, systems)
    row: Ints
    best: Ints
    worst: Ints


def best_worst_counts(
    systems: Ints,
    screens: Ints,
    best: Bools,
    worst: Bools,
    items: Ints,
    raters: Ints,
    *,
    texts: Ints | None = None,
    names: Sequence[str] | None = None,
) -> list[Counts]:
    """Counts and (best − worst) / shown of each system (Louviere, Flynn and Marley 2015), clustered by item and rater.

    All arrays are (n), one row per system and screen. A score is 1 for a system always best, −1 for one always worst.
    Raises ValueError for unequal lengths and for a screen without exactly one best and one other worst text.
    """
    names = named(names, systems)
    _texts(systems, screens, best, worst, texts, items, raters, len(names))
    found = []
    for code, name in enumerate(names):
        mine = systems == code
        scores = best[mine].astype(np.float64) - worst[mine]
        if not mine.any():
            found.append(Counts(0, 0, 0, Estimate.none(Reason("never_shown", system=name))))
            continue
        mean = clustered_mean(scores, items[mine], raters[mine])
        found.append(Counts(int(mine.sum()), int(best[mine].sum()), int(worst[mine].sum()), mean))
    return found


def best_worst_model(
    systems: Ints,
    screens: Ints,
    best: Bools,
    worst: Bools,
    *,
    items: Ints | None = None,
    raters: Ints | None = None,
    texts: Ints | None = None,
    names: Sequence[str] | None = None,
) -> Model:
    """The maxdiff model: P(best b, worst w) = exp(v_b − v_w) / Σ_{i≠j} exp(v_i − v_j) (Marley and Louviere 2005).

    All arrays are (n), one row per system and screen. The worths v add to zero; their errors are those of the
    information, or with items or raters cluster-robust (see `logit.spread_of`). Raises ValueError as
    `best_worst_counts` does.
    """
    names = named(names, systems)
    shown = _texts(systems, screens, best, worst, texts, items, raters, len(names))
    refusal = _why_none(shown, names)
    if refusal:
        return Model(names, None, refusal)
    # Screens that show texts of the same systems are one kind of screen.
    wrote, kind = np.unique(shown.wrote, axis=0, return_inverse=True)
    count, most = len(shown.row), int(shown.place.max()) + 1
    table = np.full((count, most), -1)
    table[shown.screen, shown.place] = kind
    order = np.argsort(table, axis=1)
    sets, of_screen = np.unique(np.take_along_axis(table, order, axis=1), axis=0, return_inverse=True)
    places = np.argsort(order, axis=1)
    top, bottom = (places[np.arange(count), each] for each in (shown.best, shown.worst))

    means = (wrote / wrote.sum(axis=1, keepdims=True)) @ centring(len(names))
    means = np.vstack([means, np.full(means.shape[1], np.nan)])  # the last, −1: no text in this place
    first, second = np.nonzero(~np.eye(most, dtype=bool))
    design = means[sets[:, first]] - means[sets[:, second]]
    if np.linalg.matrix_rank(np.nan_to_num(design).reshape(-1, design.shape[2])) < design.shape[2]:
        return Model(names, None, Reason("texts_shared"))
    alternative = top * (most - 1) + bottom - (bottom > top)
    size = len(first)
    counts = np.bincount(of_screen * size + alternative, minlength=len(sets) * size).reshape(len(sets), size)
    fitted = fit(design, counts)
    if fitted is None:
        unbeaten, winless = one_sided(_beats(shown), names)
        return Model(names, None, Reason("no_finite_estimate", unbeaten=unbeaten, winless=winless))
    of_items, of_raters = (None if part is None else part[shown.row] for part in (items, raters))
    spread = spread_of(fitted, of_screen, alternative, items=of_items, raters=of_raters)
    return Model(names, worths(fitted, len(names), spread), None if spread else Reason("one_cluster"))


def _texts(
    systems: Ints,
    screens: Ints,
    best: Bools,
    worst: Bools,
    texts: Ints | None,
    items: Ints | None,
    raters: Ints | None,
    count: int,
) -> _Screens:
    """The rows as texts on screens, checked."""
    given = {"screens": screens, "best": best, "worst": worst, "texts": texts, "items": items, "raters": raters}
    for what, part in given.items():
        if part is not None and len(part) != len(systems):
            raise ValueError(
                f"{what} has {len(part)} values but systems has {len(systems)}; each row needs one of each"
            )
    codes, row, screen = np.unique(screens, return_index=True, return_inverse=True)
    _, text = np.unique(np.arange(len(systems)) if texts is None else texts, return_inverse=True)
    spacing = int(text.max(initial=0)) + 1
    keys, of_row = np.unique(screen * spacing + text, return_inverse=True)
    on = keys // spacing
    wrote = np.zeros((len(keys), count))
    wrote[of_row, systems] = 1.0
    start = np.searchsorted(on, np.arange(len(codes)))
    chosen = []
    for what, flags in (("best", best), ("worst", worst)):
        marked = np.bincount(of_row, flags, minlength=len(keys)) == np.bincount(of_row, minlength=len(keys))
        many = np.bincount(on, marked, minlength=len(codes))
        if (many != 1).any():
            at = int((many != 1).argmax())
            raise ValueError(f"screen {codes[at]} has {int(many[at])} {what} texts; it must have exactly one")
        chosen.append(np.flatnonzero(marked) - start)
    same = chosen[0] == chosen[1]
    if same.any():
        raise ValueError(f"screen {codes[same.argmax()]} has the same text as best and worst; they must differ")
    return _Screens(on, np.arange(len(keys)) - start[on], wrote, row, chosen[0], chosen[1])


def _why_none(shown: _Screens, names: Sequence[str]) -> Reason | None:
    if not len(shown.row):
        return Reason("nothing", unit="screen")
    if len(names) < 2:
        return Reason("only_system", system=names[0])
    together = np.zeros((len(shown.row), len(names)))
    np.add.at(together, shown.screen, shown.wrote)
    return why_apart((together.T @ together) > 0, names)


def _beats(shown: _Screens) -> Bools:
    """(systems, systems): whether the row was best before the column, or the column worst behind the row."""
    together = np.zeros((len(shown.row), shown.wrote.shape[1]))
    np.add.at(together, shown.screen, shown.wrote)
    start = np.flatnonzero(shown.place == 0)
    top, bottom = shown.wrote[start + shown.best], shown.wrote[start + shown.worst]
    beats = (top.T @ (together - top) > 0) | ((together - bottom).T @ bottom > 0)
    return beats & ~np.eye(len(beats), dtype=bool)
