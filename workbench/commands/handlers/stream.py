"""A live chart asked for in words: /stream. The reply is the chart as it is now, and where it moves."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pandas as pd

from workbench.commands.asked import Asked
from workbench.commands.formats import moment
from workbench.commands.handlers.charted import chart
from workbench.commands.handlers.overview import chip
from workbench.commands.reply import Chart, Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import CommandError
from workbench.domain.market import Timeframe
from workbench.ledger.log import SqlLedger
from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.visual.chart_spec import MarketTrades
from workbench.visual.desk_trades import DeskTrades
from workbench.visual.forecast_overlay import ForecastOverlay
from workbench.visual.live_chart import LiveChartRenderer
from workbench.visual.live_picture import caption, picture
from workbench.visual.market_reading import MarketReader, Reading
from workbench.visual.trade_rows import told

BARS = 1000
NOTEBOOK = "notebooks/live_chart.ipynb"


async def stream(asked: Asked, line: Line) -> Reply:
    """The newest closed bars with fan, regimes and trades, as a picture; and the line that opens the moving chart."""
    symbol, timeframe = line.values["symbol"], Timeframe.parse(line.values["tf"])
    candles = await _candles(asked, symbol, timeframe)
    if candles.empty:
        raise CommandError(f"{symbol} has no closed {timeframe} bars at this venue yet; ask for a shorter bar")
    trades = await DeskTrades(cast(SqlLedger, asked.ledger), asked.center).look(symbol)
    drawn, reading = await asyncio.to_thread(_pictured, symbol, timeframe, candles, trades)
    closed_at = (candles.index[-1] + timeframe.step).to_pydatetime()
    row = (symbol, str(timeframe), float(candles["close"].iloc[-1]), closed_at)
    columns = (Column("market"), Column("bars"), Column("last close", Shape.PRICE), Column("closed at", Shape.TIME))
    parts: list[Part] = [Table(columns, (row,)), drawn]
    parts += [Text(_words(asked, reading))] if reading else []
    opens = f"await LiveCharts(desk).chart({symbol!r}, '{timeframe}')"
    parts.append(Text(f"It moves in {NOTEBOOK}, or in any notebook: {opens}", Tone.MUTED))
    title = f"{symbol} {timeframe} {chip(await _clock(asked))}".strip()
    return Reply(title, tuple(parts), as_of=asked.now, notes=line.notes)


async def _clock(asked: Asked):
    return (await asked.center.get_unified_dashboard_data()).market


async def _candles(asked: Asked, symbol: str, timeframe: Timeframe) -> pd.DataFrame:
    """Closed bars of the venue that the desk trades at, or of the exchange in the settings."""
    settings, url = asked.center.settings, getattr(asked.center.venue, "url", None)
    exchange = open_exchange("binance" if url else settings.exchange.source, url=url)
    try:
        return (await recent_candles(exchange, [symbol], str(timeframe), BARS))[0][symbol]
    finally:
        await exchange.close()


def _pictured(
    symbol: str, timeframe: Timeframe, candles: pd.DataFrame, trades: MarketTrades
) -> tuple[Chart, Reading | None]:
    renderer, reading = LiveChartRenderer(symbol, timeframe), MarketReader(symbol, timeframe).read(candles)
    times = candles.index.as_unit("ms").asi8.tolist()
    renderer.load([[at, *row] for at, row in zip(times, candles.to_numpy().tolist(), strict=True)], None)
    renderer.put("status", {"state": "live", "words": ""})
    renderer.put_trades(*told(trades, renderer.bars, timeframe.milliseconds, datetime.now(UTC)))
    if reading:
        renderer.put("overlay", ForecastOverlay(symbol, timeframe).update_forecast_overlay(reading.forecast))
        renderer.put("ribbon", reading.ribbon)
    view = renderer.snapshot()
    return chart(picture(view), caption(view)), reading


def _words(asked: Asked, reading: Reading) -> str:
    fan, regime = reading.forecast, reading.ribbon[-1] if reading.ribbon else None
    low, high = fan.quantile(0.1), fan.quantile(0.9)
    until = moment(fan.matures_at, asked.viewer.zone)
    words = [f"80 % by {until}: {low:,.8g} – {high:,.8g}"]
    if reading.confidence:
        words.append(f"such bands held {reading.confidence['held']:.0%} of {reading.confidence['n']}")
    return ", ".join([*words, f"regime {regime[2]} ({regime[3]:.0%})"] if regime else words)
