"""Market data requests: what anyone may ask. Each takes the floor and the parameters, and returns JSON."""

import time
from collections.abc import Callable
from typing import Any

import orjson

from workbench.domain.market import Timeframe
from workbench.market.paper_exchange import dialect
from workbench.market.paper_exchange.board import Board, day_figures
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.params import Params
from workbench.market.paper_exchange.refusals import illegal, unknown_symbol
from workbench.market.paper_exchange.streams import interval_of, opened_at
from workbench.market.paper_exchange.views import aggregate

_FAR_MS = 10**15


def ping(floor: Floor, params: Params) -> Any:
    return {}


def server_time(floor: Floor, params: Params) -> Any:
    """Wall time: requests are signed with it. Everything else is market time."""
    return {"serverTime": int(time.time() * 1000)}


def exchange_info(floor: Floor, params: Params) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": int(time.time() * 1000),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [dialect.market_info(board.market) for board in _boards(floor, params)],
    }


def klines(floor: Floor, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    interval = interval_of(params.needed("interval"), floor.switchboard.base)
    count = params.limit(500, 1000)
    start, end = params.integer("startTime"), params.integer("endTime")
    bars = _bars(board, interval, floor.switchboard.base, start, _FAR_MS if end is None else end, count)
    return [dialect.kline_row(board.market, bar, interval.milliseconds) for bar in bars]


def _bars(board: Board, interval: Timeframe, base: Timeframe, start: int | None, end: int, count: int):
    """At most `count` bars: the first from `start` on, else the newest."""
    end = min(end, board.now_ms)
    if start is None:
        first = opened_at(interval, end) - (count - 1) * interval.milliseconds
        bars = _made(board, interval, first, end)
        if len(bars) < count:  # bars are missing somewhere: reach further back
            bars = _made_of_newest(board, interval, base, count, end)
        return bars[-count:]
    first = opened_at(interval, start + interval.milliseconds - 1)
    last = first + count * interval.milliseconds - 1
    bars = _made(board, interval, first, min(end, last))
    return bars if len(bars) == count or last >= end else _made(board, interval, first, end)[:count]


def _made(board: Board, interval: Timeframe, first: int, end: int):
    """Bars that opened in [first, end]; the last one whole, though its own short bars open later."""
    last_open = opened_at(interval, end)
    bars = board.bars(first, last_open + interval.milliseconds - 1)
    return aggregate(bars, interval.milliseconds, interval.anchor_s * 1000)


def _made_of_newest(board: Board, interval: Timeframe, base: Timeframe, count: int, end: int):
    ratio = interval.seconds // base.seconds
    bars = board.bars(0, opened_at(interval, end) + interval.milliseconds - 1, newest=(count + 1) * ratio)
    made = aggregate(bars, interval.milliseconds, interval.anchor_s * 1000)
    return made[1:] if len(made) > count else made


def depth(floor: Floor, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    return dialect.depth(board.market, board.book(), params.limit(100, 5000))


def trades(floor: Floor, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    found = board.trades(params.limit(500, 1000), from_id=params.integer("fromId"))
    return [dialect.trade_row(board.market, trade) for trade in found]


def agg_trades(floor: Floor, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    since, until = params.integer("startTime"), params.integer("endTime")
    found = board.trades(params.limit(500, 1000), params.integer("fromId"), since, until)
    return [dialect.agg_trade_row(board.market, trade) for trade in found]


def ticker_day(floor: Floor, params: Params) -> Any:
    return _each(floor, params, _day_row)


def ticker_book(floor: Floor, params: Params) -> Any:
    return _each(floor, params, lambda board: dialect.book_ticker(board.market, board.book()))


def ticker_price(floor: Floor, params: Params) -> Any:
    return _each(floor, params, _price_row)


def average_price(floor: Floor, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    row = _price_row(board)
    return {"mins": 0, "price": row["price"], "closeTime": board.now_ms}


def _day_row(board: Board) -> dict | None:
    day = day_figures(board)
    return dialect.day_row(board.market, day, board.book(), board.now_ms) if day else None


def _price_row(board: Board) -> dict:
    last = board.last_trade()
    return {"symbol": board.market.id, "price": board.market.price_text(last.price if last else 0)}


def _boards(floor: Floor, params: Params) -> list[Board]:
    if "symbol" in params:
        return [floor.board(params.needed("symbol"))]
    if "symbols" not in params:
        return list(floor.boards.values())
    try:
        names = orjson.loads(params.needed("symbols"))
    except orjson.JSONDecodeError:
        raise illegal("symbols", "a JSON list of symbols") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise unknown_symbol()
    return [floor.board(name) for name in names]


def _each(floor: Floor, params: Params, row: Callable[[Board], dict | None]) -> Any:
    """One object for `symbol`, a list without it or for `symbols`; a market that never traded is left out."""
    rows = [made for board in _boards(floor, params) if (made := row(board))]
    return rows[0] if "symbol" in params and rows else rows
