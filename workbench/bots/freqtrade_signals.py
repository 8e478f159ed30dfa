"""Forecast, plan and analysis from what a strategy computes: its candles, signals and indicators. Pure.

Freqtrade has no question for any of them. The fan is empirical: what price did, `horizon` bars after bars at which the
strategy stood as it stands now; where that has happened too rarely, after any bar. It knows nothing but the strategy's
own history, and says so in `model_version`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from workbench.bots.freqtrade_reading import moment, position_of
from workbench.bots.freqtrade_wire import CandlesWire, TradeWire
from workbench.domain.errors import BotError
from workbench.domain.forecasts import Analysis, Forecast, Plan
from workbench.domain.market import Timeframe

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LEAST_CASES = 30
DAY = timedelta(days=1)
_CANDLE = {"date", "open", "high", "low", "close", "volume", "__date_ts"}
_SIGNALS = ("enter_long", "exit_long", "enter_short", "exit_short")


@dataclass(frozen=True, slots=True)
class Reading:
    """One pair's analysed candles by column, oldest first. `closed_at`: close of the newest."""

    pair: str
    timeframe: Timeframe
    columns: Mapping[str, Sequence[Any]]
    closed_at: datetime

    @property
    def length(self) -> int:
        return len(self.columns["close"])

    def last(self, name: str) -> Any:
        found = self.columns.get(name)
        return found[-1] if found else None

    def signal(self, name: str, row: int = -1) -> bool:
        found = self.columns.get(name)
        return bool(found) and found[row] == 1  # type: ignore[index]


def reading_of(bot_id: str, wire: CandlesWire) -> Reading:
    """Raises BotError where the pair has not been analysed."""
    if not wire.data or "close" not in wire.columns:
        raise BotError(f"{bot_id} has not analysed {wire.pair} {wire.timeframe} yet; is it in its whitelist?")
    columns = dict(zip(wire.columns, zip(*wire.data, strict=True), strict=True))
    step = timedelta(milliseconds=wire.timeframe_ms)
    return Reading(wire.pair, Timeframe.parse(wire.timeframe), columns, moment(wire.data_stop_ts) + step)


def stances(reading: Reading) -> np.ndarray:
    """How the strategy stood at each bar: 1 long, -1 short, 0 out, by its signals up to that bar. Shape (n_bars,)."""
    held, found = 0, np.zeros(reading.length, dtype=np.int8)
    for row in range(reading.length):
        if (held == 1 and reading.signal("exit_long", row)) or (held == -1 and reading.signal("exit_short", row)):
            held = 0
        if held == 0 and reading.signal("enter_long", row) and not reading.signal("exit_long", row):
            held = 1
        elif held == 0 and reading.signal("enter_short", row) and not reading.signal("exit_short", row):
            held = -1
        found[row] = held
    return found


def forecast_of(bot_id: str, reading: Reading, asked: Timeframe, horizon: int | None) -> Forecast:
    """`horizon` counts bars of `asked`, a multiple of the strategy's own; 24 hours without one. Raises BotError."""
    times, rest = divmod(asked.seconds, reading.timeframe.seconds)
    if rest or not times:
        raise BotError(f"{bot_id} reads {reading.timeframe} bars; {asked} is no multiple of it")
    bars = horizon or max(1, int(DAY.total_seconds() // asked.seconds))
    ahead = bars * times
    close = np.array([math.nan if value is None else value for value in reading.columns["close"]], dtype=float)
    if ahead >= len(close) - LEAST_CASES:
        raise BotError(
            f"{bot_id} holds {len(close)} bars of {reading.pair}: too few for {bars} × {asked}; ask a shorter horizon"
        )
    moves = close[ahead:] / close[:-ahead]
    stance = stances(reading)
    alike = moves[stance[:-ahead] == stance[-1]]
    alike = alike[np.isfinite(alike)]
    pool = alike if len(alike) >= LEAST_CASES else moves[np.isfinite(moves)]
    reference = float(close[-1])
    values = tuple(float(value) for value in reference * np.quantile(pool, LEVELS))
    kind = "signal-1" if pool is alike else "history-1"
    return Forecast(bot_id, reading.pair, asked, bars, LEVELS, values, reference, reading.closed_at, kind)


def plan_of(bot_id: str, reading: Reading, trade: TradeWire | None, held_back: str) -> Plan:
    """What the strategy would do at the newest bar. `held_back`: why it may not enter, '' where it may."""
    close = float(reading.last("close"))
    told: dict[str, Any] = {
        "bot_id": bot_id,
        "symbol": reading.pair,
        "timeframe": reading.timeframe,
        "seen_at": reading.closed_at,
    }
    if trade is not None:
        return _holding(told, reading, trade)
    side = _side(reading)
    if side == "flat":
        return Plan(**told, side="flat", entry=None, stop=None, targets=(), size=0.0, reason="no signal to enter")
    why = f"{side} signal{_tag(reading)} at {close:g}"
    if held_back:
        why = f"{why}, but {held_back}"
        return Plan(**told, side="flat", entry=None, stop=None, targets=(), size=0.0, reason=why)
    return Plan(**told, side=side, entry=close, stop=None, targets=(), size=0.0, reason=f"{why}; it sizes at entry")


def analysis_of(bot_id: str, reading: Reading) -> Analysis:
    """The strategy's own indicators at the newest bar, and its signals in words."""
    indicators = {
        name: float(values[-1])
        for name, values in reading.columns.items()
        if name not in _CANDLE and not name.startswith("_") and _number(values[-1])
    }
    heard = [name.replace("_", " ") for name in _SIGNALS if reading.signal(name)]
    stance = {1: "long", -1: "short", 0: "out"}[int(stances(reading)[-1])]
    said = ", ".join(heard) or "no signal"
    summary = f"{said} at {float(reading.last('close')):g}; by its signals it stands {stance}"
    return Analysis(bot_id, reading.pair, reading.timeframe, summary, indicators, reading.closed_at)


def _holding(told: Mapping[str, Any], reading: Reading, trade: TradeWire) -> Plan:
    position = position_of(trade)
    side = "short" if trade.is_short else "long"
    leaving = reading.signal("exit_short" if trade.is_short else "exit_long")
    reason = f"holds {trade.tag or 'without a tag'} since {position.opened_at:%Y-%m-%d %H:%M}"
    return Plan(
        **told,
        side="flat" if leaving else side,
        entry=position.entry_price,
        stop=position.stop,
        targets=(),
        size=0.0 if leaving else trade.amount,
        reason=f"{reason}; signal to leave" if leaving else reason,
    )


def _side(reading: Reading) -> str:
    if reading.signal("enter_long") and not reading.signal("exit_long"):
        return "long"
    return "short" if reading.signal("enter_short") and not reading.signal("exit_short") else "flat"


def _tag(reading: Reading) -> str:
    tag = reading.last("enter_tag")
    return f" {tag}" if isinstance(tag, str) and tag else ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
