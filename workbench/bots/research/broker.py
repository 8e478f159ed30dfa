"""The venue as one bot needs it, through ccxt: our values in and out, errors told apart by what they mean.

A refused order did nothing. An order without an answer is *unknown*: it is looked for by its client id and never sent
again blindly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any, TypeVar

import ccxt

from workbench.domain.errors import ExchangeError
from workbench.domain.orders import Fill, Side
from workbench.market.exchange import patiently, plainly

PAGE = 1000
TIMEOUT_MS = 5_000
GONE_S = 6.0  # after its receive window (TIMEOUT_MS) the venue takes a late request no more
READ_TRIES = 2  # whoever reads in a loop tries again by itself, and a halt must not wait long to say what it saw
LOOK_AGAIN_S = (0.2, 0.5, 1.0)
STOP_ROOM = Decimal("0.01")  # a stop's limit lies this far below its trigger, so that it fills in a fast market
T = TypeVar("T")


class OrderRefused(ExchangeError):
    """The venue said no: nothing was done."""


class OrderUnknown(ExchangeError):
    """No answer, and the venue cannot be read: it may have been done."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an order in one market must keep. Amounts in base, prices and `least_value` in quote currency."""

    base: str
    quote: str
    amount_step: Decimal
    price_step: Decimal
    least_amount: Decimal
    least_value: Decimal
    stops: bool

    def amount(self, wanted: Decimal) -> Decimal:
        """The largest tradable amount not above `wanted`."""
        return _floor(wanted, self.amount_step)

    def tradable(self, amount: Decimal, price: float) -> bool:
        return amount >= max(self.least_amount, self.amount_step) and amount * Decimal(repr(price)) >= self.least_value


@dataclass(frozen=True, slots=True)
class Resting:
    """An open order at the venue. `stop`: its trigger price, None for a plain limit."""

    symbol: str
    order_id: str
    client_id: str
    side: Side
    amount: Decimal
    filled: Decimal
    stop: float | None


class Broker:
    """One account. Reads are repeated after network trouble; effects never are."""

    def __init__(self, exchange: Any):
        self.exchange = exchange
        self.rules: dict[str, Rules] = {}
        exchange.timeout = exchange.options["recvWindow"] = TIMEOUT_MS
        exchange.options["warnOnFetchOpenOrdersWithoutSymbol"] = False

    async def load(self, symbols: Sequence[str]) -> None:
        """Read the markets' rules. Raises ExchangeError."""
        await self._read(self.exchange.load_markets)
        self.rules = {symbol: _rules(self.exchange.market(symbol)) for symbol in symbols}

    async def balances(self) -> dict[str, Decimal]:
        """Total (free and locked) by currency."""
        said = await self._read(self.exchange.fetch_balance)
        return {asset: Decimal(repr(total)) for asset, total in said["total"].items() if total}

    async def open_orders(self) -> list[Resting]:
        """Every open order of the account in our markets, oldest first."""
        said = await self._read(self.exchange.fetch_open_orders)
        return [_resting(order) for order in said if order["symbol"] in self.rules]

    async def fills(self, symbol: str, after: int = -1) -> list[Fill]:
        """Executions with an id above `after`, oldest first."""
        found: list[Fill] = []
        while True:
            ask = partial(self.exchange.fetch_my_trades, symbol, None, PAGE, {"fromId": after + 1})
            page = await self._read(ask)
            found += [_fill(trade) for trade in page]
            if len(page) < PAGE:
                return found
            after = int(page[-1]["id"])

    async def intents(self, symbol: str) -> dict[str, str]:
        """Client id by order id, of the market's newest orders."""
        orders = await self._read(partial(self.exchange.fetch_orders, symbol, None, PAGE))
        return {str(order["id"]): str(order["clientOrderId"]) for order in orders}

    async def trade(self, symbol: str, side: Side, amount: Decimal, client_id: str) -> str:
        """A market order; returns its id. Raises OrderRefused or OrderUnknown."""
        placed = self.exchange.create_order(
            symbol, "market", side.value, float(amount), None, {"clientOrderId": client_id}
        )
        return await self._placed(symbol, client_id, placed)

    async def rest_stop(self, symbol: str, amount: Decimal, stop: float, client_id: str) -> Resting:
        """A stop-loss-limit sale of `amount`; returns it as it rests. Raises OrderRefused or OrderUnknown."""
        step = self.rules[symbol].price_step
        trigger = _floor(Decimal(repr(stop)), step)
        limit = _floor(trigger * (1 - STOP_ROOM), step)
        known = {"stopLossPrice": float(trigger), "clientOrderId": client_id}
        placed = self.exchange.create_order(symbol, "limit", "sell", float(amount), float(limit), known)
        order_id = await self._placed(symbol, client_id, placed)
        return Resting(symbol, order_id, client_id, Side.SELL, amount, Decimal(0), float(trigger))

    async def cancel(self, order: Resting) -> bool:
        """Whether it was still there to cancel. Raises OrderUnknown."""
        try:
            await self.exchange.cancel_order(order.order_id, order.symbol)
        except ccxt.OrderNotFound:
            return False
        except ccxt.NetworkError as error:
            raise OrderUnknown(f"cancel of {order.client_id} has no answer; {plainly(error, self.exchange)}") from error
        except ccxt.BaseError as error:
            raise OrderRefused(f"cancel of {order.client_id}: {plainly(error, self.exchange)}") from error
        return True

    async def find(self, symbol: str, client_id: str) -> str | None:
        """The id of the order with `client_id`, None where the venue has none. Raises ExchangeError if unreachable."""
        try:
            return str((await self.exchange.fetch_order(None, symbol, {"clientOrderId": client_id}))["id"])
        except ccxt.OrderNotFound:
            return None
        except ccxt.BaseError as error:
            raise plainly(error, self.exchange) from error

    async def prices(self) -> dict[str, float]:
        """Last price of each market."""
        said = await self._read(partial(self.exchange.fetch_tickers, list(self.rules)))
        return {symbol: float(said[symbol]["last"]) for symbol in self.rules if said.get(symbol, {}).get("last")}

    async def _read(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        return await patiently(self.exchange, ask, READ_TRIES)

    async def _placed(self, symbol: str, client_id: str, sent: Awaitable[dict[str, Any]]) -> str:
        began = time.monotonic()
        try:
            return str((await sent)["id"])
        except ccxt.NetworkError as error:
            return await self._look_for(symbol, client_id, plainly(error, self.exchange), began)
        except ccxt.BaseError as error:
            raise OrderRefused(f"order {client_id}: {plainly(error, self.exchange)}") from error

    async def _look_for(self, symbol: str, client_id: str, why: ExchangeError, began: float) -> str:
        """Ask the venue what became of an order that was not answered: it may arrive a moment later."""
        reached = False
        for pause in LOOK_AGAIN_S:
            await asyncio.sleep(pause)
            try:
                if found := await self.find(symbol, client_id):
                    return found
                reached = True
            except ExchangeError:
                reached = False
        if reached and time.monotonic() - began > GONE_S:
            raise OrderRefused(f"order {client_id} never arrived: {why}")
        raise OrderUnknown(f"order {client_id} may have been done: {why}")


def _rules(market: dict[str, Any]) -> Rules:
    limits, precision = market["limits"], market["precision"]
    return Rules(
        base=market["base"],
        quote=market["quote"],
        amount_step=_decimal(precision["amount"], "1e-8"),
        price_step=_decimal(precision["price"], "1e-8"),
        least_amount=_decimal(limits["amount"]["min"], "0"),
        least_value=_decimal((limits.get("cost") or {}).get("min"), "0"),
        stops="STOP_LOSS_LIMIT" in (market["info"].get("orderTypes") or ()),
    )


def _decimal(value: Any, otherwise: str) -> Decimal:
    return Decimal(otherwise) if value is None else Decimal(str(value))


def _floor(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_DOWN) * step


def _resting(order: dict[str, Any]) -> Resting:
    return Resting(
        symbol=order["symbol"],
        order_id=str(order["id"]),
        client_id=str(order["clientOrderId"] or ""),
        side=Side(order["side"]),
        amount=Decimal(repr(order["amount"])),
        filled=Decimal(repr(order["filled"] or 0.0)),
        stop=order.get("triggerPrice") or order.get("stopPrice"),
    )


def _fill(trade: dict[str, Any]) -> Fill:
    """Exact where the venue's own text is there (Binance), else what ccxt made of it."""
    raw, fee = trade["info"], trade.get("fee") or {}
    return Fill(
        trade_id=str(trade["id"]),
        order_id=str(trade["order"]),
        symbol=trade["symbol"],
        side=Side(trade["side"]),
        price=Decimal(str(raw.get("price", trade["price"]))),
        amount=Decimal(str(raw.get("qty", trade["amount"]))),
        fee=Decimal(str(raw.get("commission", fee.get("cost") or 0))),
        fee_currency=str(fee.get("currency") or ""),
        filled_at=datetime.fromtimestamp(trade["timestamp"] / 1000, UTC),
        maker=trade.get("takerOrMaker") == "maker",
    )
