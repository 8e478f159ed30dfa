"""What a chart says of its market without asking a bot: a fan of prices, a ribbon of regimes, how far to trust them.

Learned once, on the older half of the bars that are there at the start, and judged and drawn on later ones only: no
label or band rests on a bar after it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.quant.fans import LEVELS
from workbench.quant.hmm import RegimeModel, filtered, fit_regimes
from workbench.quant.regimes import labels
from workbench.quant.return_fans import future_returns, learn_shape, price_fan, return_fan
from workbench.quant.volatility import ewma_variance, log_returns

BY = "house"
NAMES = ("calm", "turbulent")
LEAST = 240  # bars; with fewer nothing is said
_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)


@dataclass(frozen=True, slots=True)
class Reading:
    """ribbon : [from_ms, to_ms, regime, probability at its last bar], rising, in bar open times, the last still open.
    confidence : JSON with `level`, `held` (share of matured bands that held the price) and `n`."""

    forecast: Forecast
    ribbon: list[list[Any]]
    confidence: dict[str, Any] | None


class MarketReader:
    """One market's. `read` takes its closed bars (the newest few thousand are enough), each time the same or more."""

    def __init__(self, symbol: str, timeframe: Timeframe, horizon: int = 24):
        self.symbol, self.timeframe, self.horizon = symbol, timeframe, horizon
        self._model: RegimeModel | None = None
        self._shape: np.ndarray | None = None
        self._learned_to: pd.Timestamp | None = None

    def read(self, candles: pd.DataFrame) -> Reading | None:
        """None where there are too few bars. Takes some ten milliseconds, the first time a second."""
        if len(candles) < LEAST or candles["close"].nunique() < LEAST // 4:
            return None
        closes = candles["close"].to_numpy()
        returns = log_returns(closes)
        variance = ewma_variance(returns) * self.horizon
        ahead = future_returns(closes, self.horizon)
        if self._model is None:
            self._learn(candles.index, returns, variance, ahead)
        assert self._shape is not None
        fans = return_fan(variance, self._shape)
        values = np.maximum.accumulate(price_fan(closes[-1], fans[-1]))
        forecast = Forecast(
            bot_id=BY,
            symbol=self.symbol,
            timeframe=self.timeframe,
            horizon=self.horizon,
            levels=LEVELS,
            values=tuple(values.tolist()),
            reference=float(closes[-1]),
            seen_at=(candles.index[-1] + self.timeframe.step).to_pydatetime(),
        )
        return Reading(forecast, self._ribbon(candles.index, returns), self._held(candles.index, fans, ahead))

    def _learn(self, index: pd.DatetimeIndex, returns: np.ndarray, variance: np.ndarray, ahead: np.ndarray) -> None:
        half = len(index) // 2
        self._model = fit_regimes(returns[:half], len(NAMES))
        matured = slice(1, half - self.horizon)
        self._shape = learn_shape(ahead[matured], variance[matured])
        self._learned_to = index[half - 1]

    def _ribbon(self, index: pd.DatetimeIndex, returns: np.ndarray) -> list[list[Any]]:
        assert self._model is not None
        chances = filtered(self._model, returns)
        found = labels(chances)
        spans: list[list[Any]] = []
        times = index.as_unit("ms").asi8
        for at in np.flatnonzero(index > self._learned_to):
            name, chance = NAMES[found[at]], round(float(chances[at, found[at]]), 3)
            if spans and spans[-1][2] == name:
                spans[-1][1], spans[-1][3] = int(times[at]), chance
            else:
                spans.append([int(times[at]), int(times[at]), name, chance])
        return spans

    def _held(self, index: pd.DatetimeIndex, fans: np.ndarray, ahead: np.ndarray) -> dict[str, Any] | None:
        """Of bands made after the learning whose outcome is known: how many held it. An 80 % band should hold 80 %."""
        judged = np.isfinite(ahead) & np.isfinite(fans[:, _LOW]) & (index > self._learned_to)
        n = int(judged.sum())
        if n < 50:
            return None
        inside = (fans[judged, _LOW] <= ahead[judged]) & (ahead[judged] <= fans[judged, _HIGH])
        return {"level": 0.8, "held": round(float(inside.mean()), 4), "n": n}
