"""A whole bot without a venue: a plain object that implements `domain.ports.Bot` from fixed numbers.

Not a mock: it is what a user would register from a notebook, and the smallest thing the conformance suite must pass.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from workbench.bots.effects import EffectGate
from workbench.bots.memory import Memory
from workbench.domain.errors import BotError
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Position, Trade

NOON = datetime(2019, 5, 1, 12, tzinfo=UTC)
SYMBOLS = ("BTC/USD", "ETH/USD")


class PlainBot:
    """Holds one position until halted. `acts` counts what really happened, by verb."""

    def __init__(self, bot_id: str = "plain", memory: Memory | None = None):
        self.bot_id, self.gate = bot_id, EffectGate(memory)
        self.state, self.acts, self.tune_steps = BotState.RUNNING, [], 4
        self.held = (Position("BTC/USD", 0.5, 5000.0, 5300.25, NOON - timedelta(hours=2), 4800.0),)

    async def capabilities(self):
        names = ["status", "forecast", "plan", "tune", "analyze", "features", "trades", "equity"]
        known = {
            "bot_id": self.bot_id,
            "kind": "plain",
            "capabilities": [*names, "pause", "resume", "halt"],
            "symbols": list(SYMBOLS),
        }
        return {**known, "timeframe": "30m", "gated": False, "tags": ["test"], "version": "1"}

    async def status(self):
        return BotStatus(
            bot_id=self.bot_id,
            state=self.state,
            mode=MoneyMode.REPLAY,
            gated=False,
            equity=Money(10_150.125, "USD"),
            pnl=Money(150.125, "USD"),
            day_pnl=Money(-3.5, "USD"),
            realised=None,
            positions=self.held,
            trade_count=1,
            ready=True,
            market_time=NOON,
            data_at=datetime.now(UTC),
            as_of=datetime.now(UTC),
            detail="",
        )

    async def forecast(self, symbol, timeframe, horizon=None):
        seen, bar = self._seen(symbol), Timeframe.parse(timeframe)
        return Forecast(self.bot_id, seen, bar, horizon or 8, (0.1, 0.5, 0.9), (90.5, 100.0, 111.1), 100.25, NOON)

    async def plan(self, symbol, timeframe):
        seen, bar = self._seen(symbol), Timeframe.parse(timeframe)
        return Plan(self.bot_id, seen, bar, "long", 100.0, 95.0, (110.0, 120.0), 0.25, "it rose", NOON)

    async def analyze(self, symbol, timeframe):
        return Analysis(self.bot_id, self._seen(symbol), Timeframe.parse(timeframe), "calm", {"vol": 0.01}, NOON)

    async def features(self, symbol, timeframe):
        return BotFeatures(
            self.bot_id, self._seen(symbol), Timeframe.parse(timeframe), {"vol": 0.1, "mood": None}, NOON
        )

    async def tune(self, symbol, timeframe, progress=None):
        seen, bar = self._seen(symbol), Timeframe.parse(timeframe)
        for step in range(self.tune_steps):
            if progress:
                progress(step / self.tune_steps, f"try {step + 1}")
            await asyncio.sleep(0.1)
        return TuneResult(self.bot_id, seen, bar, {"window": 48, "kind": "a"}, 0.5, 0.4, 4, 2, False, NOON)

    async def trades(self, limit=100):
        return (Trade("ETH/USD", 2.0, 150.0, 155.0, NOON - timedelta(days=1), NOON, 9.5, 0.5, "target"),)[:limit]

    async def equity(self, since=None):
        points = [EquityPoint(NOON + timedelta(minutes=30 * i), 10_000.0 + i, "USD") for i in range(5)]
        return tuple(point for point in points if since is None or point.at >= since)

    async def pause(self, *, command_id="", token=0):
        await self.gate.once("pause", command_id, token, lambda: self._become(BotState.PAUSED))

    async def resume(self, *, command_id="", token=0):
        await self.gate.once("resume", command_id, token, lambda: self._become(BotState.RUNNING))

    async def halt(self, *, command_id="", token=0):
        await self.gate.once("halt", command_id, token, lambda: self._become(BotState.HALTED))

    async def _become(self, state):
        if self.state is BotState.HALTED and state is BotState.PAUSED:
            return  # a halt lasts until it is resumed
        self.acts.append(state)
        self.state = state
        if state is BotState.HALTED:
            self.held = ()

    def _seen(self, symbol):
        try:
            return resolve_symbol(symbol, SYMBOLS).symbol
        except Exception as error:
            raise BotError(str(error)) from error
