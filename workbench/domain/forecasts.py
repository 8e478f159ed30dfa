"""What bots say: forecasts, plans, tunings, analyses. Times UTC, prices in quote currency."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe


@dataclass(frozen=True, slots=True)
class Forecast:
    """One bot's fan for the price `horizon` bars after `seen_at`.

    levels : strictly rising probabilities in (0, 1); values : prices, never falling, same length.
    seen_at : close of the newest candle used. reference : that candle's close. volatility : standard deviation of the
    log return over the horizon, where the bot has an opinion of it.
    """

    bot_id: str
    symbol: str
    timeframe: Timeframe
    horizon: int
    levels: tuple[float, ...]
    values: tuple[float, ...]
    reference: float
    seen_at: datetime
    model_version: str = "1"
    volatility: float | None = None

    def __post_init__(self) -> None:
        who = f"forecast of {self.bot_id} for {self.symbol}"
        if self.horizon < 1:
            raise ValueRefused(f"{who}: horizon must be 1 bar or more, got {self.horizon}")
        if len(self.levels) != len(self.values) or not self.levels:
            raise ValueRefused(f"{who}: {len(self.levels)} levels for {len(self.values)} values")
        if not all(0 < p < 1 for p in self.levels) or list(self.levels) != sorted(set(self.levels)):
            raise ValueRefused(f"{who}: levels must rise strictly within (0, 1), got {self.levels}")
        prices = (*self.values, self.reference)
        if not all(math.isfinite(v) and v > 0 for v in prices) or list(self.values) != sorted(self.values):
            raise ValueRefused(f"{who}: values must be positive prices that never fall, got {self.values}")
        if self.volatility is not None and not 0 < self.volatility < math.inf:
            raise ValueRefused(f"{who}: volatility must be above 0, got {self.volatility}; leave it out instead")

    @property
    def matures_at(self) -> datetime:
        return self.seen_at + self.horizon * self.timeframe.step

    def quantile(self, level: float) -> float:
        """Price at probability `level`, linear between the stated ones, flat outside them."""
        if level <= self.levels[0]:
            return self.values[0]
        for (p0, v0), (p1, v1) in zip(self._pairs(), self._pairs()[1:], strict=False):
            if level <= p1:
                return v0 + (v1 - v0) * (level - p0) / (p1 - p0)
        return self.values[-1]

    def chance_above(self, price: float) -> float:
        """Probability of ending above `price`, linear between the stated levels; beyond them no surer than they are."""
        if price < self.values[0]:
            return 1 - self.levels[0]
        for (p0, v0), (p1, v1) in zip(self._pairs(), self._pairs()[1:], strict=False):
            if price < v1:
                return 1 - (p0 + (p1 - p0) * (price - v0) / (v1 - v0))
        return 1 - self.levels[-1]

    def _pairs(self) -> list[tuple[float, float]]:
        return list(zip(self.levels, self.values, strict=True))


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    """As JSON data."""
    f = forecast
    return {
        "bot_id": f.bot_id,
        "symbol": f.symbol,
        "timeframe": str(f.timeframe),
        "horizon": f.horizon,
        "levels": list(f.levels),
        "values": list(f.values),
        "reference": f.reference,
        "seen_at": f.seen_at.isoformat(),
        "model_version": f.model_version,
        "volatility": f.volatility,
    }


def forecast_from(said: Mapping[str, Any]) -> Forecast:
    """Read what `forecast_json` wrote."""
    return Forecast(
        bot_id=said["bot_id"],
        symbol=said["symbol"],
        timeframe=Timeframe.parse(said["timeframe"]),
        horizon=said["horizon"],
        levels=tuple(said["levels"]),
        values=tuple(said["values"]),
        reference=said["reference"],
        seen_at=datetime.fromisoformat(said["seen_at"]),
        model_version=said["model_version"],
        volatility=said.get("volatility"),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bot would do now. side: 'long' or 'flat' (spot). size in base currency; prices in quote currency."""

    bot_id: str
    symbol: str
    timeframe: Timeframe
    side: str
    entry: float | None
    stop: float | None
    targets: tuple[float, ...]
    size: float
    reason: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class TuneResult:
    """Outcome of a walk-forward search. Scores are out of sample, after fees, higher is better."""

    bot_id: str
    symbol: str
    timeframe: Timeframe
    best: Mapping[str, float | int | str]
    score: float
    current_score: float
    tried: int
    folds: int
    adopted: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Analysis:
    """How a bot reads a market now: words for the trader and the indicator values behind them."""

    bot_id: str
    symbol: str
    timeframe: Timeframe
    summary: str
    indicators: Mapping[str, float] = field(default_factory=dict)
    seen_at: datetime | None = None
