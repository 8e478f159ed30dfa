"""A research bot as everybody sees it: `domain.ports.Bot`, served by `BotServer` in its own process."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.bots.effects import EffectGate
from workbench.bots.memory import Memory
from workbench.bots.research.answers import Answers
from workbench.bots.research.engine import Engine
from workbench.bots.research.minds import Minds
from workbench.bots.research.options import ResearchOptions
from workbench.bots.research.pickup import ModelPickup
from workbench.bots.research.standing import Standing
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Trade
from workbench.domain.ports import CAPABILITIES, Progress

VERSION = "1"


class ResearchBot:
    """Trades one account by one kind of strategy. `await start()`, `await stop()`; positions stay at the venue."""

    def __init__(self, options: ResearchOptions):
        self.bot_id, self.options = options.bot_id, options
        self.memory = Memory(options.memory)
        self.gate = EffectGate(self.memory)
        self.standing = Standing(self.memory)
        self.engine = Engine(options, Minds(options.kind, self.memory), self.standing)
        learns = (
            self.engine.minds.base.retrain and not options.lockstep
        )  # in step, the same candles give the same words
        self.pickup = ModelPickup(options.ledger if learns else "")
        self._answers = Answers(options.bot_id, self.engine, self.pickup, options.scheduler)

    async def start(self, wait_s: float = 15.0) -> bool:
        """Begin to trade; returns whether the venue was read within `wait_s` (it is tried on and on either way)."""
        self.engine.start()
        self.pickup.start()
        return await self.engine.wait_connected(wait_s)

    async def stop(self) -> None:
        await self.pickup.stop()
        await self.engine.stop()
        self.memory.close()

    async def capabilities(self) -> Mapping[str, Any]:
        session = self.engine.session
        return {
            "bot_id": self.bot_id,
            "kind": self.options.kind,
            "capabilities": list(CAPABILITIES),
            "symbols": list(session.symbols if session else self.options.symbols),
            "timeframe": str(session.timeframe) if session else self.options.timeframe or "30m",
            "gated": False,
            "tags": ["research", self.options.kind],
            "version": VERSION,
        }

    async def status(self) -> BotStatus:
        """From memory, without waiting for the venue: it answers also while an order is under way."""
        session, history = self.engine.session, self.engine.history
        figures: dict[str, Any] = {"equity": None, "pnl": None, "day_pnl": None, "realised": None}
        positions: tuple = ()
        if session:
            book, marks = session.account.book, history.marks(session)
            worth = book.worth(marks)
            positions = session.account.positions(marks, session.trader.stops, session.trader.targets)
            figures["realised"] = Money(float(book.realised), book.quote)
            if worth is not None:
                day = float(worth) - history.day_start(float(book.started_with))
                figures["equity"] = Money(float(worth), book.quote)
                figures["pnl"] = Money(float(worth - book.started_with), book.quote)
                figures["day_pnl"] = Money(day, book.quote)
        words = self._detail()
        return BotStatus(
            bot_id=self.bot_id,
            state=self.standing.state,
            mode=session.mode if session else MoneyMode.PAPER,
            gated=False,
            positions=positions,
            trade_count=session.account.book.trade_count if session else 0,
            ready=self._ready(),
            market_time=history.market_time,
            data_at=history.data_at,
            as_of=datetime.now(UTC),
            detail="; ".join(words)[:2000],
            **figures,
        )

    async def forecast(self, symbol: str, timeframe: str, horizon: int | None = None) -> Forecast:
        return await self._answers.forecast(symbol, timeframe, horizon)

    async def plan(self, symbol: str, timeframe: str) -> Plan:
        return await self._answers.plan(symbol, timeframe)

    async def tune(self, symbol: str, timeframe: str, progress: Progress | None = None) -> TuneResult:
        return await self._answers.tune(symbol, timeframe, progress)

    async def analyze(self, symbol: str, timeframe: str) -> Analysis:
        return await self._answers.analyze(symbol, timeframe)

    async def features(self, symbol: str, timeframe: str) -> BotFeatures:
        return await self._answers.features(symbol, timeframe)

    async def trades(self, limit: int = 100) -> tuple[Trade, ...]:
        """Finished round trips after fees, the newest `limit`, newest last."""
        session = self.engine.session
        done = session.account.book.trades if session else []
        return tuple(done[max(0, len(done) - limit) :]) if limit > 0 else ()

    async def equity(self, since: datetime | None = None) -> tuple[EquityPoint, ...]:
        return self.engine.history.since(since)

    async def pause(self, *, command_id: str = "", token: int = 0) -> None:
        """No new entries; stops stay managed and exits are taken."""
        await self.gate.once("pause", command_id, token, lambda: self.standing.become(BotState.PAUSED))

    async def resume(self, *, command_id: str = "", token: int = 0) -> None:
        await self.gate.once("resume", command_id, token, lambda: self.standing.become(BotState.RUNNING))

    async def halt(self, *, command_id: str = "", token: int = 0) -> None:
        """Block entries, cancel orders, close positions, verify at the venue. Raises BotError naming what is left."""
        await self.gate.once("halt", command_id, token, self._halt)

    async def _halt(self) -> None:
        await self.standing.become(BotState.HALTED)
        await self.engine.halt()

    def _ready(self) -> bool:
        engine, session = self.engine, self.engine.session
        if (
            session is None
            or not engine.connected
            or session.marks.trouble
            or self._residue()
            or session.trader.uncertain
        ):
            return False
        warm = all(len(session.feed.closed(symbol)) > engine.minds.base.lookback for symbol in session.symbols)
        return warm and engine.minds.base.ready and not session.account.mismatch

    def _residue(self) -> list[str]:
        return self.engine.turns.residue if self.engine.turns else []

    def _detail(self) -> list[str]:
        """What a trader should know, worst first."""
        engine, session = self.engine, self.engine.session
        words = [engine.trouble] if engine.trouble else []
        words += [f"still open after the halt: {what}" for what in self._residue()]
        if session:
            account, trader = session.account, session.trader
            words += [session.marks.trouble] if session.marks.trouble else []
            words += [f"{symbol}: order {name} may have been done" for symbol, (name, _) in trader.uncertain.items()]
            words += account.mismatch.values()
            words += [f"fees in {coin} are not in the equity" for coin in account.book.foreign_fees]
            now = engine.history.market_time
            words += trader.troubles.since(now - timedelta(days=1))[-3:] if now else []
            if short := [s for s in session.symbols if len(session.feed.closed(s)) <= engine.minds.base.lookback]:
                words.append(f"history of {', '.join(short)} is too short")
        words += [self.pickup.trouble] if self.pickup.trouble else []
        if engine.minds.trouble:
            words.append(engine.minds.trouble)
        elif not engine.minds.base.ready:
            words.append("still learning")
        return words
