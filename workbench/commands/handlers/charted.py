"""What the commands about charts share: closed bars of the desk's venue, the asker's hand on them, and the picture."""

import asyncio
import re
from typing import Any, cast

import pandas as pd

from workbench.commands.asked import Asked
from workbench.commands.reply import Chart, Text, Tone
from workbench.commands.spec import Kind, Known, Line, Parameter
from workbench.commands.values import read_value
from workbench.domain.candles import empty_candles
from workbench.domain.errors import CandleError, CommandError, ExchangeError
from workbench.ledger.log import SqlLedger
from workbench.market.exchange import open_exchange
from workbench.market.history import recent_candles
from workbench.orchestration.plain_text import plain
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import ChartSpec
from workbench.visual.interactive_charts import InteractiveCharts

TIMEFRAME, BARS = "1h", 1000
SHOWN = 240
_BETWEEN = re.compile(r"(?<=[\dkKmM])\s*(?:-|–|—|−|\.\.|:)\s*(?=\d)")
_NUMBER = Parameter("zone", Kind.NUMBER, "")


async def hand_on(asked: Asked, line: Line, bars: int = BARS, needed: bool = True) -> tuple[InteractiveCharts, str]:
    """(the asker's hand on the market and bar length of `line`, why there are no bars).

    needed : without bars it cannot be done, and the error says why; else it is done without a picture.
    """
    symbol, timeframe = line.values["symbol"], line.values.get("tf", TIMEFRAME)
    why = ""
    try:
        candles = await closed_bars(asked, symbol, timeframe, bars)
    except (ExchangeError, CandleError) as error:
        if needed:
            raise
        candles, why = empty_candles(), plain(str(error), 200)
    ledger = cast(SqlLedger, asked.ledger)
    return await asyncio.to_thread(InteractiveCharts, ledger, symbol, timeframe, candles, author(asked)), why


async def closed_bars(asked: Asked, symbol: str, timeframe: str, bars: int) -> pd.DataFrame:
    """Closed bars of the venue that the desk trades at, or of the exchange in the settings. Raises CandleError for
    none, ExchangeError where it does not answer."""
    url = getattr(asked.center.venue, "url", None)
    exchange = open_exchange("binance" if url else asked.center.settings.exchange.source, url=url)
    try:
        tables, failed = await recent_candles(exchange, [symbol], timeframe, bars)
    finally:
        await exchange.close()
    table = tables.get(symbol)
    if table is None or len(table) < 2:
        raise CandleError(f"no closed {timeframe} bars of {symbol}: {failed.get(symbol, 'the venue has none')}")
    return table


def author(asked: Asked) -> str:
    """Whose board is meant."""
    return (asked.viewer.reader or asked.viewer.name)[:64]


def band(text: str) -> tuple[float, float]:
    """'45000-46000', '45k–46k', '45,000..46,000' → (low, high). Raises CommandError."""
    parts = _BETWEEN.split(text.strip())
    if len(parts) != 2:
        raise CommandError(f"{text[:40]!r} is no zone; write it as 45000-46000")
    low, high = sorted(float(read_value(_NUMBER, part, Known(), [])) for part in parts)
    if not 0 < low < high:
        raise CommandError(f"{text[:40]!r} is no zone; it needs two different prices above 0")
    return low, high


async def picture(charts: InteractiveCharts, caption: str, why: str = "", **panel: Any) -> list[Chart | Text]:
    """The chart with everybody's drawings; in words why there is none."""
    if not len(charts.candles):
        return [Text(f"No picture: {why}", Tone.MUTED)]
    return [await asyncio.to_thread(lambda: chart(charts.renderer(SHOWN, **panel).spec, caption))]


def chart(spec: ChartSpec, caption: str) -> Chart:
    """A chart of the renderer's, for wide screens and for phones."""
    return Chart(AdvancedRenderer(spec).vega_lite(), caption, AdvancedRenderer(spec.for_phone()).vega_lite())
