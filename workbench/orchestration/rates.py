"""Prices between currencies, asked of the venue only where sums need them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import structlog

from workbench.domain.errors import ExchangeError, SymbolError
from workbench.domain.market import split_symbol
from workbench.orchestration.portfolio_manager import Rates

log = structlog.get_logger(__name__)
Ask = Callable[[str], Awaitable[Any]]
MAX_AGE_S = 5.0
PATIENCE_S = 2.0


class VenueRates:
    """`ask`: the venue's market data by path, None where there is no venue and hence no price."""

    def __init__(self, ask: Ask | None):
        self._ask = ask
        self._known: Rates = {}
        self._read_at = float("-inf")

    async def between(self, currencies: Iterable[str], symbols: Sequence[str]) -> Rates:
        """Prices of the venue's `symbols`, by (base, quote); none where `currencies` is one only, or the venue is
        silent: sums over several then refuse and say so."""
        if self._ask is None or len({currency for currency in currencies if currency}) < 2:
            return {}
        if time.monotonic() - self._read_at > MAX_AGE_S:
            self._read_at = time.monotonic()
            self._known = await self._read(self._ask, symbols)
        return self._known

    async def _read(self, ask: Ask, symbols: Sequence[str]) -> Rates:
        try:
            async with asyncio.timeout(PATIENCE_S):
                told = {row["symbol"]: float(row["price"]) for row in await ask("ticker/price")}
            pairs = {split_symbol(symbol): told.get(symbol.replace("/", ""), 0.0) for symbol in symbols}
        except (ExchangeError, SymbolError, TimeoutError, LookupError, TypeError, ValueError) as error:
            log.info("no_rates", error=str(error))
            return {}
        return {pair: price for pair, price in pairs.items() if price > 0}
