"""One chart with everything on it, of recorded candles: for the benchmark, the documentation and the tests."""

from dataclasses import replace
from datetime import datetime, timedelta

from workbench.domain.drawings import Anchor, Board, Drawing, Level, Note, Style, TrendLine, Zone
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.market.sample import TIMEFRAME, load
from workbench.market.timeframes import resample
from workbench.visual.chart_spec import (
    Average,
    ChartSpec,
    HigherCandles,
    HigherLevels,
    Panel,
    PatternMark,
    PriceMark,
    Span,
    TradeMark,
)

HOUR, FOUR_HOURS, DAY = (Timeframe.parse(text) for text in ("1h", "4h", "1d"))
UNTIL = "2018-07-10 05:00"
_SHAPE = ((0.1, -0.03), (0.25, -0.012), (0.5, 0.0), (0.75, 0.012), (0.9, 0.03))


def show_piece(bars: int = 300, symbol: str = "BTC/USD", theme: str = "dark") -> ChartSpec:
    """What is said of the market here is made up to be looked at: nobody forecast, drew or traded it."""
    candles = resample(load(symbol), Timeframe.parse(TIMEFRAME), HOUR).loc[:UNTIL]
    panel = Panel(symbol, HOUR, candles)
    at = _Moments(panel)
    panel = replace(
        panel,
        overlays=(Average(20), Average(50, FOUR_HOURS, exponential=True), HigherCandles(DAY), HigherLevels(DAY)),
        fans=(_fan(at, "trend", 0, 24, 0.01), _fan(at, "breakout", 60, 48, -0.005)),
        ribbon=(
            Span(at(300), at(220), "calm"),
            Span(at(220), at(120), "trending"),
            Span(at(120), at(0), "turbulent"),
        ),
        patterns=(PatternMark("double bottom", at(190), at(150), *at.range(190, 150), "71 %, 9 of 14"),),
        trades=(
            TradeMark(at(180), at.close(180), at(110), at.close(110), by="trend"),
            TradeMark(at(30), at.close(30), by="breakout"),
        ),
        marks=(
            PriceMark("stop", at.close(1) * 0.965, at(30), by="breakout"),
            PriceMark("target", at.close(1) * 1.04, at(30), by="breakout"),
        ),
        drawings=_drawings(at, Board("you", symbol, HOUR)),
    )
    return ChartSpec((panel,), theme=theme, bars=bars)


class _Moments:
    """Bars counted back from the newest close."""

    def __init__(self, panel: Panel):
        self._panel = panel

    def __call__(self, back: int) -> datetime:
        return (self._panel.end - back * self._panel.timeframe.step).to_pydatetime()

    def close(self, back: int) -> float:
        return float(self._panel.candles["close"].iloc[-back])

    def range(self, since: int, until: int) -> tuple[float, float]:
        part = self._panel.candles.iloc[-since:-until]
        return float(part["low"].min()), float(part["high"].max())


def _fan(at: _Moments, bot: str, back: int, horizon: int, drift: float) -> Forecast:
    reference = at.close(back + 1)
    values = tuple(reference * (1 + drift + width) for _, width in _SHAPE)
    return Forecast(bot, "BTC/USD", HOUR, horizon, tuple(p for p, _ in _SHAPE), values, reference, at(back))


def _drawings(at: _Moments, board: Board) -> tuple[Drawing, ...]:
    last, hour = at.close(1), timedelta(hours=1)
    low, high = at.range(261, 260)[0], at.range(101, 100)[0]
    line = TrendLine(Anchor(at(260) - hour, low), Anchor(at(100) - hour, high * 1.01), extended=True)
    return (
        Drawing("level", board, Level(last * 1.05), "resistance, 4 touches"),
        Drawing("zone", board, Zone(last * 0.955, last * 0.97, at(200)), "demand", Style("up")),
        Drawing("line", board, line, "trend", Style("warning", 1.5, "dashed")),
        Drawing("note", board, Note(Anchor(at(141), at.range(141, 140)[1])), "news", Style("muted")),
    )
