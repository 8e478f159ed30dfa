"""What a live chart is given from outside: the outlook on its market, and how often things happen."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.visual.chart_spec import MarketTrades
from workbench.visual.live_chart import Json
from workbench.visual.telegram_pictures import PER_CHAT_S
from workbench.visual.viewer_pace import Pacing


@dataclass(frozen=True, slots=True)
class View:
    """What is known around the candles now: a forecast, regimes ([from_ms, to_ms, name, probability]), how far to trust
    the forecasts (JSON with level, held, n). None: not known."""

    forecast: Forecast | None = None
    ribbon: list[list[Any]] | None = None
    confidence: Json | None = None


class TradeSource(Protocol):
    """Asked while a page looks; may raise WorkbenchError."""

    async def look(self, symbol: str) -> MarketTrades: ...


class Outlook(Protocol):
    """Asked after each close, one question at a time; may raise WorkbenchError."""

    async def look(self, symbol: str, timeframe: Timeframe, candles: pd.DataFrame) -> View: ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """keep: closed bars a chart holds. tick_s: ages are judged this often. beat_s: a page hears at least this often.
    trades_s: the bots' trades are looked at this often, and when one opens or closes.
    picture_every_s: a chat's picture is edited at most this often; 0 where the sender keeps the pace."""

    keep: int = 5000
    pacing: Pacing = field(default_factory=Pacing)
    tick_s: float = 0.5
    beat_s: float = 2.0
    mode_s: float = 5.0
    trades_s: float = 1.0
    picture_every_s: float = PER_CHAT_S
