"""How a total is divided over bots (or symbols): four ways, then caps.

`equal_risk` is our own Newton on a shrunk covariance. `hierarchical` (HRP, López de Prado 2016) and `cvar` (each
carries the same share of the mean tail loss) are skfolio's, on scaled returns: hourly ones of 1e-3 would sink into its
solver's tolerances. `inverse_volatility` ignores correlation; it needs no solver and is the fall-back.

returns : ndarray of shape (n_bars, n_assets), simple returns, no NaN (refused).
"""

from dataclasses import dataclass

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.covariance import commonly_scaled, ledoit_wolf
from workbench.quant.equal_risk import equal_risk
from workbench.quant.finite import finite

METHODS = ("equal_risk", "hierarchical", "cvar", "inverse_volatility")
# The solver's usual tolerances leave 1e-5 of chance in the weights.
_TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
_GRAIN = 2.0**-24  # of a deviation: finer than any price tick, coarser than the last bits, which depend on the unit


def risk_budgets(returns, method: str = "equal_risk", shares=None, confidence: float = 0.95) -> np.ndarray:
    """Weights (n_assets,), positive, sum 1, that the method gives; scaling the returns changes none of them.

    shares : the risk each shall carry (equal_risk and cvar only), equal where not given. Raises ValueRefused for
    returns that are not finite, an asset that never moves, an unknown method, or a solver that found no answer.
    """
    x = commonly_scaled(returns)
    if method not in METHODS:
        raise ValueRefused(f"no method {method!r} of dividing risk; known: {', '.join(METHODS)}")
    if x.shape[1] == 1:
        return np.ones(1)
    if method == "equal_risk":
        return equal_risk(ledoit_wolf(x).matrix, shares).weights
    if method == "inverse_volatility":
        return inverse_volatility(x)
    settled = np.round(x / _GRAIN) * _GRAIN  # other last bits would send the solver along another path
    return hierarchical(settled) if method == "hierarchical" else equal_cvar(settled, shares, confidence)


def inverse_volatility(returns) -> np.ndarray:
    """Weights in inverse proportion to each asset's standard deviation."""
    deviations = finite(returns, "returns", 2).std(axis=0)
    if not (deviations > 0).all():
        raise ValueRefused(f"asset {int(np.argmin(deviations))} never moves; leave it out")
    return 1 / deviations / (1 / deviations).sum()


def hierarchical(returns) -> np.ndarray:
    """Hierarchical risk parity on the variance. Two assets: inverse variance, as the method itself then says."""
    from skfolio.optimization import HierarchicalRiskParity  # seconds to import: paid by whoever asks for it

    return _fitted(HierarchicalRiskParity(), returns)


def equal_cvar(returns, shares=None, confidence: float = 0.95) -> np.ndarray:
    """Weights whose shares of the CVaR are `shares`.

    With few scenarios several tie at the edge of the tail at the optimum; there the shares are only determined up to
    how the tie is split (some per cent at 50 tail scenarios), the weights still are unique.
    """
    from skfolio import RiskMeasure
    from skfolio.optimization import RiskBudgeting

    budget = None if shares is None else finite(shares, "shares", 1)
    model = RiskBudgeting(risk_measure=RiskMeasure.CVAR, cvar_beta=confidence, risk_budget=budget)
    try:
        return _fitted(model.set_params(solver_params=_TIGHT), returns)
    except ValueRefused:  # too tight for this input: the usual tolerances, or their error
        return _fitted(model.set_params(solver_params=None), returns)


def _fitted(model, returns) -> np.ndarray:
    try:
        weights = np.asarray(model.fit(finite(returns, "returns", 2)).weights_, dtype=float)
    except Exception as error:  # whatever the solver raises, the caller needs the one error of this room
        raise ValueRefused(f"{type(model).__name__} found no weights: {error}") from error
    weights = np.maximum(weights, 0)
    if not (np.isfinite(weights).all() and weights.sum() > 0):
        raise ValueRefused(f"{type(model).__name__} gave no usable weights: {weights}")
    return weights / weights.sum()


@dataclass(frozen=True, eq=False, slots=True)
class Capped:
    """weights : (n,), each ≤ its cap, sum 1 − cash. bound : (n,) bool, whom the cap holds."""

    weights: np.ndarray
    cash: float
    bound: np.ndarray


def capped(weights, caps) -> Capped:
    """Hold each weight at its cap and give what is cut off to the others in proportion, until none is above.

    What nobody may take stays in cash: a cap is never stretched to spend a total. weights, caps : (n,), ≥ 0.
    """
    w, most = finite(weights, "weights", 1), finite(caps, "caps", 1)
    if w.shape != most.shape or (w < 0).any() or (most < 0).any() or not w.sum() > 0:
        raise ValueRefused("weights and caps: as many of each, none negative, not all weights 0")
    w = w / w.sum()
    bound = w == 0
    most = np.where(bound, 0.0, most)
    result = w
    while (over := ~bound & (result > most)).any():
        bound |= over
        left = max(0.0, 1.0 - most[bound].sum())
        free = np.where(bound, 0.0, w)
        result = np.where(bound, most, free / free.sum() * left if free.any() else 0.0)
    return Capped(result, max(0.0, 1.0 - float(result.sum())), bound & (w > 0))
