"""Market data streams: their names, and the messages each carries after a step."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from workbench.domain.errors import TimeframeError
from workbench.domain.market import Timeframe
from workbench.market.paper_exchange import dialect
from workbench.market.paper_exchange.board import Board, day_figures
from workbench.market.paper_exchange.hub import Hub, Listener
from workbench.market.paper_exchange.refusals import Refused
from workbench.market.paper_exchange.views import Bar, aggregate

INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
ALL = "!"
TRADE_KINDS = ("trade", "aggTrade")
DAY_KINDS = ("ticker", "miniTicker")
BOOK_KINDS = ("bookTicker", "depth", "book")
KINDS = ("kline", *TRADE_KINDS, *DAY_KINDS, *BOOK_KINDS)
_PLAIN = ("trade", "aggTrade", "ticker", "miniTicker", "bookTicker")
_DEPTH = re.compile(r"depth(5|10|20)?(@100ms|@1000ms)?")


def interval_of(text: str, base: Timeframe) -> Timeframe:
    """The interval `text` names, where bars of `base` can make it. Raises Refused (-1120)."""
    try:
        interval = Timeframe.parse(text)
    except TimeframeError:
        raise Refused(-1120, "Invalid interval.") from None
    if text not in INTERVALS or interval.seconds % base.seconds or interval.seconds < base.seconds:
        raise Refused(-1120, "Invalid interval.")
    return interval


def bars_of(board: Board, interval: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
    """Bars of any interval that opened in [start_ms, end_ms], the forming one included."""
    return aggregate(board.bars(start_ms, end_ms), interval.milliseconds, interval.anchor_s * 1000)


def opened_at(interval: Timeframe, moment_ms: int) -> int:
    anchor = interval.anchor_s * 1000
    return (moment_ms - anchor) // interval.milliseconds * interval.milliseconds + anchor


@dataclass(frozen=True, slots=True)
class Stream:
    """`name` as subscribed; `market_id` in capitals, or '!' for all markets; `kind`: kline, trade, depth, book …"""

    name: str
    market_id: str
    kind: str
    interval: Timeframe | None = None
    levels: int = 0


def parse_stream(name: str, known: Mapping[str, Board], base: Timeframe) -> Stream:
    """Read 'btcusd@kline_30m'. Raises Refused (code 2) naming what is wrong."""
    symbol, at, what = name.partition("@")
    if name in ("!ticker@arr", "!miniTicker@arr", "!bookTicker"):
        return Stream(name, ALL, name.strip("!").removesuffix("@arr"))
    if not at or symbol.upper() not in known:
        raise Refused(2, f"Invalid request: no market {symbol!r} for stream {name!r}")
    market_id = symbol.upper()
    if what in _PLAIN:
        return Stream(name, market_id, what)
    if what.startswith("kline_"):
        try:
            return Stream(name, market_id, "kline", interval_of(what.removeprefix("kline_"), base))
        except Refused:
            raise Refused(2, f"Invalid request: {name!r} has no interval this market can make from {base}") from None
    if match := _DEPTH.fullmatch(what):
        return Stream(name, market_id, "book" if match[1] else "depth", levels=int(match[1] or 0))
    raise Refused(2, f"Invalid request: unknown stream {name!r}")


class Switchboard:
    """Turns steps into messages, for those streams only that somebody hears."""

    def __init__(self, hub: Hub, boards: Mapping[str, Board], base: Timeframe):
        self.hub, self.boards, self.base = hub, boards, base
        self._heard: dict[str, dict[str, Stream]] = {}
        self.heard_symbols: set[str] = set()

    def subscribe(self, listener: Listener, name: str) -> None:
        stream = parse_stream(name, self.boards, self.base)
        self.hub.subscribe(listener, name)
        self._heard.setdefault(stream.market_id, {})[name] = stream
        self._count()

    def unsubscribe(self, listener: Listener, name: str) -> None:
        if self.hub.unsubscribe(listener, name):
            self._silence(name)

    def drop(self, listener: Listener) -> None:
        for name in self.hub.drop(listener):
            self._silence(name)

    def _silence(self, name: str) -> None:
        for streams in self._heard.values():
            streams.pop(name, None)
        self._heard = {market: streams for market, streams in self._heard.items() if streams}
        self._count()

    def _count(self) -> None:
        heard = self.boards if ALL in self._heard else self._heard
        self.heard_symbols = {self.boards[market].market.symbol for market in heard}

    def closed(self, board: Board, at_ms: int) -> None:
        """Publish the bars of `board` that ended at `at_ms`, a bar boundary."""
        for stream in self._of(board):
            interval = stream.interval
            if interval and opened_at(interval, at_ms) == at_ms:
                for bar in bars_of(board, interval, at_ms - interval.milliseconds, at_ms - 1):
                    self._kline(board, stream, bar, at_ms, True)

    def moved(self, board: Board, at_ms: int, kinds: Container[str] = KINDS) -> None:
        """Publish what has changed at `board`, on streams of `kinds`."""
        for stream in self._of(board):
            if stream.kind not in kinds:
                continue
            if stream.interval:
                if bar := self._forming(board, stream.interval, at_ms):
                    self._kline(board, stream, bar, at_ms, False)
            else:
                for message in _messages(stream, board, at_ms):
                    self.hub.publish(stream.name, message)

    def day(self, at_ms: int, moved: list[Board]) -> None:
        """Publish the streams of all markets at once."""
        for stream in self._heard.get(ALL, {}).values():
            rows = [message for board in moved for message in _messages(stream, board, at_ms)]
            if stream.kind == "bookTicker":
                for row in rows:
                    self.hub.publish(stream.name, row)
            elif rows:
                self.hub.publish(stream.name, rows)

    def _forming(self, board: Board, interval: Timeframe, at_ms: int) -> Bar | None:
        if interval.seconds == self.base.seconds:
            return board.forming_bar()
        return next(reversed(bars_of(board, interval, opened_at(interval, at_ms), at_ms)), None)

    def _of(self, board: Board) -> list[Stream]:
        return list(self._heard.get(board.market.id, {}).values())

    def _kline(self, board: Board, stream: Stream, bar: Bar, at_ms: int, closed: bool) -> None:
        assert stream.interval
        interval = stream.interval.text, stream.interval.milliseconds
        self.hub.publish(stream.name, dialect.kline_event(board.market, bar, interval, at_ms, closed))


def _messages(stream: Stream, board: Board, at_ms: int) -> Iterator[dict]:
    market = board.market
    if stream.kind in TRADE_KINDS:
        trade = board.last_trade()
        if trade and trade.amount:
            yield (dialect.trade_event if stream.kind == "trade" else dialect.agg_trade_event)(market, trade)
    elif stream.kind == "bookTicker":
        yield dialect.book_ticker_event(market, board.book())
    elif stream.kind == "depth":
        yield dialect.depth_event(market, board.book(before=True), board.book(), at_ms)
    elif stream.kind == "book":
        yield dialect.depth(market, board.book(), stream.levels)
    elif day := day_figures(board):
        row = dialect.day_row(market, day, board.book(), at_ms)
        yield dialect.day_event(row) if stream.kind == "ticker" else dialect.mini_event(row)
