"""How an entry at each bar's close ended by a rule: target, stop, or the end of the horizon, after costs."""

import numba
import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import OutcomeRule


def net_returns(bars: np.ndarray, rule: OutcomeRule) -> np.ndarray:
    """(n_bars,) net return of entering at each close, as a fraction of it; NaN where the end is not known yet.

    bars : (n_bars, 4 or more: open, high, low, close …), finite and positive. Bars t + 1 … t + horizon decide. A bar
    that opens beyond the stop is left at its open, a target at its own price. Where one bar reaches both, the
    stop counts.
    """
    x = np.ascontiguousarray(np.asarray(bars, dtype=float)[:, :4])
    if not np.isfinite(x).all() or (x <= 0).any():
        raise ValueRefused("outcomes need finite prices above 0; leave bars that are not known out")
    up = 1.0 if rule.side is Side.BUY else -1.0
    return _net(x, up, rule.target, rule.stop, rule.horizon) - rule.cost


@numba.njit(cache=True, nogil=True)
def _net(x, up, target, stop, horizon):
    n = x.shape[0]
    out = np.full(n, np.nan)
    for t in range(n):
        entry = x[t, 3]
        goal, limit = entry * (1 + up * target), entry * (1 - up * stop)
        for s in range(t + 1, min(n, t + horizon + 1)):
            opened, high, low = x[s, 0], x[s, 1], x[s, 2]
            worst, best = (low, high) if up > 0 else (high, low)
            if up * (worst - limit) <= 0:
                left = opened if up * (opened - limit) < 0 else limit
                out[t] = up * (left / entry - 1)
                break
            if up * (best - goal) >= 0:
                out[t] = target
                break
            if s == t + horizon:
                out[t] = up * (x[s, 3] / entry - 1)
    return out
