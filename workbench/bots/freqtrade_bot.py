"""A Freqtrade as a bot of the desk: `domain.ports.Bot` over Freqtrade's own HTTP API.

    bot = FreqtradeBot("alpha", "http://127.0.0.1:8080", Login("name", "password"))
    await bot.status(); await bot.watch.days(7); await bot.entries.enter("BTC/USDT", "a-command-id")

Freqtrade is never imported: it is a process of its own, and all that is known of it comes over the wire. What its
version of the API lacks is missing here too; the rest goes on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp

from workbench.bots.effects import EffectGate
from workbench.bots.freqtrade_entries import Entries
from workbench.bots.freqtrade_halt import WITHIN_S, Brake
from workbench.bots.freqtrade_line import FreqtradeLine, Login
from workbench.bots.freqtrade_locks import foreign
from workbench.bots.freqtrade_reading import Snapshot, equity_of, gated, status_of, trade_of
from workbench.bots.freqtrade_watch import Watch
from workbench.bots.freqtrade_wire import TradeWire, read_all
from workbench.domain.errors import BotError, CapabilityMissing
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.domain.portfolio import BotStatus, EquityPoint, Trade
from workbench.domain.ports import Progress

if TYPE_CHECKING:
    from workbench.bots.freqtrade_signals import Reading

BARS = 1000
ALWAYS = ("status", "trades", "equity", "pause", "resume", "halt")
CANDLES_SINCE = 1.11  # the first version whose pair_candles tells when it was analysed
TAG = "freqtrade"


class FreqtradeBot:
    """Reading is in `watch`, entering by hand in `entries`. `paper`: its venue is known to hold paper money only.
    `halt_within_s`: how long a halt looks before it names what is left."""

    idempotent = False  # ids are remembered here, in this process; only pause and halt are harmless to repeat
    clock = "wall"

    def __init__(
        self,
        bot_id: str,
        url: str,
        login: Login,
        *,
        session: aiohttp.ClientSession | None = None,
        messages: bool = True,
        paper: bool = False,
        halt_within_s: float = WITHIN_S,
    ):
        self.bot_id, self.url, self._paper = bot_id, url.rstrip("/"), paper
        self._line = FreqtradeLine(bot_id, url, login, session)
        self.watch, self.entries = Watch(self._line, messages), Entries(self._line)
        self._brake, self.gate = Brake(self._line, halt_within_s), EffectGate()

    async def capabilities(self) -> Mapping[str, Any]:
        config = (await self.watch.snapshot()).config
        reads = ("forecast", "plan", "analyze") if config.timeframe and config.api_version >= CANDLES_SINCE else ()
        return {
            "bot_id": self.bot_id,
            "kind": TAG,
            "capabilities": [*ALWAYS, *reads],
            "symbols": list(self.watch.whitelist),
            "timeframe": config.timeframe or "",
            "gated": gated(config),
            "tags": [TAG],
            "version": config.version,
            "api_version": config.api_version,
            "venue": config.exchange,
            "strategy": config.strategy or "",
            "clock": self.clock,
        }

    async def status(self) -> BotStatus:
        return status_of(self.bot_id, await self.watch.snapshot(), datetime.now(UTC), self._paper)

    async def forecast(self, symbol: str, timeframe: str, horizon: int | None = None) -> Forecast:
        from workbench.bots.freqtrade_signals import forecast_of  # numpy: only for who asks

        reading, _ = await self._reading(symbol)
        return forecast_of(self.bot_id, reading, Timeframe.parse(timeframe), horizon)

    async def plan(self, symbol: str, timeframe: str) -> Plan:
        from workbench.bots.freqtrade_signals import plan_of

        reading, snap = await self._reading(symbol, timeframe)
        trade = next((trade for trade in snap.trades if trade.pair == reading.pair), None)
        return plan_of(self.bot_id, reading, trade, _held_back(snap))

    async def analyze(self, symbol: str, timeframe: str) -> Analysis:
        from workbench.bots.freqtrade_signals import analysis_of

        reading, _ = await self._reading(symbol, timeframe)
        return analysis_of(self.bot_id, reading)

    async def features(self, symbol: str, timeframe: str) -> BotFeatures:
        raise CapabilityMissing(f"{self.bot_id} is a Freqtrade: it offers no features to learn from")

    async def tune(self, symbol: str, timeframe: str, progress: Progress | None = None) -> TuneResult:
        raise CapabilityMissing(f"{self.bot_id} is a Freqtrade: tune it with its own hyperopt")

    async def trades(self, limit: int = 100) -> tuple[Trade, ...]:
        """Finished trades, newest first."""
        said = await self._line.ask(f"/trades?limit={max(1, int(limit))}&order_by_id=false")
        found = map(trade_of, read_all(TradeWire, self.bot_id, said, "trades"))
        ended = sorted((trade for trade in found if trade), key=lambda trade: trade.closed_at, reverse=True)
        return tuple(ended[:limit])

    async def equity(self, since: datetime | None = None) -> tuple[EquityPoint, ...]:
        """Worth by day, of closed trades; the desk records the finer curve itself."""
        snap, now = await self.watch.snapshot(), datetime.now(UTC)
        count = 90 if since is None else max(1, (now - since).days + 1)
        points = equity_of(snap.config, await self.watch.daily(min(count, 3650)), now)
        return tuple(point for point in points if since is None or point.at >= since)

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("pause", command_id, token)

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("resume", command_id, token)

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        await self._effect("halt", command_id, token)

    async def close(self) -> None:
        await self.watch.close()

    async def _effect(self, verb: str, command_id: str, token: int) -> None:
        try:
            await self.gate.once(verb, command_id, token, lambda: getattr(self._brake, verb)(command_id, token))
        finally:
            self.watch.forget()

    async def _reading(self, symbol: str, timeframe: str | None = None) -> "tuple[Reading, Snapshot]":
        """The pair's analysed candles. Raises BotError for a bar length that is not the strategy's."""
        from workbench.bots.freqtrade_signals import reading_of

        snap = await self.watch.snapshot()
        own = snap.config.timeframe or ""
        if timeframe is not None and Timeframe.parse(timeframe).seconds != Timeframe.parse(own).seconds:
            raise BotError(f"{self.bot_id} decides on {own} bars only; ask for those instead of {timeframe}")
        pair = resolve_symbol(symbol, self.watch.whitelist).symbol
        return reading_of(self.bot_id, await self.watch.candles(pair, own, BARS)), snap


def _held_back(snap: Snapshot) -> str:
    if snap.config.state != "running":
        return f"it is {snap.config.state}"
    locks = [*snap.marks, *foreign(snap.locks)]
    return "a lock of all pairs keeps it from entering" if locks else ""
