"""What a research strategy is: a pure function of closed candles and what is held.

`prepare` turns candles into arrays in which row t uses bars up to t only; `judge` reads one row of them. Trading calls
both on the newest bar; a backtest prepares once and judges every row, so the two cannot differ.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.domain.candles import COLUMNS

Prepared = Mapping[str, NDArray[np.float64]]
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Holding:
    """An open long position. `stop` is the resting one; `bars` counts closed bars since the entry."""

    entry_price: float
    stop: float | None
    bars: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Flat, and staying so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Enter:
    """Buy at the next open. Prices in quote currency; `stop` below the close, `targets` above it, rising."""

    stop: float
    targets: tuple[float, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Stay long; the stop may only have risen."""

    stop: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Sell at the next open."""

    reason: str


Decision = Wait | Enter | Keep | Leave


@dataclass(frozen=True)
class Params:
    """Values a strategy may be tuned in."""

    def changed(self, values: Mapping[str, Any]) -> "Params":
        """These with `values` in their place; names that do not exist are left out."""
        known = {key: type(getattr(self, key))(value) for key, value in values.items() if hasattr(self, key)}
        return replace(self, **known)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Strategy(ABC):
    """One idea of when to be long. Subclasses are frozen in all but what `fitted` has learnt."""

    kind: ClassVar[str]
    lookback: ClassVar[int]  # bars before the newest that a value may depend on
    history: ClassVar[int] = 1000  # bars worth having: fans are drawn from them
    shaping: ClassVar[tuple[str, ...]]  # the params that `prepare` depends on
    retrain: ClassVar[int] = 0  # learn again whenever this many bars have closed; 0: nothing is learnt

    def __init__(self, params: Any):
        self.params = params

    @property
    def ready(self) -> bool:
        """Whether it can decide; False until something that must be learnt is."""
        return True

    @property
    def version(self) -> str:
        return "1"

    @abstractmethod
    def prepare(self, candles: pd.DataFrame, last: int | None = None) -> Prepared:
        """Arrays of one row a bar; only the `last` rows need be filled. NaN where history is too short."""

    @abstractmethod
    def judge(self, rows: Prepared, row: int, holding: Holding | None) -> Decision: ...

    @abstractmethod
    def fan(self, candles: pd.DataFrame, horizon: int) -> tuple[float, ...]:
        """Prices at LEVELS, `horizon` bars after the last of `candles`."""

    def volatility(self, candles: pd.DataFrame, horizon: int) -> float | None:
        """Standard deviation of the log return over the next `horizon` bars; None where history is too short."""
        now = float(self.prepare(candles.iloc[-self.lookback - 1 :], last=1)["volatility"][-1])
        return now * horizon**0.5 if np.isfinite(now) and now > 0 else None

    @abstractmethod
    def describe(self, rows: Prepared, row: int) -> tuple[str, dict[str, float]]:
        """The market in a trader's words, and the figures behind them."""

    @abstractmethod
    def offer(self, rows: Prepared, row: int) -> dict[str, float]:
        """Numbers without a scale of their own from which others may learn; NaN where history is too short."""

    @classmethod
    @abstractmethod
    def space(cls) -> dict[str, tuple[Any, ...]]:
        """What a tuning may try."""

    def decide(self, candles: pd.DataFrame, holding: Holding | None) -> Decision:
        """What to do now, the last of `candles` having just closed."""
        return self.judge(self.prepare(candles.iloc[-self.lookback - 1 :], last=1), -1, holding)

    def fitted(self, panel: Mapping[str, pd.DataFrame]) -> "Strategy":
        """The same strategy after learning from `panel` (candles by symbol); most have nothing to learn."""
        return self

    def with_params(self, params: Any) -> "Strategy":
        return type(self)(params)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one position may be. Fractions of equity."""

    risk: float = 0.01  # lost where the stop is hit at its price
    weight: float = 0.22  # of equity in one market; five markets never need more than there is, with fees
    fee: float = 0.001  # expected, so that a buy never exceeds the cash
    room: float = 0.01  # the next open may be higher than the close


def position_size(budget: Budget, equity: float, cash: float, price: float, stop: float) -> float:
    """Base currency to buy at about `price` with `stop` below: the more it moves (the farther the stop), the less.

    0 where the numbers make no sense: unknown is never a size.
    """
    if not all(np.isfinite(v) and v > 0 for v in (equity, cash, price, stop)) or stop >= price:
        return 0.0
    by_risk = budget.risk * equity / (price - stop)
    by_weight = budget.weight * equity / price
    by_cash = cash / (price * (1 + budget.fee + budget.room))
    return max(0.0, min(by_risk, by_weight, by_cash))


def columns(candles: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Open, high, low, close, volume as arrays, each contiguous."""
    table = np.ascontiguousarray(candles.to_numpy(float).T)
    return dict(zip(COLUMNS, table, strict=True))
