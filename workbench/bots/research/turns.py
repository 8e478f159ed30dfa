"""What a research bot does with one session: at each bar close it reads the venue, decides and orders."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import structlog

from workbench.bots.research.flatten import WITHIN_S, flatten
from workbench.bots.research.history import History
from workbench.bots.research.minds import Minds
from workbench.bots.research.session import Session
from workbench.bots.research.standing import Standing
from workbench.bots.research.trader import Moment
from workbench.domain.errors import ExchangeError
from workbench.domain.portfolio import BotState

log = structlog.get_logger(__name__)
GATHER_S = 0.02  # closes of one boundary arrive together; this long the first waits for the others
MEND_S = 2.0


class Turns:
    """`in_step`: every answer is awaited, training included, so that the same candles give the same orders."""

    def __init__(self, session: Session, minds: Minds, standing: Standing, history: History, in_step: bool):
        self.session, self.minds, self.standing, self.history = session, minds, standing, history
        self.residue: list[str] = []  # what the last halt left open, by name
        self.acted_ms = 0  # the newest bar close that has been dealt with
        self._in_step = in_step
        self._acting = asyncio.Lock()

    async def begin(self) -> None:
        """Take up where the venue says we are; finish a halt that a crash may have interrupted."""
        self.history.begin(self.session)
        if self.minds.due(0):
            await self._learn()
        if self.standing.state is BotState.HALTED:
            await self.close_all()

    async def follow_closes(self) -> None:
        """Act on each boundary once, on the newest where several have passed; returns when the feed has ended."""
        waiting: dict[str, int] = {}
        news = asyncio.Event()

        async def pump() -> None:
            async for close in self.session.feed.closes():
                waiting[close.symbol] = int(close.candle.closed_at.timestamp() * 1000)
                self.history.data_at = close.wall_at
                news.set()
            news.set()

        async with asyncio.TaskGroup() as tasks:
            pumping = tasks.create_task(pump())
            while not pumping.done() or waiting:
                await news.wait()
                await asyncio.sleep(GATHER_S)
                news.clear()
                if waiting:
                    newest = max(waiting.values())
                    symbols = [symbol for symbol, at_ms in waiting.items() if at_ms == newest]
                    waiting.clear()
                    await self._on_close(newest, symbols)

    async def boundary(self, boundary_ms: int) -> None:
        """One boundary of the lockstep."""
        await self.session.feed.until(datetime.fromtimestamp(boundary_ms / 1000, UTC))
        self.history.data_at = datetime.now(UTC)
        closed = self.history.last_closes(self.session)
        await self._on_close(boundary_ms, [s for s, (at_ms, _) in closed.items() if at_ms == boundary_ms])

    async def changed(self, symbols: set[str]) -> None:
        """Orders moved at the venue: read them now rather than at the next close."""
        self.session.account.dirty |= symbols
        async with self._acting:
            try:
                await self.session.account.refresh()
                self.session.marks.trouble = ""  # the venue answers; a stream that is still broken will say so again
            except ExchangeError as error:
                log.warning("refresh_failed", error=str(error))

    async def close_all(self, within_s: float = WITHIN_S) -> None:
        """Cancel and close everything; `residue` says what the venue still shows afterwards."""
        async with self._acting:
            await self._flatten(within_s)

    async def finish(self, within_s: float) -> None:
        """Let what is being done come to its end (a purchase must get its stop), and begin nothing new."""
        try:
            async with asyncio.timeout(within_s):
                await self._acting.acquire()  # and never given back
        except TimeoutError:
            log.warning("stopped_while_acting", bot_waited_s=within_s)

    async def mend(self) -> None:
        """Go on with a halt that could not be finished, for ever: the venue may come back between two bars."""
        while True:
            await asyncio.sleep(MEND_S)
            if self.residue and self.standing.state is BotState.HALTED:
                await self.close_all(within_s=0)

    async def _on_close(self, at_ms: int, symbols: list[str]) -> None:
        async with self._acting:
            session = self.session
            closes = {symbol: close for symbol, (_, close) in self.history.last_closes(session).items()}
            moment = Moment(at_ms, closes)
            if self.minds.due(at_ms // session.timeframe.milliseconds):
                await self._learn()
            try:
                await session.account.refresh()
                self.history.note(session, moment)
                await self._act(moment, symbols)
            except ExchangeError as error:  # unknown is denied: nothing is ordered on what could not be read
                session.account.dirty.update(session.symbols)
                session.trader.troubles.add(moment.at, "account", error)
            self.acted_ms = at_ms

    async def _act(self, moment: Moment, symbols: list[str]) -> None:
        if self.standing.state is BotState.HALTED:
            await self._flatten(within_s=0)
        else:
            feed, minds = self.session.feed, self.minds
            await self.session.trader.act(
                moment,
                symbols,
                lambda symbol, holding: minds.decide(symbol, feed.closed(symbol), holding),
                lambda: self.standing.state,
            )

    async def _learn(self) -> None:
        history = self.minds.base.history
        panel = {symbol: self.session.feed.closed(symbol).iloc[-history:] for symbol in self.session.symbols}
        if self._in_step:
            await self.minds.learn(panel)
        else:
            self.minds.learn_beside(panel)

    async def _flatten(self, within_s: float) -> None:
        session, marks = self.session, partial(self.history.marks, self.session)
        moment_ms = self.history.moment_ms(session)
        self.residue = await flatten(session.account, moment_ms, marks(), within_s)
        if session.trader.uncertain:  # a purchase may still arrive: wait until it cannot, then look once more
            await session.trader.settle_all()
            self.residue = await flatten(session.account, moment_ms, marks(), within_s)
        if not self.residue:
            session.trader.stops.clear()
            session.trader.targets.clear()
