"""What is known of one Freqtrade, kept current at little cost: cheap parts at each look, dear ones when they are due.

State and open trades are read each time. Balance, profit, locks and candles are read when a message hints at a change,
when something of ours has changed them, or when they are old. A part that does not answer keeps its last value, and
its silence is told; only the state must answer, for without it nothing may be said.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from workbench.bots.freqtrade_hints import ALL, Hints
from workbench.bots.freqtrade_line import FreqtradeLine
from workbench.bots.freqtrade_reading import CandleAge, DayPnl, Snapshot, candle_age, days_of
from workbench.bots.freqtrade_wire import (
    BalanceWire,
    CandlesWire,
    ConfigWire,
    DayWire,
    FreqtradeWire,
    LockWire,
    ProfitWire,
    TradeWire,
    read,
    read_all,
)
from workbench.domain.errors import BotError, CapabilityMissing
from workbench.domain.market import Timeframe

Part = TypeVar("Part", bound=FreqtradeWire)
PART_S = 2.0
OLD_S = {"locks": 6.0, "balance": 12.0, "profit": 12.0, "days": 60.0, "whitelist": 60.0}
ON_FILL = ("locks", "balance", "profit", "days")
WATCHED_PAIRS = 3
CANDLE_EVERY_S = 2.0
SHARED_S = 0.1
MESSAGES_SINCE, POST_CANDLES_SINCE = 2.20, 2.35


class Watch:
    """Reads for status and questions alike. `messages`: also listen to the stream, where the version has one."""

    def __init__(self, line: FreqtradeLine, messages: bool = True):
        self._line, self._messages = line, messages
        self.hints = Hints(line, self._changed)
        self._snap: Snapshot | None = None
        self._snapped_at = 0.0
        self._read_at: dict[str, float] = {}
        self._asked_at: dict[str, float] = {}
        self._silent: dict[str, str] = {}
        self._turn = asyncio.Lock()
        self.whitelist: tuple[str, ...] = ()

    async def snapshot(self) -> Snapshot:
        """Everything as of now. Raises BotError where the state cannot be read."""
        async with self._turn:
            if self._snap and time.monotonic() - self._snapped_at < SHARED_S:
                return self._snap
            self._snap = await self._look()
            self._snapped_at = time.monotonic()
            return self._snap

    def forget(self, *parts: str) -> None:
        """Read these parts again at the next look; all of them without a name."""
        for part in parts or OLD_S:
            self._read_at.pop(part, None)
        self._snapped_at = 0.0

    async def candles(self, pair: str, timeframe: str, limit: int, every_column: bool = True) -> CandlesWire:
        """Analysed candles. Raises BotError."""
        columns = None if every_column else ["close"]
        body = {"pair": pair, "timeframe": timeframe, "limit": limit, "columns": columns}
        if self._snap and self._snap.config.api_version < POST_CANDLES_SINCE:
            query = f"/pair_candles?pair={pair}&timeframe={timeframe}&limit={limit}"
            said = await self._line.ask(query)
        else:
            said = await self._line.ask("/pair_candles", body=body)
        return read(CandlesWire, self._line.bot_id, said)

    async def days(self, count: int = 30) -> tuple[DayPnl, ...]:
        """P&L by UTC day, oldest first."""
        config = (await self.snapshot()).config
        return days_of(config, await self.daily(count))

    async def daily(self, count: int) -> tuple[DayWire, ...]:
        return read_all(DayWire, self._line.bot_id, await self._line.ask(f"/daily?timescale={int(count)}"), "data")

    async def close(self) -> None:
        await self.hints.stop()
        await self._line.close()

    async def _look(self) -> Snapshot:
        config = read(ConfigWire, self._line.bot_id, await self._line.ask("/show_config", timeout_s=PART_S))
        if self._messages and config.api_version >= MESSAGES_SINCE:
            self.hints.start()
        old = self._snap or Snapshot(config)
        if self._snap is None or old.config.state != config.state:
            self.forget()
        if config.state == "stopped":
            self.forget("locks")
        trades, locks, balance, profit, days, _ = await asyncio.gather(
            self._trades(old), self._locks(old), self._balance(old), self._profit(old), self._days(old), self._pairs()
        )
        candles = await self._ages(config, trades, old.candles)
        noted = (*self._silent.values(), *self.hints.warnings)
        return Snapshot(config, trades, locks, balance, profit, days, candles, noted)

    async def _trades(self, old: Snapshot) -> tuple[TradeWire, ...]:
        if self._snap is None:  # of a bot's first positions nobody may say that there are none
            return read_all(TradeWire, self._line.bot_id, await self._line.ask("/status", timeout_s=PART_S))
        return await self._part("status", self._get_trades, old.trades)

    async def _get_trades(self) -> tuple[TradeWire, ...]:
        return read_all(TradeWire, self._line.bot_id, await self._line.ask("/status", timeout_s=PART_S))

    async def _locks(self, old: Snapshot) -> tuple[LockWire, ...]:
        async def get() -> tuple[LockWire, ...]:
            return read_all(LockWire, self._line.bot_id, await self._line.ask("/locks", timeout_s=PART_S), "locks")

        return await self._part("locks", get, old.locks)

    async def _balance(self, old: Snapshot) -> BalanceWire | None:
        return await self._part("balance", lambda: self._get(BalanceWire, "/balance"), old.balance)

    async def _profit(self, old: Snapshot) -> ProfitWire | None:
        return await self._part("profit", lambda: self._get(ProfitWire, "/profit"), old.profit)

    async def _days(self, old: Snapshot) -> tuple[DayWire, ...]:
        return await self._part("days", lambda: self.daily(2), old.days)

    async def _pairs(self) -> None:
        async def get() -> tuple[str, ...]:
            said = await self._line.ask("/whitelist", timeout_s=PART_S)
            names = said.get("whitelist") if isinstance(said, Mapping) else ()
            return tuple(str(name) for name in names or ())

        self.whitelist = await self._part("whitelist", get, self.whitelist)

    async def _get(self, kind: type[Part], path: str) -> Part:
        return read(kind, self._line.bot_id, await self._line.ask(path, timeout_s=PART_S))

    async def _part(self, name: str, get: Any, old: Any) -> Any:
        """The part if it is due, else its last value."""
        now = time.monotonic()
        if name in OLD_S and now - self._read_at.get(name, -1e9) < OLD_S[name]:
            return old
        self._read_at[name] = now
        try:
            found = await get()
        except CapabilityMissing:
            return old
        except BotError as error:
            self._silent[name] = f"{name} is not answered ({error})"
            return old
        self._silent.pop(name, None)
        return found

    async def _ages(
        self, config: ConfigWire, trades: Sequence[TradeWire], old: Mapping[str, CandleAge]
    ) -> dict[str, CandleAge]:
        if not config.timeframe:
            return {}
        held = [trade.pair for trade in trades]
        watched = list(dict.fromkeys(held)) or list(self.whitelist[:WATCHED_PAIRS])
        due = [pair for pair in watched if self._candle_due(pair, old.get(pair), Timeframe.parse(config.timeframe))]
        found = await asyncio.gather(*(self._age(pair, config.timeframe, old.get(pair)) for pair in due))
        fresh = dict(zip(due, found, strict=True))
        ages = {pair: fresh.get(pair, old.get(pair)) for pair in watched}
        return {pair: age for pair, age in ages.items() if age}

    async def _age(self, pair: str, timeframe: str, old: CandleAge | None) -> CandleAge | None:
        self._asked_at[pair] = time.monotonic()
        try:
            return candle_age(await self.candles(pair, timeframe, 1, every_column=False)) or old
        except BotError:
            return old

    def _candle_due(self, pair: str, known: CandleAge | None, timeframe: Timeframe) -> bool:
        """Unknown, or the next one should have come; asked about a dozen times a bar at most."""
        since = time.monotonic() - self._asked_at.get(pair, -1e9)
        if known is None:
            return since >= CANDLE_EVERY_S
        overdue = time.time() >= (known.closed_at + timeframe.step).timestamp() + 1.0
        return overdue and since >= max(CANDLE_EVERY_S, timeframe.seconds / 12)

    def _changed(self, kind: str, data: Any) -> None:
        if kind == ALL:
            self.forget()
            self._asked_at.clear()
        elif kind == "new_candle":
            pair = data[0] if isinstance(data, list) and data else None
            self._asked_at.pop(str(pair), None)
        elif kind == "status":
            self.forget("locks")
        else:
            self.forget(*ON_FILL)
        if self._snap and kind == "exit_fill":
            self._snap = replace(self._snap, noted=())
