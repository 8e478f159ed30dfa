"""Mean reversion: buy what has fallen far from its mean without a crash behind it, sell when it is back."""

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
from workbench.quant.indicators import atr, log_returns, mixed_volatility, rolling_mean, standardised, zscore

LONG = 336
DRIFT = 0.03  # standard deviations the fan moves for each one below the mean


@dataclass(frozen=True)
class MeanReversionParams(Params):
    """`window`: bars of the mean. `enter`, `leave`: distance from it in standard deviations. `patience`: bars to wait
    for the return. `crash`: a week's move, in its own deviations, below which nothing is bought."""

    window: int = 48
    enter: float = -2.0
    leave: float = 0.0
    patience: int = 48
    stop: float = 5.0
    crash: float = 0.0


class MeanReversion(Strategy):
    kind: ClassVar[str] = "mean_reversion"
    lookback: ClassVar[int] = LONG + 1
    shaping: ClassVar[tuple[str, ...]] = ("window",)

    def __init__(self, params: MeanReversionParams | None = None):
        super().__init__(params or MeanReversionParams())

    def prepare(self, candles: pd.DataFrame, last: int | None = None) -> Prepared:
        bars = columns(candles)
        close = bars["close"]
        volatility = mixed_volatility(log_returns(close), 12, 48, LONG)
        return {
            "close": close,
            "volatility": volatility,
            "distance": zscore(close, self.params.window),
            "mean": rolling_mean(close, self.params.window),
            "week": standardised(close, volatility, LONG),
            "range": atr(bars["high"], bars["low"], close, 48),
        }

    def judge(self, rows: Prepared, row: int, holding: Holding | None) -> Decision:
        p, distance, week = self.params, float(rows["distance"][row]), float(rows["week"][row])
        close, span = float(rows["close"][row]), float(rows["range"][row])
        if not (np.isfinite(distance) and np.isfinite(week) and np.isfinite(span) and span > 0):
            return Keep(holding.stop, "history is too short to judge") if holding else Wait("history is too short")
        if holding is None:
            return self._enter(rows, row, distance, week)
        if distance > p.leave:
            return Leave(f"back at its mean ({distance:+.1f} deviations)")
        if holding.bars >= p.patience:
            return Leave(f"no return within {p.patience} bars")
        return Keep(holding.stop or close - p.stop * span, f"{distance:+.1f} deviations from the mean, waiting")

    def _enter(self, rows: Prepared, row: int, distance: float, week: float) -> Decision:
        p, close, span = self.params, float(rows["close"][row]), float(rows["range"][row])
        if distance > p.enter:
            return Wait(f"{distance:+.1f} deviations from the mean, buys below {p.enter:+.1f}")
        if week < p.crash:
            return Wait(f"{distance:+.1f} deviations below, but the week fell {week:+.1f}: that is a crash, not a dip")
        mean = float(rows["mean"][row])
        targets = (close + (mean - close) / 2, mean) if mean > close else (close + span,)
        return Enter(close - p.stop * span, targets, f"{distance:+.1f} deviations below its {p.window}-bar mean")

    def fan(self, candles: pd.DataFrame, horizon: int) -> tuple[float, ...]:
        rows = self.prepare(candles)
        distance = float(np.clip(np.nan_to_num(rows["distance"][-1]), -3, 3))
        return empirical_fan(rows["close"], rows["volatility"], horizon, -DRIFT * distance)

    def describe(self, rows: Prepared, row: int) -> tuple[str, dict[str, float]]:
        figures = {name: float(rows[name][row]) for name in ("distance", "mean", "week", "volatility", "range")}
        word = (
            "stretched down" if figures["distance"] < -1.5 else "stretched up" if figures["distance"] > 1.5 else "near"
        )
        return f"{word.capitalize()} its mean: {figures['distance']:+.1f} deviations.", figures

    def offer(self, rows: Prepared, row: int) -> dict[str, float]:
        return {name: float(rows[name][row]) for name in ("distance", "week")}

    @classmethod
    def space(cls) -> dict[str, tuple[Any, ...]]:
        return {
            "window": (24, 48, 96),
            "enter": (-2.4, -2.0, -1.6),
            "leave": (-0.5, 0.0, 0.5),
            "patience": (24, 48, 96),
            "stop": (3.0, 5.0, 8.0),
        }
