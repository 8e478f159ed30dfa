"""Equal risk contribution, and contributions in any stated proportion: our own Newton method.

Long-only weights w with w_i (Σw)_i = b_i · w'Σw are, after scaling, the minimum of ½y'Cy − Σ b_i ln y_i over y > 0,
with C the correlation matrix and w_i = y_i/σ_i (Maillard, Roncalli and Teïletche 2010; Spinu 2013). Working on C makes
the answer independent of the unit of the returns. The steps are primal-dual: y and s = Cy are moved together toward
y∘s = b, both positive. Plain Newton needs hundreds of steps where C is nearly singular, this some twenty; the matrix
it solves, C + diag(s/y), is positive definite even where C is not.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv, dpotrf

from workbench.domain.errors import ValueRefused
from workbench.quant.covariance import to_correlation
from workbench.quant.finite import finite, square

_MOST_STEPS = 100
_GOOD = 1e-13  # of relative error: nothing is gained below it
_ENOUGH = 1e-10  # what is promised
# The error cannot fall below about 1e-16 · |y|², and a ridge r keeps |y|² below 1/r: smaller ones would not help.
_RIDGES = (0.0, 1e-6, 1e-5, 1e-4)
_INDEFINITE = 1e-8  # eigenvalues of the correlation matrix below minus this are no rounding


@dataclass(frozen=True, eq=False, slots=True)
class RiskBudget:
    """weights : ndarray of shape (n,), positive, sum 1. shares : of the variance each carries, sum 1.

    relative_error : greatest |share/budget − 1|. ridge : what was added to the correlation matrix's diagonal because
    without it no answer exists (a long-only mix free of risk) or none can be reached in double precision; 0 otherwise.
    Shares and error refer to the matrix with it. steps : Newton steps.
    """

    weights: np.ndarray
    shares: np.ndarray
    relative_error: float
    ridge: float
    steps: int


def equal_risk(covariance, budgets=None) -> RiskBudget:
    """Weights whose shares of the variance are `budgets` (n,), equal where not given; a budget of 0 means weight 0.

    covariance : (n, n), positive semi-definite, any unit. Raises ValueRefused for NaN, asymmetry, a variance of zero,
    a matrix that is not positive semi-definite, or budgets that are negative or all zero.
    """
    cov = square(covariance, "covariance")
    wanted = _proportions(budgets, len(cov))
    held = wanted > 0
    if held.all():
        return _solved(cov, wanted)
    part = _solved(cov[np.ix_(held, held)], wanted[held])
    weights, shares = np.zeros(len(cov)), np.zeros(len(cov))
    weights[held], shares[held] = part.weights, part.shares
    return RiskBudget(weights, shares, part.relative_error, part.ridge, part.steps)


def _proportions(budgets, n: int) -> np.ndarray:
    if budgets is None:
        return np.full(n, 1 / n)
    wanted = finite(budgets, "budgets", 1)
    if wanted.shape != (n,) or (wanted < 0).any() or not wanted.sum() > 0:
        raise ValueRefused(f"budgets: {n} numbers ≥ 0, not all 0, are needed; got {wanted}")
    return wanted / wanted.sum()


def _solved(cov: np.ndarray, wanted: np.ndarray) -> RiskBudget:
    correlation, deviations = to_correlation(cov)
    diagonal = np.diag_indices(len(cov))
    steps = 0
    for ridge in _RIDGES:
        correlation[diagonal] = 1 + ridge
        y, error, used = _newton(correlation, wanted)
        steps += used
        if error <= _ENOUGH:
            break
    else:
        raise ValueRefused(f"equal risk: no answer better than {error:.1g}; shrink the covariance first")
    correlation[diagonal] = 1 + _INDEFINITE * len(cov)
    if dpotrf(correlation, clean=False)[1]:
        raise ValueRefused("covariance is not positive semi-definite; repair it with nearest_covariance first")
    correlation[diagonal] = 1 + ridge
    raw, shares = y / deviations, y * (correlation @ y)
    return RiskBudget(raw / raw.sum(), shares / shares.sum(), error, ridge, steps)


def _newton(c: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float, int]:
    """The best y met, its relative error and the steps taken; gives up where it gets no nearer."""
    y = np.sqrt(b)
    y /= np.sqrt(max(float(y @ c @ y), 1e-2))
    s = b / y
    best, best_error, since, step = y, np.inf, 0, 0
    system = np.empty_like(c, order="F")  # so that LAPACK works in place
    while step < _MOST_STEPS:
        pull = c @ y
        error = float(np.abs(y * pull / b - 1).max())
        if error < best_error:
            best, best_error, since = y, error, 0
        elif best_error < 1e-6:  # rounding is reached; far from it a step may well go up
            since += 1
        if best_error <= _GOOD or since > 3 or not np.isfinite(error):
            break
        np.copyto(system.T, c)
        system.flat[:: len(c) + 1] += s / y
        _, dy, failed = dposv(system, b / y - pull, overwrite_a=True)
        if failed:
            break
        ds = (b - y * s - s * dy) / y
        length = min(_to_the_wall(y, dy), _to_the_wall(s, ds))
        y, s, step = y + length * dy, s + length * ds, step + 1
    return best, best_error, step


def _to_the_wall(at: np.ndarray, move: np.ndarray) -> float:
    """A full step, or the longest that leaves every value positive with 5 % of its way to go."""
    fastest = float((-move / at).max())
    return min(1.0, 0.95 / fastest) if fastest > 0 else 1.0
