"""Live charts: prices as they come, the forming candle forming, forecasts redrawn; in a page or as a picture in a chat.

feeds = WebSocketManager()
streamer = LiveChartStreamer(feeds, VenueAddress("binance"))
stream = await streamer.start_streaming("BTC/USDT", "1m")
viewer = stream.attach(page.send)        # what the page says goes to viewer.hear
await streamer.stop()                    # frees everything
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.market.exchange import load_market
from workbench.visual.forecast_overlay import ForecastOverlay
from workbench.visual.live_chart import Json, LiveChartRenderer
from workbench.visual.live_feeds import DEFAULT, FeedKey, VenueAddress, WebSocketManager
from workbench.visual.live_picture import draw
from workbench.visual.live_stream import LiveStream, Viewer
from workbench.visual.stream_ports import Outlook, StreamSettings, TradeSource, View
from workbench.visual.telegram_pictures import PictureBoard, PicturePace, PictureSender

__all__ = [
    "ForecastOverlay",
    "LiveChartRenderer",
    "LiveChartStreamer",
    "LiveStream",
    "Outlook",
    "StreamSettings",
    "VenueAddress",
    "View",
    "Viewer",
    "WebSocketManager",
]
_PEN = ThreadPoolExecutor(1, "live-picture")  # the loop's own threads are for the ledger, which a halt waits for


class LiveChartStreamer:
    """Owns the live charts of one venue.

    outlook : asked after each close for the forecast, the regimes and how far to trust them; None draws candles only.
    pictures : who sends pictures into chats; without it `stream_to_telegram` refuses. trades : who knows the bots'
    trades; None draws none.
    """

    def __init__(
        self,
        feeds: WebSocketManager,
        venue: VenueAddress = DEFAULT,
        outlook: Outlook | None = None,
        settings: StreamSettings | None = None,
        pictures: PictureSender | None = None,
        trades: TradeSource | None = None,
    ):
        self.venue, self.streams = venue, []  # type: tuple[VenueAddress, list[LiveStream]]
        self._feeds, self._outlook, self._settings, self._trades = feeds, outlook, settings, trades
        pace = PicturePace((settings or StreamSettings()).picture_every_s)
        self._board = PictureBoard(pictures, pace) if pictures else None

    async def start_streaming(self, symbol: str, timeframe: str | Timeframe) -> LiveStream:
        """A live chart with its history. `symbol` as the venue or the user writes it.

        Raises SymbolError, TimeframeError or ExchangeError; then nothing stays open.
        """
        length = Timeframe.parse(str(timeframe))
        async with self._feeds.at(self.venue) as exchange:
            key = FeedKey(self.venue, await load_market(exchange, symbol, length), length)
            stream = LiveStream(self._feeds, key, self._outlook, self._settings, self._trades)
            self.streams.append(stream)
            try:
                await stream.start()
            except BaseException:  # also where whoever asked gave up
                await self.stop_streaming(stream)
                raise
        return stream

    async def stop_streaming(self, stream: LiveStream) -> None:
        """End one chart; the feed goes with its last one."""
        if stream in self.streams:
            self.streams.remove(stream)
        await stream.stop()

    async def stop(self) -> None:
        """End all of them."""
        while self.streams:
            await self.stop_streaming(self.streams[-1])

    def update_forecast_overlay(self, forecast_data: Forecast | Mapping[str, Any]) -> int:
        """Show a forecast on every chart of its market and bar length; returns on how many. Raises ValueRefused."""
        shown = 0
        for stream in self.streams:
            if isinstance(forecast_data, Forecast):
                about = forecast_data.symbol, str(forecast_data.timeframe)
            else:
                about = str(forecast_data.get("symbol")), str(forecast_data.get("timeframe"))
            if about == (stream.key.symbol, str(stream.key.timeframe)):
                stream.update_forecast_overlay(forecast_data)
                shown += 1
        return shown

    async def stream_to_telegram(self, chat_id: int | str, chart_data: LiveStream | Json) -> bool:
        """Show a chart (a stream, or a `LiveChartRenderer.snapshot`) in a chat: one picture, edited within limits.

        False where it is too soon or nothing changed. Raises ValueRefused where nobody sends pictures.
        """
        if self._board is None:
            raise ValueRefused("nobody sends pictures here; give LiveChartStreamer its `pictures`")
        view = chart_data.renderer.snapshot() if isinstance(chart_data, LiveStream) else chart_data
        now = asyncio.get_running_loop().time()
        if self._board.pace.wait_s(chat_id, now) > 0:
            return False  # before the picture is drawn, which takes a third of a second
        png, caption = await asyncio.get_running_loop().run_in_executor(_PEN, draw, view)
        return await self._board.show(chat_id, _name(view["symbol"], view["timeframe"]), png, caption, now)

    def telegram_message(self, chat_id: int | str, stream: LiveStream) -> int | None:
        """The number of the message that shows this chart in that chat; None where none does."""
        return self._board.message(chat_id, _name_of(stream)) if self._board else None

    def adopt_telegram_message(self, chat_id: int | str, stream: LiveStream, message_id: int | None) -> None:
        """Edit this message from now on, as after a restart; None: the next picture is a new message."""
        if self._board:
            self._board.adopt(chat_id, _name_of(stream), message_id)


def _name_of(stream: LiveStream) -> str:
    return _name(stream.key.symbol, stream.key.timeframe)


def _name(symbol: str, timeframe: Timeframe | str) -> str:
    return f"{symbol} {timeframe}"
