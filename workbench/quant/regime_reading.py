"""Calm, normal or turbulent: one reading of a series of returns, for the screen, the limits and whoever asks.

The model at bar t was fitted on bars before t: on all of them up to the last multiple of `REFIT` bars after the first
`FIRST`. Probabilities are filtered, labels hold until another regime is likely enough. So what is said of bar t never
changes when later bars come, and the history on a chart is what was said at the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.quant.change_points import ChangePoint, change_points
from workbench.quant.hmm import RegimeModel, filtered, fit_regimes, settled
from workbench.quant.regimes import Voters, ballot, held, labels, scored
from workbench.quant.volatility import ewma_variance

FIRST, REFIT = 240, 24  # bars
APART = 1.5  # two regimes less apart than this in volatility are one: normal
CALM, NORMAL, TURBULENT = "calm", "normal", "turbulent"
PATIENCE = 1000.0  # bars between false alarms, on average
_SEED = 7


@dataclass(frozen=True, slots=True)
class RegimeReading:
    """Of the newest bar. regime : its name, '' where it cannot be told. turbulent : filtered probability of the rougher
    of two regimes, 0 where there is only one, NaN unknown. before : regime of the bar before. ratio : volatility of the
    rougher regime over the calmer's."""

    regime: str = ""
    turbulent: float = float("nan")
    before: str = ""
    ratio: float = float("nan")


def read_regime(returns: ArrayLike) -> RegimeReading:
    """The reading of the last of `returns` (n_bars,), NaN where a bar is missing. Unknown below FIRST + 1 bars, or
    where nothing moves. One fit."""
    r = np.asarray(returns, dtype=float)
    block = _anchor(len(r)) if len(r) > FIRST else 0
    model = _fit(r[:block]) if block else None
    if model is None:
        return RegimeReading()
    p, names = _read(model, r)
    return RegimeReading(names[-1], float(p[-1]), names[-2], float(model.sigma[-1] / model.sigma[0]))


def regime_path(returns: ArrayLike, bars: int) -> tuple[np.ndarray, list[str]]:
    """(probability of turbulence, name) of each of the last `bars` bars: what `read_regime` said then. NaN and '' where
    it said nothing. One fit for each REFIT bars."""
    r = np.asarray(returns, dtype=float)
    turbulent, names = np.full(len(r), np.nan), [""] * len(r)
    at = max(len(r) - bars, 0)
    while at < len(r):
        if at < FIRST:
            at = FIRST
            continue
        block = _anchor(at + 1)
        stop = min(block + REFIT, len(r))
        model = _fit(r[:block])
        if model is not None:
            p, said = _read(model, r[:stop])
            turbulent[at:stop], names[at:stop] = p[at:stop], said[at:stop]
        at = stop
    start = max(len(r) - bars, 0)
    return turbulent[start:], names[start:]


def regime_changes(returns: ArrayLike) -> list[ChangePoint]:
    """Alarms that the size of moves has changed, oldest first: moves divided by what their own past led to expect."""
    r = np.asarray(returns, dtype=float)
    expected = np.concatenate([[np.nan], ewma_variance(r)[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(r) / np.sqrt(expected)
    draws = np.random.Generator(np.random.PCG64(_SEED)).uniform(size=len(r))
    return change_points(np.where(np.isfinite(size), size, np.nan), draws, PATIENCE)


def since(names: list[str]) -> int:
    """Rows from the end for which the last name has held, the last one included; 0 for no rows."""
    return next((back for back, name in enumerate(reversed(names)) if name != names[-1]), len(names)) if names else 0


@dataclass(frozen=True, slots=True)
class CollectiveRegime:
    """regime : of all together, with hysteresis. turbulent : their probability. weights : of each voice."""

    regime: str
    turbulent: float
    weights: dict[str, float]


MODEL = "model"


def collective_regime(
    reading: RegimeReading, votes: dict[str, float], voters: Voters | None = None
) -> CollectiveRegime | None:
    """The model's reading and the bots' votes as one. None where nobody says anything.

    votes : bot → its probability of turbulence; one that is none (NaN, outside [0, 1]) is silence. voters : what past
    votes were worth; None: all voices, the model's among them, count alike.
    """
    said = {MODEL: reading.turbulent, **{bot: p for bot, p in votes.items() if bot != MODEL}}
    pairs = {name: (1 - p, p) for name, p in said.items() if 0 <= p <= 1}
    verdict = ballot(voters or Voters({}), pairs)
    if verdict is None:
        return None
    before = {CALM: 0, NORMAL: 0, TURBULENT: 1}.get(reading.before)
    label = held(before, verdict.probabilities)
    rough = label == 1 if label is not None else verdict.probabilities[1] > 0.5
    quiet = reading.regime if reading.regime in (CALM, NORMAL) else CALM
    return CollectiveRegime(TURBULENT if rough else quiet, verdict.probabilities[1], dict(verdict.weights))


def past_score(
    returns: ArrayLike,
    told: Sequence[tuple[int, Mapping[str, float]]],
    lag: int = REFIT,
    before: Voters | None = None,
) -> Voters:
    """What voices were worth: votes told at earlier bars, scored by what is known of those bars `lag` bars later.

    told : (row of `returns` at whose close it was said, voice → its probability of turbulence), in order of time. Votes
    on the last `lag` bars wait. before : what is known from votes before these. Unchanged where the regime cannot be
    told.
    """
    r = np.asarray(returns, dtype=float)
    model = _fit(r)
    voters = before or Voters({})
    if model is None:
        return voters
    apart = model.sigma[-1] > APART * model.sigma[0]
    truth = settled(model, r, lag)[:, -1] if apart else np.zeros(len(r))
    for row, votes in told:
        if 0 <= row < len(r) - lag and np.isfinite(truth[row]):
            pairs = {name: (1 - p, p) for name, p in votes.items() if 0 <= p <= 1}
            voters = scored(voters, pairs, (1 - truth[row], truth[row]))
    return voters


def _anchor(bars: int) -> int:
    """Bars that the model for the last of `bars` bars was fitted on: fewer than `bars`."""
    return FIRST + (bars - 1 - FIRST) // REFIT * REFIT


def _fit(r: np.ndarray) -> RegimeModel | None:
    known = r[np.isfinite(r)]
    if known.size < FIRST // 2 or not np.ptp(known) > 0:
        return None
    return fit_regimes(r)


def _read(model: RegimeModel, r: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if not model.sigma[-1] > APART * model.sigma[0]:
        return np.zeros(len(r)), [NORMAL] * len(r)
    p = filtered(model, r)
    return p[:, -1], [TURBULENT if label else CALM for label in labels(p)]
