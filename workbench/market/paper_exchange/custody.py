"""The paper exchange as the emergency stop needs it: what each account shows, and closing one with its own key.

Implements `domain.ports.AccountVenue`. A bot trades in the account of its own name.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from workbench.domain.halts import AccountView
from workbench.market.paper_exchange.client import Venue


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a market will take apart: amounts in base currency, `least_value` in quote currency."""

    symbol: str
    step: Decimal
    least: Decimal
    least_value: Decimal

    def sellable(self, amount: Decimal, price: Decimal | None) -> Decimal:
        """The part of `amount` that an order may have; 0 for dust. Without a price whatever is held counts."""
        whole = (amount / self.step).to_integral_value(ROUND_DOWN) * self.step if self.step else amount
        if whole < self.least or (price is not None and whole * price < self.least_value):
            return Decimal(0)
        return whole


class PaperCustody:
    """Needs a `Venue` with the admin token: with it every account can be read, and its key had."""

    def __init__(self, venue: Venue):
        self._venue, self.name = venue, venue.url
        self._rules: dict[str, _Rules] = {}
        self._quotes: set[str] = set()

    async def accounts(self) -> Mapping[str, AccountView]:
        """Every account. Dust, which no order could sell, is left out. Raises ExchangeError or ExchangeBusy."""
        if not self._rules:
            await self._learn()
        said, told = await asyncio.gather(self._venue.snapshot(), self._venue.market_data("ticker/price"))
        prices = {row["symbol"]: Decimal(row["price"]) for row in told}
        return {name: self._view(name, account, prices) for name, account in said["accounts"].items()}

    async def flatten(self, account: str) -> Sequence[str]:
        """Cancel the account's orders and sell what it holds, at market; returns what could not be, in words.

        Only for an account that `accounts` shows: asking the exchange for the key of any other would open one.
        """
        key = await self._venue.open_account(account, {})
        from workbench.market.paper_exchange.flattening import flatten  # ccxt and pandas: only for who must close

        return await flatten(self._venue.url, key)

    async def _learn(self) -> None:
        said = await self._venue.market_data("exchangeInfo")
        for market in said["symbols"]:
            filters = {row["filterType"]: row for row in market["filters"]}
            lot, value = filters.get("LOT_SIZE", {}), filters.get("NOTIONAL", {})
            self._quotes.add(market["quoteAsset"])
            self._rules[market["baseAsset"] + market["quoteAsset"]] = _Rules(
                f"{market['baseAsset']}/{market['quoteAsset']}",
                Decimal(lot.get("stepSize", "0")),
                Decimal(lot.get("minQty", "0")),
                Decimal(value.get("minNotional", "0")),
            )

    def _view(self, name: str, account: Mapping[str, Any], prices: Mapping[str, Decimal]) -> AccountView:
        positions: dict[str, float] = {}
        for asset, held in account["balances"].items():
            total = Decimal(held["free"]) + Decimal(held["locked"])
            if asset in self._quotes or not total:
                continue
            pair = next((asset + quote for quote in sorted(self._quotes) if asset + quote in self._rules), "")
            if not pair:
                positions[asset] = float(total)
            elif whole := self._rules[pair].sellable(total, prices.get(pair)):
                positions[self._rules[pair].symbol] = float(whole)
        orders = tuple(self._order(row) for row in account["open_orders"])
        return AccountView(name, positions, orders, account["trades"])

    def _order(self, row: Mapping[str, Any]) -> str:
        rules = self._rules.get(row["symbol"])
        left = Decimal(row["origQty"]) - Decimal(row["executedQty"])
        symbol = rules.symbol if rules else row["symbol"]
        return f"order {row['clientOrderId']} to {row['side'].lower()} {left.normalize():f} {symbol}"
