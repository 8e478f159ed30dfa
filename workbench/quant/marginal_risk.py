"""What one more order would do to the joint risk, without computing the joint risk again.

Correlated exposure is q = √(n'|R|n), n the one-sided worst of each symbol: with absolute correlations no order gets
credit for a hedge that another bot may close at any moment, and for a long-only desk of positively correlated coins it
is the plain √(n'Rn). With p = |R|n at hand, one more d in symbol s gives q² + 2d·p_s + d².

CVaR is subadditive: what is held, plus each open order alone, bounds every way in which the orders may fill. Only where
the bound fails is the new order added scenario by scenario. Asking is O(1), or O(scenarios) in that case; a change of
one symbol is O(symbols + scenarios).
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.quant.finite import finite, level, square
from workbench.quant.risk_measures import tail_weights


@dataclass(frozen=True, eq=False, slots=True)
class RiskModel:
    """correlation : (n_symbols,)²; scenarios : (n_scenarios, n_symbols), returns over the horizon of the CVaR limit.

    Raises ValueRefused for NaN, shapes that do not match, a diagonal other than 1 or correlations beyond ±1.
    """

    symbols: tuple[str, ...]
    correlation: np.ndarray
    scenarios: np.ndarray
    confidence: float
    made_at: datetime

    def __post_init__(self) -> None:
        n = len(self.symbols)
        r = square(self.correlation, "correlation")
        x = finite(self.scenarios, "scenarios", 2)
        level(self.confidence)
        if r.shape != (n, n) or x.shape[1] != n or len(set(self.symbols)) != n:
            raise ValueRefused(f"risk model: {n} symbols, correlation {r.shape}, scenarios {x.shape} do not match")
        if np.abs(np.diagonal(r) - 1).max() > 1e-9 or np.abs(r).max() > 1 + 1e-9:
            raise ValueRefused("risk model: correlations lie in [-1, 1] with 1 on the diagonal; this is a covariance")


class MarginalRisk:
    """The joint risk of what is held and ordered, fed with changes. Not for several threads.

    square : of the correlated exposure. tail : the CVaR of what is held, or a bound on it.
    """

    def __init__(self, model: RiskModel):
        n = len(model.symbols)
        self.model = model
        self.at = {symbol: i for i, symbol in enumerate(model.symbols)}
        self._r = np.abs(square(model.correlation, "correlation"))
        np.fill_diagonal(self._r, 1.0)
        self._x = np.asfortranarray(model.scenarios, dtype=float)
        self._units = tuple([self._cvar_of(sign * self._x[:, i]) for i in range(n)] for sign in (-1.0, 1.0))
        self._worst, self._pull, self.square = np.zeros(n), np.zeros(n), 0.0
        self._held, self._losses, self._pending = np.zeros(n), np.zeros(len(self._x)), np.zeros(n)
        self._pending_sum = 0.0
        self.tail, self._exact = 0.0, True

    def put(self, symbol: str, held: float, worst: float, ordered: tuple[float, float]) -> None:
        """State a symbol anew. held : net value with sign; worst : greater of its long and short side; ordered : what
        open orders add to each side. All finite (the caller sees to it). Raises KeyError for a symbol not modelled."""
        i = self.at[symbol]
        more = worst - self._worst.item(i)
        if more:
            self.square += more * (2 * self._pull.item(i) + more)
            self._pull += more * self._r[i]
            self._worst[i] = worst
        self._hold(i, held)
        pending = ordered[0] * self._units[0][i] + ordered[1] * self._units[1][i]
        self._pending_sum += pending - self._pending.item(i)
        self._pending[i] = pending

    def recount(self) -> None:
        """Compute everything from the positions again, which ends the drift of many small updates."""
        self._pull = self._r @ self._worst
        self.square = float(self._worst @ self._pull)
        self._losses = -(self._x @ self._held)
        self._pending_sum = float(self._pending.sum())
        self._refresh()

    @property
    def correlated(self) -> float:
        """√(n'|R|n) of everything held and ordered."""
        return math.sqrt(max(self.square, 0.0))

    @property
    def cvar(self) -> float:
        """Mean tail loss of what is held, plus the open orders at their worst; exact in the first part."""
        if not self._exact:
            self._refresh()
        return self.tail + self._pending_sum

    def correlated_square(self, at: int, more: float) -> float:
        """The square of the correlated exposure with `more` (≥ 0) added to the worst of the symbol at `at`."""
        return self.square + more * (2 * self._pull.item(at) + more)

    def correlated_room(self, at: int, cap: float) -> float:
        """The greatest addition to a symbol that keeps the correlated exposure within `cap`; 0 where none does."""
        pull, spare = self._pull.item(at), cap * cap - self.square
        return spare / (pull + math.sqrt(pull * pull + spare)) if spare > 0 else 0.0

    def cvar_with(self, at: int, more: float, cap: float) -> float:
        """A bound on the CVaR with an order worth `more` (signed) in a symbol: the quick one where it stays within
        `cap`, else the exact one (the order filled or not, whichever is worse)."""
        alone = self._units[0][at] * more if more >= 0 else self._units[1][at] * -more
        quick = self.tail + self._pending_sum + alone
        if quick <= cap:
            return quick
        now = self.cvar
        filled = self._cvar_of(self._losses - more * self._x[:, at]) + self._pending_sum
        return max(now, min(filled, now + alone))

    def _hold(self, i: int, held: float) -> None:
        more = held - self._held.item(i)
        if not more:
            return
        self._losses -= more * self._x[:, i]
        self._held[i] = held
        self.tail += self._units[0][i] * more if more > 0 else self._units[1][i] * -more
        self._exact = False

    def _refresh(self) -> None:
        self.tail, self._exact = self._cvar_of(self._losses), True

    def _cvar_of(self, losses: np.ndarray) -> float:
        return max(0.0, float(tail_weights(losses, self.model.confidence) @ losses))
