"""The desk's eye on users' patterns: at every closed bar it looks at all markets, and tells what it sees.

What is seen is an event before its outcome exists; whoever shares the ledger hears of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.errors import WorkbenchError
from workbench.domain.market import Timeframe
from workbench.orchestration.bar_rounds import BarTurn
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain
from workbench.orchestration.rounds import Rounds

if TYPE_CHECKING:
    import pandas as pd

log = structlog.get_logger(__name__)
Tables = Mapping[tuple[str, str], "pd.DataFrame"]
"""Candle tables by symbol and bar length."""
LOOK_S = 1.0
MOST_BARS = 5000


class Watch(Protocol):
    """Who recognises. Blocking."""

    def wanted(self) -> Mapping[str, int]:
        """Bar length → how many of the newest bars a look needs; empty: nobody wants any."""

    def look(self, tables: Tables, closed_at: datetime) -> tuple[int, int]:
        """Tell and judge; how many were told, and judged."""


class PatternDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` ends; `step` is one look. `open_watch` is
    called when first needed: it brings what learning needs. A bar is looked at once; where a replay outruns the
    looks, bars in between are left out, for what came after them is known already."""

    def __init__(self, center: UnifiedCommandCenter, open_watch: Callable[[], Watch]):
        self._center, self._open_watch = center, open_watch
        self._watch: Watch | None = None
        self._rounds = Rounds(self.step, LOOK_S, "patterns_not_told", "pattern_round_failed")
        self._turn = BarTurn(standing=True)
        self._tables: dict[tuple[str, str], pd.DataFrame] = {}

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> tuple[int, int]:
        """Look, if a bar has closed since; returns how many were told, and judged. Raises LedgerError."""
        clock = await self._center.read_clock()
        if clock is None or not self._turn.take(clock):
            return 0, 0
        if self._watch is None:
            self._watch = await asyncio.to_thread(self._open_watch)
        wanted = await asyncio.to_thread(self._watch.wanted)
        told = judged = 0
        for timeframe, bars in wanted.items():
            fits = Timeframe.parse(timeframe).seconds % Timeframe.parse(clock.timeframe).seconds == 0
            if timeframe == clock.timeframe or (fits and self._turn.take(clock, timeframe)):
                tables = await self._read(clock, timeframe, min(bars, MOST_BARS))
                now = Timeframe.parse(timeframe).open_of(clock.market_time)
                news, ended = await asyncio.to_thread(self._watch.look, tables, now)
                told, judged = told + news, judged + ended
        return told, judged

    async def _read(self, clock: MarketClock, timeframe: str, bars: int) -> Tables:
        """The newest closed bars of every market of the venue that has a new one."""
        from workbench.market.exchange import open_exchange  # ccxt is for those who label something
        from workbench.market.history import recent_candles

        url = getattr(self._center.venue, "url", None)
        exchange = open_exchange("binance" if url else self._center.settings.exchange.source, url=url)
        newest = Timeframe.parse(timeframe).open_of(clock.market_time)
        groups: dict[int, list[str]] = {}
        for symbol in clock.symbols:
            groups.setdefault(self._missing((symbol, timeframe), newest, bars), []).append(symbol)
        found: dict[tuple[str, str], pd.DataFrame] = {}
        try:
            for missing in sorted(groups.keys() - {0}):
                tables, failed = await recent_candles(exchange, groups[missing], timeframe, missing)
                found |= {(s, timeframe): self._joined((s, timeframe), t, bars) for s, t in tables.items()}
                for symbol, reason in failed.items():
                    log.info("patterns_not_looked_at", market=symbol, reason=plain(reason, 200))
        except WorkbenchError as error:  # a venue that is silent costs this bar, and is asked again at the next
            log.info("patterns_not_looked_at", reason=plain(str(error), 200))
        finally:
            await exchange.close()
        return found

    def _missing(self, market: tuple[str, str], newest: datetime, bars: int) -> int:
        """How many bars of a market are to be asked for: those that closed since it was last read, or all of them."""
        known = self._tables.get(market)
        if known is None or len(known) < bars:
            return bars
        closed = (newest - known.index[-1].to_pydatetime()) // Timeframe.parse(market[1]).step - 1
        return int(closed) if 0 <= closed < bars else bars

    def _joined(self, market: tuple[str, str], table: "pd.DataFrame", bars: int) -> "pd.DataFrame":
        import pandas as pd

        known = self._tables.get(market)
        if known is not None and 0 < len(table) < bars:
            table = pd.concat([known[known.index < table.index[0]], table])
        self._tables[market] = table.iloc[-bars:]
        return self._tables[market]
