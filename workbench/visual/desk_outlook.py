"""What a desk knows around a live chart's candles: forecast, regimes, and how far to trust them."""

import asyncio
from typing import Any

import pandas as pd
import structlog

from workbench.domain.errors import WorkbenchError
from workbench.domain.market import Timeframe
from workbench.visual.market_reading import MarketReader
from workbench.visual.stream_ports import View

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0


class DeskOutlook:
    """Around the candles: the bots' collective forecast where bots answer, else the market's own; and the regimes."""

    def __init__(self, center: Any | None, horizon: int = 24):
        self._center, self._horizon = center, horizon
        self._readers: dict[tuple[str, Timeframe], MarketReader] = {}

    async def look(self, symbol: str, timeframe: Timeframe, candles: pd.DataFrame) -> View:
        key = symbol, timeframe
        reader = self._readers.setdefault(key, MarketReader(symbol, timeframe, self._horizon))
        reading, together = await asyncio.gather(
            asyncio.to_thread(reader.read, candles), self._collective(symbol, timeframe)
        )
        if reading is None:
            return View(together)
        confidence = None if together else reading.confidence  # it was measured on the market's own fan
        return View(together or reading.forecast, reading.ribbon, confidence)

    async def _collective(self, symbol: str, timeframe: Timeframe) -> Any:
        if self._center is None or not self._center.registered_bots:
            return None
        args = {"symbol": symbol, "timeframe": str(timeframe)}
        try:
            async with asyncio.timeout(PATIENCE_S):
                result = await self._center.execute_cross_bot_command("forecast", args, "all")
        except (WorkbenchError, TimeoutError) as error:
            log.debug("no_collective_forecast", symbol=symbol, error=str(error))
            return None
        return result.consensus.forecast if result.consensus else None
