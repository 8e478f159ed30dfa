"""How markets move together: /correlate."""

import asyncio
from collections.abc import Mapping

from workbench.commands.asked import Asked
from workbench.commands.formats import moment
from workbench.commands.reply import Chart, Column, Part, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.errors import CommandError, ValueRefused, WorkbenchError
from workbench.domain.forecasts import Forecast
from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.orchestration.plain_text import plain
from workbench.quant.correlation_change import Change
from workbench.visual.multi_asset_correlation import MultiAssetCorrelation

TIMEFRAME, WINDOW, HISTORY = "1h", 240, 4
POINTS = 400  # of a rolling line: more than a screen's width says nothing more
SURE = 0.05


async def correlate(asked: Asked, line: Line) -> Reply:
    """Matrix, rolling line with interval, scatter, what changed, and the markets' forecasts side by side."""
    symbols = tuple(dict.fromkeys(line.values["symbols"]))
    timeframe, window = line.values.get("tf", TIMEFRAME), line.values.get("window", WINDOW)
    if len(symbols) < 2:
        raise CommandError(f"one market has no correlation; name another beside {symbols[0]}")
    candles, failed = await _candles(asked, symbols, timeframe, window)
    candles = {symbol: table for symbol, table in candles.items() if len(table) > 2}
    if len(candles) < 2:
        lacking = ", ".join(symbol for symbol in symbols if symbol not in candles)
        raise CommandError(f"no closed {timeframe} bars of {lacking}; /correlate needs two markets that have them")
    sectors = asked.center.settings.sectors
    assets, charts = await asyncio.to_thread(_pictured, candles, timeframe, window, sectors)
    forecasts = await _forecasts(asked, tuple(candles), timeframe)
    one, other = assets.symbols[:2]
    words = [await asyncio.to_thread(_pair_words, asked, assets, one, other)]
    words += [await asyncio.to_thread(_changes_words, asked, assets)] if len(assets.symbols) > 2 else []
    gone = [Text(f"{symbol}: {plain(why, 200)}", Tone.WARNING) for symbol, why in failed.items()]
    parts: tuple[Part, ...] = (*words, _matrix(assets), *charts, *forecasts, *gone)
    title = f"{' · '.join(assets.symbols)}, {timeframe}, {min(window, len(assets.returns))} bars"
    return Reply(title, parts, as_of=asked.now, notes=line.notes)


async def _candles(asked: Asked, symbols: tuple[str, ...], timeframe: str, window: int):
    """Closed bars of the venue that the desk trades at, or of the exchange in the settings."""
    settings, venue = asked.center.settings, asked.center.venue
    url = getattr(venue, "url", None)
    exchange = open_exchange("binance" if url else settings.exchange.source, url=url)
    try:
        return await recent_candles(exchange, symbols, timeframe, min(window * HISTORY + 1, 5000))
    finally:
        await exchange.close()


def _pictured(candles, timeframe: str, window: int, sectors: Mapping[str, str]):
    from workbench.visual import correlation_charts as draw  # Altair costs a second that other commands need not pay
    from workbench.visual.picture import spec_of

    assets = MultiAssetCorrelation(candles, timeframe, window, sectors)
    one, other = assets.symbols[:2]
    pictures = [Chart(spec_of(draw.heatmap(assets.matrix(), draw.ordered(assets))), "correlation matrix")]
    try:
        path = assets.path(one, other, max(1, (len(assets.returns) - window) // POINTS))
        name = f"{one} and {other}: correlation of {window} bars, with its 90 % interval"
        pictures.append(Chart(spec_of(draw.rolling_line(path, name)), name))
    except ValueRefused:
        pass  # too few bars for one window: the matrix already says how many there are
    pictures.append(Chart(spec_of(draw.scatter(assets, one, other)), f"returns of {one} and {other}"))
    return assets, pictures


def _matrix(assets: MultiAssetCorrelation) -> Table:
    matrix, slopes = assets.matrix(), assets.betas(assets.symbols[0])
    columns = (
        Column("market"),
        *(Column(symbol, Shape.NUMBER) for symbol in assets.symbols),
        Column(f"beta to {assets.symbols[0]}", Shape.NUMBER),
        Column("sector"),
    )
    rows = tuple(
        (s, *(float(v) for v in matrix.loc[s]), float(slopes[s]), assets.sectors.get(s, "")) for s in assets.symbols
    )
    return Table(columns, rows, "Correlation of returns")


def _pair_words(asked: Asked, assets: MultiAssetCorrelation, one: str, other: str) -> Text:
    try:
        change = assets.change(one, other)
    except ValueRefused as error:
        return Text(f"Whether it changed is not known: {error}", Tone.MUTED)
    if change.p_value > SURE:
        return Text(f"{one} and {other}: no evidence of a change in {change.n_bars} bars (p = {change.p_value:.2f}).")
    return Text(f"{one} and {other}: {_changed(asked, assets, change)}", Tone.WARNING)


def _changes_words(asked: Asked, assets: MultiAssetCorrelation) -> Text:
    found = assets.changes()
    if not found:
        return Text("Over all pairs together: no evidence of a change.", Tone.MUTED)
    words = "; ".join(f"{a} and {b} {_changed(asked, assets, change)}" for a, b, change in found[:5])
    return Text(f"Changed, all pairs together held to 5 %: {words}", Tone.WARNING)


def _changed(asked: Asked, assets: MultiAssetCorrelation, change: Change) -> str:
    when = moment(assets.returns.index[change.at].to_pydatetime(), asked.viewer.zone)
    return f"the correlation changed around {when}: {change.before:+.2f} before, {change.after:+.2f} since"


async def _forecasts(asked: Asked, symbols: tuple[str, ...], timeframe: str) -> list[Part]:
    """What the bots together expect of each market, in one table; a market nobody may speak of says so."""
    answers = await asyncio.gather(*(_together(asked, symbol, timeframe) for symbol in symbols))
    columns = (
        Column("market"),
        Column("low, 10 %", Shape.PERCENT),
        Column("middle", Shape.PERCENT),
        Column("high, 90 %", Shape.PERCENT),
        Column("why"),
    )
    rows = []
    for symbol, (fan, why) in zip(symbols, answers, strict=True):
        figures = [fan.quantile(level) / fan.reference - 1 for level in (0.1, 0.5, 0.9)] if fan else [None] * 3
        rows.append((symbol, *figures, why))
    return [Table(columns, tuple(rows), "Forecasts side by side")] if any(fan for fan, _ in answers) else []


async def _together(asked: Asked, symbol: str, timeframe: str) -> tuple[Forecast | None, str]:
    try:
        args = {"symbol": symbol, "timeframe": timeframe}
        result = await asked.center.execute_cross_bot_command("forecast", args, "all")
    except WorkbenchError as error:
        return None, plain(str(error), 120)
    fan = result.consensus.forecast if result.consensus else None
    return fan, "" if fan else "no bot forecasts it now"
