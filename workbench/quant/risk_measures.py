"""Volatility, VaR and CVaR, and who contributes how much. Losses are positive numbers, in the unit of the exposures.

Every contribution is Euler's: exposure × derivative of the measure. The measures are homogeneous of degree one, so the
contributions of all bots in all symbols add up to the total (Tasche 1999). NaN policy everywhere: refuse.

E : ndarray of shape (n_bots, n_symbols), exposures. n = column sums of E. returns : ndarray (n_scenarios, n_symbols),
simple returns over the horizon of interest, oldest first or in any order.
"""

import math
from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.finite import finite, level, square


@dataclass(frozen=True, eq=False, slots=True)
class Contributions:
    """A measure and its parts: `cells` has shape (n_bots, n_symbols) and sums to `total`."""

    total: float
    cells: np.ndarray

    @property
    def by_bot(self) -> np.ndarray:
        return self.cells.sum(axis=1)

    @property
    def by_symbol(self) -> np.ndarray:
        return self.cells.sum(axis=0)


def volatility(exposures, covariance) -> Contributions:
    """σ = √(n'Σn); bot b contributes E_b·Σn/σ. covariance : (n_symbols, n_symbols), of returns, not NaN."""
    e, cov = _matched(exposures, square(covariance, "covariance"))
    pull = cov @ e.sum(axis=0)
    variance = float(e.sum(axis=0) @ pull)
    if variance < -1e-9 * np.abs(e).sum() ** 2 * np.abs(cov).max():
        raise ValueRefused(f"covariance is not positive semi-definite (variance {variance:.3g}); repair it first")
    sigma = math.sqrt(max(variance, 0.0))
    cells = e * pull / sigma if sigma > 0 else np.zeros_like(e)
    return Contributions(sigma, cells)


def historical_var(exposures, returns, confidence: float = 0.975) -> Contributions:
    """The loss that the worst (1 − confidence) of the scenarios reach."""
    e, scenarios = _matched(exposures, finite(returns, "returns", 2))
    losses = -scenarios @ e.sum(axis=0)
    at = np.sort(losses)[::-1][_tail_count(len(losses), confidence)[0]]
    same = losses == at
    return _from_weights(e, scenarios, same / same.sum())


def historical_cvar(exposures, returns, confidence: float = 0.975) -> Contributions:
    """Mean loss of the worst (1 − confidence) of the scenarios, the boundary one counted by its fraction.

    That fraction makes it the coherent estimator (Rockafellar and Uryasev 2002). Scenarios tied at the boundary share
    its weight, so their order changes nothing.
    """
    e, scenarios = _matched(exposures, finite(returns, "returns", 2))
    weights = tail_weights(-scenarios @ e.sum(axis=0), confidence)
    return _from_weights(e, scenarios, weights)


def parametric_var(exposures, covariance, confidence=0.975, mean=None, tails=math.inf) -> Contributions:
    """VaR under a normal law, or Student's t with `tails` degrees of freedom (> 2) and the same variance."""
    return _parametric(exposures, covariance, mean, _factors(level(confidence), tails)[0])


def parametric_cvar(exposures, covariance, confidence=0.975, mean=None, tails=math.inf) -> Contributions:
    """CVaR under a normal law, or Student's t with `tails` degrees of freedom (> 2) and the same variance.

    mean : (n_symbols,) expected returns over the horizon, zero where not given.
    """
    return _parametric(exposures, covariance, mean, _factors(level(confidence), tails)[1])


def tail_weights(losses: np.ndarray, confidence: float) -> np.ndarray:
    """Weights of the scenarios in CVaR: sum 1, none on scenarios better than the VaR. losses : (n_scenarios,)."""
    whole, part, size = _tail_count(len(losses), confidence)
    boundary = np.partition(losses, len(losses) - 1 - whole)[len(losses) - 1 - whole]
    beyond, tied = losses > boundary, losses == boundary
    left = whole + part - beyond.sum()
    return (beyond + tied * (left / tied.sum())) / size


def drawdown(equity) -> np.ndarray:
    """Fall from the running peak.

    equity : ndarray of shape (n_points,), one currency, positive, no NaN. Returns fractions in (-1, 0]; point t uses
    points up to t only.
    """
    values = finite(equity, "equity", 1)
    if not (values > 0).all():
        raise ValueRefused(f"equity must be positive, got {values.min()}; a drawdown of it has no meaning")
    return values / np.maximum.accumulate(values) - 1


def current_drawdown(equity) -> float:
    """How far the last point lies below the peak, as a fraction in [0, 1)."""
    return float(-drawdown(equity)[-1])


def worst_drawdown(equity) -> float:
    """The deepest fall so far, as a fraction in [0, 1)."""
    return float(-drawdown(equity).min())


def _matched(exposures, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    e = finite(exposures, "exposures", 2)
    if e.shape[1] != other.shape[1]:
        raise ValueRefused(f"exposures have {e.shape[1]} symbols, the risk model {other.shape[1]}")
    return e, other


def _from_weights(e: np.ndarray, scenarios: np.ndarray, weights: np.ndarray) -> Contributions:
    cells = e * -(weights @ scenarios)
    return Contributions(float(cells.sum()), cells)


def _tail_count(n: int, confidence: float) -> tuple[int, float, float]:
    """Whole scenarios in the tail, the fraction of the next, and their sum."""
    size = n * (1 - level(confidence))
    near = round(size)
    if abs(size - near) < 1e-9 * n and near > 0:  # 200 × (1 − 0.975) is 5.000000000000004
        size = float(near)
    whole = min(int(size), n - 1)
    return whole, size - whole, size


def _parametric(exposures, covariance, mean, factor: float) -> Contributions:
    risk = volatility(exposures, covariance)
    if mean is None:
        return Contributions(factor * risk.total, factor * risk.cells)
    e = np.asarray(exposures, dtype=float)
    drift = finite(mean, "mean", 1)
    if drift.shape != e.shape[1:]:
        raise ValueRefused(f"mean needs {e.shape[1]} values, got {drift.shape}")
    return Contributions(factor * risk.total - float(e.sum(axis=0) @ drift), factor * risk.cells - e * drift)


def _factors(confidence: float, tails: float) -> tuple[float, float]:
    """VaR and CVaR of a law with mean 0 and variance 1. Student's CVaR: McNeil, Frey and Embrechts 2005, eq. 2.26."""
    from scipy.special import gammaln, ndtri, stdtrit  # 30 MB that the desk's other figures do not need

    if not tails > 2:
        raise ValueRefused(f"degrees of freedom must exceed 2 for a variance to exist, got {tails}")
    if math.isinf(tails):
        z = float(ndtri(confidence))
        return z, math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (1 - confidence)
    t, shrink = float(stdtrit(tails, confidence)), math.sqrt((tails - 2) / tails)
    log_peak = gammaln((tails + 1) / 2) - gammaln(tails / 2) - math.log(tails * math.pi) / 2
    density = math.exp(log_peak - (tails + 1) / 2 * math.log1p(t * t / tails))
    return t * shrink, density / (1 - confidence) * (tails + t * t) / (tails - 1) * shrink
