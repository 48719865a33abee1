"""Answers as a planned campaign may bring them, drawn: of each system a true value, from which it deviates over items
and over raters, and chance besides. The first system is better than the others, and these are alike.

Standard deviations are those of a difference between two systems, as everywhere in planning; a system's own are by √2
smaller. Shares deviate on the scale of probits, so that they stay between 0 and 1 and have the mean that was asked for.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, roots_hermitenorm

from annotations.statistics.choice_planning import Choices
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.dealing import Layout, Screens
from annotations.statistics.planning import Design, Variances
from annotations.statistics.uncertainty import Floats

NODES, WEIGHTS = roots_hermitenorm(80)
MEAN_WEIGHTS = WEIGHTS / WEIGHTS.sum()
WIDEST = 20.0  # standard deviations of a probit


class JudgedShares(NamedTuple):
    """Standard deviations of shares judged human: of a difference between two systems over items and over raters, and
    of how much raters lean towards "human" whoever wrote."""

    item_sd: float
    rater_sd: float
    severity_sd: float


def drawn_scores(
    difference: float,
    variances: Variances,
    severity_sd: float,
    *,
    screens: Screens,
    design: Design,
    layout: Layout,
    draw: np.random.Generator,
) -> Floats:
    """Normal scores (n, systems), NaN where a screen does not show the system; `severity_sd` is of what a rater adds
    to all scores alike."""
    item_sd, rater_sd, residual_sd = np.sqrt(np.array(variances) / 2)
    values = item_sd * draw.normal(size=(design.items, layout.systems))[screens.items]
    values += rater_sd * draw.normal(size=(design.raters, layout.systems))[screens.raters]
    values += severity_sd * draw.normal(size=(design.raters, 1))[screens.raters]
    values += residual_sd * draw.normal(size=values.shape)
    values[:, 0] += difference
    return shown_only(values, screens)


def drawn_relative_scores(
    difference: float,
    variances: Variances,
    *,
    screens: Screens,
    design: Design,
    layout: Layout,
    draw: np.random.Generator,
) -> Floats:
    """Scores (n, systems) that add to 0 on every screen, as where raters compare its texts: normal ones, less the mean
    of those shown. `difference` is of the systems' mean scores, the variances those of two scores of a screen."""
    apart = difference * on_a_screen(layout)
    values = drawn_scores(apart, variances, 0.0, screens=screens, design=design, layout=layout, draw=draw)
    return values - np.nanmean(values, axis=1, keepdims=True)


def on_a_screen(layout: Layout) -> float:
    """How much further apart two systems' relative scores are on the screens that show both than in their means, where
    m systems, k of them on a screen, all meet equally often: k (m − 1) / ((k − 1) m).

    A system that is better than all others by 1 scores (k − 1) / k wherever it is shown, and the others − 1 / k on the
    (k − 1) / (m − 1) of their screens that show it.
    """
    if layout.always or layout.complete:
        return 1.0
    return layout.texts * (layout.systems - 1) / ((layout.texts - 1) * layout.systems)


def drawn_judgements(
    difference: float,
    shares: JudgedShares,
    *,
    screens: Screens,
    design: Design,
    layout: Layout,
    draw: np.random.Generator,
) -> Floats:
    """1 where a text was judged human, else 0 (n, systems); NaN where a screen does not show the system. The first
    system's share is above one half by half the difference, the others' below it."""
    sds = np.array([shares.item_sd / 2**0.5, shares.rater_sd / 2**0.5, shares.severity_sd])
    at, deviations = probits(np.array([0.5 + difference / 2, 0.5 - difference / 2]), sds)
    item_sd, rater_sd, severity_sd = deviations
    means = np.where(np.arange(layout.systems) == 0, at[0], at[1])
    values = means + item_sd * draw.normal(size=(design.items, layout.systems))[screens.items]
    values += rater_sd * draw.normal(size=(design.raters, layout.systems))[screens.raters]
    values += severity_sd * draw.normal(size=(design.raters, 1))[screens.raters]
    return shown_only((draw.normal(size=values.shape) < values).astype(np.float64), screens)


def drawn_choices(
    share: float,
    choices: Choices,
    *,
    screens: Screens,
    design: Design,
    layout: Layout,
    draw: np.random.Generator,
) -> Floats:
    """Outcomes (n) for the text shown first, of screens with two: the first system wins `share` of its decided choices
    against each of the others, and these win half of those among themselves."""
    (at,), (item_sd, rater_sd) = probits(np.array([share]), np.array([choices.item_sd, choices.rater_sd]))
    own = item_sd / 2**0.5 * draw.normal(size=(design.items, layout.systems))
    theirs = rater_sd / 2**0.5 * draw.normal(size=(design.raters, layout.systems))
    worth = own[screens.items] + theirs[screens.raters]
    worth[:, 0] += at
    rows = np.arange(len(screens.items))
    ahead = worth[rows, screens.shown[:, 0]] - worth[rows, screens.shown[:, 1]]
    won = draw.normal(size=len(rows)) < ahead
    return np.where(draw.random(len(rows)) < choices.ties, TIE, np.where(won, FIRST, SECOND))


def shown_only(values: Floats, screens: Screens) -> Floats:
    shown = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(shown, screens.shown, True, axis=1)
    return np.where(shown, values, np.nan)


def probits(shares: Floats, sds: Floats) -> tuple[Floats, Floats]:
    """Where the shares lie on the scale of probits, and standard deviations there that give the shares' own.

    With Φ(a + τ N) for a share that deviates, its mean is Φ(a / √(1 + τ²)); τ is what gives the variances of `sds`
    together at the mean of the shares, and is divided among them as they are. Raises ValueError for more deviation than
    shares can have.
    """
    whole = float(np.sqrt((sds**2).sum()))
    middle = float(shares.mean())
    if whole == 0:
        return ndtri(shares), np.zeros(len(sds))

    def beyond(tau: float) -> float:
        values = ndtr(float(ndtri(middle)) * np.sqrt(1 + tau**2) + tau * NODES)
        return float(np.sqrt(MEAN_WEIGHTS @ (values - middle) ** 2)) - whole

    if beyond(WIDEST) < 0:
        raise ValueError(f"shares with a mean of {middle:g} cannot deviate by {whole:.3g} in all")
    tau = float(brentq(beyond, 0.0, WIDEST))
    return ndtri(shares) * np.sqrt(1 + tau**2), tau * sds / whole
