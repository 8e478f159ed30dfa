"""Finished trades and their sums as the page receives them. Pure; texts are cropped, what is not finite is null."""

from typing import Any

from workbench.orchestration.trade_sums import BookedTrade, TradeSums
from workbench.quant.trade_periods import Period
from workbench.quant.trade_record import Record
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json
from workbench.widgets.tokens import bot_colour

MOST_TRADES = 5000


def trades(sums: TradeSums, zone: str) -> Json:
    """Everything the overview shows of `sums`. Days are local dates of `zone`, as ISO text."""
    colours = {booked.bot_id: bot_colour(booked.bot_id) for booked in sums.trades}
    return {
        "zone": zone,
        "currency": wire.clean(sums.currency, 12),
        "converted": sums.converted,
        "record": None if sums.record is None else _record(sums.record),
        "spread": {"edges": list(sums.spread.edges), "counts": list(sums.spread.counts)},
        "periods": {unit.value: [_period(period) for period in found] for unit, found in sums.periods.items()},
        "colours": {wire.key(bot_id): {"dark": c.dark, "light": c.light} for bot_id, c in colours.items()},
        "trades": [_trade(booked) for booked in sums.trades[:MOST_TRADES]],
        "left_out": max(0, len(sums.trades) - MOST_TRADES),
        "unknown": [wire.clean(words) for words in sums.unknown],
    }


def _record(record: Record) -> Json:
    names = ("total", "mean", "median", "best", "worst", "profit_factor")
    told: dict[str, Any] = {name: wire.number(getattr(record, name)) for name in names}
    return {"trades": record.trades, "wins": record.wins, "losses": record.losses, **told}


def _period(period: Period) -> Json:
    return {
        "day": period.first_day.isoformat(),
        "profit": wire.number(period.profit),
        "trades": period.trades,
        "wins": period.wins,
    }


def _trade(booked: BookedTrade) -> Json:
    trade = booked.trade
    return {
        "bot": wire.key(booked.bot_id),
        "symbol": wire.clean(trade.symbol, wire.NAME_CHARS),
        "amount": wire.number(trade.amount),
        "entry": wire.number(trade.entry_price),
        "exit": wire.number(trade.exit_price),
        "opened": wire.millis(trade.opened_at),
        "closed": wire.millis(trade.closed_at),
        "pnl": wire.number(trade.pnl),
        "currency": wire.clean(booked.currency, 12),
        "gained": wire.number(booked.gained),
        "fees": wire.number(trade.fees),
        "reason": wire.clean(trade.reason),
    }
