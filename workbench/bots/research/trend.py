"""Time-series momentum: be long what has risen over days, measured in its own volatility.

After Moskowitz, Ooi, Pedersen, "Time series momentum", J. Financial Economics 104 (2012), long or flat (spot).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.bots.research.fans import empirical_fan
from workbench.bots.research.strategy import (
    Decision,
    Enter,
    Holding,
    Keep,
    Leave,
    Params,
    Prepared,
    Strategy,
    Wait,
    columns,
)
from workbench.quant.indicators import atr, log_returns, mixed_volatility, rolling_max, standardised

LONG = 336  # bars: a week of half hours
DRIFT = 0.06  # standard deviations a full signal moves the fan


@dataclass(frozen=True)
class TrendParams(Params):
    """`fast`, `middle`: bars of the two shorter looks. `enter`, `leave`: signal in [-1, 1]. `stop`: average ranges."""

    fast: int = 48
    middle: int = 144
    enter: float = 0.3
    leave: float = 0.0
    stop: float = 8.0


class Trend(Strategy):
    kind: ClassVar[str] = "trend"
    lookback: ClassVar[int] = LONG + 1
    shaping: ClassVar[tuple[str, ...]] = ("fast", "middle")

    def __init__(self, params: TrendParams | None = None):
        super().__init__(params or TrendParams())

    def prepare(self, candles: pd.DataFrame, last: int | None = None) -> Prepared:
        bars, p = columns(candles), self.params
        close = bars["close"]
        volatility = mixed_volatility(log_returns(close), 12, 48, LONG)
        looks = [np.tanh(standardised(close, volatility, steps)) for steps in (p.fast, p.middle, LONG)]
        return {
            "close": close,
            "volatility": volatility,
            "signal": (looks[0] + looks[1] + looks[2]) / 3,
            "range": atr(bars["high"], bars["low"], close, 48),
            "peak": rolling_max(close, 48),
        }

    def judge(self, rows: Prepared, row: int, holding: Holding | None) -> Decision:
        signal, close, span = (float(rows[name][row]) for name in ("signal", "close", "range"))
        if not (np.isfinite(signal) and np.isfinite(span) and span > 0):
            return Keep(holding.stop, "history is too short to judge") if holding else Wait("history is too short")
        if holding is None:
            if signal < self.params.enter:
                return Wait(f"trend {signal:+.2f}, long above {self.params.enter:+.2f}")
            stop = close - self.params.stop * span
            targets = (close + 2 * span, close + 4 * span, close + 8 * span)
            return Enter(stop, targets, f"trend {signal:+.2f}: risen over a day, three and a week")
        if signal < self.params.leave:
            return Leave(f"trend {signal:+.2f} is over")
        trailed = float(rows["peak"][row]) - self.params.stop * span
        return Keep(max(holding.stop or 0.0, min(trailed, close - span)), f"trend {signal:+.2f} holds")

    def fan(self, candles: pd.DataFrame, horizon: int) -> tuple[float, ...]:
        rows = self.prepare(candles)
        signal = float(np.nan_to_num(rows["signal"][-1]))
        return empirical_fan(rows["close"], rows["volatility"], horizon, DRIFT * signal)

    def describe(self, rows: Prepared, row: int) -> tuple[str, dict[str, float]]:
        figures = {name: float(rows[name][row]) for name in ("signal", "volatility", "range", "peak")}
        word = "up" if figures["signal"] > self.params.enter else "down" if figures["signal"] < -0.3 else "sideways"
        below = 1 - float(rows["close"][row]) / figures["peak"]
        return f"Trend {word} ({figures['signal']:+.2f}), {below:.1%} below the day's highest close.", figures

    def offer(self, rows: Prepared, row: int) -> dict[str, float]:
        return {name: float(rows[name][row]) for name in ("signal", "volatility")}

    @classmethod
    def space(cls) -> dict[str, tuple[Any, ...]]:
        return {
            "fast": (24, 48, 96),
            "middle": (96, 144, 240),
            "enter": (0.15, 0.3, 0.45),
            "leave": (-0.15, 0.0, 0.1),
            "stop": (4.0, 8.0, 12.0),
        }
