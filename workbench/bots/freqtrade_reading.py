"""What Freqtrade's figures mean in our words: status, trades, days, worth. Pure; `now` is wall time, UTC.

Money is in the stake currency, and says so: two bots with different stakes are never summed as one number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from workbench.bots.freqtrade_locks import Mark, foreign, marks_of
from workbench.bots.freqtrade_wire import (
    BalanceWire,
    CandlesWire,
    ConfigWire,
    DayWire,
    LockWire,
    ProfitWire,
    TradeWire,
)
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Position, Trade

GATE_WORD = "workbench-gate"
ARRIVAL = timedelta(seconds=15)
"""A closed candle that is analysed later than this after its close was not news any more: the data is as old as it."""

SECONDS_BELOW = 100_000_000_000  # last_analyzed_ts counts seconds, every other time of the API milliseconds


@dataclass(frozen=True, slots=True)
class DayPnl:
    """What the trades closed on one UTC day have earned, in the stake currency."""

    day: datetime
    pnl: Money
    trades: int


@dataclass(frozen=True, slots=True)
class CandleAge:
    """`closed_at`: close of the newest analysed candle; `seen_at`: when it can have been news; both UTC."""

    closed_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything last read from one bot. `candles`: age by pair. `noted`: warnings heard, newest last."""

    config: ConfigWire
    trades: tuple[TradeWire, ...] = ()
    locks: tuple[LockWire, ...] = ()
    balance: BalanceWire | None = None
    profit: ProfitWire | None = None
    days: tuple[DayWire, ...] = ()
    candles: Mapping[str, CandleAge] = field(default_factory=dict)
    noted: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[Mark, ...]:
        return marks_of(self.locks)


def candle_age(wire: CandlesWire) -> CandleAge | None:
    """None where the pair has not been analysed yet. Analysing the same candle again makes it no younger."""
    if wire.last_analyzed_ts <= 0 or wire.data_stop_ts <= 0:
        return None
    closed = moment(wire.data_stop_ts) + timedelta(milliseconds=wire.timeframe_ms)
    at = wire.last_analyzed_ts * (1000 if wire.last_analyzed_ts < SECONDS_BELOW else 1)
    return CandleAge(closed, min(moment(at), closed + ARRIVAL))


def state_of(config: ConfigWire, marks: Sequence[Mark]) -> BotState:
    """The state that counts. A bot that runs under a halt's lock runs: only the strategy is held by a lock.

    Under a pause's lock, a bot that was restarted as running enters nothing; it is paused.
    """
    verbs = {mark.verb for mark in marks}
    if config.state in ("paused", "stopped"):
        return BotState.HALTED if "halt" in verbs else BotState.PAUSED
    return BotState.PAUSED if "pause" in verbs and "halt" not in verbs else BotState.RUNNING


def status_of(bot_id: str, snap: Snapshot, now: datetime, paper: bool = False) -> BotStatus:
    """`paper`: its venue is known to hold paper money only; Freqtrade itself cannot tell."""
    config = snap.config
    positions = tuple(position_of(trade) for trade in snap.trades if trade.amount > 0)
    newest = newest_candle(snap)
    troubles = troubles_of(snap)
    known = snap.profit
    return BotStatus(
        bot_id=bot_id,
        state=state_of(config, snap.marks),
        mode=MoneyMode.PAPER if config.dry_run or paper else MoneyMode.LIVE,
        gated=gated(config),
        equity=None if snap.balance is None else money(_worth(snap.balance), config),
        pnl=None if known is None or known.profit_all_coin is None else money(known.profit_all_coin, config),
        day_pnl=day_pnl(snap, now),
        realised=None if known is None else money(known.profit_closed_coin, config),
        positions=positions,
        trade_count=known.trade_count if known else len(snap.trades),
        ready=not troubles and newest is not None,
        market_time=newest.closed_at if newest else None,
        data_at=newest.seen_at if newest else None,
        as_of=now,
        detail="; ".join([*troubles, *notes_of(snap)])[:4000],
    )


def gated(config: ConfigWire) -> bool:
    """Whether every entry asks the desk first, by the mixin's own mark in the strategy's version."""
    return GATE_WORD in (config.strategy_version or "")


def troubles_of(snap: Snapshot) -> list[str]:
    """What keeps the bot from acting, in words."""
    if snap.config.state != "stopped":
        return []
    held = ", ".join(trade.pair for trade in snap.trades)
    return [f"it is stopped: nobody manages {held}" if held else "it is stopped"]


def notes_of(snap: Snapshot) -> list[str]:
    notes = []
    if snap.config.state == "running" and snap.marks:
        notes.append(f"it was started anew while {snap.marks[-1].verb} was in force; a lock keeps it from entering")
    notes += [f"a lock of all pairs is set: {lock.reason or 'no reason given'}" for lock in foreign(snap.locks)]
    if snap.balance and snap.balance.note:
        notes.append(snap.balance.note)
    return notes + list(snap.noted[-2:])


def newest_candle(snap: Snapshot) -> CandleAge | None:
    """The age that counts: the oldest of the pairs it holds, for those are at risk; else the newest of all."""
    held = [snap.candles.get(trade.pair) for trade in snap.trades]
    known = [age for age in held if age]
    if held:
        return min(known, key=lambda age: age.seen_at) if len(known) == len(held) else None
    return max(snap.candles.values(), key=lambda age: age.seen_at, default=None)


def position_of(trade: TradeWire) -> Position:
    """An open trade. Without a current rate the entry stands in: then profit shows as none, never as a guess."""
    sign = -1.0 if trade.is_short else 1.0
    mark = trade.current_rate if trade.current_rate and trade.current_rate > 0 else trade.open_rate
    stop = trade.stop_loss_abs if trade.stop_loss_abs and trade.stop_loss_abs > 0 else None
    opened = moment(trade.open_timestamp)
    return Position(trade.pair, sign * trade.amount, trade.open_rate, mark, opened, stop)


def trade_of(trade: TradeWire) -> Trade | None:
    """A finished trade; None where it has no close. Fees are counted from the rates Freqtrade used."""
    if trade.close_timestamp is None or trade.close_rate is None:
        return None
    fees = trade.amount * (trade.open_rate * (trade.fee_open or 0) + trade.close_rate * (trade.fee_close or 0))
    earned = trade.close_profit_abs if trade.close_profit_abs is not None else trade.profit_abs
    return Trade(
        symbol=trade.pair,
        amount=-trade.amount if trade.is_short else trade.amount,
        entry_price=trade.open_rate,
        exit_price=trade.close_rate,
        opened_at=moment(trade.open_timestamp),
        closed_at=moment(trade.close_timestamp),
        pnl=earned or 0.0,
        fees=fees,
        reason=trade.exit_reason or "",
    )


def days_of(config: ConfigWire, days: Sequence[DayWire]) -> tuple[DayPnl, ...]:
    """Oldest first."""
    found = [DayPnl(_day(day.date), money(day.abs_profit, config), day.trade_count) for day in days]
    return tuple(sorted(found, key=lambda day: day.day))


def equity_of(config: ConfigWire, days: Sequence[DayWire], now: datetime) -> tuple[EquityPoint, ...]:
    """Worth at the end of each day, of closed trades only (Freqtrade keeps no other), oldest first. Days before the
    first trade are left out: Freqtrade fills them in."""
    traded = [day.date for day in days if day.trade_count]
    first = min(traded, default="")
    points = [
        EquityPoint(
            min(_day(day.date) + timedelta(days=1), now), day.starting_balance + day.abs_profit, config.stake_currency
        )
        for day in days
        if day.starting_balance is not None and first and day.date >= first
    ]
    return tuple(sorted(points, key=lambda point: point.at))


def day_pnl(snap: Snapshot, now: datetime) -> Money | None:
    """Since midnight UTC: trades closed today and what is open. Unknown while a position is older than the day."""
    today = now.astimezone(UTC).date().isoformat()
    closed = next((day.abs_profit for day in snap.days if day.date == today), None)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    positions = [position_of(trade) for trade in snap.trades if trade.amount > 0]
    if closed is None or any(position.opened_at < midnight for position in positions):
        return None
    return money(closed + sum(position.unrealised for position in positions), snap.config)


def money(amount: float, config: ConfigWire) -> Money:
    return Money(amount, config.stake_currency)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _worth(balance: BalanceWire) -> float:
    """An account may hold more than this bot's: what is its own counts, where the version can tell."""
    return balance.total if balance.total_bot is None else balance.total_bot


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC)
