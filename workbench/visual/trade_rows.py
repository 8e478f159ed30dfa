"""Trades as a page receives them, and as a picture of the page reads them back. Pure; JSON without NaN.

A row: {"id", "by", "amount" (negative: short), "in": [ms, price], "out": [ms, price] or null, "pnl", "fees", "reason",
"stop", "targets", "told": ms where the bot was not heard of for LATE}. Names and reasons come from bots: one line,
cropped, nothing invisible; text, never markup.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.domain.plain_text import plain
from workbench.visual.chart_spec import MarketTrades, TradeMark
from workbench.visual.tokens import bot_colour

Json = dict[str, Any]
MOST_ROWS = 2000
"""Finished trades on a live chart; older ones are counted."""
LATE = timedelta(minutes=1)
_NAME, _REASON = 64, 160


def trade_row(mark: TradeMark, now: datetime | None = None) -> Json:
    """A trade as a row. now : UTC, to tell an open one whose bot is silent."""
    by, entered = plain(mark.by, _NAME), _ms(mark.entered_at)
    left = None if mark.left_at is None else [_ms(mark.left_at), number(mark.exit_price)]
    return {
        "id": f"{by}|{entered}|{left[0] if left else 'open'}|{mark.amount}",
        "by": by,
        "amount": number(mark.amount),
        "in": [entered, number(mark.entry_price)],
        "out": left,
        "pnl": number(mark.pnl),
        "fees": number(mark.fees),
        "reason": plain(mark.reason, _REASON),
        "stop": number(mark.stop),
        "targets": [price for price in map(number, mark.targets) if price is not None],
        "told": _ms(mark.told_at) if mark.told_at and now and now - mark.told_at > LATE else None,
    }


def trade_mark(row: Mapping[str, Any]) -> TradeMark:
    """A row as a trade."""
    entered, entry = row["in"]
    left, price = row["out"] or (None, None)
    return TradeMark(
        _moment(entered),
        entry,
        None if left is None else _moment(left),
        price,
        row["pnl"],
        row["by"],
        row["amount"],
        row["fees"],
        row["reason"],
        row["stop"],
        tuple(row["targets"]),
        None if row["told"] is None else _moment(row["told"]),
    )


def in_rows(
    finished: Sequence[TradeMark], since_ms: float, until_ms: float, most: int = MOST_ROWS
) -> tuple[list[Json], int]:
    """(rows of the trades that lie in a stretch of time at least in part, how many older ones are left out)."""
    found = [one for one in finished if _ms(one.entered_at) <= until_ms and _ms(one.left_at or _FAR) >= since_ms]
    return [trade_row(one) for one in found[-most:]], max(0, len(found) - most)


def told(seen: MarketTrades, bars: Sequence[Sequence[float]], step_ms: float, now: datetime) -> tuple[list[Json], Json]:
    """(rows of finished trades, "trading") of a live chart with these bars; see `LiveChartRenderer.put_trades`."""
    rows, older = in_rows(seen.finished, bars[0][0], bars[-1][0] + 2 * step_ms)
    held = [trade_row(one, now) for one in seen.open]
    return rows, {"open": held, "bots": colours([*rows, *held]), "older": older}


def colours(rows: Iterable[Mapping[str, Any]]) -> Json:
    """The colour of each bot that has a row, by its name there."""
    found = {name: bot_colour(name) for name in sorted({row["by"] for row in rows})}
    return {name: {"dark": colour.dark, "light": colour.light} for name, colour in found.items()}


def number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
