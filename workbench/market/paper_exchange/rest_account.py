"""Account requests: what the owner of an API key may ask and do. Each takes the floor, the account's name and the
parameters, and returns JSON.
"""

from typing import Any

from workbench.market.paper_exchange import dialect_account as dialect
from workbench.market.paper_exchange.engine import Ticket
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.markets import decimal_text
from workbench.market.paper_exchange.matching import KINDS, STOPS
from workbench.market.paper_exchange.params import Params
from workbench.market.paper_exchange.refusals import Refused, mandatory, not_required, unknown_order

_STYLES = ("ACK", "RESULT", "FULL")
_NEEDS = {
    "MARKET": (),
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
_FORBIDS = {
    "MARKET": ("price", "stopPrice", "timeInForce"),
    "LIMIT": ("stopPrice", "quoteOrderQty"),
    "LIMIT_MAKER": ("stopPrice", "quoteOrderQty", "timeInForce"),
    "STOP_LOSS_LIMIT": ("quoteOrderQty",),
    "TAKE_PROFIT_LIMIT": ("quoteOrderQty",),
}


def account(floor: Floor, owner: str, params: Params) -> Any:
    return dialect.account_info(floor.books.accounts[owner], floor.books.terms)


def new_order(floor: Floor, owner: str, params: Params) -> Any:
    ticket = read_ticket(floor, owner, params)
    style = params.choice("newOrderRespType", _STYLES, Refused(-1100, "Invalid newOrderRespType."), _style_of(ticket))
    return dialect.placed(floor.submit(ticket), style)


def try_order(floor: Floor, owner: str, params: Params) -> Any:
    """Read an order and do nothing with it."""
    read_ticket(floor, owner, params)
    return {}


def _style_of(ticket: Ticket) -> str:
    return "FULL" if ticket.kind in ("MARKET", "LIMIT") else "ACK"


def read_ticket(floor: Floor, owner: str, params: Params) -> Ticket:
    """The order a request asks for. Raises Refused, naming the parameter that is wrong, missing or too many."""
    board = floor.board(params.needed("symbol"))
    side = params.choice("side", ("BUY", "SELL"), Refused(-1117, "Invalid side."))
    kind = params.choice("type", KINDS, Refused(-1116, "Invalid orderType."))
    for name in _NEEDS[kind]:
        params.needed(name)
    for name in _FORBIDS[kind]:
        if name in params:
            raise not_required(name)
    if kind == "MARKET" and ("quantity" in params) == ("quoteOrderQty" in params):
        raise not_required("quoteOrderQty") if "quantity" in params else mandatory("quantity")
    allowed = ("GTC",) if kind in STOPS else ("GTC", "IOC", "FOK")
    return Ticket(
        account=owner,
        market=board.market,
        side=side,
        kind=kind,
        time_in_force=params.choice("timeInForce", allowed, Refused(-1115, "Invalid timeInForce."), "GTC"),
        amount=params.decimal("quantity"),
        quote_amount=params.decimal("quoteOrderQty"),
        price=params.decimal("price"),
        stop=params.decimal("stopPrice"),
        client_id=params.client_id("newClientOrderId") or "",
    )


def _order_key(params: Params) -> int | str:
    number = params.integer("orderId")
    if number is not None:
        return number
    client_id = params.text("origClientOrderId")
    if client_id is None:
        raise Refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return client_id


def query_order(floor: Floor, owner: str, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    order = floor.books.find(owner, _order_key(params), board.market.symbol)
    if order is None:
        raise unknown_order()
    return dialect.order_row(order)


def cancel_order(floor: Floor, owner: str, params: Params) -> Any:
    symbol = params.needed("symbol")
    by = params.client_id("newClientOrderId") or ""
    order = floor.cancel(owner, _order_key(params), symbol, by).order
    return dialect.canceled(order, order.client_id, by or order.client_id)


def cancel_all(floor: Floor, owner: str, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    orders = floor.books.open_orders(owner, board.market.symbol)
    if not orders:
        raise unknown_order(canceling=True)
    ended = [floor.cancel(owner, order.order_id, board.market.id).order for order in orders]
    return [dialect.canceled(order, order.client_id, order.client_id) for order in ended]


def open_orders(floor: Floor, owner: str, params: Params) -> Any:
    symbol = floor.board(params.needed("symbol")).market.symbol if "symbol" in params else None
    return [dialect.order_row(order) for order in floor.books.open_orders(owner, symbol)]


def all_orders(floor: Floor, owner: str, params: Params) -> Any:
    """From `orderId` on, or between two times, else the newest; oldest first."""
    symbol = floor.board(params.needed("symbol")).market.symbol
    first, since, until = (params.integer(name) for name in ("orderId", "startTime", "endTime"))
    found = [
        order
        for order in floor.books.orders[owner].values()
        if order.market.symbol == symbol
        and order.order_id >= (first or 0)
        and order.created_ms >= (since or 0)
        and (until is None or order.created_ms <= until)
    ]
    count = params.limit(500, 1000)
    chosen = found[:count] if first or since else found[-count:]
    return [dialect.order_row(order) for order in chosen]


def my_trades(floor: Floor, owner: str, params: Params) -> Any:
    """From `fromId` on, or between two times, else the newest; oldest first."""
    symbol = floor.board(params.needed("symbol")).market.symbol
    first, since, until, order = (params.integer(name) for name in ("fromId", "startTime", "endTime", "orderId"))
    found = [
        trade
        for trade in floor.books.trades[owner]
        if trade.market.symbol == symbol
        and trade.trade_id >= (first or 0)
        and trade.at_ms >= (since or 0)
        and (until is None or trade.at_ms <= until)
        and (order is None or trade.order_id == order)
    ]
    count = params.limit(500, 1000)
    chosen = found[:count] if first or since else found[-count:]
    return [dialect.my_trade_row(trade) for trade in chosen]


def commission(floor: Floor, owner: str, params: Params) -> Any:
    board = floor.board(params.needed("symbol"))
    rates = dialect.account_info(floor.books.accounts[owner], floor.books.terms)["commissionRates"]
    nothing = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}
    return {"symbol": board.market.id, "standardCommission": rates, "taxCommission": nothing}


def trade_fees(floor: Floor, owner: str, params: Params) -> Any:
    """/sapi/v1/asset/tradeFee, which ccxt asks for fees."""
    boards = [floor.board(params.needed("symbol"))] if "symbol" in params else floor.boards.values()
    maker, taker = (decimal_text(bps / 10000) for bps in (floor.books.terms.maker_bps, floor.books.terms.taker_bps))
    return [{"symbol": board.market.id, "makerCommission": maker, "takerCommission": taker} for board in boards]
