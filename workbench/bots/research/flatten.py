"""Everything out, and the venue's own word that it is."""

import asyncio
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from typing import Any

import structlog

from workbench.bots.research.account import Account
from workbench.bots.research.broker import OrderRefused, OrderUnknown
from workbench.domain.errors import ExchangeError
from workbench.domain.orders import Side

log = structlog.get_logger(__name__)
WITHIN_S = 8.0
PAUSE_S = 0.5


async def flatten(
    account: Account, moment_ms: int, marks: Mapping[str, float], within_s: float = WITHIN_S
) -> list[str]:
    """Cancel every order, sell every position at market, read the venue; again until it shows nothing open.

    Returns what is left when `within_s` (0: one round) has passed, by name; empty means that the venue itself shows no
    order and no position (dust that it would not take apart). Amounts come from its balances, not from our books.
    """
    until = asyncio.get_running_loop().time() + within_s
    while left := await _round(account, moment_ms, marks):
        if asyncio.get_running_loop().time() + PAUSE_S > until:
            break
        await asyncio.sleep(PAUSE_S)
    return left


async def _round(account: Account, moment_ms: int, marks: Mapping[str, float]) -> list[str]:
    troubles = []
    try:
        for order in await account.broker.open_orders():
            troubles += await _told(f"{order.symbol} order {order.client_id}", account.broker.cancel(order))
        for symbol, amount in (await _open_amounts(account, marks)).items():
            sale = _sell(account, symbol, amount, account.new_id("h", symbol, moment_ms))
            troubles += await _told(f"{symbol} {amount.normalize():f}", sale)
        await account.refresh(everything=True)
        return [*troubles, *await _residue(account, marks)]
    except ExchangeError as error:
        return [*troubles, f"the venue cannot be read: {error}"]


async def _sell(account: Account, symbol: str, amount: Decimal, name: str) -> None:
    account.ours[f"sent {name}"] = name  # an id is used up even where its order is refused or unknown
    account.ours[await account.broker.trade(symbol, Side.SELL, amount, name)] = name


async def _told(what: str, effect: Awaitable[Any]) -> list[str]:
    """Await `effect`; its failure in words: the round goes on, the next one tries again."""
    try:
        await effect
    except (OrderRefused, OrderUnknown) as error:
        log.error("flatten_trouble", what=what, error=str(error))
        return [f"{what}: {error}"]
    return []


async def _residue(account: Account, marks: Mapping[str, float]) -> list[str]:
    """What the venue still shows."""
    orders = [f"order {order.client_id} in {order.symbol}" for order in await account.broker.open_orders()]
    open_amounts = await _open_amounts(account, marks)
    return orders + [f"{amount.normalize():f} {symbol.split('/')[0]}" for symbol, amount in open_amounts.items()]


async def _open_amounts(account: Account, marks: Mapping[str, float]) -> dict[str, Decimal]:
    """Sellable holdings by symbol, from the venue's balances. A market without a mark counts whatever it holds."""
    balances, found = await account.broker.balances(), {}
    for symbol in account.symbols:
        rules = account.broker.rules[symbol]
        amount = rules.amount(balances.get(rules.base, Decimal(0)))
        if amount and (symbol not in marks or rules.tradable(amount, marks[symbol])):
            found[symbol] = amount
    return found
