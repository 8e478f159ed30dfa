"""Binance's JSON for market data, written: what the wire carries for our values."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from workbench.market.paper_exchange.board import DayFigures
from workbench.market.paper_exchange.engine import MAX_OPEN_ORDERS
from workbench.market.paper_exchange.markets import MIN_NOTIONAL, Market, decimal_text
from workbench.market.paper_exchange.matching import KINDS
from workbench.market.paper_exchange.views import Bar, BookView, MarketTrade

_MAX_PRICE = Decimal(10_000_000)
Json = dict[str, Any]


def market_info(market: Market) -> Json:
    """One entry of exchangeInfo."""
    filters = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": decimal_text(market.tick),
            "maxPrice": decimal_text(_MAX_PRICE),
            "tickSize": decimal_text(market.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": decimal_text(market.lot),
            "maxQty": decimal_text(market.max_amount),
            "stepSize": decimal_text(market.lot),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": decimal_text(MIN_NOTIONAL),
            "applyMinToMarket": True,
            "maxNotional": "9000000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
    ]
    return {
        "symbol": market.id,
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(KINDS),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def kline_row(market: Market, bar: Bar, interval_ms: int) -> list:
    """One row of /klines."""
    return [
        bar.opened_ms,
        market.price_text(bar.open),
        market.price_text(bar.high),
        market.price_text(bar.low),
        market.price_text(bar.close),
        market.amount_text(bar.volume),
        bar.opened_ms + interval_ms - 1,
        market.value_text(bar.value),
        bar.trades,
        market.amount_text(bar.bought),
        "0",
        "0",
    ]


def kline_event(market: Market, bar: Bar, interval: tuple[str, int], at_ms: int, closed: bool) -> Json:
    text, interval_ms = interval
    price, amount = market.price_text, market.amount_text
    return {
        "e": "kline",
        "E": at_ms,
        "s": market.id,
        "k": {
            "t": bar.opened_ms,
            "T": bar.opened_ms + interval_ms - 1,
            "s": market.id,
            "i": text,
            "f": bar.first_trade,
            "L": bar.first_trade + bar.trades - 1,
            "o": price(bar.open),
            "c": price(bar.close),
            "h": price(bar.high),
            "l": price(bar.low),
            "v": amount(bar.volume),
            "n": bar.trades,
            "x": closed,
            "q": market.value_text(bar.value),
            "V": amount(bar.bought),
            "Q": "0",
            "B": "0",
        },
    }


def trade_row(market: Market, trade: MarketTrade) -> Json:
    return {
        "id": trade.trade_id,
        "price": market.price_text(trade.price),
        "qty": market.amount_text(trade.amount),
        "quoteQty": market.value_text(trade.price * trade.amount),
        "time": trade.at_ms,
        "isBuyerMaker": trade.by_seller,
        "isBestMatch": True,
    }


def agg_trade_row(market: Market, trade: MarketTrade) -> Json:
    return {
        "a": trade.trade_id,
        "p": market.price_text(trade.price),
        "q": market.amount_text(trade.amount),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.at_ms,
        "m": trade.by_seller,
        "M": True,
    }


def trade_event(market: Market, trade: MarketTrade) -> Json:
    return {
        "e": "trade",
        "E": trade.at_ms,
        "s": market.id,
        "t": trade.trade_id,
        "p": market.price_text(trade.price),
        "q": market.amount_text(trade.amount),
        "T": trade.at_ms,
        "m": trade.by_seller,
        "M": True,
    }


def agg_trade_event(market: Market, trade: MarketTrade) -> Json:
    return {"e": "aggTrade", "E": trade.at_ms, "s": market.id, **agg_trade_row(market, trade)}


def levels(market: Market, side: Iterable[tuple[int, int]]) -> list[list[str]]:
    return [[market.price_text(price), market.amount_text(amount)] for price, amount in side]


def depth(market: Market, book: BookView, limit: int) -> Json:
    """A snapshot of the book, as /depth and the partial depth streams show it."""
    return {
        "lastUpdateId": book.update_id,
        "bids": levels(market, book.bids[:limit]),
        "asks": levels(market, book.asks[:limit]),
    }


def depth_event(market: Market, old: BookView, new: BookView, at_ms: int) -> Json:
    """What changed between two books; a level that is gone has size zero."""
    return {
        "e": "depthUpdate",
        "E": at_ms,
        "s": market.id,
        "U": old.update_id + 1,
        "u": new.update_id,
        "b": levels(market, _changed(old.bids, new.bids)),
        "a": levels(market, _changed(old.asks, new.asks)),
    }


def _changed(old: Iterable[tuple[int, int]], new: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    was, now = dict(old), dict(new)
    gone = [(price, 0) for price in was if price not in now]
    return gone + [(price, size) for price, size in now.items() if was.get(price) != size]


def book_ticker(market: Market, book: BookView) -> Json:
    (bid, bid_size), (ask, ask_size) = (book.bids or ((0, 0),))[0], (book.asks or ((0, 0),))[0]
    return {
        "symbol": market.id,
        "bidPrice": market.price_text(bid),
        "bidQty": market.amount_text(bid_size),
        "askPrice": market.price_text(ask),
        "askQty": market.amount_text(ask_size),
    }


def book_ticker_event(market: Market, book: BookView) -> Json:
    row = book_ticker(market, book)
    return {
        "u": book.update_id,
        "s": market.id,
        "b": row["bidPrice"],
        "B": row["bidQty"],
        "a": row["askPrice"],
        "A": row["askQty"],
    }


def day_row(market: Market, day: DayFigures, book: BookView, at_ms: int) -> Json:
    """One entry of /ticker/24hr."""
    bar, touch = day.bar, book_ticker(market, book)
    average = bar.value // bar.volume if bar.volume else bar.close
    return {
        "symbol": market.id,
        "priceChange": _signed(market, bar.close - bar.open),
        "priceChangePercent": f"{(bar.close / bar.open - 1) * 100:.3f}",
        "weightedAvgPrice": market.price_text(average),
        "prevClosePrice": market.price_text(day.before),
        "lastPrice": market.price_text(bar.close),
        "lastQty": market.amount_text(day.last.amount),
        **{name: touch[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")},
        "openPrice": market.price_text(bar.open),
        "highPrice": market.price_text(bar.high),
        "lowPrice": market.price_text(bar.low),
        "volume": market.amount_text(bar.volume),
        "quoteVolume": market.value_text(bar.value),
        "openTime": day.opened_ms,
        "closeTime": at_ms,
        "firstId": bar.first_trade,
        "lastId": day.last.trade_id,
        "count": bar.trades,
    }


_DAY_EVENT = {
    "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice", "c": "lastPrice",
    "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty", "o": "openPrice", "h": "highPrice",
    "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime", "F": "firstId",
    "L": "lastId", "n": "count",
}  # fmt: skip


def day_event(row: Json) -> Json:
    short = {letter: row[name] for letter, name in _DAY_EVENT.items()}
    return {"e": "24hrTicker", "E": row["closeTime"], "s": row["symbol"], **short}


def mini_event(row: Json) -> Json:
    short = {letter: row[_DAY_EVENT[letter]] for letter in "cohlvq"}
    return {"e": "24hrMiniTicker", "E": row["closeTime"], "s": row["symbol"], **short}


def _signed(market: Market, points: int) -> str:
    return ("-" if points < 0 else "") + market.price_text(abs(points))
