"""GARCH(1, 1) with Student-t shocks (Bollerslev 1987), fitted by maximum likelihood.

r_t = μ + ε_t,  σ²_t = ω + α ε²_{t−1} + β σ²_{t−1},  ε_t / σ_t ~ t_ν of unit variance. Our own 100 lines: the package
`arch` has it too, but is not otherwise needed; docs/learning.md compares the two.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from scipy.optimize import minimize

from workbench.domain.errors import ValueRefused


@dataclass(frozen=True, slots=True)
class Garch:
    """Parameters in units of log returns. start : σ² of the first bar. likelihood : log, of the training returns."""

    mu: float
    omega: float
    alpha: float
    beta: float
    nu: float
    start: float
    likelihood: float

    @property
    def persistence(self) -> float:
        return self.alpha + self.beta


def fit_garch(returns: np.ndarray) -> Garch:
    """Fit to returns of shape (n_bars,); NaN rows are dropped. Deterministic. Raises ValueRefused below 100 bars."""
    r = np.asarray(returns, dtype=float)
    r = r[np.isfinite(r)]
    unit = r.std()
    if r.size < 100 or not unit > 0:
        raise ValueRefused(f"GARCH needs 100 returns that vary, got {r.size}")
    z = r / unit
    start = _backcast(z - z.mean())
    first = min(_starts(z), key=lambda theta: _objective(theta, z, start))
    best = minimize(_objective, first, args=(z, start), method="BFGS", options={"gtol": 1e-5})
    mu, omega, alpha, beta, nu = _natural(best.x)
    likelihood = -best.fun * r.size - r.size * math.log(unit)
    return Garch(float(mu * unit), float(omega * unit**2), alpha, beta, nu, float(start * unit**2), float(likelihood))


def garch_variance(model: Garch, returns: np.ndarray, horizon: int) -> np.ndarray:
    """Forecast made at each bar for the sum of variance over the next `horizon` bars, shape (n_bars,).

    A NaN return counts as a shock of average size. Bar t uses returns up to t.
    """
    r = np.asarray(returns, dtype=float)
    ahead = _next_variance(r, model.mu, model.omega, model.alpha, model.beta, model.start)
    persistence = min(model.persistence, 1 - 1e-9)
    long_run = model.omega / (1 - persistence)
    return horizon * long_run + (ahead - long_run) * (1 - persistence**horizon) / (1 - persistence)


def _backcast(shocks: np.ndarray) -> float:
    """Variance before the first bar: the early squares, the nearest weighing most (as RiskMetrics starts)."""
    early = shocks[:75] ** 2
    weights = 0.94 ** np.arange(early.size)
    return float((weights * early).sum() / weights.sum())


def _starts(z: np.ndarray):
    for persistence in (0.8, 0.95, 0.99):
        for share in (0.05, 0.15, 0.3):
            omega = (1 - persistence) * z.var()
            yield np.array(
                [z.mean(), math.log(omega), _logit(persistence), _logit(share), math.log(4.0)],
            )


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _natural(theta: np.ndarray) -> tuple[float, float, float, float, float]:
    """(μ, ω, α, β, ν) from coordinates in which every point is a legal model."""
    persistence, share = (1 / (1 + math.exp(-min(max(x, -30), 30))) for x in theta[2:4])
    omega, nu = math.exp(min(max(theta[1], -30), 30)), 2.01 + math.exp(min(max(theta[4], -10), 6))
    return float(theta[0]), omega, persistence * share, persistence * (1 - share), nu


def _objective(theta: np.ndarray, z: np.ndarray, start: float) -> float:
    mu, omega, alpha, beta, nu = _natural(theta)
    constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(math.pi * (nu - 2))
    return _mean_deviance(z, mu, omega, alpha, beta, nu, start) - constant


@numba.njit(cache=True)
def _mean_deviance(z, mu, omega, alpha, beta, nu, start):
    variance, total = omega + (alpha + beta) * start, 0.0
    spread, surprise = 1.0, 1.0  # products of eight bars: one logarithm instead of sixteen
    for t in range(z.size):
        shock = (z[t] - mu) ** 2
        spread *= variance
        surprise *= 1 + shock / (variance * (nu - 2))
        if t % 8 == 7 or t == z.size - 1:
            total += 0.5 * np.log(spread) + 0.5 * (nu + 1) * np.log(surprise)
            spread, surprise = 1.0, 1.0
        variance = omega + alpha * shock + beta * variance
    return total / z.size


@numba.njit(cache=True)
def _next_variance(r, mu, omega, alpha, beta, start):
    out = np.empty(r.size)
    variance = omega + (alpha + beta) * start
    for t in range(r.size):
        shock = variance if np.isnan(r[t]) else (r[t] - mu) ** 2
        variance = omega + alpha * shock + beta * variance
        out[t] = variance
    return out
