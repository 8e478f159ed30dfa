"""What the overview adds to the desk's glance: finished trades, and what they earned by day, week and month."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.trade_book import TradeBook
from workbench.orchestration.trade_sums import currencies_of, sums_of
from workbench.widgets import trades_wire
from workbench.widgets.desk_wire import Json


class OverviewPage:
    """The trades of a desk's bots. The viewer chooses whose days are meant: {"zone": "Europe/Berlin"}."""

    name = "overview"

    def __init__(self, center: UnifiedCommandCenter):
        self._center, self._book = center, TradeBook(center)
        self._zone: tzinfo = UTC
        self._seen: tuple | None = None
        self._told: Json = {}

    async def look(self) -> Json:
        """The same object as before where no trade, rate or zone has changed."""
        books = await self._book.read()
        rates = await self._center.rates(currencies_of(books))
        seen = (books, rates, self._zone)
        if seen != self._seen:
            sums = await asyncio.to_thread(sums_of, books, self._zone, self._center.portfolio_manager, rates)
            self._seen, self._told = seen, trades_wire.trades(sums, str(self._zone))
        return self._told

    def choose(self, choice: Mapping[str, Any]) -> None:
        """A zone that nobody knows changes nothing."""
        try:
            self._zone = ZoneInfo(str(choice.get("zone"))[:64])
        except (KeyError, ValueError, OSError):
            return
