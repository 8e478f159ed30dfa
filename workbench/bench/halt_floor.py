"""A venue in memory and bots that trade there: good, slow, hanging, failing and lying ones. For bench and tests.

Each bot keeps opening positions until it is stopped, which is what makes a stop worth proving.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic

from workbench.domain.errors import BotError, ExchangeBusy
from workbench.domain.halts import AccountView
from workbench.domain.portfolio import BotState, BotStatus, MoneyMode, Position

KINDS = ("good", "slow", "hang", "error", "lie open", "lie flat")
TICK_S = 0.05


class FloorVenue:
    """Implements `domain.ports.AccountVenue`. `busy` (a count) makes it answer so many questions with 429."""

    name = "floor"

    def __init__(self) -> None:
        self.positions: dict[str, float] = {}
        self.orders: dict[str, tuple[str, ...]] = {}
        self.trades = Counter[str]()
        self.opened: list[tuple[str, float]] = []  # bot id, monotonic time
        self.closed_by_desk = Counter[str]()
        self.asked: list[float] = []
        self.busy, self.down = 0, False

    async def accounts(self) -> Mapping[str, AccountView]:
        self.asked.append(monotonic())
        if self.busy > 0:
            self.busy -= 1
            raise ExchangeBusy("too many requests", 0.3)
        if self.down:
            await asyncio.Event().wait()
        return {bot_id: self._view(bot_id) for bot_id in self.positions}

    async def flatten(self, account: str) -> Sequence[str]:
        await asyncio.sleep(0.01)
        self.closed_by_desk[account] += 1
        self.close(account)
        return []

    def open(self, bot_id: str, amount: float = 0.5) -> None:
        self.positions[bot_id] = amount
        self.trades[bot_id] += 1
        self.opened.append((bot_id, monotonic()))

    def close(self, bot_id: str) -> None:
        self.orders.pop(bot_id, None)
        if self.positions.get(bot_id):
            self.positions[bot_id] = 0.0
            self.trades[bot_id] += 1

    def _view(self, bot_id: str) -> AccountView:
        amount = self.positions[bot_id]
        held = {"BTC/USD": amount} if amount else {}
        return AccountView(bot_id, held, self.orders.get(bot_id, ()), self.trades[bot_id])


class FloorBot:
    """One bot of a `kind`. `acts` counts halts by id; `stopped_at`: when it had really stopped (monotonic).

    It minds repeated ids itself, as a bot in a process of its own does.
    """

    gate = "own"

    def __init__(self, bot_id: str, kind: str, venue: FloorVenue, rng: random.Random):
        self.bot_id, self.kind, self._venue, self._rng = bot_id, kind, venue, rng
        self.acts = Counter[str]()
        self.told = BotState.RUNNING
        self.trading, self.stopped_at = True, 0.0
        venue.open(bot_id) if rng.random() < 0.7 else venue.positions.setdefault(bot_id, 0.0)
        if kind == "lie flat":
            venue.close(bot_id)

    async def status(self) -> BotStatus:
        if self.kind == "hang":
            await asyncio.Event().wait()
        now = datetime.now(UTC)
        held = self._venue.positions[self.bot_id] if not self.kind.startswith("lie") else 0.0
        positions = (Position("BTC/USD", held, 1.0, 1.0, now),) if held else ()
        figures = (None, None, None, None, positions, self._venue.trades[self.bot_id], True, now, now, now)
        return BotStatus(self.bot_id, self.told, MoneyMode.REPLAY, False, *figures)

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        if self.acts[command_id] and self.kind in ("good", "slow"):
            return
        self.acts[command_id] += 1
        if self.kind == "hang":
            await asyncio.Event().wait()
        if self.kind == "error":
            await asyncio.sleep(0.01)
            raise BotError("its database is locked")
        self.told = BotState.HALTED
        if self.kind.startswith("lie"):
            return
        self.trading = False  # entries first
        await asyncio.sleep(self._rng.uniform(0.5, 1.5) if self.kind == "slow" else self._rng.uniform(0.02, 0.2))
        self._venue.close(self.bot_id)
        self.stopped_at = self.stopped_at or monotonic()

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        self.told, self.trading = BotState.PAUSED, False

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        self.told, self.trading = BotState.RUNNING, True

    def trade(self) -> None:
        """Open something, if it may; a liar that stands flat waits a while, so that one look finds it flat."""
        if self.trading:
            self._venue.open(self.bot_id)


class Floor:
    """Many bots, trading by chance from a seed until `stop`."""

    def __init__(self, kinds: Sequence[str], seed: int = 7, flat_s: float = 3.0):
        self.rng, self.venue = random.Random(seed), FloorVenue()
        self.bots = {f"bot{n}": FloorBot(f"bot{n}", kind, self.venue, self.rng) for n, kind in enumerate(kinds)}
        self._flat_s, self._began = flat_s, monotonic()
        self._running: asyncio.Task | None = None

    def of(self, *kinds: str) -> list[str]:
        return [bot_id for bot_id, bot in self.bots.items() if bot.kind in kinds]

    def start(self) -> None:
        self._began = monotonic()
        self._running = asyncio.create_task(self._trade())

    async def stop(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _trade(self) -> None:
        bots = list(self.bots.values())
        while True:
            patient = monotonic() - self._began < self._flat_s
            for bot in self.rng.sample(bots, max(1, len(bots) // 20)):
                if not (patient and bot.kind == "lie flat"):
                    bot.trade()
            await asyncio.sleep(TICK_S)


def mixture(count: int) -> list[str]:
    """10 % hang, 10 % error, 5 % lie (half of them flat but still running), 10 % slow, the rest good."""
    kinds = {0: "hang", 1: "error", 2: "slow"}
    return [
        ("lie flat" if n // 20 % 2 else "lie open") if n % 20 == 13 else kinds.get(n % 10, "good") for n in range(count)
    ]
