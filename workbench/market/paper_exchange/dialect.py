"""Binance's JSON, written. Every function takes our values and returns what the wire carries."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from workbench.market.paper_exchange.accounts import Account, Balance
from workbench.market.paper_exchange.board import Bar, BookView, DayFigures, MarketTrade
from workbench.market.paper_exchange.engine import Change, Terms, Trade
from workbench.market.paper_exchange.markets import MIN_NOTIONAL, Market, decimal_text
from workbench.market.paper_exchange.matching import BUY, KINDS, PaperOrder

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


def _signed(market: Market, ticks: int) -> str:
    return ("-" if ticks < 0 else "") + market.price_text(abs(ticks))


def order_row(order: PaperOrder) -> Json:
    """An order as queries show it."""
    return {
        "symbol": order.market.id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": decimal_text(order.price),
        "origQty": decimal_text(order.amount),
        "executedQty": decimal_text(order.filled),
        "cummulativeQuoteQty": decimal_text(order.spent),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.kind,
        "side": order.side,
        "stopPrice": decimal_text(order.stop),
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.working or not order.is_open,
        "workingTime": order.queued_ms,
        "origQuoteOrderQty": decimal_text(order.quote_amount),
        "selfTradePreventionMode": "NONE",
    }


def placed(changes: list[Change], style: str) -> Json:
    """The answer to a new order: ACK, RESULT or FULL."""
    order = changes[-1].order
    row = order_row(order)
    ack = {name: row[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId")}
    ack["transactTime"] = order.created_ms
    if style == "ACK":
        return ack
    names = ("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce")
    result = ack | {name: row[name] for name in (*names, "type", "side", "workingTime", "selfTradePreventionMode")}
    if order.stop is not None:
        result["stopPrice"] = row["stopPrice"]
    if style == "FULL":
        result["fills"] = [_fill(change.trade) for change in changes if change.trade]
    return result


def _fill(trade: Trade) -> Json:
    return {
        "price": decimal_text(trade.price),
        "qty": decimal_text(trade.amount),
        "commission": decimal_text(trade.fee),
        "commissionAsset": trade.fee_asset,
        "tradeId": trade.trade_id,
    }


def canceled(order: PaperOrder, old_client_id: str, new_client_id: str) -> Json:
    row = order_row(order)
    row["origClientOrderId"], row["clientOrderId"], row["transactTime"] = old_client_id, new_client_id, order.updated_ms
    return {
        name: value for name, value in row.items() if name not in ("time", "updateTime", "isWorking", "workingTime")
    }


def my_trade_row(trade: Trade) -> Json:
    return {
        "symbol": trade.market.id,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": decimal_text(trade.price),
        "qty": decimal_text(trade.amount),
        "quoteQty": decimal_text(trade.value),
        "commission": decimal_text(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": trade.at_ms,
        "isBuyer": trade.side == BUY,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


def account_info(account: Account, terms: Terms) -> Json:
    maker, taker = (int(bps) for bps in (terms.maker_bps, terms.taker_bps))
    rates = {
        "maker": decimal_text(terms.maker_bps / 10000),
        "taker": decimal_text(terms.taker_bps / 10000),
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    return {
        "makerCommission": maker,
        "takerCommission": taker,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": decimal_text(held.free), "locked": decimal_text(held.locked)}
            for asset, held in sorted(account.balances.items())
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def execution_report(change: Change, at_ms: int) -> Json:
    """An order's change as the user data stream tells it."""
    order, trade = change.order, change.trade
    new_id = change.by_client_id or order.client_id
    return {
        "e": "executionReport",
        "E": at_ms,
        "s": order.market.id,
        "c": new_id,
        "S": order.side,
        "o": order.kind,
        "f": order.time_in_force,
        "q": decimal_text(order.amount),
        "p": decimal_text(order.price),
        "P": decimal_text(order.stop),
        "F": "0.00000000",
        "g": -1,
        "C": order.client_id if change.what == "CANCELED" else "",
        "x": "NEW" if change.what == "TRIGGERED" else change.what,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": decimal_text(trade.amount if trade else None),
        "z": decimal_text(order.filled),
        "L": decimal_text(trade.price if trade else None),
        "n": decimal_text(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": order.updated_ms,
        "t": trade.trade_id if trade else -1,
        "I": 0,
        "w": order.working and order.is_open,
        "m": trade.maker if trade else False,
        "M": False,
        "O": order.created_ms,
        "Z": decimal_text(order.spent),
        "Y": decimal_text(trade.value if trade else None),
        "Q": decimal_text(order.quote_amount),
        "W": order.queued_ms,
        "V": "NONE",
    }


def account_position(balances: Mapping[str, Balance], at_ms: int) -> Json:
    """Balances after a change, as the user data stream tells them."""
    rows = [
        {"a": asset, "f": decimal_text(held.free), "l": decimal_text(held.locked)} for asset, held in balances.items()
    ]
    return {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": rows}
