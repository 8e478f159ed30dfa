"""What a band of prices has meant: /analyze zone."""

import asyncio
import math
from datetime import datetime

import numpy as np

from workbench.commands.asked import Asked
from workbench.commands.formats import moment, number, percent, price, share, zone_name
from workbench.commands.handlers.charted import band, hand_on, picture
from workbench.commands.reply import Column, Part, Reply, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.drawings import Board, Drawing, Style, Zone
from workbench.domain.errors import WorkbenchError
from workbench.domain.forecasts import Forecast
from workbench.orchestration.plain_text import plain
from workbench.orchestration.regime_desk import look_at_regime
from workbench.quant.zones import Unreachable, ZoneStudy
from workbench.visual.interactive_charts import InteractiveCharts

BARS, HORIZON = 3000, 24


async def analyze_zone(asked: Asked, line: Line) -> Reply:
    """Touches, holds and breaks, time and volume in it, what came after, and what bots and regime say."""
    low, high = band(line.values["zone"])
    charts, _ = await hand_on(asked, line, BARS)
    found = await asyncio.to_thread(charts.analyze, low, high, line.values.get("horizon", HORIZON))
    title = f"Zone {price(low)} – {price(high)} of {charts.board.symbol} {charts.board.timeframe}"
    if isinstance(found, Unreachable):
        words = f"{charts.board.symbol} has never been near it: {found.words}. Another market, or a slip of a digit?"
        return Reply(title, (Text(words, Tone.WARNING),), as_of=asked.now, notes=line.notes)
    bots, regime = await asyncio.gather(_bots(asked, charts.board, low, high), _regime(asked, charts.board))
    parts: tuple[Part, ...] = (_now(found), _figures(found, charts, asked), _after(found), bots, regime)
    shown = await picture(charts, title, extra=(_drawn(charts.board, low, high),) if _in_sight(found, charts) else ())
    zone = asked.viewer.zone
    closed = (charts.candles.index[-1] + charts.board.timeframe.step).to_pydatetime()
    since = f"{len(charts.candles):,} bars, closed by {moment(closed, zone)} {zone_name(zone)}"
    return Reply(title, (*parts, *shown), as_of=asked.now, notes=(*line.notes, since))


def _drawn(board: Board, low: float, high: float) -> Drawing:
    asked = Board("/analyze", board.symbol, board.timeframe)
    return Drawing("zone", asked, Zone(low, high), "the zone", Style("warning"))


def _in_sight(found: ZoneStudy, charts: InteractiveCharts) -> bool:
    recent = charts.candles.iloc[-240:]
    low, high = float(recent["low"].min()), float(recent["high"].max())
    return found.high >= low - (high - low) / 2 and found.low <= high + (high - low) / 2


def _now(found: ZoneStudy) -> Text:
    if found.inside:
        where = "The market is inside it now."
    else:
        side = "above" if found.away > 0 else "below"
        where = f"The market stands {share(abs(found.away))} {side} it."
    ended = found.held + found.broken
    if not found.touches:
        return Text(f"{where} It was not touched in these bars: nothing can be said of how it holds.", Tone.MUTED)
    low, high = found.hold_interval
    if not ended:
        return Text(f"{where} No visit is over yet.")
    held = f"Held {found.held} of {ended} visits that are over (90 %: {share(low)} – {share(high)})."
    usual = found.usual_hold
    if usual is None:
        return Text(f"{where} {held}")
    told = "more than" if usual < low else "less than" if usual > high else "no evidence that it differs from"
    return Text(f"{where} {held} Bands of this width anywhere hold {share(usual)}: {told} chance.")


def _figures(found: ZoneStudy, charts: InteractiveCharts, asked: Asked) -> Table:
    def at(row: int | None) -> str:
        known: datetime | None = None if row is None else charts.candles.index[row].to_pydatetime()
        return "–" if known is None else f"{moment(known, asked.viewer.zone)} {zone_name(asked.viewer.zone)}"

    rows = (
        ("touches", f"{found.touches:,}"),
        ("held", f"{found.held:,}"),
        ("broken", f"{found.broken:,}"),
        ("closes inside", share(found.bars_inside)),
        ("volume inside", share(found.volume_inside)),
        ("first touch", at(found.first)),
        ("last touch", at(found.last)),
    )
    return Table((Column("what"), Column("figure")), rows, "How the market has treated it")


def _after(found: ZoneStudy) -> Text:
    told = found.reaction
    if told.median is None:
        return Text(f"What follows a touch is not known: none has {told.horizon} bars behind it.", Tone.MUTED)
    usual = "" if told.usual is None else f" A move of {share(math.expm1(told.usual))} is usual in as many bars."
    if told.interval is None:
        few = f"{told.n} touches are too few for an interval."
        return Text(f"{told.horizon} bars after a touch: median {percent(math.expm1(told.median))}; {few}{usual}")
    low, high = (math.expm1(edge) for edge in told.interval)
    tells = "" if low > 0 or high < 0 else " It holds 0: no evidence that the zone turns the market."
    words = f"{told.horizon} bars after a touch, away from it: median {percent(math.expm1(told.median))} "
    return Text(f"{words}(90 %: {percent(low)} – {percent(high)}, {told.n} touches).{tells}{usual}")


async def _bots(asked: Asked, board: Board, low: float, high: float) -> Text:
    try:
        args = {"symbol": board.symbol, "timeframe": str(board.timeframe)}
        result = await asked.center.execute_cross_bot_command("forecast", args, "all")
    except WorkbenchError as error:
        return Text(f"What bots say: not known, {plain(str(error), 160)}", Tone.MUTED)
    fan = result.consensus.forecast if result.consensus else None
    if fan is None:
        return Text("What bots say: none may speak of this market now.", Tone.MUTED)
    below, inside, above = chances(fan, low, high)
    words = f"Bots together, {number(fan.horizon)} bars ahead: inside {share(inside)}, below {share(below)}"
    return Text(f"{words}, above {share(above)}.")


def chances(fan: Forecast, low: float, high: float) -> tuple[float, float, float]:
    """(below, inside, above) at the fan's horizon, linear between its levels. What lies beyond its outermost levels
    counts to the side on which it is."""
    under, upper = (float(np.interp(edge, fan.values, fan.levels, left=0.0, right=1.0)) for edge in (low, high))
    return under, max(upper - under, 0.0), 1 - upper


async def _regime(asked: Asked, board: Board) -> Text:
    try:
        view = await look_at_regime(asked.center, board.symbol, str(board.timeframe))
    except WorkbenchError as error:
        return Text(f"Regime: not known, {plain(str(error), 160)}", Tone.MUTED)
    if view.together is None:
        return Text("Regime: not known.", Tone.MUTED)
    return Text(f"Regime: {view.together.regime}, turbulent with {share(view.together.turbulent)}.")
