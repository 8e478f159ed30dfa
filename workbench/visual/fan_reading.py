"""A forecast beside what the market has done since: the cone to draw, and the error so far. Pure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.domain.forecasts import Forecast

STEPS = 12


@dataclass(frozen=True, slots=True)
class FanReading:
    """How a fan stands. elapsed: share of its horizon, 0 to 1, that the chart knows; price: the newest known within
    it; error: price ÷ the fan's middle there − 1; held: whether the 80 % band had it. None before the first bar."""

    elapsed: float
    price: float | None
    error: float | None
    held: bool | None

    @property
    def words(self) -> str:
        if self.error is None:
            return "nothing known yet"
        side = "inside" if self.held else "outside"
        when = "at its end" if self.elapsed >= 1 else f"so far, {self.elapsed:.0%} of the way".replace("%", " %")
        return f"{100 * self.error:+.2f} % {when}, {side} 80 %".replace("-", "−")


def cone(forecast: Forecast, levels: tuple[float, ...]) -> pd.DataFrame:
    """Columns t (milliseconds) and one per level: the fan opened from its reference to its horizon.

    A forecast speaks of its horizon only; between, its quantiles are opened with the root of time, as a random walk
    with its drift would, and the picture says no more than that.
    """
    share = np.linspace(0.0, 1.0, STEPS + 1)
    start, end = forecast.seen_at.timestamp() * 1000, forecast.matures_at.timestamp() * 1000
    table = {"t": start + share * (end - start)}
    return pd.DataFrame(table | {f"q{level:g}": _at(forecast, level, share) for level in levels})


def read(forecast: Forecast, closes: pd.Series) -> FanReading:
    """closes : by close time (UTC), rising; only those after the forecast was made and up to its horizon count."""
    since = closes.loc[forecast.seen_at : forecast.matures_at]  # type: ignore[misc]
    since = since[since.index > forecast.seen_at]
    if since.empty:
        return FanReading(0.0, None, None, None)
    elapsed = (since.index[-1] - forecast.seen_at) / (forecast.matures_at - forecast.seen_at)
    low, middle, high = (float(_at(forecast, level, np.array([elapsed]))[0]) for level in (0.1, 0.5, 0.9))
    price = float(since.iloc[-1])
    return FanReading(elapsed, price, price / middle - 1, low <= price <= high)


def _at(forecast: Forecast, level: float, share: np.ndarray) -> np.ndarray:
    """Price of one level at a share of the horizon: the middle moves in a line, the width opens with √time."""
    middle = forecast.quantile(0.5)
    line = forecast.reference + (middle - forecast.reference) * share
    return np.maximum(line + (forecast.quantile(level) - middle) * np.sqrt(share), 1e-12)
