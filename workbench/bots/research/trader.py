"""From decisions to orders. The books decide what is held, the venue decides what was done; an order that may have
been done blocks its market until the venue has said so."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import structlog

from workbench.bots.research.account import Account
from workbench.bots.research.broker import GONE_S, Broker, OrderUnknown
from workbench.bots.research.strategy import Budget, Decision, Enter, Holding, Keep, Leave, position_size
from workbench.domain.errors import ExchangeError
from workbench.domain.market import Timeframe
from workbench.domain.orders import Side
from workbench.domain.portfolio import BotState

log = structlog.get_logger(__name__)
BUDGET = Budget()
ASK_AGAIN_S = 0.5
RAISE_BY = 1.002  # a stop is moved when that gains at least this much: each move is two requests
T = TypeVar("T")
Decide = Callable[[str, Holding | None], Decision]


@dataclass(frozen=True, slots=True)
class Moment:
    """A bar close. `closes`: the close of each market, the price a decision sees."""

    at_ms: int
    closes: Mapping[str, float]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)


class Troubles:
    """The newest troubles with orders, for the log and for the status."""

    def __init__(self) -> None:
        self._newest: deque[tuple[datetime, str]] = deque(maxlen=20)

    def add(self, at: datetime, symbol: str, error: Exception) -> None:
        log.error("order_trouble", symbol=symbol, market_time=at.isoformat(), error=str(error))
        self._newest.append((at, f"{at:%d %b %H:%M} {symbol}: {error}"))

    def since(self, at: datetime) -> list[str]:
        """Those of market time `at` or later, oldest first."""
        return [words for when, words in self._newest if when >= at]


class Trader:
    """Acts for one account. `stops`: the stop of each position, resting at the venue or watched here; `targets`: what
    was aimed at on entering, which a bot that starts again no longer knows."""

    def __init__(self, broker: Broker, account: Account, timeframe: Timeframe, budget: Budget = BUDGET):
        self.broker, self.account, self.timeframe, self.budget = broker, account, timeframe, budget
        self.stops: dict[str, float] = {}
        self.targets: dict[str, tuple[float, ...]] = {}
        self.uncertain: dict[
            str, tuple[str, float]
        ] = {}  # market → order that may have been done, when it cannot any more
        self.troubles = Troubles()

    async def act(self, moment: Moment, symbols: list[str], decide: Decide, state: Callable[[], BotState]) -> None:
        """Decide and order for each of `symbols`, whose bars have just closed; trouble in one costs the others nothing.

        state : asked before each market and each entry, so that a halt is obeyed at once and not after this bar.
        """
        for symbol in sorted(symbols):
            if state() is BotState.HALTED:
                return
            try:
                if await self.settle(symbol):
                    await self._act_on(symbol, moment, decide, state)
            except ExchangeError as error:
                self.account.dirty.add(symbol)
                self.troubles.add(moment.at, symbol, error)

    def holding(self, symbol: str, moment: Moment) -> Holding | None:
        """What the strategy is told it holds."""
        lot = self.account.book.lot(symbol)
        if lot.opened_at is None or not self.account.sellable(symbol, moment.closes[symbol]):
            return None
        resting = self.account.stop_of(symbol)
        bars = int((moment.at - lot.opened_at) / self.timeframe.step)
        return Holding(lot.entry_price, resting.stop if resting else self.stops.get(symbol), bars)

    async def _act_on(self, symbol: str, moment: Moment, decide: Decide, state: Callable[[], BotState]) -> None:
        holding, close = self.holding(symbol, moment), moment.closes[symbol]
        decision = decide(symbol, holding)
        if isinstance(decision, Enter) and holding is None:
            if state() is BotState.RUNNING and symbol not in self.account.mismatch:
                await self._enter(symbol, moment, decision)
        elif holding is None:
            await self._clear(symbol)
        elif holding.stop is not None and close <= holding.stop:
            await self._leave(symbol, moment, "g", f"closed at {close:g}, below the stop at {holding.stop:g}")
        elif isinstance(decision, Leave):
            await self._leave(symbol, moment, "x", decision.reason)
        elif isinstance(decision, Keep):
            await self._guard(symbol, moment, decision.stop)

    async def _enter(self, symbol: str, moment: Moment, decision: Enter) -> None:
        """Buy once, then put the stop down."""
        book, rules, close = self.account.book, self.broker.rules[symbol], moment.closes[symbol]
        equity = book.worth(moment.closes)
        if equity is None:
            return
        wanted = position_size(self.budget, float(equity), float(book.cash), close, decision.stop)
        amount = rules.amount(Decimal(repr(wanted)))
        if not rules.tradable(amount, close):
            return
        await self._order(symbol, Side.BUY, amount, self.account.new_id("e", symbol, moment.at_ms), decision.reason)
        self.stops[symbol], self.targets[symbol] = decision.stop, decision.targets
        await self._guard(symbol, moment, decision.stop)

    async def _leave(self, symbol: str, moment: Moment, intent: str, reason: str) -> None:
        """Take the stop away (it may have filled meanwhile), then sell what is left."""
        await self._clear(symbol)
        amount = self.account.sellable(symbol, moment.closes[symbol])
        if amount:
            await self._order(symbol, Side.SELL, amount, self.account.new_id(intent, symbol, moment.at_ms), reason)
        if not self.account.sellable(symbol, moment.closes[symbol]):
            self.stops.pop(symbol, None)
            self.targets.pop(symbol, None)

    async def _guard(self, symbol: str, moment: Moment, stop: float | None) -> None:
        """Have exactly one stop for the whole position, never lower than before."""
        amount = self.account.sellable(symbol, moment.closes[symbol])
        resting = self.account.stop_of(symbol)
        wanted = max(stop or 0.0, (resting.stop if resting else None) or 0.0, self.stops.get(symbol, 0.0))
        if not amount or wanted <= 0 or wanted >= moment.closes[symbol]:
            return
        self.stops[symbol] = wanted
        if not self.broker.rules[symbol].stops:
            return  # watched here, on closed bars
        if resting and resting.stop and wanted < resting.stop * RAISE_BY and resting.amount - resting.filled == amount:
            return
        await self._clear(symbol)
        amount = self.account.sellable(symbol, moment.closes[symbol])
        if not amount:
            return
        name = self.account.new_id("s", symbol, moment.at_ms)
        order = await self._tracked(symbol, name, self.broker.rest_stop(symbol, amount, wanted, name))
        self.account.ours[order.order_id] = name
        self.account.resting.setdefault(symbol, []).append(order)

    async def _clear(self, symbol: str) -> None:
        """Cancel what rests in this market; an order that was gone already has filled, and is read."""
        gone = False
        for order in list(self.account.resting.get(symbol, [])):
            gone |= not await self.broker.cancel(order)
            self.account.resting[symbol].remove(order)
        if gone:
            await self.account.read_fills({symbol})

    async def _order(self, symbol: str, side: Side, amount: Decimal, name: str, reason: str) -> None:
        self.account.said[name] = reason
        order_id = await self._tracked(symbol, name, self.broker.trade(symbol, side, amount, name))
        self.account.ours[order_id] = name
        await self.account.read_fills({symbol})
        log.info("ordered", symbol=symbol, side=side.value, amount=str(amount), client_id=name, reason=reason)

    async def _tracked(self, symbol: str, name: str, sent: Awaitable[T]) -> T:
        try:
            return await sent
        except OrderUnknown:
            self.uncertain[symbol] = (name, time.monotonic() + GONE_S)
            raise

    async def settle(self, symbol: str) -> bool:
        """Whether nothing is in doubt in this market; asks the venue about what is. Raises ExchangeError."""
        if symbol not in self.uncertain:
            return True
        name, gone_at = self.uncertain[symbol]
        order_id = await self.broker.find(symbol, name)
        if order_id:
            self.account.ours[order_id] = name
        elif time.monotonic() < gone_at:
            return False  # it may still be on its way
        await self.account.refresh(everything=True)
        del self.uncertain[symbol]
        return True

    async def settle_all(self) -> None:
        """Ask about every order in doubt until it was found, or cannot arrive any more."""
        for symbol in list(self.uncertain):
            try:
                for _ in range(int(GONE_S / ASK_AGAIN_S) + 1):
                    if await self.settle(symbol):
                        break
                    await asyncio.sleep(ASK_AGAIN_S)
            except ExchangeError as error:
                log.warning("order_still_in_doubt", symbol=symbol, error=str(error))
