"""A sticky hidden Markov model with Student-t noise: which of a few regimes a series is in, as far as is known *now*.

In regime k a value is μ_k + σ_k t_{ν_k}. Regimes are ordered by σ, calmest first. Sticky: a regime's persistence
carries a prior of `stickiness` extra bars spent staying, so that one wild bar is noise and not a new regime. Fitted by
expectation–maximisation, the t as a scale mixture of normals (Peel & McLachlan 2000), ν by its own equation.

Only *filtered* probabilities are given: bar t from bars up to t. Those that look both ways ("smoothed") serve
the fit and, after a fixed delay, as truth to score votes by (`settled`); they are never a present-time answer.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True, eq=False)
class RegimeModel:
    """mu, sigma, nu : (n_regimes,), sigma rising, unit of the series. transition : (n_regimes, n_regimes), rows sum to
    1. start : (n_regimes,) probabilities before the first bar. likelihood : log, of the training series."""

    mu: np.ndarray
    sigma: np.ndarray
    nu: np.ndarray
    transition: np.ndarray
    start: np.ndarray
    likelihood: float = float("nan")

    def __post_init__(self) -> None:
        k = self.sigma.size
        sound = self.transition.shape == (k, k) and bool((self.sigma > 0).all() and (self.nu > 0).all())
        if not sound or not np.allclose(self.transition.sum(axis=1), 1) or not np.isclose(self.start.sum(), 1):
            raise ValueRefused("a regime model needs σ, ν > 0 and transition rows and start that sum to 1")


def likelihoods(model: RegimeModel, values: ArrayLike) -> np.ndarray:
    """ln density of each value in each regime, (n_bars, n_regimes); 0 (says nothing) where the value is NaN."""
    x = np.asarray(values, dtype=float)[:, None]
    nu, sigma = model.nu, model.sigma
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(np.pi * nu) - np.log(sigma)
    return np.where(np.isnan(x), 0.0, constant - (nu + 1) / 2 * np.log1p(((x - model.mu) / sigma) ** 2 / nu))


def filtered(model: RegimeModel, values: ArrayLike, before: ArrayLike | None = None) -> np.ndarray:
    """P(regime at t | values up to t), (n_bars, n_regimes). `before`: probabilities after the bar preceding the first,
    so that feeding bars one at a time gives the same as feeding them at once."""
    prior = model.start if before is None else np.asarray(before, dtype=float) @ model.transition
    return _forward(likelihoods(model, values), model.transition, prior)[0]


def settled(model: RegimeModel, values: ArrayLike, lag: int) -> np.ndarray:
    """P(regime at t | values up to t + lag) in row t, (n_bars, n_regimes); NaN in the last `lag` rows.

    LOOKS AHEAD `lag` bars: row t is known when bar t + lag closes, and not before.
    """
    logs = likelihoods(model, values)
    ahead, _ = _forward(logs, model.transition, model.start)
    return _fixed_lag(logs, model.transition, ahead, lag)


def fit_regimes(values: ArrayLike, n_regimes: int = 2, stickiness: float = 300.0, rounds: int = 100) -> RegimeModel:
    """Fit to a series (n_bars,); NaN bars are skipped. Deterministic. Raises ValueRefused below 50 bars a regime."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if x.size < 50 * n_regimes or not np.ptp(x) > 0:
        raise ValueRefused(f"{n_regimes} regimes need {50 * n_regimes} bars that vary, got {x.size}")
    model = _first_guess(x, n_regimes)
    for _ in range(rounds):
        better = _improved(model, x, stickiness)
        if better.likelihood - model.likelihood < 1e-7 * x.size:  # NaN before the first round compares False
            return better
        model = better
    return model


def _first_guess(x: np.ndarray, k: int) -> RegimeModel:
    """Regimes split by the size of neighbouring moves."""
    size = np.sqrt(np.convolve((x - np.median(x)) ** 2, np.ones(9) / 9, mode="same"))
    groups = np.array_split(np.sort(size), k)
    sigma = np.maximum.accumulate([max(float(np.median(g)), 1e-12) * (1 + 0.01 * i) for i, g in enumerate(groups)])
    stay = 0.98
    transition = np.full((k, k), (1 - stay) / max(k - 1, 1)) if k > 1 else np.ones((1, 1))
    if k > 1:
        np.fill_diagonal(transition, stay)
    return RegimeModel(np.full(k, np.median(x)), sigma, np.full(k, 6.0), transition, np.full(k, 1 / k))


def _improved(model: RegimeModel, x: np.ndarray, stickiness: float) -> RegimeModel:
    logs = likelihoods(model, x)
    ahead, likelihood = _forward(logs, model.transition, model.start)
    share, moves = _both_ways(logs, model.transition, ahead)
    pull = (model.nu + 1) / (model.nu + ((x[:, None] - model.mu) / model.sigma) ** 2)  # small for outliers
    weight = share * pull
    mu = (weight * x[:, None]).sum(axis=0) / weight.sum(axis=0)
    sigma = np.sqrt((weight * (x[:, None] - mu) ** 2).sum(axis=0) / share.sum(axis=0))
    nu = np.array([_tail(model.nu[k], share[:, k], pull[:, k]) for k in range(mu.size)])
    counts = moves + stickiness * np.eye(mu.size) + 1.0
    order = np.argsort(sigma)
    transition = (counts / counts.sum(axis=1, keepdims=True))[np.ix_(order, order)]
    floor = 1e-6 * x.std()
    return RegimeModel(
        mu[order], np.maximum(sigma[order], floor), nu[order], transition, share[0, order], float(likelihood)
    )


def _tail(nu: float, share: np.ndarray, pull: np.ndarray) -> float:
    """Root in ν of the likelihood equation of a t, by bisection within [2.1, 200]."""
    mean = (share * (np.log(pull) - pull)).sum() / share.sum() + digamma((nu + 1) / 2) - np.log((nu + 1) / 2)

    def slope(v: float) -> float:
        return float(np.log(v / 2) - digamma(v / 2) + 1 + mean)

    low, high = 2.1, 200.0
    if slope(high) > 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low


@numba.njit(cache=True)
def _forward(logs, transition, prior):
    n, k = logs.shape
    out, total = np.empty((n, k)), 0.0
    for t in range(n):
        if t > 0:
            prior = out[t - 1] @ transition
        top = logs[t].max()
        joint = prior * np.exp(logs[t] - top)
        mass = joint.sum()
        total += np.log(mass) + top
        out[t] = joint / mass
    return out, total


@numba.njit(cache=True)
def _both_ways(logs, transition, ahead):
    n, k = ahead.shape
    share, moves = ahead.copy(), np.zeros((k, k))
    for t in range(n - 2, -1, -1):
        expected = ahead[t] @ transition
        for i in range(k):
            total = 0.0
            for j in range(k):
                part = ahead[t, i] * transition[i, j] * share[t + 1, j] / max(expected[j], 1e-300)
                moves[i, j] += part
                total += part
            share[t, i] = total
    return share, moves


@numba.njit(cache=True)
def _fixed_lag(logs, transition, ahead, lag):
    n, k = ahead.shape
    out = np.full((n, k), np.nan)
    for t in range(n - lag):
        later = np.ones(k)
        for s in range(t + lag, t, -1):
            later = transition @ (later * np.exp(logs[s] - logs[s].max()))
            later /= later.sum()
        both = ahead[t] * later
        out[t] = both / both.sum()
    return out
