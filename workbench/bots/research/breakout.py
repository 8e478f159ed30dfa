"""Breakout: buy a close above the highest high of the days before, leave below the lowest low of fewer.

The channel is Donchian's; the stop is counted in average true ranges.
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
from workbench.quant.indicators import atr, channel_position, lagged, rolling_max, rolling_min

RANGE = 48
WIDEST = 240
DRIFT = 0.05


@dataclass(frozen=True)
class BreakoutParams(Params):
    """`entry`, `exit`: bars of the two channels, the newest bar not among them. `stop`: average ranges."""

    entry: int = 96
    exit: int = 48
    stop: float = 5.0


class Breakout(Strategy):
    kind: ClassVar[str] = "breakout"
    lookback: ClassVar[int] = WIDEST + RANGE + 2
    shaping: ClassVar[tuple[str, ...]] = ("entry", "exit")

    def __init__(self, params: BreakoutParams | None = None):
        super().__init__(params or BreakoutParams())

    def prepare(self, candles: pd.DataFrame, last: int | None = None) -> Prepared:
        bars, p = columns(candles), self.params
        high, low, close = bars["high"], bars["low"], bars["close"]
        span = atr(high, low, close, RANGE)
        return {
            "close": close,
            "range": span,
            "volatility": span / close / 1.7,  # a bar's true range is about 1.7 of its deviations
            "above": lagged(rolling_max(high, p.entry), 1),
            "below": lagged(rolling_min(low, p.exit), 1),
            "position": channel_position(high, low, close, p.entry),
        }

    def judge(self, rows: Prepared, row: int, holding: Holding | None) -> Decision:
        close, span = float(rows["close"][row]), float(rows["range"][row])
        above, below = float(rows["above"][row]), float(rows["below"][row])
        if not (np.isfinite(above) and np.isfinite(below) and np.isfinite(span) and span > 0):
            return Keep(holding.stop, "history is too short to judge") if holding else Wait("history is too short")
        if holding is None:
            if close <= above:
                return Wait(f"below its {self.params.entry}-bar high by {1 - close / above:.1%}")
            targets = (close + 2 * span, close + 4 * span)
            return Enter(close - self.params.stop * span, targets, f"closed above its {self.params.entry}-bar high")
        if close < below:
            return Leave(f"closed below its {self.params.exit}-bar low")
        raised = min(below, close - span)
        return Keep(max(holding.stop or 0.0, raised), "above its exit channel")

    def fan(self, candles: pd.DataFrame, horizon: int) -> tuple[float, ...]:
        rows = self.prepare(candles)
        position = float(np.nan_to_num(rows["position"][-1]))
        return empirical_fan(rows["close"], rows["volatility"], horizon, DRIFT * position)

    def describe(self, rows: Prepared, row: int) -> tuple[str, dict[str, float]]:
        figures = {name: float(rows[name][row]) for name in ("position", "above", "below", "range", "volatility")}
        place = "upper" if figures["position"] > 0.33 else "lower" if figures["position"] < -0.33 else "middle"
        to_high = figures["above"] / float(rows["close"][row]) - 1
        words = f"In the {place} third of its {self.params.entry}-bar channel, {to_high:.1%} under its high."
        return words if to_high > 0 else f"Above its {self.params.entry}-bar high by {-to_high:.1%}.", figures

    def offer(self, rows: Prepared, row: int) -> dict[str, float]:
        position, above, below, span = (float(rows[name][row]) for name in ("position", "above", "below", "range"))
        return {"position": position, "width": (above - below) / span if span > 0 else float("nan")}

    @classmethod
    def space(cls) -> dict[str, tuple[Any, ...]]:
        return {"entry": (48, 96, 144, 240), "exit": (24, 48, 96), "stop": (3.0, 5.0, 8.0)}
