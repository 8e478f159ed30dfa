"""What a strategy would have done on recorded candles, with the paper exchange's rules: a decision at a close fills at
the next open, a resting stop fills when a bar trades through it, every fill pays its fee. Pure.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.bots.research.strategy import Budget, Enter, Holding, Keep, Leave, Prepared, Strategy, position_size
from workbench.domain.portfolio import Trade

BUDGET = Budget()


@dataclass(frozen=True, eq=False)
class Run:
    """`returns`: fractions of one market's share of the money, a bar, after fees, shape (stop - start,)."""

    returns: NDArray[np.float64]
    trades: tuple[Trade, ...]
    bars_long: int


@dataclass(slots=True)
class _Open:
    holding: Holding
    weight: float  # of the market's share
    row: int


def simulate(
    strategy: Strategy, candles: pd.DataFrame, start: int, stop: int, *, rows: Prepared | None = None, symbol: str = ""
) -> Run:
    """Trade rows [start, stop) of `candles`, seeing each row only after its close; flat at both ends.

    rows : `strategy.prepare(candles)` where the caller has it already.
    """
    prepared = strategy.prepare(candles) if rows is None else rows
    ledger = _Ledger(candles, symbol)
    for row in range(start, stop):
        ledger.pass_bar(row)
        decision = strategy.judge(prepared, row, ledger.holding)
        if isinstance(decision, Enter) and row + 1 < stop:
            ledger.enter(row, decision)
        elif isinstance(decision, Leave):
            ledger.leave_next(row, decision.reason)
        elif isinstance(decision, Keep):
            ledger.raise_stop(decision.stop)
    ledger.close(stop - 1, float(ledger.closes[stop - 1]), "end of test")
    return Run(ledger.returns[start:stop], tuple(ledger.trades), ledger.bars_long)


class _Ledger:
    """One position at a time and what it earned, by bar."""

    def __init__(self, candles: pd.DataFrame, symbol: str):
        self.opens, self.lows, self.closes = (candles[name].to_numpy(float) for name in ("open", "low", "close"))
        self.times, self.symbol = candles.index, symbol
        self.returns = np.zeros(len(candles))
        self.trades: list[Trade] = []
        self.bars_long = 0
        self._open: _Open | None = None
        self._mark = 0.0
        self._pending: Enter | str | None = None

    @property
    def holding(self) -> Holding | None:
        return self._open.holding if self._open else None

    def enter(self, row: int, decision: Enter) -> None:
        self._pending = decision

    def leave_next(self, row: int, reason: str) -> None:
        self._pending = reason

    def raise_stop(self, stop: float | None) -> None:
        if self._open and stop is not None:
            self._open.holding = replace(self._open.holding, stop=stop)

    def pass_bar(self, row: int) -> None:
        """Orders fill at the open, then the bar runs: the stop, or the close."""
        pending, self._pending = self._pending, None
        if isinstance(pending, Enter):
            self._buy(row, pending)
        elif isinstance(pending, str) and self._open:
            self.close(row, float(self.opens[row]), pending)
        if self._open is None:
            return
        held = self._open.holding
        if held.stop is not None and self.lows[row] <= held.stop:
            self.close(row, min(float(self.opens[row]), held.stop), "stop")
            return
        self._earn(row, float(self.closes[row]))
        self.bars_long += 1
        self._open.holding = replace(held, bars=held.bars + 1)

    def _buy(self, row: int, decision: Enter) -> None:
        price = float(self.opens[row])
        size = position_size(BUDGET, 1.0, 1.0, price, decision.stop)
        if size <= 0:
            return
        weight = min(1.0, size * price / BUDGET.weight)
        self._open = _Open(Holding(price, decision.stop, 0), weight, row)
        self._mark = price
        self.returns[row] -= BUDGET.fee * weight

    def close(self, row: int, price: float, reason: str) -> None:
        if self._open is None:
            return
        self._earn(row, price)
        self.returns[row] -= BUDGET.fee * self._open.weight
        entry, fees = self._open.holding.entry_price, BUDGET.fee * (1 + price / self._open.holding.entry_price)
        opened, closed = self.times[self._open.row].to_pydatetime(), self.times[row].to_pydatetime()
        pnl = (price / entry - 1 - fees) * self._open.weight
        self.trades.append(
            Trade(self.symbol, self._open.weight, entry, price, opened, closed, pnl, fees * self._open.weight, reason)
        )
        self._open = None

    def _earn(self, row: int, price: float) -> None:
        assert self._open
        self.returns[row] += (price / self._mark - 1) * self._open.weight
        self._mark = price
