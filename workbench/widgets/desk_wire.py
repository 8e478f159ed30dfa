"""The desk's glance as the page receives it: one snapshot, then small differences. Pure.

Times are epoch milliseconds. Money is {"amount", "currency"}. A number that is not finite travels as null, which the
page shows as unknown. Text from outside is cropped, and characters that could disguise it are made visible.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.domain.desk import BotRow, MarketClock, Totals
from workbench.domain.events import Event
from workbench.domain.portfolio import BotStatus, EquityPoint, Money, Position
from workbench.orchestration.event_words import SHOWN, sentence
from workbench.widgets.tokens import bot_colour

TOTAL = "total"
NAME_CHARS, WORDS_CHARS = 80, 280
KEPT_EVENTS = 60
Json = dict[str, Any]

# C0/C1 controls, and the marks that reorder or hide the text around them
_DISGUISES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def clean(text: object, limit: int = WORDS_CHARS) -> str:
    """`text` on one line, at most `limit` characters, nothing invisible in it."""
    shown = _DISGUISES.sub("\ufffd", re.sub(r"[\t\n\r]+", " ", str(text)))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def key(bot_id: str) -> str:
    """A bot's id as the page keys it: as it is, but for what JSON or a reader could stumble over."""
    return clean(bot_id, 200)


def millis(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def money(value: Money | None) -> Json | None:
    return None if value is None else {"amount": number(value.amount), "currency": clean(value.currency, 12)}


def totals(total: Totals) -> Json:
    return {
        "equity": money(total.equity),
        "pnl": money(total.pnl),
        "day_pnl": money(total.day_pnl),
        "unknown": clean(total.unknown),
    }


def market(clock: MarketClock | None) -> Json | None:
    if clock is None:
        return None
    return {
        "mode": clock.mode.value,
        "time": millis(clock.market_time),
        "speed": number(clock.speed),
        "paused": clock.paused,
        "ended": clock.ended,
        "run_id": clean(clock.run_id, NAME_CHARS),
        "source": clean(clock.source, NAME_CHARS),
        "timeframe": clean(clock.timeframe, 12),
    }


def position(held: Position) -> Json:
    return {
        "symbol": clean(held.symbol, NAME_CHARS),
        "amount": number(held.amount),
        "entry": number(held.entry_price),
        "mark": number(held.mark_price),
        "unrealised": number(held.unrealised),
        "value": number(held.value),
        "stop": number(held.stop),
        "opened": millis(held.opened_at),
    }


def bot(row: BotRow, as_of: datetime) -> Json:
    """One bot. `data_at` is when its newest data arrived, so that the page can let the age grow by itself."""
    health, colour = row.health, bot_colour(row.bot_id)
    told: Json = {
        "id": clean(row.bot_id, NAME_CHARS),
        "colour": {"dark": colour.dark, "light": colour.light},
        "word": health.word,
        "ok": health.ok,
        "reason": clean(health.reason),
        "trading": row.trading.value,
        "trading_reason": clean(row.trading_reason),
        "latency": None if health.latency_ms is None else number(round(health.latency_ms)),
        "data_at": _data_at(row, as_of),
        "tags": [clean(tag, NAME_CHARS) for tag in row.tags],
        "capabilities": [clean(name, NAME_CHARS) for name in row.capabilities],
        "status": None,
    }
    return told if row.status is None else {**told, "status": _status(row.status)}


def _status(status: BotStatus) -> Json:
    return {
        "state": status.state.value,
        "mode": status.mode.value,
        "gated": status.gated,
        "equity": money(status.equity),
        "pnl": money(status.pnl),
        "day_pnl": money(status.day_pnl),
        "realised": money(status.realised),
        "positions": [position(held) for held in status.positions],
        "trades": status.trade_count,
        "market_time": millis(status.market_time),
        "detail": clean(status.detail),
    }


def _data_at(row: BotRow, as_of: datetime) -> int | None:
    if row.status is not None and row.status.data_at is not None:
        return millis(row.status.data_at)
    age_s = row.health.data_age_s
    return None if age_s is None or not math.isfinite(age_s) else round(as_of.timestamp() - age_s) * 1000


def event(happened: Event) -> Json:
    return {
        "seq": happened.seq,
        "kind": clean(happened.kind, NAME_CHARS),
        "source": clean(happened.source, NAME_CHARS),
        "at": millis(happened.at),
        "words": clean(sentence(happened) if happened.kind in SHOWN else _words(happened.payload)),
    }


def _words(payload: Mapping[str, Any]) -> str:
    """For an event that the desk has no sentence for: its own words, else its facts in a row."""
    said = payload.get("words")
    if isinstance(said, str) and said:
        return said
    return ", ".join(f"{key} {_value(value)}" for key, value in payload.items() if value not in (None, "", [], {}))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.8g}"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def series(points: Sequence[EquityPoint]) -> Json:
    """Equity points as two lists of equal length, `t` rising. What is not finite, or not later, is left out."""
    kept: list[tuple[int, float]] = []
    for point in points:
        at = round(point.at.timestamp() * 1000)
        if math.isfinite(point.equity) and (not kept or at > kept[-1][0]):
            kept.append((at, point.equity))
    currency = clean(points[-1].currency, 12) if points else ""
    return {"currency": currency, "t": [at for at, _ in kept], "v": [value for _, value in kept]}


def newer(points: Sequence[EquityPoint], than: int) -> list[EquityPoint]:
    """The points after `than` (epoch ms), found from the end: they are few."""
    count = 0
    for point in reversed(points):
        if round(point.at.timestamp() * 1000) <= than:
            break
        count += 1
    return list(points[len(points) - count :])
