"""Binance's JSON for accounts, orders and trades, written: what the wire carries for our values."""

from collections.abc import Mapping
from typing import Any

from workbench.market.paper_exchange.accounts import Account, Balance
from workbench.market.paper_exchange.books import Terms, Trade
from workbench.market.paper_exchange.engine import Change
from workbench.market.paper_exchange.markets import decimal_text
from workbench.market.paper_exchange.matching import BUY, PaperOrder

Json = dict[str, Any]


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
