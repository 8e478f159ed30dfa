"""Live charts composed: the desk's venue, its bots' forecasts, its drawings; without a desk, a replay of its own."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import pandas as pd

from workbench.domain.market import Timeframe
from workbench.ledger.drawings import CHANGED
from workbench.ledger.trade_entries import TRADE_CLOSED, TRADE_OPENED
from workbench.market import sample
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.visual.desk_outlook import DeskOutlook
from workbench.visual.desk_trades import DeskTrades
from workbench.visual.live_feeds import VenueAddress, WebSocketManager
from workbench.visual.live_streaming import LiveChartStreamer
from workbench.visual.stream_ports import StreamSettings
from workbench.widgets.candle_panel import CandlePanel

REPLAY_FROM = datetime(2018, 6, 5, tzinfo=UTC)


class Desk(Protocol):
    """The part of a `bootstrap.connection.Connection` that live charts need."""

    @property
    def center(self) -> Any: ...

    @property
    def ledger(self) -> Any: ...

    @property
    def run(self) -> Any: ...


class LiveCharts:
    """`chart` gives widgets to show; `close` ends everything that was begun here.

    desk : a `connect()`; its venue is charted while it runs. Without a running desk the recorded sample is replayed in
    this process, at `speed` market seconds a second. user : whose drawings these are.
    """

    def __init__(
        self,
        desk: Desk | None = None,
        user: str = "you",
        speed: float = 900.0,
        settings: StreamSettings | None = None,
        venue: VenueAddress | None = None,
    ):
        self.desk, self.user, self.speed = desk, user, speed
        self.panels: list[CandlePanel] = []
        self.feeds = WebSocketManager()
        self._settings, self._venue = settings, venue
        self._replay: PaperExchange | None = None
        self._streamer: LiveChartStreamer | None = None
        self._news: asyncio.Task | None = None

    async def chart(self, symbol: str, timeframe: str, **traits: Any) -> CandlePanel:
        """The widget, live: make it a cell's last value. Raises SymbolError, TimeframeError or ExchangeError."""
        streamer = await self._streaming()
        stream = await streamer.start_streaming(symbol, timeframe)
        ledger = self.desk.ledger if self.desk else None
        panel = CandlePanel(stream, ledger.drawings if ledger else None, self.user, **traits)
        self.panels.append(await panel.start())
        if len(self.panels) == 1:
            _spare_what_stands()
        if ledger and self._news is None:
            tail = ledger.tail(kinds=[CHANGED, TRADE_OPENED, TRADE_CLOSED])
            self._news = asyncio.create_task(self._follow(tail), name="drawings and trades of others")
        return panel

    async def bars(self, panel: CandlePanel, count: int) -> pd.DataFrame:
        """Wait until `count` more bars have closed on a chart; returns them as a table."""
        lease = panel.stream.lease
        closes = lease.feed.closes()
        rows = [(await anext(closes)).candle for _ in range(count)]
        columns = ["open", "high", "low", "close", "volume"]
        index = pd.DatetimeIndex([row.opened_at for row in rows], name="opened_at")
        return pd.DataFrame([[getattr(row, name) for name in columns] for row in rows], index, columns)

    async def close(self) -> None:
        """End streams, feeds and sockets, and the replay if it is ours. The desk goes on."""
        if self._news is not None:
            self._news.cancel()
            await asyncio.wait([self._news])
            self._news = None
        for panel in self.panels:
            await panel.stop()
        self.panels.clear()
        if self._streamer is not None:
            await self._streamer.stop()
        if self._replay is not None:
            await self._replay.stop()
        self._streamer = self._replay = None
        gc.unfreeze()

    async def _streaming(self) -> LiveChartStreamer:
        if self._streamer is None:
            venue = self._venue or await self._found_venue()
            center = self.desk.center if self.desk else None
            trades = (
                DeskTrades(self.desk.ledger, center) if self.desk and self.desk.ledger and not self._replay else None
            )
            self._streamer = LiveChartStreamer(self.feeds, venue, DeskOutlook(center), self._settings, trades=trades)
        return self._streamer

    async def _found_venue(self) -> VenueAddress:
        if self.desk is not None and self.desk.run is not None:
            return VenueAddress("binance", self.desk.run.exchange_url)
        candles = {symbol: sample.load(symbol) for symbol in sample.SYMBOLS}
        half = Timeframe.parse(sample.TIMEFRAME)
        self._replay = PaperExchange(ExchangeOptions(candles, half, start=REPLAY_FROM, speed=self.speed))
        return VenueAddress("binance", await self._replay.start())

    async def _follow(self, tail: AsyncIterator[Any]) -> None:
        """Show what happens elsewhere: drawings of another notebook, a bot, a command; trades of the bots."""
        try:
            async for event in tail:
                told = event.payload
                about = told.get("symbol"), told.get("timeframe")
                for panel in self.panels:
                    if event.kind != CHANGED:
                        panel.stream.look_at_trades()
                    elif panel.hand and about == (panel.hand.board.symbol, str(panel.hand.board.timeframe)):
                        await panel.hand.refresh()
        finally:
            with suppress(AttributeError):
                await tail.aclose()  # type: ignore[attr-defined]


def _spare_what_stands() -> None:
    """Later collections leave alone what is loaded by now: to walk all of pandas, Altair and ccxt takes a fifth of a
    second, in which no tick is drawn."""
    gc.collect()
    gc.freeze()
