"""Plain Python objects that behave as bots: what a trader would write in a notebook, with a counter inside."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

from workbench.bots.effects import EffectGate
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Position, Trade

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def a_status(bot_id="trend", **changes):
    now = datetime.now(UTC)
    told = {
        "bot_id": bot_id,
        "state": BotState.RUNNING,
        "mode": MoneyMode.REPLAY,
        "gated": False,
        "equity": Money(10_000.0, "USD"),
        "pnl": Money(0.0, "USD"),
        "day_pnl": Money(0.0, "USD"),
        "realised": Money(0.0, "USD"),
        "positions": (),
        "trade_count": 0,
        "ready": True,
        "market_time": now,
        "data_at": now,
        "as_of": now,
    }
    return BotStatus(**{**told, **changes})


def a_forecast(bot_id="trend", symbol="BTC/USD", timeframe="1h", **changes):
    told = {
        "bot_id": bot_id,
        "symbol": symbol,
        "timeframe": Timeframe.parse(timeframe),
        "horizon": 24,
        "levels": LEVELS,
        "values": tuple(8000.0 * (1 + (level - 0.5) / 10) for level in LEVELS),
        "reference": 8000.0,
        "seen_at": datetime(2019, 3, 1, tzinfo=UTC),
    }
    return Forecast(**{**told, **changes})


def a_position(symbol="BTC/USD", **changes):
    told = {
        "symbol": symbol,
        "amount": 0.5,
        "entry_price": 8000.0,
        "mark_price": 8100.0,
        "opened_at": datetime(2019, 3, 1, tzinfo=UTC),
        "stop": 7800.0,
    }
    return Position(**{**told, **changes})


def a_trade(number=0, **changes):
    opened = datetime(2019, 3, 1, tzinfo=UTC) + timedelta(hours=number)
    told = {
        "symbol": "BTC/USD",
        "amount": 0.5,
        "entry_price": 8000.0,
        "exit_price": 8100.0,
        "opened_at": opened,
        "closed_at": opened + timedelta(minutes=30),
        "pnl": 46.0,
        "fees": 4.0,
    }
    return Trade(**{**told, **changes})


class PlainBot:
    """Does everything, remembers what was done to it. Mixes plain and async methods, as people do."""

    def __init__(self, **status):
        self.told, self.acts, self.past = status, Counter(), []
        self.state = BotState.RUNNING
        self.tune_steps, self.step_s = 5, 0.01

    def status(self):
        return a_status(**{"state": self.state, "trade_count": len(self.past), **self.told})

    async def forecast(self, symbol, timeframe, horizon=None):
        return a_forecast(symbol=symbol, timeframe=timeframe, horizon=horizon or 24)

    def plan(self, symbol, timeframe):
        when = datetime(2019, 3, 1, tzinfo=UTC)
        return Plan("x", symbol, Timeframe.parse(timeframe), "long", 8000.0, 7800.0, (8200.0, 8400.0), 0.5, "up", when)

    async def analyze(self, symbol, timeframe):
        return Analysis("x", symbol, Timeframe.parse(timeframe), "rising", {"rsi": 61.2})

    def features(self, symbol, timeframe):
        when = datetime(2019, 3, 1, tzinfo=UTC)
        return BotFeatures("x", symbol, Timeframe.parse(timeframe), {"rsi": 61.2, "mood": float("nan")}, when)

    async def tune(self, symbol, timeframe, progress):
        for step in range(self.tune_steps):
            progress(step / self.tune_steps, f"fold {step}")
            await asyncio.sleep(self.step_s)
        when = datetime(2019, 3, 1, tzinfo=UTC)
        return TuneResult("x", symbol, Timeframe.parse(timeframe), {"fast": 8}, 1.2, 0.9, 40, 3, True, when)

    def trades(self, limit=100):
        return self.past[-limit:]

    def equity(self, since=None):
        return [EquityPoint(datetime(2019, 3, 1, tzinfo=UTC), 10_000.0, "USD")]

    def pause(self):
        self.acts["pause"] += 1
        self.state = BotState.PAUSED

    def resume(self):
        self.acts["resume"] += 1
        self.state = BotState.RUNNING

    def halt(self):
        self.acts["halt"] += 1
        self.state = BotState.HALTED


class GuardedBot(PlainBot):
    """Outlives the desks that talk to it, as a bot in its own process does: keeps ids and tokens itself."""

    def __init__(self, **status):
        super().__init__(**status)
        self.gate, self.by_id, self.tokens = EffectGate(), Counter(), []

    async def pause(self, command_id, token):
        await self.gate.once("pause", command_id, token, lambda: self._act(BotState.PAUSED, command_id, token))

    async def resume(self, command_id, token):
        await self.gate.once("resume", command_id, token, lambda: self._act(BotState.RUNNING, command_id, token))

    async def _act(self, state, command_id, token):
        self.by_id[command_id] += 1
        self.tokens.append(token)
        self.state = state
